"""The command's own searcher: model and collection loaded for one run. Importing this takes seconds."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import cast

from indexer.filters import Filter
from indexer.models import load_query_encoder
from search_api.command.wanted import Wanted
from search_api.hit_fields import AnswerFields, answer_of
from search_api.opening import open_searcher, with_options
from search_api.searcher import Mode
from search_api.settings import Settings


def own_search(options: argparse.Namespace, notice: Callable[[str], None]) -> Callable[[Wanted], AnswerFields]:
    """Raises SearchError where collection or model cannot be opened."""
    settings = with_options(Settings.from_environment(), options.collection, options.model, sample=options.sample)
    searcher = open_searcher(settings, notice, load_query_encoder).searcher

    def search(wanted: Wanted) -> AnswerFields:
        results = searcher.search(
            wanted.q,
            wanted.limit,
            _filter_of(wanted),
            offset=wanted.offset,
            mode=cast(Mode, wanted.mode),
            collapse=wanted.collapse,
            explain=wanted.explain,
        )
        hits = [hit.fields() for hit in results.hits]
        known = {"query": results.query, "total": results.total, "version": results.version}
        return answer_of({**known, "hits": hits})

    return search


def _filter_of(wanted: Wanted) -> Filter:
    conditions = (text.partition(":") for text in wanted.where)
    return Filter(
        langs=wanted.lang,
        sources=wanted.source,
        date_from=wanted.date_from,
        date_to=wanted.date_to,
        where=tuple((field, value) for field, _, value in conditions),
    )
