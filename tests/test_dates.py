"""Dates as they are written in four languages and by machines, each with what it must become."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.dates import date_of

BY_MACHINES = {
    "2024": "2024",
    "2024-03": "2024-03",
    "2024-03-05": "2024-03-05",
    " 2024-03-05\n": "2024-03-05",
    "2024-3-5": "2024-03-05",
    "2024-03-05T23:59:00-11:00": "2024-03-05",
    "2024-03-05T12:00:00Z": "2024-03-05",
    "2024-03-05 12:00:00.123456": "2024-03-05",
    "20240305": "2024-03-05",
    "20240305T120000Z": "2024-03-05",
    "20240305120000": "2024-03-05",
    "D:20240305120000+03'00'": "2024-03-05",
    "D:20240305": "2024-03-05",
    "D:202403": "2024-03",
    "D:2024": "2024",
    "Tue, 05 Mar 2024 12:00:00 +0000": "2024-03-05",
    "Tue, 5 Mar 2024 12:00 +0900 (JST)": "2024-03-05",
    "Tuesday, 05-Mar-24 12:00:00 GMT": "2024-03-05",
    "Fri, 05 Mar 99 12:00:00 GMT": "1999-03-05",
    "Tue Mar  5 12:00:00 2024": "2024-03-05",
    "Tue Mar  5 12:00:00 UTC 2024": "2024-03-05",
}
IN_ENGLISH = {
    "5 March 2024": "2024-03-05",
    "5th of March, 2024": "2024-03-05",
    "5 MAR 2024": "2024-03-05",
    "05-Mar-2024": "2024-03-05",
    "March 5, 2024": "2024-03-05",
    "March 5th 2024": "2024-03-05",
    "Mar. 5, 2024": "2024-03-05",
    "Sept. 1, 2023": "2023-09-01",
    "2024 March 5": "2024-03-05",
    "2024-Mar-05": "2024-03-05",
    "March 2024": "2024-03",
    "Mar 2024": "2024-03",
    "By Jane Doe, 5 March 2024, 10:32 GMT": "2024-03-05",
    "Posted on Mar 5, 2024 at 3:04 pm": "2024-03-05",
    "3-5 March 2024": "2024-03",
}
IN_EAST_ASIA = {
    "2024年3月5日": "2024-03-05",
    "2024 年 3 月 5 日（火）12時": "2024-03-05",
    "２０２４年３月５日": "2024-03-05",
    "2024年3月": "2024-03",
    "2024年": "2024",
    "2024年3月5号": "2024-03-05",
    "二〇二四年三月十五日": "2024-03-15",
    "2024/3/5": "2024-03-05",
    "2024/03": "2024-03",
    "2024.3.5": "2024-03-05",
    "2024. 3. 5.": "2024-03-05",
    "2024.03": "2024-03",
    "令和6年3月5日": "2024-03-05",
    "令和元年5月1日": "2019-05-01",
    "平成三十一年四月三十日": "2019-04-30",
    "昭和64年1月7日": "1989-01-07",
    "大正１２年９月１日": "1923-09-01",
    "明治45年": "1912",
    "㋿6年3月5日": "2024-03-05",
    "R6.3.5": "2024-03-05",
    "H31.4.30": "2019-04-30",
    "S64/1/7": "1989-01-07",
    "令和6年(2024年)3月5日": "2024-03-05",
    "2024年（令和6年）3月5日": "2024-03-05",
    "民國113年3月5日": "2024-03-05",
    "2024년 3월 5일": "2024-03-05",
    "更新 2024/03/05 12:00": "2024-03-05",
    "发布时间：2024-03-05 12:00 来源：新华社": "2024-03-05",
}
IN_ARABIC = {
    "5 مارس 2024": "2024-03-05",
    "5 من مارس 2024": "2024-03-05",
    "الثلاثاء 5 مارس/آذار 2024": "2024-03-05",
    "5 كانون الثاني (يناير) 2024": "2024-01-05",
    "يناير/كانون الثاني 2026": "2026-01",
    "٥ مارس ٢٠٢٤": "2024-03-05",
    "٢٠٢٤/٣/٥": "2024-03-05",
    "٢٥/٣/٢٠٢٤م": "2024-03-25",
    "۲۰۲۴-۰۳-۰۵": "2024-03-05",
    "\u200f5 مارس\u200f 2024": "2024-03-05",
    "تاريخ النشر: ٥ مارس ٢٠٢٤ - ١٢:٣٠": "2024-03-05",
    "15 رمضان 1445 هـ الموافق 25 مارس 2024": "2024-03-25",
    "1445/9/15هـ الموافق 2024/3/25م": "2024-03-25",
    "2024 م": "2024",
}
AS_FAR_AS_KNOWN = {
    "03/05/2024": "2024",
    "3-5-2024": "2024",
    "٥/٣/٢٠٢٤": "2024",
    "3/25/2024": "2024-03-25",
    "25/3/2024": "2024-03-25",
    "05/05/2024": "2024-05-05",
    "5.3.2024": "2024-03-05",
    "3.15.2024": "2024-03-15",
    "25/13/2024": "2024",
    "31 February 2024": "2024-02",
    "31/2/2024": "2024-02",
    "2023-02-29": "2023-02",
    "2024-02-29": "2024-02-29",
    "2024-13-05": "2024",
    "2024-00-00": "2024",
    "D:20241305": "2024",
    "Published 5 March 2024, updated 7 March 2024": "2024-03",
    "Published 5 March 2024, updated 7 May 2024": "2024",
    "Published 5 March 2024, updated 7 May 2025": "",
    "Published 2024-03-05 (5 March 2024)": "2024-03-05",
    "March 2024; 5 March 2024": "2024-03-05",
    "March 2024, April 2024": "2024",
    "2024年3月5日 - 2024年4月5日": "2024",
    "2024年3月5日 2023年3月5日": "",
}
NO_DATES = [
    "",
    "hello",
    "March 5",
    "123",
    "1709600000",
    "20249999",
    "Room 2024",
    "2020-2024",
    "2024-555-1234",
    "192.168.1.1",
    "15/09/1445",
    "1445-09-15",
    "2567",
    "9999-12-31",
    "0001-01-01",
    "الثلاثاء",
    "元年",
]


@pytest.mark.parametrize(
    ("text", "expected"), (BY_MACHINES | IN_ENGLISH | IN_EAST_ASIA | IN_ARABIC | AS_FAR_AS_KNOWN).items()
)
def test_a_date_is_known_as_far_as_it_is_written(text: str, expected: str) -> None:
    assert date_of(text) == expected


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_is_empty(text: str) -> None:
    assert date_of(text) == ""


@pytest.mark.parametrize(
    "names",
    [
        "January February March April May June July August September October November December",
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "كانون_الثاني شباط آذار نيسان أيّار حزيران تموز آب أيلول تشرين_الأول تشرين_الثاني كانون_الأول",
        "جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر",
        "يناير فبراير مارس أبريل ماي يونيو يوليوز غشت شتنبر أكتوبر نونبر دجنبر",
    ],
    ids=["English", "short English", "Gulf and Egypt", "Levant", "Maghreb", "Morocco"],
)
def test_every_month_has_its_number(names: str) -> None:
    months = [name.replace("_", " ") for name in names.split()]
    assert [date_of(f"7 {name} 2023") for name in months] == [f"2023-{month:02}-07" for month in range(1, 13)]


def test_a_year_is_believed_up_to_two_years_ahead() -> None:
    year = datetime.date.today().year
    assert date_of(f"{year + 2}-01-01") == f"{year + 2}-01-01"
    assert date_of(f"{year + 3}-01-01") == ""
    assert date_of("1500") == "1500"
    assert date_of("1499") == ""


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    assert date_of("a " * 200 + "5 March 2024 " + "a " * 100_000) == "2024-03-05"
    assert date_of("a " * 100_000 + "5 March 2024") == ""


@given(st.dates(datetime.date(1500, 1, 1), datetime.date(2024, 12, 31)))
def test_a_date_is_the_same_in_every_way_of_writing_it(date: datetime.date) -> None:
    year, month, day = date.year, date.month, date.day
    name = date.strftime("%B")
    for text in (
        date.isoformat(),
        f"{year}/{month}/{day}",
        f"{year}年{month}月{day}日",
        f"{day}.{month}.{year}",
        f"{day} {name} {year}",
        f"{name} {day}, {year}",
        date.strftime("D:%Y%m%d") + "000000Z",
    ):
        assert date_of(text) == date.isoformat(), text


@given(st.text() | st.text("0123456789٢۴２./-年月日令和元RS:TZ <>marchmayمارس()", max_size=40))
@example("\ud800" * 9)
@example("(" * 400 + "年" * 100)
@example("一" * 500 + "年")
@example("0" * 500)
def test_whatever_the_text_is_it_gives_a_valid_date_or_none(text: str) -> None:
    date = date_of(text)
    assert re.fullmatch(r"(\d{4}(-\d{2}(-\d{2})?)?)?", date)
    if len(date) == 10:
        datetime.date.fromisoformat(date)
    assert date_of(date) == date
