"""Texts in the encodings that files in four languages, and some more, come in; what is declared and what is not; and
bytes that are no text."""

from __future__ import annotations

import codecs
import json
import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.documents import Remark
from indexer.errors import DocumentError
from indexer.reading.encodings import Decoded, codec_of, declared_in, decoded, remarks
from indexer.sample import sample_file

RUSSIAN = """Москва готовится к зиме: коммунальные службы проверили тепловые сети, закупили соль и отремонтировали
снегоуборочные машины. В прошлом году первый снег выпал уже в середине октября, и тогда движение в центре города
остановилось на несколько часов. «Мы сделали выводы», — сказал заместитель мэра на встрече с жителями. Ёлки поставят
на площадях в начале декабря, а катки откроются, как только позволит погода.
"""
KOREAN = """서울시는 올겨울 폭설에 대비해 제설 장비를 미리 점검하고 소금을 충분히 확보했다고 밝혔다. 지난해에는
첫눈이 예상보다 일찍 내려 출근길 교통이 몇 시간 동안 마비되었다. 시 관계자는 "시민의 불편을 줄이기 위해 새벽부터
작업을 시작하겠다"고 말했다. 지하철은 평소보다 한 시간 늦게까지 운행할 예정이며, 학교의 등교 시간도 조정될 수 있다.
"""
FRENCH = """La ville de Besançon prépare l’hiver : les équipes ont vérifié les réseaux de chauffage, acheté du sel et
réparé les chasse-neige. L’année dernière, la première neige était tombée dès la mi-octobre, et la circulation avait été
bloquée pendant plusieurs heures. « Nous en avons tiré les leçons », a déclaré l’adjointe au maire à la sortie de la
réunion. Où seront placés les sapins ? La réponse viendra bientôt.
"""
TRADITIONAL = """台北市政府為了迎接冬天，已經檢查了所有的供暖設備，並且準備了足夠的物資。去年第一次寒流來得比預期還早，
許多道路因此封閉了好幾個小時。副市長在記者會上表示：「我們從過去的經驗學到很多，今年一定會做得更好。」學校也可能會
調整上課時間，市民可以在網站上查詢最新的消息。專家認為，這樣的天氣對農業的影響還需要進一步觀察。
"""
POLISH = """Miasto przygotowuje się do zimy: służby sprawdziły sieć ciepłowniczą, kupiły sól i naprawiły pługi śnieżne.
W zeszłym roku pierwszy śnieg spadł już w połowie października i ruch w centrum został wstrzymany na kilka godzin.
„Wyciągnęliśmy wnioski” – powiedział zastępca burmistrza podczas spotkania z mieszkańcami. Później okaże się, gdzie
staną choinki i kiedy zostaną otwarte lodowiska, o które pyta najwięcej dzieci.
"""
PLAIN_RUSSIAN = RUSSIAN.translate(str.maketrans("«»—", '""-'))
PLAIN_POLISH = POLISH.translate(str.maketrans("„”–", '""-'))


def files_of(lang: str, codec: str, size: int = 2000) -> list[str]:
    """Texts of at least so many bytes, of the sample documents that the encoding can hold."""
    texts = [""]
    for line in sample_file().read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        try:
            row["text"].encode(codec)
        except UnicodeEncodeError:
            continue
        if row["language"] == lang:
            texts[-1] += row["text"] + "\n\n"
            if len(texts[-1].encode(codec)) >= size:
                texts.append("")
    return texts[:-1]


def long(text: str, codec: str, size: int = 2100) -> bytes:
    data = text.encode(codec)
    return data * (size // len(data) + 1)


@pytest.mark.parametrize(
    ("lang", "codec"),
    [
        *(("ar", codec) for codec in ("cp1256", "iso8859-6", "utf-16-le", "utf-16-be", "utf-8")),
        *(("ja", codec) for codec in ("cp932", "euc_jp", "iso2022_jp", "utf-16-le", "utf-16-be", "utf-8")),
        *(("zh", codec) for codec in ("gb18030", "cp950", "utf-16-le", "utf-16-be", "utf-8")),
        *(("en", codec) for codec in ("utf-16-le", "utf-16-be", "utf-8", "utf-32-le", "utf-32-be")),
    ],
)
def test_a_file_of_two_kilobytes_is_read_without_being_told_how(lang: str, codec: str) -> None:
    texts = files_of(lang, codec)
    assert texts
    assert [decoded(text.encode(codec)) for text in texts] == [Decoded(text, codec) for text in texts]


def test_english_with_typographic_quotes_is_read() -> None:
    texts = [text.replace("'", "’").replace(' "', " “").replace('" ', "” ") for text in files_of("en", "cp1252")]
    texts = [text for text in texts if "’" in text]
    assert len(texts) >= 10
    assert [decoded(text.encode("cp1252")).text for text in texts] == texts


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (RUSSIAN, "cp1251"),
        (PLAIN_RUSSIAN, "koi8-r"),
        (PLAIN_RUSSIAN, "cp866"),
        (PLAIN_RUSSIAN, "iso8859-5"),
        (KOREAN, "cp949"),
        (KOREAN, "utf-16-le"),
        (FRENCH, "cp1252"),
        (FRENCH, "mac-roman"),
        (FRENCH.replace("’", "'"), "cp850"),
        (TRADITIONAL, "cp950"),
        (TRADITIONAL, "gb18030"),
        (TRADITIONAL, "utf-16-be"),
        (POLISH, "cp1250"),
        (PLAIN_POLISH, "iso8859-2"),
    ],
)
def test_a_file_in_another_language_is_read(text: str, codec: str) -> None:
    data = long(text, codec)
    assert decoded(data) == Decoded(data.decode(codec), codec)


@pytest.mark.parametrize(
    ("lang", "codec"), [("ar", "cp1256"), ("ja", "cp932"), ("ja", "euc_jp"), ("zh", "gb18030"), ("zh", "cp950")]
)
def test_little_of_a_language_among_much_english_is_read(lang: str, codec: str) -> None:
    english = files_of("en", "ascii", 500)
    for text, other in zip(files_of(lang, codec, 400), english, strict=False):
        head = f'<html><head><title>{text[:30]}</title></head><body class="a">'
        page = f"{head}\n<p>{other}</p>\n<b>{text[30:90]}</b></body>"
        assert decoded(page.encode(codec)).text == page
        mixed = "".join(
            f"{text[start : start + 20]} {other[5 * start : 5 * start + 80]} " for start in range(0, 100, 20)
        )
        assert decoded(mixed.encode(codec)).text == mixed


def test_a_short_text_is_read_with_a_doubt() -> None:
    assert decoded("今日は晴れです。".encode("cp932")) == Decoded(
        "今日は晴れです。", "cp932", "detected in only 16 bytes"
    )
    assert decoded("كيف حالك يا صديقي؟".encode("cp1256")).text == "كيف حالك يا صديقي؟"
    found = decoded(b"caf\xe9")
    assert (found.text, found.charset) == ("café", "cp1252")
    assert found.doubt.startswith("detected, the next likely is ")


def test_a_doubt_becomes_a_remark() -> None:
    assert list(remarks("a.txt", Decoded("x", "cp932", "detected in only 9 bytes"))) == [
        Remark("a.txt", "read as cp932, detected in only 9 bytes")
    ]
    assert list(remarks("a.txt", Decoded("x", "utf-8"))) == []


# Declared


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("Shift_JIS", "cp932"),
        ("x-sjis", "cp932"),
        ("Windows-31J", "cp932"),
        ("EUC-JP", "euc_jp"),
        ("iso-2022-jp", "iso2022_jp"),
        ("gb2312", "gb18030"),
        ("GBK", "gb18030"),
        ("x-gbk", "gb18030"),
        ("big5", "big5hkscs"),
        ("Big5-HKSCS", "big5hkscs"),
        ("euc-kr", "cp949"),
        ("ks_c_5601-1987", "cp949"),
        ("iso-8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("US-ASCII", "cp1252"),
        ("iso-8859-9", "cp1254"),
        ("windows-1256", "cp1256"),
        ("x-cp1251", "cp1251"),
        ("iso-8859-6", "iso8859-6"),
        ("koi8-r", "koi8-r"),
        ("tis-620", "cp874"),
        ("utf8", "utf-8"),
        (' "UTF-8" ', "utf-8"),
        ("utf-16", "utf-16-le"),
        ("macintosh", "mac-roman"),
        ("", ""),
        ("x-unknown", ""),
        ("base64", ""),
        ("rot13", ""),
        ("unicode_escape", ""),
        ("idna", ""),
        ("../../etc", ""),
        ("a" * 100, ""),
        ("\0", ""),
        ("日本", ""),
    ],
)
def test_a_label_stands_for_what_browsers_take_it_for(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    ("page", "label"),
    [
        (b'<?xml version="1.0" encoding="EUC-JP"?><rss/>', "euc-jp"),
        (b"<?xml version='1.0' encoding='Shift_JIS' ?>", "shift_jis"),
        (b"<!DOCTYPE html><html><head><meta charset=windows-1256>", "windows-1256"),
        (b'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; CHARSET=Big5">', "big5"),
        (b"<meta name=x><meta\ncharset = 'gbk' >", "gbk"),
        (b"<!-- <meta charset=big5> --><meta charset=gb2312>", "gb2312"),
        (b'<meta charset="utf-16">', "utf-8"),
        (b" " * 5000 + b"<meta charset=gbk>", ""),
        (b"<p>charset=gbk</p>", ""),
        (b"", ""),
    ],
)
def test_the_label_in_a_page_is_found(page: bytes, label: str) -> None:
    assert declared_in(page) == label


@pytest.mark.parametrize(
    ("text", "label", "charset"),
    [
        ("日本", "Shift_JIS", "cp932"),
        ("日本", "EUC-JP", "euc_jp"),
        ("中文", "gb2312", "gb18030"),
        ("中文", "big5", "cp950"),
        ("سلام", "windows-1256", "cp1256"),
        ("שלום", "windows-1255", "cp1255"),
        ("Việt", "windows-1258", "cp1258"),
        ("naïve", "iso-8859-1", "cp1252"),
        ("“quoted”", "iso-8859-1", "cp1252"),
        ("日本", "utf-16le", "utf-16-le"),
    ],
)
def test_what_is_declared_is_believed_without_a_doubt(text: str, label: str, charset: str) -> None:
    if charset == "cp1258":
        text = "Vi\u00ea\u0323t"
    assert decoded(text.encode(charset), label) == Decoded(text, charset)


@pytest.mark.parametrize(
    "label", ["utf-8", "iso-8859-1", "shift_jis", "gb2312", "windows-1251", "utf-16", "iso-2022-jp"]
)
def test_what_is_declared_and_cannot_be_is_doubted(label: str) -> None:
    (text, *_) = files_of("ar", "cp1256")
    assert decoded(text.encode("cp1256"), label) == Decoded(text, "cp1256", f"declared as {label}, which it is not")


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1256", "shift_jis", "gbk", "big5", "koi8-r", "utf-16"])
def test_utf_8_is_recognised_whatever_is_declared(label: str) -> None:
    for text in ("Zoë’s café “naïve” ", "これは日本語です。", "هذا نص عربي قصير", "यह हिन्दी है"):
        assert decoded((text * 3).encode(), label) == Decoded(
            text * 3, "utf-8", f"declared as {label}, which it is not"
        )


def test_a_label_that_is_unknown_is_no_label() -> None:
    assert decoded("日本".encode(), "x-unknown") == Decoded("日本", "utf-8")


# What the bytes say


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        ("\ufeff".encode("gb18030"), "gb18030"),
    ],
)
def test_a_byte_order_mark_decides(mark: bytes, codec: str) -> None:
    for text in ("text", "日本語", "نص", "🎉"):
        assert decoded(mark + text.encode(codec), "windows-1256") == Decoded(text, codec)
    with pytest.raises(DocumentError, match=r"^empty$"):
        decoded(mark)


def test_jis_text_is_read_with_all_that_mails_have_in_it() -> None:
    assert decoded(b"\x1b$BF|K\\8l\x1b(B and \x1b$BF|K\\\x1b(J") == Decoded("日本語 and 日本", "iso2022_jp")
    assert decoded(b"\x1b$B-!-j\x1b(B \x1b(I123\x1b(B") == Decoded("①㈱ ｱｲｳ", "iso2022_jp")
    assert decoded("驫黸 ok".encode("iso2022_jp_1")) == Decoded("驫黸 ok", "iso2022_jp")
    assert decoded("한국어".encode("iso2022_kr")) == Decoded("한국어", "iso2022_kr")
    assert decoded(b"\x1b[31mred\x1b[0m\x1b(B text").charset == "utf-8"  # colours of a terminal


def test_japanese_circled_numbers_and_chinese_kana_are_read() -> None:
    text = files_of("ja", "euc_jp")[0]
    assert decoded(b"\xad\xa1\xad\xea" + text.encode("euc_jp")).text == "①㈱" + text
    text = "阿の茶很好喝，我們一起去吧。" * 100
    assert decoded(text.encode("big5hkscs")) == Decoded(text, "big5hkscs")


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "utf-16-le", "utf-16"])
def test_a_last_character_that_is_cut_off_is_left_out(codec: str) -> None:
    text = files_of("ja", codec)[0].strip()
    name = codec if codec != "utf-16" else "utf-16-le"
    assert decoded(text.encode(codec)[:-1]) == Decoded(text[:-1], name, "its last character is cut off")


def test_a_few_wrong_bytes_do_not_spoil_a_file() -> None:
    first, second = files_of("ja", "cp932")[:2]
    utf_8 = first.encode() + b"\xff" + second.encode()
    place = f"byte {len(first.encode())} (0xff)"
    assert decoded(utf_8) == Decoded(f"{first}\ufffd{second}", "utf-8", f"but {place} is not")
    assert decoded(b"\xef\xbb\xbf" + utf_8).text == f"{first}\ufffd{second}"
    twice = utf_8 + b"\xfe" + second.encode()
    assert decoded(twice).doubt == f"but 2 places are not, first {place}"
    english = ("It’s “one” of them. " * 3 + "plain words " * 500).encode() + b"\xe9 end"
    assert decoded(english).charset == "utf-8"
    assert decoded(english.decode("utf-8", "ignore").encode("cp1252")).charset == "cp1252"
    place = f"byte {len(first.encode('cp932'))} (0x85)"
    shift_jis = first.encode("cp932") + b"\x85\n" + second.encode("cp932")
    for label in ("", "shift_jis"):
        assert decoded(shift_jis, label) == Decoded(f"{first}\ufffd\n{second}", "cp932", f"but {place} is not")


def test_what_tells_the_encoding_may_come_late() -> None:
    text = "plain words\n" * 40_000 + files_of("ja", "cp932")[0] + "plain words\n" * 20_000
    assert decoded(text.encode("cp932")) == Decoded(text, "cp932")
    text = "plain words\n" * 10_000 + "قال الوزير في المؤتمر إن العمل سيبدأ غدا\n" * 50 + "plain words\n" * 90_000
    assert decoded(text.encode("cp1256")) == Decoded(text, "cp1256")


# No text

BINARY = {
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it begins like a PNG image"),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)), "it begins like a JPEG image"),
    "ZIP": (b"PK\x03\x04\x14\x00text", "it begins like a ZIP archive"),
    "PDF": (b"%PDF-1.7\n", "it begins like a PDF file"),
    "ELF": (b"\x7fELF\x02\x01\x00\x00", "it begins like a program"),
    "NUL bytes": (b"text\x00with\x00\x00\x00NUL" * 10, "it holds NUL bytes"),
    "numbers": (b"".join(number.to_bytes(4, "little") for number in range(0, 90_000, 7)), "it holds NUL bytes"),
    "control characters": (b"\x01\x02text\x03\x04" * 20, "it holds many control characters"),
}


@pytest.mark.parametrize(("data", "reason"), BINARY.values(), ids=BINARY.keys())
def test_what_is_binary_is_said_to_be(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        decoded(data)
    assert str(error.value) == f"binary, not text ({reason}); expected text"


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"\xef\xbb\xbf", b"\xff\xfe", "\u3000\n".encode("cp932"), "\u2003".encode()]
)
def test_what_has_no_text_is_empty(data: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^empty$"):
        decoded(data)


@pytest.mark.parametrize("seed", range(5))
def test_bytes_without_a_meaning_are_refused(seed: int) -> None:
    letters = [byte for byte in range(256) if byte >= 32 and byte != 127]
    with pytest.raises(DocumentError, match=r"^not text in any encoding that is known; convert it to UTF-8$"):
        decoded(bytes(random.Random(seed).choices(letters, k=3000)))


def test_a_single_odd_character_does_not_make_a_text_binary() -> None:
    assert decoded(b"old text\x1a").text == "old text\x1a"
    assert decoded(b"words and words " * 100 + b"\x00" + b"words" * 100).charset == "utf-8"


@given(
    st.binary(max_size=300) | st.binary(max_size=300).map(lambda data: data.replace(b"\0", b"\x1b$B")),
    st.text(max_size=20),
)
@example(b"\x1b$B\x1b(I\x7f\x80", "")
@example(b"\x1b(I\xff\x1b$B", "")
@example(b"\x1b(I~~", "")
@example(b"\xff\xfe\x00", "utf-16")
@example(b"+\xff", "utf-7")
@example(b"~{\xff", "hz")
@example(b"\x80", "cp950")
@example(b"\xe9", "")
def test_whatever_the_bytes_are_they_give_a_text_or_a_reason(data: bytes, declared: str) -> None:
    for label in (declared, "shift_jis", "iso-8859-1", "utf-16"):
        try:
            found = decoded(data, label)
        except DocumentError as error:
            reason = str(error)
        else:
            reason = found.doubt
            assert found.text.strip()
            assert codecs.lookup(found.charset)
        assert "\n" not in reason
        assert len(reason) < 200


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))
def test_any_text_comes_back_from_utf_8(text: str) -> None:
    if not text.startswith("\ufeff"):
        assert decoded(text.encode()) == Decoded(text, "utf-8")
    assert decoded(b"\xef\xbb\xbf" + text.encode()) == Decoded(text, "utf-8")


def test_a_file_of_ten_kilobytes_takes_milliseconds_and_a_large_one_no_minutes() -> None:
    data = "".join(files_of("ja", "cp932")).encode("cp932")[:10_000]
    decoded(data)
    start = time.thread_time()
    decoded(data)
    assert time.thread_time() - start < 0.2  # 3 milliseconds, on a machine that does nothing else
    start = time.thread_time()
    assert decoded(b"A" * 20_000_000 + b"\xe9").charset == "cp1252"
    with pytest.raises(DocumentError):
        decoded(files_of("zh", "gb18030")[0].encode("gb18030") * 50 + bytes(range(128, 256)) * 50_000)
    assert time.thread_time() - start < 10


@pytest.mark.parametrize("data", [b"\x00\x01\x02text", b"\x00\x00\x01\x02\x03"])
def test_a_few_bytes_with_nul_are_no_utf_32_that_was_cut_off(data: bytes) -> None:
    with pytest.raises(DocumentError, match="binary, not text"):
        decoded(data)
