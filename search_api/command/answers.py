"""Answers to questions: from a server that has the model loaded, else from a searcher of the command's own."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import suppress

from indexer.errors import CollectionError, QueryError
from search_api import warm
from search_api.command.place import Place
from search_api.command.wanted import Wanted
from search_api.hit_fields import AnswerFields, answer_of

Notice = Callable[[str], None]
Search = Callable[[Wanted], AnswerFields]

_PAUSES = (0.2, 0.3, 0.5, 0.5)
"""Seconds between questions to a server that has not seen the last change yet; loading the model takes longer."""


class Answers:
    """Answers questions about one collection. Which of both ways it takes makes no difference but in time."""

    def __init__(
        self, options: argparse.Namespace, place: Place, notice: Notice, meanwhile: Callable[[], object]
    ) -> None:
        """`meanwhile`: what is needed to show an answer, and can be made ready while a server works."""
        self._options = options
        self._place = place
        self._notice = notice
        self._socket = None if options.no_server else place.socket()
        self._search: Search | None = None
        self._meanwhile = meanwhile
        self._newest = 0
        """The version that an answer must be of."""

    def __call__(self, wanted: Wanted) -> AnswerFields:
        """Raises SearchError for what cannot be answered."""
        answer = self._warm(wanted)
        return self.prepared()(wanted) if answer is None else answer

    @property
    def is_warm(self) -> bool:
        """Whether a server answers, as far as is known."""
        return self._socket is not None

    def prepared(self) -> Search:
        """The command's own searcher, loaded when it is first needed."""
        if self._search is None:
            from search_api.command.own_searcher import own_search  # seconds

            self._search = own_search(self._options, self._notice)
        return self._search

    def _warm(self, wanted: Wanted) -> AnswerFields | None:
        """None where no server answers, or only from what was indexed before the last change."""
        for pause in (*_PAUSES, 0.0):
            answer = self._asked(wanted)
            if answer is None:
                self._socket = None  # it is not asked again
            if answer is None or answer["version"] >= self._newest:
                return answer
            time.sleep(pause)
        return None

    def _wait(self) -> None:
        """What can be done while the server works."""
        self._meanwhile()
        self._newest = 0
        if self._place.folder is not None and not self._place.is_sample:  # the sample does not change
            from indexer import glance  # takes as long as the server

            with suppress(CollectionError):
                self._newest = glance.version(self._place.folder)

    def _asked(self, wanted: Wanted) -> AnswerFields | None:
        """None where no server answers, or one that is not understood. Raises QueryError."""
        answer = (
            warm.ask(self._socket, "/search", wanted.body(), meanwhile=self._wait) if self._socket is not None else None
        )
        if answer is not None and answer.status in (400, 422):
            raise QueryError(str(answer.body.get("detail") or answer.body.get("title") or "the server refused this"))
        try:
            return answer_of(answer.body) if answer is not None and answer.status == 200 else None
        except (KeyError, TypeError, ValueError):
            return None
