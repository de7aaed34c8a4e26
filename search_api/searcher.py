"""A question -> ranked hits, from whatever language. No web and no terminal in here.

encode the question, take off the mean of its language
-> candidates: the passages nearest to it
-> score: a third the passage, two thirds its best sentence (a long passage hides the one sentence that answers)
-> the best passage of each document, its best sentence at the heart of the snippet
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import QueryEncoder
from indexer.errors import QueryError
from indexer.language_means import unit
from indexer.languages import language_probabilities
from indexer.records import StoredPassage
from indexer.store import Store
from search_api.snippets import Snippet, snippet_of

Vectors = NDArray[np.float32]

LONGEST_QUERY = 1_000
"""Characters; the model reads the first few hundred."""
MOST_HITS = 100
SENTENCE_WEIGHT = 2 / 3
"""The part of the best sentence in a score; the passage as a whole has the rest."""
_CANDIDATES = 200


@dataclass(frozen=True)
class Hit:
    """A document that answers, by its best passage."""

    rank: int
    score: float
    """Weighted mean of two cosines of centred vectors, passage's and best sentence's: about 0 unrelated, 1 the same."""
    document_id: str
    passage_id: int
    lang: str
    title: str
    source: str
    date: str
    url: str
    snippet: Snippet

    def fields(self) -> dict[str, Any]:
        """The hit as the API and `search --json` show it."""
        return {
            "rank": self.rank,
            "score": round(self.score, 6),
            "document_id": self.document_id,
            "passage_id": self.passage_id,
            "lang": self.lang,
            "title": self.title,
            "source": self.source,
            "date": self.date,
            "url": self.url,
            "snippet": self.snippet.text,
            "highlights": [asdict(highlight) for highlight in self.snippet.highlights],
        }


@dataclass(frozen=True)
class Results:
    """`total`: how many documents were found among the candidates, of which `hits` are the best."""

    query: str
    total: int
    hits: Sequence[Hit]


@dataclass(frozen=True)
class ScoredPassage:
    """A candidate with its score and the place of its best sentence among its sentences."""

    passage: StoredPassage
    score: float
    best_sentence: int


def checked_query(text: str) -> str:
    """The query without white space around it. Raises QueryError for what cannot be a question."""
    if any(unicodedata.category(character) == "Cs" for character in text) or "\x00" in text:
        raise QueryError("the query holds characters that are not text (NUL or half a surrogate pair); type it again")
    text = text.strip()
    if not text:
        raise QueryError("the query is empty; give some words")
    if len(text) > LONGEST_QUERY:
        raise QueryError(f"the query has {len(text):,} characters, at most {LONGEST_QUERY:,} are read; shorten it")
    if not any(character.isalnum() for character in text):
        raise QueryError("the query has no letters or digits; give some words")
    return text


class Searcher:
    """Searches one store through one encoder; may be called from several threads."""

    def __init__(self, store: Store, encoder: QueryEncoder, *, sentence_weight: float = SENTENCE_WEIGHT) -> None:
        """`sentence_weight`: the part of the best sentence in a score, 0 to 1; 0 leaves sentences out of it."""
        self._store = store
        self._encoder = encoder
        self._sentence_weight = sentence_weight
        self._encoding = threading.Lock()  # one query fills the cores; two at once would both be slower

    def search(self, query: str, limit: int = 10, langs: Sequence[str] = ()) -> Results:
        """The `limit` best documents (1 to 100), of some passage languages if given. Raises QueryError."""
        text = checked_query(query)
        if not 1 <= limit <= MOST_HITS:
            raise QueryError(f"a limit of {limit}, expected 1 to {MOST_HITS}")
        self._store.refresh()
        with self._encoding:
            vector = self._encoder.encode_queries([text])[0]
        scored = self.rank(vector, self.query_languages(text), limit, langs)
        return Results(text, len(scored), self._hits(scored[:limit]))

    def query_languages(self, text: str) -> dict[str, float]:
        """The languages that the query may be in, with probabilities."""
        return language_probabilities(text, self._store.languages())

    def rank(
        self, vector: Vectors, probabilities: Mapping[str, float], limit: int, langs: Sequence[str] = ()
    ) -> list[ScoredPassage]:
        """The best passage of each candidate document, best first; `vector` is a raw query vector (dimension,)."""
        query = self._store.means.centre_query(vector, probabilities)
        ids, cosines = self._store.candidates(query, max(_CANDIDATES, 10 * limit), langs)
        by_id = dict(zip(ids.tolist(), cosines.tolist(), strict=True))
        passages = self._store.passages(ids.tolist())
        best: dict[int, ScoredPassage] = {}
        for scored in self._score(query, passages, by_id):
            held = best.get(scored.passage.document)
            if held is None or scored.score > held.score:
                best[scored.passage.document] = scored
        return sorted(best.values(), key=lambda scored: (-scored.score, scored.passage.document))

    def _score(
        self, query: Vectors, passages: Sequence[StoredPassage], cosines: Mapping[int, float]
    ) -> list[ScoredPassage]:
        """All sentences of all candidates in one product."""
        if not passages:
            return []
        counts = [len(passage.sentences) for passage in passages]
        means = self._store.means.sentences
        mean_rows = np.stack([means[passage.lang] for passage in passages])
        raw = np.concatenate([passage.sentence_vectors for passage in passages])
        similarities = unit(raw - np.repeat(mean_rows, counts, axis=0)) @ query
        weight = self._sentence_weight
        scored, start = [], 0
        for passage, count in zip(passages, counts, strict=True):
            own = similarities[start : start + count]
            place = int(own.argmax())
            score = (1 - weight) * cosines[passage.id] + weight * float(own[place])
            scored.append(ScoredPassage(passage, score, place))
            start += count
        return scored

    def _hits(self, ranked: Sequence[ScoredPassage]) -> list[Hit]:
        documents = self._store.documents([scored.passage.document for scored in ranked])
        hits: list[Hit] = []
        for scored in ranked:
            passage = scored.passage
            document = documents.get(passage.document)
            if document is None:
                continue  # deleted by another process since the candidates were read
            text = self._store.text(passage.document, passage.start, passage.end)
            spans = [(int(a) - passage.start, int(b) - passage.start) for a, b in passage.sentences]
            hits.append(
                Hit(
                    rank=len(hits) + 1,
                    score=scored.score,
                    document_id=document.id,
                    passage_id=passage.id,
                    lang=passage.lang,
                    title=document.title,
                    source=document.source,
                    date=document.date,
                    url=document.url,
                    snippet=snippet_of(text, spans, scored.best_sentence),
                )
            )
        return hits

    def document_ids(self, ranked: Sequence[ScoredPassage]) -> list[str]:
        """The ids of ranked documents, in order: what an evaluation needs."""
        documents = self._store.documents([scored.passage.document for scored in ranked])
        return [documents[scored.passage.document].id for scored in ranked if scored.passage.document in documents]
