"""One run of the command: its collection, its answers, and what it says about them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from indexer.errors import CollectionError, SearchError
from search_api.command.answers import Answers
from search_api.command.place import place_of
from search_api.command.printing import Print, printer
from search_api.command.wanted import Wanted
from search_api.hit_fields import AnswerFields, HitFields


class Session:
    """Asks, and tells the user what is not in the answers themselves."""

    def __init__(
        self,
        options: argparse.Namespace,
        notice: Callable[[str], None],
        form: str = "text",
        *,
        many: bool = False,
    ) -> None:
        """`form`: text, json, csv or md; `many`: each answer says to which question. Raises SettingsError."""
        self._options = options
        self._place = place_of(options)
        self._notice = notice
        self._form, self._many = form, many
        self._printer: Print | None = None
        self.answer = Answers(options, self._place, notice, self._ready)

    def print(self, answer: AnswerFields) -> None:
        """In the form that was asked for."""
        self._ready()(answer)

    def _ready(self) -> Print:
        if self._printer is None:
            self._printer = printer(self._form, self.folder, many=self._many)
        return self._printer

    def folder(self) -> Path | None:
        """Of the collection; of the sample there is none before it was first searched."""
        return self._place.folder or place_of(self._options).folder

    def hit(self, answer: AnswerFields, wanted: Wanted, number: int) -> HitFields:
        """The hit of a rank. Raises SearchError where there are fewer."""
        found = wanted.offset + len(answer["hits"])
        if not wanted.offset < number <= found:
            raise SearchError(f"there is no hit {number}; {found} found")
        return answer["hits"][number - wanted.offset - 1]

    def show(self, hit: HitFields) -> None:
        """The whole document. Raises SearchError."""
        from search_api.command.full_text import print_full  # reads the collection

        folder = self.folder()
        if folder is None:
            raise SearchError("the sample collection has gone from the cache; search again")
        print_full(hit, folder, self._form)

    def open(self, hit: HitFields) -> None:
        """Its file or web page. Raises SearchError."""
        from search_api.command.opening_hits import open_hit

        open_hit(hit, self.folder(), self._notice)

    def tell_none(self, wanted: Wanted) -> None:
        """That nothing was found, and what there is."""
        narrowed = f" in {', '.join(wanted.lang)}" if wanted.lang else ""
        if wanted.source or wanted.date_from or wanted.date_to or wanted.where:
            narrowed += " with these filters"
        if wanted.offset:
            narrowed += f" beyond the first {wanted.offset}"
        question = f" for {wanted.q}" if self._many else ""
        self._notice(f"nothing found{question}{narrowed}; the collection holds passages in: {self._languages()}")

    def tell_sample(self) -> None:
        """That it is not the user's own collection, where it is not."""
        if self._place.is_sample:
            self._notice("this is the sample collection; index your own files with: search-index PATH")

    def _languages(self) -> str:
        from indexer import glance  # only when nothing was found

        folder = self.folder()
        try:
            return ", ".join(glance.languages(folder) if folder else []) or "nothing yet"
        except CollectionError:
            return "nothing that can be read"
