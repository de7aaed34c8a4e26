"""Ranked documents -> hits as they are shown: described, one for each story, with the sentence that answers."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.parts import unit_parts
from indexer.records import StoredDocument
from indexer.sentences import Span
from indexer.store import Store
from indexer.words import Word, words_of
from search_api.question import Question
from search_api.ranking import RankedDocument
from search_api.snippets import Snippet, snippet_of
from search_api.stories import first_tellings, with_copies

Vectors = NDArray[np.float32]

WEAK = 0.08
"""A hit with a lower score is marked weak."""
_TELLINGS = 3
"""How many times more documents are looked at, for a story told twice, than are shown."""


@dataclass(frozen=True)
class Telling:
    """Another document with the same story as a hit: a copy, a translation, a report of the same event."""

    document_id: str
    lang: str
    title: str


@dataclass(frozen=True)
class Hit:
    """A document that answers, by its best passage."""

    rank: int
    score: float
    weak: bool
    document_id: str
    passage_id: int
    lang: str
    title: str
    source: str
    date: str
    url: str
    snippet: Snippet
    start: int = 0
    """Where the passage begins in the document's text, in characters."""
    end: int = 0
    sentence: Span = (0, 0)
    """Where the best sentence stands in the document's text."""
    also_in: Sequence[Telling] = ()
    page: int | None = None
    """On which the best sentence begins, from 1; None for documents without pages."""
    explanation: Mapping[str, float] | None = None

    def fields(self) -> dict[str, Any]:
        """The hit as the API and `search --json` show it."""
        fields: dict[str, Any] = {
            "rank": self.rank,
            "score": round(self.score, 6),
            "weak": self.weak,
            "document_id": self.document_id,
            "passage_id": self.passage_id,
            "lang": self.lang,
            "title": self.title,
            "source": self.source,
            "date": self.date,
            "url": self.url,
            "snippet": self.snippet.text,
            "highlights": [asdict(highlight) for highlight in self.snippet.highlights],
            "start": self.start,
            "end": self.end,
            "sentence": {"start": self.sentence[0], "end": self.sentence[1]},
            "also_in": [asdict(telling) for telling in self.also_in],
        }
        if self.page is not None:
            fields["page"] = self.page
        if self.explanation is not None:
            fields["explanation"] = {name: round(value, 6) for name, value in self.explanation.items()}
        return fields


@dataclass(frozen=True)
class Results:
    """`total`: how many documents were found among the candidates, of which `hits` are the best."""

    query: str
    total: int
    hits: Sequence[Hit]
    offset: int = 0
    """How many hits come before these."""
    version: int = field(default=0, compare=False)
    """Of the collection, which all of it is of."""
    mark: str = field(default="", compare=False)
    """Stands for the collection's content at that version."""
    language: str = field(default="", compare=False)
    """That the question is taken for."""
    facets: Mapping[str, Sequence[tuple[str, int]]] | None = None
    """`lang`, `source`, `year` -> values and how many of the documents found have each: the most frequent first, the
    last year first."""


def stories_of(ranked: list[RankedDocument], store: Store, count: int, *, collapse: bool) -> list[list[RankedDocument]]:
    """The first `count` stories of ranked documents, or all where there are fewer; each with the documents that tell
    it, the best first. Without `collapse` each document is a story of its own."""
    if not collapse:
        return [[own] for own in ranked[:count]]
    looked_at = _TELLINGS * count
    while True:
        firsts = _firsts(ranked[:looked_at], store)
        stories = [place for place, first in enumerate(firsts) if first == place][:count]
        if len(stories) == count or looked_at >= len(ranked):
            break
        looked_at *= 2
    told: dict[int, list[RankedDocument]] = {place: [] for place in stories}
    for own, first in zip(ranked, firsts, strict=False):
        if first in told:
            told[first].append(own)
    return list(told.values())


def hits_of(
    question: Question, stories: Sequence[Sequence[RankedDocument]], store: Store, offset: int, *, explain: bool
) -> list[Hit]:
    """A hit for each story, without the first `offset` of them."""
    shown = stories[offset:]
    described = store.documents([own.passage.document for tellings in shown for own in tellings])
    return [
        _hit(rank, best, [described[own.passage.document] for own in (best, *others)], store, question, explain=explain)
        for rank, (best, *others) in enumerate(shown, offset + 1)
    ]


def _hit(
    rank: int,
    candidate: RankedDocument,
    described: Sequence[StoredDocument],
    store: Store,
    question: Question,
    *,
    explain: bool,
) -> Hit:
    """`described`: the candidate's document, and the others with the same story."""
    passage, (document, *retold) = candidate.passage, described
    text = store.text(passage.document, passage.start, passage.end)
    spans: list[Span] = [(start, end) for start, end in (passage.sentences - passage.start).tolist()]
    best = candidate.best_sentence
    if best is None:
        best = _wordiest(text, spans, question.words)
    start, end = (int(offset) for offset in passage.sentences[best])
    return Hit(
        rank=rank,
        score=candidate.score,
        weak=candidate.score < WEAK,
        document_id=document.id,
        passage_id=passage.id,
        lang=passage.lang,
        title=document.title,
        source=document.source,
        date=document.date,
        url=document.url,
        snippet=snippet_of(text, spans, best, question.words),
        start=passage.start,
        end=passage.end,
        sentence=(start, end),
        also_in=[Telling(other.id, other.lang, other.title) for other in retold],
        page=bisect_right(document.pages, start) if document.pages else None,
        explanation=candidate.explain() if explain else None,
    )


def _firsts(ranked: Sequence[RankedDocument], store: Store) -> list[int]:
    """For each document the place of the first one that tells the same story."""
    if not ranked:
        return []
    langs = [own.passage.lang for own in ranked]

    def text_at(place: int) -> str:
        passage = ranked[place].passage
        return store.text(passage.document, passage.start, passage.end)

    alignment = store.alignment
    aligned = alignment.passages(np.stack([own.passage.document_vector for own in ranked]), langs)
    # Whole documents, of length 1, comparable with each other across languages.
    stories: Vectors = unit_parts(alignment.mapped(aligned, langs), alignment.parts)
    numbers = [own.passage.document for own in ranked]
    originals = store.firsts(numbers)
    return with_copies(first_tellings(stories, langs, text_at), [originals.get(number, number) for number in numbers])


def _wordiest(text: str, sentences: Sequence[Span], words: Sequence[Word]) -> int:
    """The first sentence with most of a question's words."""
    wanted = {word.text for word in words}
    shared = [len(wanted & {word.text for word in words_of(text[start:end])}) for start, end in sentences]
    return shared.index(max(shared))


def facets_of(ranked: Sequence[RankedDocument], store: Store) -> dict[str, list[tuple[str, int]]]:
    """Of all documents that were found."""
    documents = store.documents([own.passage.document for own in ranked])
    years = Counter(document.date[:4] for document in documents.values() if document.date)
    return {
        "lang": _counted(Counter(own.passage.lang for own in ranked)),
        "source": _counted(Counter(document.source for document in documents.values() if document.source)),
        "year": sorted(years.items(), reverse=True),
    }


def _counted(values: Counter[str]) -> list[tuple[str, int]]:
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))
