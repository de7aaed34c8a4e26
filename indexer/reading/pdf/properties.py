"""What a PDF says of itself: its title, author and date."""

from __future__ import annotations

import re
from typing import Any

from indexer.reading.pdf.lines import Line, text_size
from indexer.reading.pdf.scripts import UNSPACED

_LARGEST_TITLE = 200


def largest_text(lines: list[Line]) -> str:
    """The lines in the largest letters of the first page, where these are larger than the others."""
    if not lines:
        return ""
    size = text_size([lines])
    largest = max((line.size for line in lines if len(line.text) > 3), default=0.0)
    if largest < 1.15 * size:
        return ""
    title = ""
    for line in lines:
        if line.size > 0.95 * largest and len(line.text) > 1:
            unspaced = title and UNSPACED.match(title[-1]) and UNSPACED.match(line.text)
            title += line.text if unspaced or not title else " " + line.text
        elif title:
            break
    return title if len(title) <= _LARGEST_TITLE else ""


def properties_of(pdf: Any) -> dict[str, str]:
    properties = {}
    for name in ("Title", "Author", "CreationDate", "ModDate"):
        try:
            properties[name] = pdf.get_metadata_value(name)
        except UnicodeDecodeError:
            properties[name] = ""
    return properties


def iso_date(text: str) -> str:
    """`D:20240506...` -> 2024-05-06."""
    found = re.match(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?", text)
    return "-".join(part for part in found.groups() if part) if found else ""
