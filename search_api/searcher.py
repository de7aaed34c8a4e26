"""A question -> ranked hits, from whatever language. No web and no terminal in here.

encode the question, align it with each language
-> candidates: the passages nearest to it, with its words, with its quotations (`candidates.py`)
-> scores by meaning (`scoring.py`), exact words within each language (`fusion.py`)
-> the best passage of each document, one hit for each story (`stories.py`), its best sentence in the snippet
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import QueryEncoder
from indexer.errors import QueryError
from indexer.languages import language_probabilities
from indexer.parts import unit_parts
from indexer.records import StoredPassage
from indexer.store import Store
from search_api.candidates import Candidates, candidates_for
from search_api.fusion import fused
from search_api.question import Question, question_of
from search_api.scoring import Scores, Stages, score
from search_api.snippets import Snippet, snippet_of
from search_api.stories import first_tellings, with_copies

Vectors = NDArray[np.float32]

MOST_HITS = 100
WEAK = 0.08
"""A hit with a lower score is marked weak."""
_TELLINGS = 3
"""How many times more documents are looked at for one story told twice than are shown."""


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


@dataclass(frozen=True)
class RankedDocument:
    """A candidate document by its best passage."""

    passage: StoredPassage
    score: float
    """The evidence, on a scale that is the same for every language and falls with the rank."""
    best_sentence: int
    explain: Callable[[], dict[str, float]]
    """What each stage contributed."""


class Searcher:
    """Searches one store through one encoder; may be called from several threads."""

    def __init__(self, store: Store, encoder: QueryEncoder, stages: Stages | None = None) -> None:
        """`stages`: what to leave out, for comparison."""
        self._store = store
        self._encoder = encoder
        self._stages = stages or Stages()
        self._encoding = threading.Lock()  # one query fills the cores; two at once would both be slower

    def search(
        self,
        query: str,
        limit: int = 10,
        langs: Sequence[str] = (),
        *,
        collapse: bool = True,
        explain: bool = False,
    ) -> Results:
        """The `limit` best documents (1 to 100), of some passage languages if given; with `collapse`, documents that
        tell the same story are one hit. Raises QueryError."""
        question = question_of(query)
        if not 1 <= limit <= MOST_HITS:
            raise QueryError(f"a limit of {limit}, expected 1 to {MOST_HITS}")
        self._store.refresh()
        with self._encoding:
            vector = self._encoder.encode_queries([question.text])[0]
        ranked = self.rank(vector, question, limit, langs)
        return Results(question.text, len(ranked), self._hits(question, ranked, limit, collapse, explain))

    def rank(self, vector: Vectors, question: Question, limit: int, langs: Sequence[str] = ()) -> list[RankedDocument]:
        """The best passage of each candidate document, best first; `vector` is the raw query vector (dimension,)."""
        probabilities = language_probabilities(question.text, self._store.languages())
        query = self._store.alignment.query(vector, probabilities)
        found = candidates_for(question, query, self._store, limit, langs, self._stages)
        if not found.passages:
            return []
        return _ranked(found, score(query, found.passages, self._store.alignment, self._stages), self._stages)

    def _hits(
        self, question: Question, ranked: Sequence[RankedDocument], limit: int, collapse: bool, explain: bool
    ) -> list[Hit]:
        looked_at = ranked[: _TELLINGS * limit if collapse else limit]
        documents = self._store.documents([candidate.passage.document for candidate in looked_at])
        found = [
            (candidate, self._store.text(candidate.passage.document, candidate.passage.start, candidate.passage.end))
            for candidate in looked_at
            if candidate.passage.document in documents
        ]
        # What another process has deleted since the candidates were read is left out.
        looked_at = [candidate for candidate, text in found if text]
        texts = [text for _, text in found if text]
        firsts = list(range(len(looked_at)))
        if collapse and looked_at:
            firsts = first_tellings(self._stories(looked_at), [kept.passage.lang for kept in looked_at], texts)
            numbers = [kept.passage.document for kept in looked_at]
            originals = self._store.firsts(numbers)
            firsts = with_copies(firsts, [originals.get(number, number) for number in numbers])
        hits: list[Hit] = []
        for place, candidate in enumerate(looked_at):
            if firsts[place] != place or len(hits) == limit:
                continue
            passage, document = candidate.passage, documents[candidate.passage.document]
            retold = [looked_at[later] for later, first in enumerate(firsts) if first == place and later != place]
            others = [documents[other.passage.document] for other in retold]
            spans = [(int(a) - passage.start, int(b) - passage.start) for a, b in passage.sentences]
            hits.append(
                Hit(
                    rank=len(hits) + 1,
                    score=candidate.score,
                    weak=candidate.score < WEAK,
                    document_id=document.id,
                    passage_id=passage.id,
                    lang=passage.lang,
                    title=document.title,
                    source=document.source,
                    date=document.date,
                    url=document.url,
                    snippet=snippet_of(texts[place], spans, candidate.best_sentence, question.words),
                    also_in=[Telling(other.id, other.lang, other.title) for other in others],
                    page=_page(document.pages, int(passage.sentences[candidate.best_sentence][0])),
                    explanation=candidate.explain() if explain else None,
                )
            )
        return hits

    def _stories(self, ranked: Sequence[RankedDocument]) -> Vectors:
        """(n, dimension) of whole documents, of length 1, comparable with each other across languages."""
        alignment = self._store.alignment
        langs = [candidate.passage.lang for candidate in ranked]
        aligned = alignment.passages(np.stack([candidate.passage.document_vector for candidate in ranked]), langs)
        stories: Vectors = unit_parts(alignment.mapped(aligned, langs), alignment.parts)
        return stories

    def document_ids(self, ranked: Sequence[RankedDocument]) -> list[str]:
        """The ids of ranked documents, in order: what an evaluation needs."""
        documents = self._store.documents([candidate.passage.document for candidate in ranked])
        numbers = (candidate.passage.document for candidate in ranked)
        return [documents[number].id for number in numbers if number in documents]


def _page(starts: Sequence[int], offset: int) -> int | None:
    """The number, from 1, of the page that an offset lies on; None where there are no pages."""
    return bisect_right(starts, offset) if starts else None


def _ranked(found: Candidates, scores: Scores, stages: Stages) -> list[RankedDocument]:
    """The best passage of each document by meaning and words together, documents in the order of their fused scores."""
    passages = found.passages
    both = scores.total + np.float32(stages.exact) * found.words
    numbers = np.array([passage.document for passage in passages])
    by_document = np.lexsort((-both, -found.quoting.sum(axis=0), numbers))
    starts = np.flatnonzero(np.diff(numbers[by_document], prepend=-1))
    shown = by_document[starts].tolist()
    meaning, evidence, words = (
        np.maximum.reduceat(values[by_document], starts) for values in (scores.total, scores.own, found.words)
    )
    quoted = np.all(np.logical_or.reduceat(found.quoting[:, by_document], starts, axis=1), axis=0)
    final = fused(meaning, both[shown], words, [passages[place].lang for place in shown], stages.exact)
    order = np.lexsort((-final, ~quoted)).tolist()
    falling = -np.sort(-evidence)

    def explained(item: int) -> dict[str, float]:
        place = shown[item]
        return {
            "passage": float(scores.passage[place]),
            "sentence": float(scores.sentence[place]),
            "generic": -float(scores.generic[place]),
            "evidence": float(scores.own[place]),
            "feedback": float(scores.total[place] - scores.own[place]),
            "words": float(found.words[place]),
            "fusion": float(final[item] - scores.total[place]),
            "quoted": float(len(found.quoting) > 0 and quoted[item]),
        }

    return [
        RankedDocument(
            passage=passages[shown[item]],
            score=float(falling[rank]),
            best_sentence=int(scores.best_sentence[shown[item]]),
            explain=partial(explained, item),
        )
        for rank, item in enumerate(order)
    ]
