"""Documents as the API takes and gives them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from indexer.documents import Document, cleaned, document_of
from search_api.schemas import DATE

_DEEPEST = 32


class DocumentBody(BaseModel):
    """A document as it is sent."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "reuters-2026-01-06",
                    "title": "China bans exports",
                    "text": "China banned the export of rare earths on Tuesday.",
                    "date": "2026-01-06",
                    "metadata": {"author": "Sato"},
                }
            ]
        },
    )

    id: str = Field(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]+$", description="Unique.")
    text: str = Field(min_length=1)
    title: str = Field("", max_length=10_000)
    lang: str | None = Field(None, max_length=40, description="Found out where it is not given.")
    date: str = Field("", max_length=100, description=f"{DATE}, or as people write it.")
    source: str = Field("", max_length=1_000)
    url: str = Field("", max_length=10_000)
    metadata: dict[str, Any] = Field(
        default_factory=dict, description=f"Any further fields, with at most {_DEEPEST} levels within each other."
    )

    @field_validator("metadata")
    @classmethod
    def _not_too_deep(cls, value: dict[str, Any]) -> dict[str, Any]:
        level: list[Any] = [value]
        for _ in range(_DEEPEST + 1):
            within = [own.values() if isinstance(own, dict) else own for own in level]
            level = [inner for own in within for inner in own if isinstance(inner, (dict, list))]
            if not level:
                return value
        raise PydanticCustomError("deep", f"more than {_DEEPEST} levels of lists and objects within each other")

    def document(self) -> Document:
        """Raises DocumentError for a text without anything to read."""
        fields = {name: getattr(self, name) for name in ("title", "lang", "date", "source", "url", "metadata")}
        return document_of(self.id, self.text, **fields)


class StoredDocumentBody(BaseModel):
    """A document as it is stored."""

    id: str
    title: str
    lang: str | None
    date: str
    source: str
    url: str
    metadata: dict[str, Any]
    text: str
    pages: list[int] = Field(description="Where each page begins in the text, for formats that have pages.")

    @classmethod
    def of(cls, document: Document) -> StoredDocumentBody:
        names = ("id", "title", "lang", "date", "source", "url", "text")
        fields = {name: getattr(document, name) for name in names}
        return cls(**fields, metadata=cleaned(document.metadata), pages=list(document.pages))


class WrittenBody(BaseModel):
    """What became of one document."""

    id: str
    status: str = Field(description="`added`, `changed`, or `unchanged`.")


class LineErrorBody(BaseModel):
    """A line that did not become a document."""

    line: int = Field(description="From 1.")
    detail: str


class BulkBody(BaseModel):
    """What became of many documents."""

    added: int
    changed: int
    unchanged: int
    errors: list[LineErrorBody]
    more_errors: int = Field(0, description="Lines with errors that are not named.")
