"""What the API takes and gives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from search_api.searcher import LONGEST_QUERY, MOST_HITS, Results


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


class HighlightBody(BaseModel):
    """A stretch of the snippet: offsets in characters, `end` exclusive."""

    start: int
    end: int
    kind: str = Field(description="`sentence`: the sentence that answers best.")


class HitBody(BaseModel):
    """A document that answers, by its best passage."""

    rank: int
    score: float = Field(description="1: the same; about 0: unrelated. Means the same in every language.")
    document_id: str
    passage_id: int
    lang: str
    title: str
    source: str
    date: str
    url: str
    snippet: str
    highlights: list[HighlightBody]


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
