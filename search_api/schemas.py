"""What the API takes and gives, but for documents (`document_schemas.py`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from indexer.errors import QueryError
from indexer.filters import Filter
from search_api.hits import Results
from search_api.question import LONGEST_QUERY
from search_api.searcher import MOST_HITS, Mode

DATE = "YYYY, YYYY-MM or YYYY-MM-DD"
_FEW = 20
"""Values of one filter."""
_MOST_HITS_BEFORE = MOST_HITS - 1
Value = Annotated[str, Field(max_length=1_000)]


class SearchRequest(BaseModel):
    """A question in any language."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"q": "rare earth export ban", "limit": 5, "lang": ["ar", "ja"]}]},
    )

    q: str = Field(description="The question, in any language.", min_length=1, max_length=LONGEST_QUERY)
    limit: int = Field(10, ge=1, le=MOST_HITS, description="How many documents at most.")
    offset: int = Field(
        0, ge=0, le=_MOST_HITS_BEFORE, description=f"How many to pass over; with `limit`, {MOST_HITS} at most."
    )
    lang: list[Value] = Field(
        default_factory=list,
        max_length=_FEW,
        description="Only passages in these languages (ISO 639-1); repeat for several.",
    )
    source: list[Value] = Field(
        default_factory=list, max_length=_FEW, description="Only documents of these sources; repeat for several."
    )
    date_from: str = Field("", max_length=10, description=f"Only documents of this day or later: {DATE}.")
    date_to: str = Field("", max_length=10, description=f"Only documents of this day or earlier: {DATE}.")
    where: list[Value] = Field(
        default_factory=list,
        max_length=_FEW,
        description="`FIELD:VALUE`: only documents with this value in this further field; repeat for more.",
        examples=[["author:Sato"]],
    )
    mode: Mode = Field("hybrid", description="By meaning and exact words, by meaning alone, or by exact words alone.")
    min_score: float | None = Field(None, ge=-10, le=10, description="Leave out hits with a lower score.")
    collapse: bool = Field(True, description="Whether documents that tell the same story are one hit.")
    explain: bool = Field(False, description="Whether to say what each stage of ranking contributed.")
    facets: bool = Field(False, description="Whether to count languages, sources and years of what was found.")

    def among(self) -> Filter:
        """Raises QueryError."""
        return Filter(tuple(self.lang), tuple(self.source), self.date_from, self.date_to, tuple(self._conditions()))

    def _conditions(self) -> list[tuple[str, str]]:
        conditions = []
        for condition in self.where:
            field, colon, value = condition.partition(":")
            if not colon or not field.strip():
                raise QueryError(f"where={condition[:80]!r}, expected FIELD:VALUE")
            conditions.append((field.strip(), value.strip()))
        return conditions


class SearchParameters(SearchRequest):
    """The same in a URL, where all is text."""

    model_config = ConfigDict(strict=False)


class HighlightBody(BaseModel):
    """A stretch of the snippet: offsets in characters (code points), `end` exclusive."""

    start: int
    end: int
    kind: str = Field(description="`sentence`: the sentence that answers best; `word`: a word of the query.")


class SpanBody(BaseModel):
    """A stretch of a document's text: offsets in characters (code points), `end` exclusive."""

    start: int
    end: int


class TellingBody(BaseModel):
    """Another document that tells the same story as the hit."""

    document_id: str
    lang: str
    title: str


class HitBody(BaseModel):
    """A document that answers, by its best passage."""

    rank: int
    score: float = Field(description="1: the same; about 0: unrelated. Means the same in every language.")
    weak: bool = Field(description="Whether the score is so low that the hit may well be off the topic.")
    document_id: str
    passage_id: int
    lang: str
    title: str
    source: str
    date: str
    url: str
    snippet: str
    highlights: list[HighlightBody]
    start: int = Field(description="Where the passage begins in the document's text, in characters (code points).")
    end: int
    sentence: SpanBody = Field(description="Where the best sentence stands in the document's text.")
    also_in: list[TellingBody] = Field(description="Other documents with the same story, in this or other languages.")
    page: int | None = Field(None, description="Where the best sentence stands, from 1, in documents that have pages.")
    explanation: dict[str, float] | None = Field(None, description="With `explain`: what each stage contributed.")


class CountBody(BaseModel):
    """How many of the documents found have this value."""

    value: str
    count: int


class SearchResponse(BaseModel):
    """The best documents; `total` counts the documents among which they are the best. All of it is of one version of
    the collection."""

    query: str
    total: int
    offset: int
    version: int
    hits: list[HitBody]
    facets: dict[str, list[CountBody]] | None = Field(
        None, description="With `facets`: values of `lang`, `source` and `year`."
    )

    @classmethod
    def of(cls, results: Results) -> SearchResponse:
        facets = None
        if results.facets is not None:
            facets = {
                name: [CountBody(value=value, count=count) for value, count in values]
                for name, values in results.facets.items()
            }
        return cls(
            query=results.query,
            total=results.total,
            offset=results.offset,
            version=results.version,
            hits=[HitBody.model_validate(hit.fields()) for hit in results.hits],
            facets=facets,
        )


class LanguageBody(BaseModel):
    """A language of the collection."""

    lang: str
    documents: int = Field(description="Documents that are mainly in it.")
    passages: int


class Languages(BaseModel):
    """The languages that there are, the one with most passages first."""

    languages: list[LanguageBody]


class Stats(BaseModel):
    """What the collection holds."""

    documents: int
    passages: int
    languages: dict[str, int] = Field(description="Documents by language.")
    files: int
    copies: int = Field(description="Documents that are nearly the same as an earlier one.")
    bytes: int
    model: str
    version: int
    sample: bool = Field(description="Whether it is only the sample collection.")


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """The collection is loaded."""

    status: str = "ready"
    documents: int
    passages: int
    model: str
    version: int


class Problem(BaseModel):
    """RFC 9457 problem details: the one shape of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
