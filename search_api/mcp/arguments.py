"""The arguments that a language model gives to the tools -> checked ones; what is wrong with them is one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from indexer.errors import QueryError
from search_api.query_text import LONGEST_QUERY

MOST_DOCUMENTS = 50
LONGEST_PART = 50_000
"""Characters of a document in one answer."""
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_LONGEST_REPEATED = 80


class Arguments(BaseModel):
    """What is not given, and what is given as null, has its default."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given


class SearchArguments(Arguments):
    """Of the tool `search`."""

    query: str = Field(
        min_length=1,
        max_length=LONGEST_QUERY,
        description="A question or keywords, in any language; it need not be the language of the documents. "
        "Words in double quotes must occur as they stand.",
        examples=["Who buys Turkmenistan's gas?", "稀土出口禁令"],
    )
    limit: int = Field(10, ge=1, le=MOST_DOCUMENTS, description="How many documents at most.")
    lang: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="Only passages in these languages, ISO 639-1 codes. Leave it out to search all languages at once.",
        examples=[["ar", "ja"]],
    )
    source: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="Only documents of these sources, written as in `source` of the hits.",
    )
    date_from: str = Field("", description="Only documents of this date or later: YYYY, YYYY-MM or YYYY-MM-DD.")
    date_to: str = Field("", description="Only documents of this date or earlier, inclusive; written the same way.")
    mode: Literal["hybrid", "semantic", "lexical"] = Field(
        "hybrid",
        description="`hybrid`: by meaning and exact words (the best for nearly everything); `semantic`: by meaning "
        "alone; `lexical`: by words alone, which does not cross languages.",
    )

    @field_validator("lang", "source", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """Some clients write a list as a string that holds its JSON, or one value without its list."""
        if not isinstance(given, str):
            return given
        if given.startswith("["):
            try:
                return json.loads(given)
            except ValueError:
                pass
        return [given] if given.strip() else []

    @field_validator("lang")
    @classmethod
    def _codes(cls, given: list[str]) -> list[str]:
        """`zh-CN` and `ZH` are `zh`."""
        codes = [re.split("[-_]", value.strip().lower())[0] for value in given]
        for code, value in zip(codes, given, strict=True):
            if not _LANGUAGE.fullmatch(code):
                raise ValueError(f"{value[:40]!r} is no language code; expected ISO 639-1, such as ar, en, ja or zh")
        return codes

    @field_validator("date_from", "date_to", mode="before")
    @classmethod
    def _dates(cls, given: Any) -> Any:
        """A year may come as a number."""
        return str(given) if type(given) is int else given.strip() if isinstance(given, str) else given


class DocumentArguments(Arguments):
    """Of the tool `get_document`."""

    document_id: str = Field(min_length=1, description="`document_id` of a hit of `search`, exactly as it stands.")
    start: int = Field(
        0,
        ge=0,
        description="Where the part begins, in characters (Unicode code points) from 0: `next_start` of the part "
        "before, or `start` of a hit to read on from the sentence that answers.",
    )
    length: int = Field(8_000, ge=1, le=LONGEST_PART, description="How many characters at most.")


_A = TypeVar("_A", bound=Arguments)


def checked(kind: type[_A], given: Mapping[str, Any]) -> _A:
    """Raises QueryError, in one line, for arguments that do not fit."""
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        problems = "; ".join(_problem(dict(item), kind) for item in error.errors(include_url=False)[:5])
        raise QueryError(problems.encode("utf-8", "replace").decode("utf-8")) from None


def _problem(item: dict[str, Any], kind: type[Arguments]) -> str:
    """`limit: input should be less than or equal to 50, got 1000`; long input is not repeated."""
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{place[:40]!r} is no argument; expected {', '.join(kind.model_fields)}"
    message = str(item["msg"]).removeprefix("Value error, ")
    got = repr(item.get("input"))
    shown = len(got) <= _LONGEST_REPEATED and item["type"] not in ("missing", "value_error")
    return f"{place}: {message[0].lower()}{message[1:]}" + (f", got {got}" if shown else "")
