"""A date as mails and feeds have it -> `2024-05-06`."""

from __future__ import annotations

import re

_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_MAIL_DATE = re.compile(
    r"\s*(?:[a-z]{3,9},?\s*)?(3[01]|[12]\d|0?[1-9])[ -]+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"[ -]+(\d{4}|\d\d)\b",
    re.IGNORECASE,
)


def iso_date(text: str) -> str:
    """`Mon, 06 May 2024 10:00:00 +0900` -> `2024-05-06`, the day that it was there; other dates as they are."""
    found = _MAIL_DATE.match(text)
    if not found:
        return text
    day, month, year = int(found.group(1)), _MONTHS.index(found.group(2).lower()) // 3 + 1, int(found.group(3))
    if len(found.group(3)) == 2:
        year += 2000 if year < 50 else 1900
    return f"{year:04}-{month:02}-{day:02}"
