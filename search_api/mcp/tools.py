"""The two tools: what a model is told of them, what they take and answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from indexer.errors import QueryError
from indexer.filters import Filter
from search_api.mcp.answers import (
    DATA,
    Answer,
    DocumentPart,
    SearchAnswer,
    answer_of_document,
    answer_of_results,
)
from search_api.mcp.arguments import Arguments, DocumentArguments, SearchArguments, checked
from search_api.opening import OpenSearcher

INSTRUCTIONS = (
    "Searches a collection of the user's own documents in many languages. Ask `search` in whatever language suits; "
    "read on with `get_document`; cite documents by title, date and document_id. " + DATA
)


_A = TypeVar("_A", bound=Arguments)


@dataclass(frozen=True)
class Tool(Generic[_A]):
    """A tool by what a client lists of it, and what it does."""

    name: str
    title: str
    description: str
    takes: type[_A]
    gives: type[BaseModel]
    answer: Callable[[OpenSearcher, _A], Answer]

    def __call__(self, opened: Callable[[], OpenSearcher], given: Mapping[str, Any]) -> Answer:
        """Raises QueryError for what cannot be answered; for wrong arguments before anything is opened."""
        asked = checked(self.takes, given)
        return self.answer(opened(), asked)


def _search(opened: OpenSearcher, asked: SearchArguments) -> Answer:
    among = Filter(tuple(asked.lang), tuple(asked.source), asked.date_from, asked.date_to)
    return answer_of_results(opened.searcher.search(asked.query, asked.limit, among, mode=asked.mode))


def _get_document(opened: OpenSearcher, asked: DocumentArguments) -> Answer:
    document = opened.document(asked.document_id)
    if document is None:
        got = repr(asked.document_id[:80]).encode("utf-8", "replace").decode("utf-8")
        raise QueryError(f"there is no document {got}; give the document_id of a hit of search, exactly as it stands")
    return answer_of_document(document, asked.start, asked.length)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "search",
        "Search documents in all languages",
        "Finds passages in a collection of documents in many languages (such as Arabic, English, Japanese, Chinese) by "
        "meaning, with a question in any language: an English question finds Arabic and Japanese passages as well as "
        "English ones, so there is no need to translate it or to ask once for each language. A whole question or a "
        "short description works better than one keyword; names, numbers and codes are found as they stand; words in "
        "double quotes must occur. Each hit is one document: its document_id, title, language, date, source, a snippet "
        "in the original language with the sentence that answers, the page, and a score (`weak`: may well be off the "
        f"topic). Copies and translations of a hit are in its `also_in`. At most 50 hits. {DATA}",
        SearchArguments,
        SearchAnswer,
        _search,
    ),
    Tool(
        "get_document",
        "Read a document",
        "The text of a document that `search` found, in its original language, in parts: 8,000 characters unless "
        "`length` says otherwise, 50,000 at most. `total_length` says how long the document is; ask again with "
        f"`start` = `next_start` for the next part, until `next_start` is null. {DATA}",
        DocumentArguments,
        DocumentPart,
        _get_document,
    ),
)
