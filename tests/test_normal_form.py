"""What becomes of every kind of character that is not stored as it comes, and that the rest is left alone."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.normal_form import normal_form
from indexer.sample import sample_file


def sample_texts() -> list[str]:
    return [json.loads(line)["text"] for line in sample_file().read_text(encoding="utf-8").splitlines()]


CHANGED = {
    "a\r\nb\rc\r\n\r\nd": "a\nb\nc\n\nd",
    "a\x0bb\x0cc\x85d\u2028e\u2029f": "a\nb\nc\nd\ne\n\nf",
    "cafe\u0301 か\u3099 한": "café が 한",
    "\ufa1b\u212b": "福Å",
    # Arabic letters as files made for printing have them
    "\ufee3\ufeae\ufea3\ufe92\ufe8e": "مرحبا",
    "\ufeb3\ufefc\ufee1": "سلام",
    "\ufef5\ufef7\ufef9\ufefb": "لآلألإلا",
    "\ufb56\ufb8e\ufbfc": "پکی",
    "\ufdf2 \ufdf4": "الله محمد",
    "\ufee3\ufe7b\ufee6": "م\u0650ن",
    "\ufe70\ufe71\ufe7d": "\u064b\u064b\u0651",
    "ب\ufc60ب\ufcf2": "ب\u064e\u0651" * 2,
    # Latin and Han shapes
    "\ufb01rst o\ufb03ce \ufb02ow": "first office flow",
    "\u2f00\u2f08\u2fd5": "一人龠",
    "\u2e9f\u2ef3\u2ed1\u2ec4\u2ea0\u2ed8\u2ee2": "母龟長西民青马",
    # what is not seen
    "in\u00advis\u200bi\u2060b\ufeffle\u180e": "invisible",
    "\ufefftext": "text",
    "\u200eab\u200f \u061cc\u202ad\u202be\u202cf\u202dg\u202eh \u2066i\u2067j\u2068k\u2069": "ab cdefgh ijk",
    "bell\x07 escape\x1b delete\x7f C1\x80\x9f unit\x1f": "bell escape delete C1 unit",
    # what no text can hold
    "a\0b\ud800c\udfff": "a\ufffdb\ufffdc\ufffd",
    "\ud83d\ude00": "\ufffd\ufffd",
}
KEPT = [
    "",
    "tab\tand\nline feed",
    "\u00a0 no-break, \u3000 ideographic \u2003 spaces",
    "می\u200cخواهم क\u094d\u200dष 👩\u200d👩\u200d👧 ❤\ufe0f",
    "Ｆｕｌｌ　ｗｉｄｔｈ １２３ ﾊﾝｶｸ",
    "السَّلامُ ـ عليكم",
    "\ufdfa \ufdfb \ufdfc \ufdfd \ufd3e \ufd3f",
    "Ⅳ ㌔ ㍻ ① ½ x² ﹏ ⺼ ⻌",
    "\ufffd \U0001f389 \U00020000",
]


@pytest.mark.parametrize(("text", "expected"), CHANGED.items(), ids=[ascii(text) for text in CHANGED])
def test_a_character_is_changed(text: str, expected: str) -> None:
    assert normal_form(text) == expected
    assert normal_form("日本 " + text + "。 end") == "日本 " + expected + "。 end"


@pytest.mark.parametrize("text", KEPT, ids=[ascii(text)[:40] for text in KEPT])
def test_a_text_is_kept(text: str) -> None:
    assert normal_form(text) == text


def test_texts_are_in_this_form_already() -> None:
    texts = sample_texts()
    assert len(texts) == 160
    assert [normal_form(text) for text in texts] == texts


def test_no_joined_form_of_an_arabic_letter_is_left() -> None:
    forms = [chr(code) for code in (*range(0xFB50, 0xFDFA), *range(0xFE70, 0xFEFD))]
    left = [form for form in forms if normal_form(form) == form and unicodedata.normalize("NFKC", form) != form]
    assert left == []


@given(
    st.text()
    | st.text(st.sampled_from("a\r\n\0\u0301\u200b\u200d\u2028\u2029\ud800\ufefb\ufe70\u2f00\u00ad가\u11a8ᄀ"))
)
@example("\r\u200b\n")
@example("e\u200b\u0301")
@example("\u1100\u00ad\u1161")
@example("\ufe70\u0651")
def test_the_form_of_a_form_is_itself(text: str) -> None:
    form = normal_form(text)
    assert normal_form(form) == form
    assert unicodedata.is_normalized("NFC", form)
    assert not set(form) & set("\r\0\x0b\x0c\x85\u2028\u2029\u200b\ufeff\u202e\ud800")
    form.encode("utf-8")


def test_a_megabyte_of_plain_text_takes_milliseconds() -> None:
    text = "".join(sample_texts())
    text *= 1_000_000 // len(text.encode())
    normal_form("")
    start = time.thread_time()
    assert normal_form(text) is text
    assert time.thread_time() - start < 0.25  # a few milliseconds, on a machine that does nothing else
