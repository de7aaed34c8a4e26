"""What the API takes and gives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from search_api.question import LONGEST_QUERY
from search_api.searcher import MOST_HITS, Results


class SearchRequest(BaseModel):
    """A question in any language."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"q": "rare earth export ban", "limit": 5, "lang": ["ar", "ja"]}]},
    )

    q: str = Field(description="The question, in any language.", min_length=1, max_length=LONGEST_QUERY)
    limit: int = Field(10, ge=1, le=MOST_HITS, description="How many documents at most.")
    lang: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="Only passages in these languages (ISO 639-1); repeat for several.",
    )
    collapse: bool = Field(True, description="Whether documents that tell the same story are one hit.")
    explain: bool = Field(False, description="Whether to say what each stage of ranking contributed.")


class HighlightBody(BaseModel):
    """A stretch of the snippet: offsets in characters, `end` exclusive."""

    start: int
    end: int
    kind: str = Field(description="`sentence`: the sentence that answers best; `word`: a word of the query.")


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
    also_in: list[TellingBody] = Field(description="Other documents with the same story, in this or other languages.")
    page: int | None = Field(None, description="Where the best sentence stands, from 1, in documents that have pages.")
    explanation: dict[str, float] | None = Field(None, description="With `explain`: what each stage contributed.")


class SearchResponse(BaseModel):
    """The best documents; `total` counts the documents among which they are the best."""

    query: str
    total: int
    hits: list[HitBody]

    @classmethod
    def of(cls, results: Results) -> SearchResponse:
        return cls(
            query=results.query,
            total=results.total,
            hits=[HitBody.model_validate(hit.fields()) for hit in results.hits],
        )


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
