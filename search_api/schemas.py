"""What the API takes and gives."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from indexer.documents import Document, document_of
from indexer.errors import QueryError
from indexer.filters import Filter
from search_api.hits import Results
from search_api.question import LONGEST_QUERY
from search_api.searcher import MOST_HITS, Mode

_DATE = "YYYY, YYYY-MM or YYYY-MM-DD"
_FEW = 20
"""Values of one filter."""
_MOST_HITS_BEFORE = MOST_HITS - 1


class SearchRequest(BaseModel):
    """A question in any language."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"q": "rare earth export ban", "limit": 5, "lang": ["ar", "ja"]}]},
    )

    q: str = Field(description="The question, in any language.", min_length=1, max_length=LONGEST_QUERY)
    limit: int = Field(10, ge=1, le=MOST_HITS, description="How many documents at most.")
    offset: int = Field(
        0, ge=0, le=_MOST_HITS_BEFORE, description=f"How many to pass over; with `limit`, {MOST_HITS} at most."
    )
    lang: list[str] = Field(
        default_factory=list,
        max_length=_FEW,
        description="Only passages in these languages (ISO 639-1); repeat for several.",
    )
    source: list[str] = Field(
        default_factory=list, max_length=_FEW, description="Only documents of these sources; repeat for several."
    )
    date_from: str = Field("", max_length=10, description=f"Only documents of this day or later: {_DATE}.")
    date_to: str = Field("", max_length=10, description=f"Only documents of this day or earlier: {_DATE}.")
    where: list[str] = Field(
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


class DocumentBody(BaseModel):
    """A document as it is sent."""

    model_config = ConfigDict(
        extra="forbid",
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
    date: str = Field("", max_length=100, description=f"{_DATE}, or as people write it.")
    source: str = Field("", max_length=1_000)
    url: str = Field("", max_length=10_000)
    metadata: dict[str, Any] = Field(default_factory=dict, description="Any further fields.")

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
        names = ("id", "title", "lang", "date", "source", "url", "metadata", "text")
        return cls(**{name: getattr(document, name) for name in names}, pages=list(document.pages))


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
