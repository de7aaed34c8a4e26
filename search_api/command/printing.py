"""Answers on standard output: as text, JSON lines, a CSV table, or Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from search_api.command.output import screen, write
from search_api.hit_fields import AnswerFields

Print = Callable[[AnswerFields], None]


def printer(form: str, folder: Callable[[], Path | None], *, many: bool) -> Print:
    """What prints one answer after the other. `folder`: of the collection, for links to files; `many`: each answer
    says to which question."""
    if form == "json":
        return lambda answer: _print_json(answer, many)
    if form == "csv":
        from search_api.command.csv_table import CsvTable  # the others are not needed then

        return CsvTable(many)
    if form == "md":
        from search_api.command.markdown_list import markdown_list

        return lambda answer: write(markdown_list(answer))
    return TextPrinter(folder, many)


def _print_json(answer: AnswerFields, many: bool) -> None:
    question = {"query": answer["query"]} if many else {}
    write("".join(json.dumps({**question, **hit}, ensure_ascii=False) + "\n" for hit in answer["hits"]))


class TextPrinter:
    """Prints for people."""

    def __init__(self, folder: Callable[[], Path | None], many: bool) -> None:
        from search_api import terminal  # knows how wide characters are

        self._terminal = terminal
        self._folder = folder
        self._many = many

    def __call__(self, answer: AnswerFields) -> None:
        seen = screen()  # a window may have changed since the last answer
        if self._many:
            title = self._terminal.question_line(answer["query"], seen.width)
            write(self._terminal.styled(title, "1", seen.color) + "\n\n")
        links: dict[int, str] = {}
        if seen.links:
            from search_api.command.links import targets  # only on terminals

            links = dict(targets(answer["hits"], self._folder()))
        for hit in answer["hits"]:
            lines = self._terminal.lines_of(hit, seen.width, seen.color, links.get(hit["rank"], ""))
            write("\n".join(lines) + "\n\n")
