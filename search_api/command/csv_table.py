"""Answers as a CSV table for spreadsheets: a row a hit, the names of the columns first."""

from __future__ import annotations

import csv
import sys

from search_api.hit_fields import AnswerFields, HitFields

_COLUMNS = "rank score weak lang title date source document_id page url sentence snippet also_in".split()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvTable:
    """Prints answers under one heading. `many`: the first column is the question."""

    def __init__(self, many: bool) -> None:
        self._many = many
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._begun = False

    def __call__(self, answer: AnswerFields) -> None:
        if not self._begun:
            self._writer.writerow(["query", *_COLUMNS] if self._many else _COLUMNS)
            self._begun = True
        for hit in answer["hits"]:
            row = [_cell(value) for value in _row(hit)]
            self._writer.writerow([_cell(answer["query"]), *row] if self._many else row)


def _row(hit: HitFields) -> list[object]:
    sentences = (mark for mark in hit["highlights"] if mark["kind"] == "sentence")
    sentence = next((hit["snippet"][mark["start"] : mark["end"]] for mark in sentences), "")
    others = " ".join(telling["document_id"] for telling in hit["also_in"])
    known = {**hit, "sentence": sentence, "also_in": others, "weak": "true" if hit["weak"] else "false"}
    return [known.get(name, "") for name in _COLUMNS]


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula has an apostrophe in front, which makes it text there."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
