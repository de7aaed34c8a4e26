"""Dates as people and machines write them -> ISO 8601, as far as they are known: YYYY, YYYY-MM or YYYY-MM-DD.

What is written is taken as it is: no time zone moves a date, and years of other calendars (Hijri, Buddhist) are not
converted, but those of Japanese eras and of the Republic of China are.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from calendar import monthrange

_EARLIEST = 1500  # later than the years of the Hijri calendars that are in use
_LONGEST = 500

_ENGLISH = (
    "january jan",
    "february feb",
    "march mar",
    "april apr",
    "may",
    "june jun",
    "july jul",
    "august aug",
    "september sept sep",
    "october oct",
    "november nov",
    "december dec",
)
_ARABIC = (
    "يناير|كانون الثاني|كانون ثاني|جانفي",
    "فبراير|شباط|فيفري",
    "مارس|اذار",
    "ابريل|نيسان|افريل",
    "مايو|ايار|ماي",
    "يونيو|يونيه|حزيران|جوان",
    "يوليو|يوليه|تموز|جويليه|يوليوز",
    "اغسطس|اب|اوت|غشت",
    "سبتمبر|ايلول|شتنبر",
    "اكتوبر|تشرين الاول|تشرين اول",
    "نوفمبر|تشرين الثاني|تشرين ثاني|نونبر",
    "ديسمبر|كانون الاول|كانون اول|دجنبر",
)
"""Of the Gulf and Egypt, the Levant, and the Maghreb; without hamzas and dots of the last letter."""
_MONTHS = {
    name: number
    for number, (english, arabic) in enumerate(zip(_ENGLISH, _ARABIC, strict=True), start=1)
    for name in (*english.split(), *arabic.split("|"))
}
_MONTH = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?![^\W\d_])")
_SAME_MONTH = re.compile(r"(<\d\d>)(?:\s*/\s*\1|\s*\(\s*\1\s*\))")
_PLAIN_ARABIC = str.maketrans("أإآٱةى", "ااااهي", "\u0640\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652")

_BEFORE_ERA = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "民國": 1911, "民国": 1911}
_BEFORE_ERA |= {"m": 1867, "t": 1911, "s": 1925, "h": 1988, "r": 2018}
_NUMERALS = {numeral: value for value, numeral in enumerate("〇一二三四五六七八九")} | {"零": 0}
_NUMERAL = re.compile(r"[〇零一二三四五六七八九十百千]{1,12}(?=\s*[年月日号號])")
_POWERS = {"十": 10, "百": 100, "千": 1000}

_YEAR, _NUMBER = r"(?<!\d)(?P<year>\d{4})(?!\d)", r"(?<!\d)(?P<{}>\d{{1,2}})(?!\d)"
_MONTH_NUMBER, _DAY = _NUMBER.format("month"), _NUMBER.format("day")
_NAME, _ORDINAL, _GAP = r"<(?P<month>\d\d)>", r"(?:st|nd|rd|th)?", r"[\s.,،/-]*"

_EAST_ASIAN = rf"(?:\s*{_MONTH_NUMBER}\s*[月월](?:\s*{_DAY}\s*[日号號일])?)?"

_WHOLE = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<year>\d{4})\s*(?:年|년|م)?",
        r"(?P<year>\d{4})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?(?:\D.*)?",
        r"d:(?P<year>\d{4})(?:(?P<month>\d\d)(?P<day>\d\d)?)?(?:\D.*|\d.*)?",
        r"(?P<year>\d{4})\s*\.\s*(?P<month>\d{1,2})\.?",
        r"(?P<era>[mtshr])\s*(?P<year>\d{1,2})(?P<mark>[./-])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
    )
)
"""What is a date only where nothing else is there."""
_ANYWHERE = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<era>明治|大正|昭和|平成|令和|民國|民国)\s*(?P<year>\d{{1,3}})\s*年{_EAST_ASIAN}",
        rf"{_YEAR}\s*[年년]{_EAST_ASIAN}",
        rf"(?<![\d./-]){_YEAR}\s?(?P<mark>[-/.])\s?{_MONTH_NUMBER}\s?(?P=mark)\s?(?P<day>\d{{1,2}})(?!\d)",
        rf"(?<![\d./-]){_YEAR}[-/]{_MONTH_NUMBER}(?![\d./-]\d)",
        rf"{_NAME}\.?\s+{_DAY}\s+\d{{1,2}}:\d{{2}}(?::\d{{2}})?\s+(?:[a-z]{{2,5}}\s+|[+-]\d{{4}}\s+)?{_YEAR}",
        rf"(?<![\d–/-])(?P<day>\d{{1,2}}){_ORDINAL}(?:\s+(?:of|من))?{_GAP}{_NAME}{_GAP}{_YEAR}",
        rf"(?<!\d)(?P<day>\d{{1,2}})[\s-]+{_NAME}[\s-]+(?P<short>\d{{2}})(?=\s+\d{{1,2}}:\d{{2}})",
        rf"{_NAME}\.?\s*(?P<day>\d{{1,2}}){_ORDINAL}(?:\s*[,،]\s*|\s+){_YEAR}",
        rf"{_NAME}{_GAP}{_YEAR}",
        rf"{_YEAR}{_GAP}{_NAME}(?:{_GAP}(?P<day>\d{{1,2}}){_ORDINAL}(?![\d:]))?",
        rf"(?<![\d./-])(?P<one>\d{{1,2}})\s?(?P<mark>[-/.])\s?(?P<other>\d{{1,2}})\s?(?P=mark)\s?{_YEAR}",
    )
)


def date_of(text: str) -> str:
    """Empty for what is not a date. A date within other words is found; where there are several, what they have in
    common is. `03/05/2024` may be in March or in May, so that only its year is known."""
    text = _plain(text[:_LONGEST])
    for pattern in _WHOLE:
        if found := pattern.fullmatch(text):
            return _date(found)
    dates = sorted(filter(None, (_date(found) for pattern in _ANYWHERE for found in pattern.finditer(text))), key=len)
    if not dates:
        return ""
    longest = dates[-1]
    while longest and not all(longest.startswith(date) or date.startswith(longest) for date in dates):
        longest = longest.rpartition("-")[0]
    return longest


def _date(found: re.Match[str]) -> str:
    """As far as it is valid."""
    parts = found.groupdict()
    year = int(parts.get("year") or 0)
    if era := parts.get("era"):
        year += _BEFORE_ERA[era]
    if short := parts.get("short"):
        year = int(short) + (2000 if int(short) < 50 else 1900)
    if not _EARLIEST <= year <= datetime.date.today().year + 2:
        return ""
    if one := parts.get("one"):
        month, day = _month_and_day(int(one), int(parts["other"]), parts["mark"])
    else:
        month, day = int(parts.get("month") or 0), int(parts.get("day") or 0)
    if not 1 <= month <= 12:
        return str(year)
    if not 1 <= day <= monthrange(year, month)[1]:
        return f"{year}-{month:02}"
    return f"{year}-{month:02}-{day:02}"


def _month_and_day(one: int, other: int, mark: str) -> tuple[int, int]:
    """Of two numbers before a year: with points the day comes first, with other marks whichever cannot be a month."""
    if one > 12 or one == other or (mark == "." and other <= 12):
        return other, one
    return (one, other) if other > 12 else (0, 0)


def _plain(text: str) -> str:
    """ASCII digits, small letters, months as <03>."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").translate(_PLAIN_ARABIC)
    text = re.sub(r"[^\D0-9]", lambda digit: str(unicodedata.decimal(digit[0])), text)
    text = re.sub(
        r"[〇零一二三四五六七八九十百千]{1,12}(?=\s*[年月日号號])", lambda numeral: str(_number(numeral[0])), text
    )
    text = re.sub(r"(?<=[國国成和正治])\s*元\s*(?=年)", "1", text)
    text = re.sub(r"年\s*\([^()]{1,12}年\)", "年", text)
    text = _MONTH.sub(lambda name: f"<{_MONTHS[name[0]]:02}>", text)
    return _SAME_MONTH.sub(r"\1", text).strip()


def _number(numerals: str) -> int:
    """`二〇二四` -> 2024, `二十四` -> 24."""
    if not set(numerals) & set(_POWERS):
        return int("".join(str(_NUMERALS[numeral]) for numeral in numerals))
    total = digit = 0
    for numeral in numerals:
        if numeral in _POWERS:
            total += (digit or 1) * _POWERS[numeral]
            digit = 0
        else:
            digit = _NUMERALS[numeral]
    return total + digit
