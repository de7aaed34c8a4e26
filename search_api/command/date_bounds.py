"""`--since` and `--until`: a date as far as it is given, or how long ago."""

from __future__ import annotations

import calendar
import datetime
import re
import unicodedata

from indexer.errors import SearchError

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_AGO = re.compile(r"(\d{1,4})([dwmy])")


def date_bound(option: str, text: str) -> str:
    """`2024`, `2024-05` or `2024-05-06` as it is; `7d`, `2w`, `3m`, `1y` before today. Raises SearchError."""
    plain = "".join(_ascii(character) for character in text.strip().lower())
    if ago := _AGO.fullmatch(plain):
        return _before_today(int(ago[1]), ago[2])
    if (given := _DATE.fullmatch(plain)) and _is_valid(*(int(part or 1) for part in given.groups())):
        return plain
    raise SearchError(f"{option} {text}, expected YYYY, YYYY-MM, YYYY-MM-DD, or how long ago: 7d, 2w, 3m, 1y")


def _ascii(character: str) -> str:
    """Digits of any script as 0 to 9."""
    return str(unicodedata.decimal(character, character))


def _is_valid(year: int, month: int, day: int) -> bool:
    return year > 0 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def _before_today(count: int, unit: str) -> str:
    today = datetime.date.today()
    if unit in "dw":
        days = min(count * (7 if unit == "w" else 1), today.toordinal() - 1)
        return (today - datetime.timedelta(days=days)).isoformat()
    months = max(12, today.year * 12 + today.month - 1 - count * (12 if unit == "y" else 1))
    year, month = divmod(months, 12)
    return datetime.date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1])).isoformat()
