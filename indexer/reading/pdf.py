"""PDF -> text in reading order, with where each page begins.

PDFium says which character stands where. Lines, the order of right-to-left ones, and paragraphs are found here: the
lines of PDFium fall apart where fonts change, and its Arabic words turn around where each glyph is drawn by itself.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from math import degrees, hypot, inf, isfinite
from statistics import median
from time import monotonic
from typing import Any, NamedTuple

from indexer.documents import Found, Remark
from indexer.errors import DocumentError
from indexer.normal_form import normal_form
from indexer.reading.package_file import own_title
from indexer.reading.source import Context, Limits, Source, megabytes

_PAGES = 50_000
_PAGE_CHARACTERS = 1_000_000
_SECONDS, _PAGE_SECONDS = 60, 0.5
"""What all pages may take, and each of them more."""
_BEGINNING = 1024
"""The bytes among which %PDF- has to be."""


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document. Lines that repeat at the top or bottom of pages are left out; pages without text are told."""
    if b"%PDF-" not in source.stream.read(_BEGINNING):
        raise DocumentError("not a PDF (no %PDF- at its beginning)")
    source.stream.seek(0)
    pdf = _opened(source)
    try:
        book = _book(pdf, context.limits)
        properties = _properties(pdf)
    finally:
        pdf.close()
    _check(book)
    text, pages = _text(_without_repeated(book.pages))
    author = " ".join(properties["Author"].split())
    yield source.document(
        text,
        title=own_title(properties["Title"]) or _largest(book.pages[0]),
        date=_date(properties["CreationDate"]) or _date(properties["ModDate"]),
        metadata={"author": author} if author else None,
        pages=pages,
    )
    if book.pictures:
        yield Remark(source.name, f"{_numbered(book.pictures, len(book.pages))} no text (scanned?)")
    if book.unreadable:
        numbers = _numbered(book.unreadable, len(book.pages))
        yield Remark(source.name, f"{numbers} been left out (damaged, or more than {_PAGE_CHARACTERS:,} characters)")


def _opened(source: Source) -> Any:
    import pypdfium2
    from pypdfium2 import raw

    try:
        return pypdfium2.PdfDocument(source.stream)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise DocumentError("encrypted; remove its password first") from error
        raise DocumentError("damaged (not a PDF that can be opened)") from error


@dataclass
class _Book:
    """What is on the pages."""

    pages: list[list[_Line]] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    """Numbers of the pages that have something on them, but no text."""
    unreadable: list[int] = field(default_factory=list)
    """Numbers of the pages that are damaged or have too much on them."""


def _book(pdf: Any, limits: Limits) -> _Book:
    count = len(pdf)
    if count > _PAGES:
        raise DocumentError(f"{count:,} pages, expected at most {_PAGES:,}; split it")
    book = _Book()
    length = 0
    begun = monotonic()
    for number in range(1, count + 1):
        if monotonic() - begun > _SECONDS + _PAGE_SECONDS * number:
            raise DocumentError(
                f"takes too long to read ({_pages(number - 1)} of {count:,} in {_SECONDS} seconds or more)"
            )
        characters, drawn = _characters_of(pdf, number - 1)
        length += len(characters or ())
        if length > limits.text:
            raise DocumentError(f"more than {megabytes(limits.text)} of text, which is the most that is read; split it")
        lines = _lines(_upright(characters or []))
        book.pages.append(lines)
        if characters is None:
            book.unreadable.append(number)
        elif not lines and drawn:
            book.pictures.append(number)
    return book


def _check(book: _Book) -> None:
    if any(book.pages):
        return
    count = len(book.pages)
    if not count or len(book.unreadable) == count:
        raise DocumentError("damaged (none of its pages can be read)")
    if book.pictures:
        raise DocumentError(f"no text in its {_pages(count)}; scanned, it needs OCR first")
    raise DocumentError(f"no text in its {_pages(count)}; blank")


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


# What PDFium knows of a page


class _Character(NamedTuple):
    """A glyph's text, empty where that is not known, and place, turned so that its line is level."""

    text: str
    left: float
    right: float
    base: float
    """Height of the line that it stands on."""
    size: float
    angle: int
    """Degrees by which it was turned; `_DOWN` in vertical writing; `_SPACE` for a space or line end that nobody
    drew, but PDFium found: it has no place."""
    origin: float = 0.0
    """Where it is put, if it was not turned."""


_SPACE, _DOWN = -1, -2
_SMALLEST, _FAR = 0.01, 100_000
"""Sizes and places beyond which nothing can be read."""
_MEANT = {
    **dict.fromkeys((0x02, 0xAD, 0x2010, 0x2011, 0xFFFE), "-"),
    **dict.fromkeys((0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F), " "),
    0xF0B7: "•",
    0xF0A7: "▪",
    0xF0D8: "▪",
    0xF076: "▪",
    0xF0FC: "▪",  # bullets of Symbol and Wingdings
}
_DROPPED = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\ue000-\uf8ff\ufff0-\uffff]")


def _characters_of(pdf: Any, index: int) -> tuple[list[_Character] | None, bool]:
    """The characters of a page, and whether anything is drawn on it; None for a page that cannot be read."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        page = pdf[index]
    except pypdfium2.PdfiumError:
        return None, True
    try:
        text_page = page.get_textpage()
        try:
            if raw.FPDFText_CountChars(text_page.raw) > _PAGE_CHARACTERS:
                return None, True
            return list(_characters(text_page.raw)), raw.FPDFPage_CountObjects(page.raw) > 0
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return None, True
    finally:
        page.close()


def _characters(page: Any) -> Iterator[_Character]:
    """In the order in which they are drawn."""
    from pypdfium2 import raw

    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    to_box, to_matrix, to_x, to_y = ctypes.byref(box), ctypes.byref(matrix), ctypes.byref(x), ctypes.byref(y)
    height, size, angle, lead = -1.0, 0.0, 0, 0
    for index in range(raw.FPDFText_CountChars(page)):
        code = raw.FPDFText_GetUnicode(page, index)
        if 0xD800 <= code < 0xDC00:
            lead = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((lead - 0xD800) << 10) + code - 0xDC00 if lead else 0xFFFD
        lead = 0
        text = _plain(code)
        if code == 13 or not raw.FPDFText_GetLooseCharBox(page, index, to_box):
            continue
        if code == 10 or (text == " " and box.left == box.right):
            yield _Character(chr(code), 0, 0, 0, 0, _SPACE)
            continue
        raw.FPDFText_GetCharOrigin(page, index, to_x, to_y)
        if angle or box.top - box.bottom != height:  # else it is of the same font and size as the one before
            height = box.top - box.bottom
            raw.FPDFText_GetMatrix(page, index, to_matrix)
            size = abs(raw.FPDFText_GetFontSize(page, index)) * hypot(matrix.c, matrix.d)
            turned = raw.FPDFText_GetCharAngle(page, index)
            angle = _right_angle(degrees(turned)) if isfinite(turned) else _SLANTING
        place = (box.left, box.right, box.top, box.bottom, x.value, y.value)
        if not (_SMALLEST < size < _FAR and all(-_FAR < one < _FAR for one in place)):
            continue
        if angle == 0:
            yield _Character(text, min(box.left, x.value), box.right, y.value, size, angle, x.value)
        elif angle == 90:
            yield _Character(text, -box.top, -box.bottom, x.value, size, angle)
        elif angle == 180:
            yield _Character(text, -box.right, -box.left, -y.value, size, angle)
        elif angle == 270:
            yield _Character(text, box.bottom, box.top, -x.value, size, angle)


def _right_angle(angle: float) -> int:
    """Pages that were scanned are never quite level."""
    nearest = round(angle / 90) * 90
    return nearest % 360 if abs(angle - nearest) <= _LEVEL else _SLANTING


_LEVEL = 10
_SLANTING = 45


def _plain(code: int) -> str:
    """Empty for what is no text, such as signs of symbol fonts."""
    return _DROPPED.sub("", _MEANT.get(code) or chr(code))


# Characters -> lines

_UNSPACED = re.compile("[\u3000-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65\U00020000-\U0003ffff]")
"""Chinese and Japanese, which part no words."""
_KANA = re.compile("[\u3041-\u30ff\u3100-\u312f\\s]*$")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")
_FEW = 0.1


def _upright(characters: list[_Character]) -> list[_Character]:
    """Without what is turned in another way than most is, such as watermarks and stamps on margins; columns of vertical
    Japanese or Chinese become lines."""
    upright: list[_Character] = []
    start = 0
    for first, end in _columns(characters):
        upright += characters[start:first]
        upright += [_turned(one) for one in characters[first:end]]
        start = end
    upright += characters[start:]
    angles = Counter(one.angle for one in upright)
    del angles[_SPACE]
    some = {angle for angle, count in angles.items() if count > _FEW * angles.total()}
    return [one for one in upright if one.angle in some or one.angle == _SPACE]


def _columns(characters: list[_Character]) -> Iterator[tuple[int, int]]:
    """Runs of vertical writing: each character right below the one before, but for some that lie on their side."""
    drawn = [index for index, one in enumerate(characters) if one.angle == 0 and _UNSPACED.match(one.text)]
    below: list[int] = []
    for index, following in pairwise(drawn):
        one, after = characters[index], characters[following]
        step = (one.base - after.base) / (one.size or 1)
        if abs(one.origin - after.origin) < 0.3 * one.size and 0.7 < step < 1.2 * (following - index):
            below += (index, following)
    first = 0
    for place, index in enumerate(below):
        if place + 1 == len(below) or below[place + 1] - index > _BETWEEN_VERTICAL:
            if place - first > _VERTICAL:
                yield below[first], index + 1
            first = place + 1


_VERTICAL = 12
"""Half as many characters have to stand below each other."""
_BETWEEN_VERTICAL = 12


def _turned(one: _Character) -> _Character:
    if one.angle == _SPACE:
        return one
    if one.angle == 90:  # Latin words lie on their side there
        return one._replace(base=one.base + 0.35 * one.size, angle=_DOWN)
    middle = one.origin + one.size / 2
    return _Character(one.text, -one.base - 0.88 * one.size, -one.base + 0.12 * one.size, middle, one.size, _DOWN, 0)


class _Line:
    """What stands on one line."""

    __slots__ = ("angle", "base", "characters", "last", "left", "right", "rows", "size", "text")

    def __init__(self, first: _Character) -> None:
        self.characters = [first]
        self.left, self.right, self.base, self.size = first.left, first.right, first.base, first.size
        self.angle = first.angle
        self.last = first
        self.text = ""
        self.rows = False
        """Whether it has a gap as wide as those between the columns of a table."""

    def takes(self, one: _Character) -> bool:
        """Whether a character is on this line: it stands at its height, or is raised or lowered within or beside it."""
        small, large = sorted((self.size, one.size))
        apart = abs(one.base - self.base)
        if one.size == self.last.size:  # the line may not be quite level
            apart = min(apart, abs(one.base - self.last.base))
        if one.angle != self.angle or apart > large:
            return False
        if apart <= 0.3 * small:
            return True
        if max(one.left - self.right, self.left - one.right) > 0.6 * large:
            return False
        if apart <= 0.6 * large and (small <= 0.85 * large or _RIGHT_TO_LEFT.match(one.text)):
            return True
        return _is_mark(one.text)

    def continues(self, one: _Character) -> bool:
        """Whether a character stands right beside this line, though it is drawn later."""
        return self.takes(one) and -0.3 * self.size < max(one.left - self.right, self.left - one.right) < self.size

    def belongs_to(self, other: _Line) -> bool:
        """Whether it is no more than a letter with a mark that stands within the line drawn next."""
        return len(self.characters) < 4 and all(
            one.angle == _SPACE or (_RIGHT_TO_LEFT.match(one.text) and other.takes(one)) for one in self.characters
        )

    def add(self, characters: Iterable[_Character]) -> None:
        for one in characters:
            self.characters.append(one)
            if one.angle == _SPACE:
                continue
            if one.size > self.size:
                self.base, self.size = one.base, one.size
            self.left, self.right = min(self.left, one.left), max(self.right, one.right)
            self.last = one

    def finish(self, leftward: bool) -> None:
        """Its text, from its characters; `leftward` on a page of Arabic or Hebrew."""
        drawn = [one for one in self.characters if one.angle != _SPACE]
        self.size = median(one.size for one in drawn)
        inked = [one for one in drawn if one.text.strip()]
        if not inked:
            return
        self.left, self.right = min(one.left for one in inked), max(one.right for one in inked)
        if any(_RIGHT_TO_LEFT.match(one.text) for one in inked):
            text = _two_way_text(drawn, leftward)
        else:
            text = _one_way_text(self)
        ordered = sorted(inked, key=lambda one: one.left)
        self.rows = any(after.left - one.right > 1.5 * self.size for one, after in pairwise(ordered))
        self.text = re.sub(r"[ \t]+", " ", text).strip(" ")
        self.characters = []


def _lines(characters: list[_Character]) -> list[_Line]:
    """In the order in which they are drawn, which is that of reading in all but few files."""
    lines: list[_Line] = []
    current: _Line | None = None
    marks: list[tuple[int, _Character]] = []
    for index, one in enumerate(characters):
        if _is_mark(one.text) and _RIGHT_TO_LEFT.match(one.text) and not _is_part(characters, index):
            marks.append((len(lines), one))
        elif current is not None and (one.angle == _SPACE or current.takes(one)):
            current.add((one,))
        elif one.angle != _SPACE:
            current = next((line for line in lines[:-_DRAWN_LATER:-1] if line.continues(one)), None)
            if current is not None:
                current.add((one,))
            else:
                current = _Line(one)
                lines.append(current)
    for index, mark in marks:
        around = [line for line in lines[max(0, index - _DRAWN_LATER) : index + 2] if line.takes(mark)]
        if around:
            min(around, key=lambda line: abs(line.base - mark.base)).characters.append(mark)
    whole: list[_Line] = []
    lines = _without_ruby(lines)
    for line, following in zip_longest(lines, lines[1:]):
        if following is not None and line.belongs_to(following):
            following.add(line.characters)
        elif whole and whole[-1].takes(line.characters[0]):
            whole[-1].add(line.characters)
        else:
            whole.append(line)
    kinds = Counter(_kind(one.text) for line in whole for one in line.characters)
    for line in whole:
        line.finish(kinds["R"] > kinds["L"])
    return [line for line in whole if line.text]


_DRAWN_LATER = 12
"""Lines among which is that of a part drawn later."""


def _is_part(characters: list[_Character], index: int) -> bool:
    """Whether a mark is of one glyph with the letter before or after."""
    beside = characters[max(0, index - 1) : index] + characters[index + 1 : index + 2]
    return any(_place_of(one) == _place_of(characters[index]) for one in beside)


def _without_ruby(lines: list[_Line]) -> list[_Line]:
    """Without kana half as large as the line right below."""
    kept = []
    for index, line in enumerate(lines):
        kana = all(_KANA.match(one.text) for one in line.characters)
        near = lines[max(0, index - 6) : index + 7] if kana else ()
        if not any(
            line.size <= 0.6 * below.size
            and 0.5 * below.size < line.base - below.base < 1.7 * below.size
            and line.left < below.right + below.size
            and line.right > below.left - below.size
            for below in near
        ):
            kept.append(line)
    return kept


def _one_way_text(line: _Line) -> str:
    """From left to right. What PDFium found to be a space is none between Chinese or Japanese characters, unless it is
    wide. Raised numbers after a word are left out: they count notes."""
    pieces: list[str] = []
    found = ""
    before: _Character | None = None
    raised = False
    characters = _in_place(line.characters)
    drawn = [one for one in characters if one.angle != _SPACE]
    wide = 0.5 + max(0.0, median((after.left - one.right) / line.size for one, after in pairwise(drawn + drawn[-1:])))
    for one in characters:
        if one.angle == _SPACE:
            found = one.text
            continue
        if before is not None:
            gap = (one.left - before.right) / line.size
            unspaced = _UNSPACED.match(one.text) or _UNSPACED.match(before.text)
            if gap > wide or (not unspaced and (found == " " or (found and gap > 0.15))):
                pieces.append(" ")
        found = ""
        is_raised = one.size <= 0.85 * line.size and one.base > line.base + 0.15 * line.size
        if is_raised and not raised and one.text.isdigit() and _ENDS_WORD.search("".join(pieces[-8:])):
            pieces.append(_NOTE)
        if raised and not is_raised:
            pieces.append(_NOTE_END)
        raised = is_raised
        pieces.append(one.text)
        before = one
    return _NOTES.sub("", "".join(pieces)).replace(_NOTE, "").replace(_NOTE_END, "")


_NOTE, _NOTE_END = "\x02", "\x03"
_NOTES = re.compile(rf"{_NOTE}[\d, *†‡]+(?:{_NOTE_END}|$)")
_ENDS_WORD = re.compile(r"[^\W\d_]{3}$|[.,;:!?)\]”»」』。]$|[\u3040-\u9fff]$")


def _in_place(characters: list[_Character]) -> list[_Character]:
    """From left to right, where something was drawn later than what stands to its right; marks stay behind letters."""
    last: _Character | None = None
    jumps = False
    parts: list[list[_Character]] = []
    for one in characters:
        if parts and (one.angle == _SPACE or _is_mark(one.text)):
            parts[-1].append(one)
            continue
        parts.append([one])
        if last is not None and one.left < last.left - 0.5 * one.size and one.right < last.right - 0.5 * one.size:
            jumps = True
        last = one
    if not jumps:
        return characters
    parts.sort(key=lambda part: part[0].left)
    return [one._replace(text="\n") if one.angle == _SPACE else one for part in parts for one in part]


# Lines with Arabic or Hebrew: what is seen -> what is said


@dataclass(slots=True)
class _Unit:
    """A glyph: a letter with its marks, a ligature of letters, a space."""

    text: str
    left: float
    right: float
    kind: str
    """R for right-to-left, L for left-to-right, 1 for digits, else nothing."""
    marks: str = ""
    apart: bool = False
    """Whether it stands higher or lower than the line does."""


_ALEFS = "اأإآٱ"
_LIGATURES = {"هللا": "الله", "هلل": "لله"}
_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_OPENING, _CLOSING = "([{<«‹", ")]}>»›"
_KINDS = {"R": "R", "AL": "R", "L": "L", "EN": "1", "AN": "1"}


def _two_way_text(characters: list[_Character], leftward: bool) -> str:
    """The text of a line, whose glyphs are taken as they stand from left to right."""
    seen = _with_spaces(_units(characters), median(one.size for one in characters))
    count = Counter(unit.kind for unit in seen)
    parts = _logical(seen, count["R"] * 3 >= count["L"] if leftward else count["R"] > count["L"])
    text = _bracketed("".join(unit.text + unit.marks for unit in parts))
    return re.sub("\u0640+(?=[\u0620-\u064a])", "", text)  # letters drawn out to fill a line


def _units(characters: list[_Character]) -> list[_Unit]:
    """From left to right; marks are put to the letters that they stand over."""
    units: list[_Unit] = []
    marks: list[_Unit] = []
    size, base = median(one.size for one in characters), median(one.base for one in characters)
    for glyph in _glyphs(characters):
        if glyph[0].text.isdigit() and glyph[0].size <= 0.85 * size and glyph[0].base > base + 0.15 * size:
            continue  # counts a note
        letters = "".join(one.text for one in glyph if not _is_mark(one.text))
        unit = _Unit(letters, min(one.left for one in glyph), max(one.right for one in glyph), "")
        unit.marks = "".join(one.text for one in glyph if _is_mark(one.text))
        unit.apart = letters != "" and abs(glyph[0].base - base) > 0.05 * size
        (units if letters or not unit.marks else marks).append(unit)
    units.sort(key=lambda unit: unit.left + unit.right)
    turned = any(_is_turned(unit.text) for unit in units)
    for unit in units:
        if _is_turned(unit.text) or (turned and _is_letters(unit.text)):
            unit.text = _LIGATURES.get(unit.text) or unit.text[::-1]
        unit.kind = _kind(unit.text)
    units = _without_doubled(units)
    letters_only = [unit for unit in units if unit.text.strip()]
    middles = [(unit.left + unit.right) / 2 for unit in letters_only]
    for mark in marks:
        middle = (mark.left + mark.right) / 2
        place = bisect(middles, middle)
        near = letters_only[max(0, place - 2) : place + 2]
        if near:
            over = min(near, key=lambda unit: max(unit.left - middle, middle - unit.right))
            over.marks += "".join(one for one in mark.marks if one not in over.marks)
    return units


def _glyphs(characters: list[_Character]) -> Iterator[list[_Character]]:
    """Characters that are one glyph: they stand at one place."""
    glyph: list[_Character] = []
    for one in characters:
        if glyph and not one.text.isspace() and _place_of(glyph[-1]) == _place_of(one):
            glyph.append(one)
            continue
        if glyph:
            yield glyph
        glyph = [one]
    if glyph:
        yield glyph


def _place_of(one: _Character) -> tuple[float, float]:
    return (one.origin, one.base) if one.angle == 0 else (one.left, one.right)


def _without_doubled(units: list[_Unit]) -> list[_Unit]:
    """Without a letter that a file says twice: of the letter's glyph, and of that of the mark over it."""
    kept: list[_Unit] = []
    for unit in units:
        before = kept[-1] if kept else None
        if before is not None and unit.text and abs(unit.left - before.left) < 0.1 * (before.right - before.left):
            marked, other = sorted((before, unit), key=lambda one: len(one.text) * 2 + (not one.marks))
            if marked.marks and other.text.endswith(marked.text):
                kept[-1] = other
                other.marks += "".join(one for one in marked.marks if one not in other.marks)
                continue
        kept.append(unit)
    return kept


def _is_mark(text: str) -> bool:
    return text != "" and unicodedata.combining(text[0]) > 0


def _kind(text: str) -> str:
    return next((kind for kind in (_KINDS.get(unicodedata.bidirectional(one)) for one in text) if kind), "")


def _is_turned(text: str) -> bool:
    """Whether the letters of a ligature came in the order in which they are seen: alef is its last letter."""
    return text in _LIGATURES or (len(text) == 2 and text[0] in _ALEFS and text[1] == "ل")


def _is_letters(text: str) -> bool:
    return 1 < len(text) <= 3 and text[-1] not in _ALEFS and all(_RIGHT_TO_LEFT.match(one) for one in text)


def _with_spaces(units: list[_Unit], size: float) -> list[_Unit]:
    seen = units[:1]
    for before, unit in pairwise(units):
        if unit.left - before.right > (0.4 if before.apart else 0.2 if unit.apart else 0.15) * size:
            seen.append(_Unit(" ", before.right, unit.left, ""))
        seen.append(unit)
    return seen


def _logical(seen: Sequence[_Unit], right_to_left: bool) -> list[_Unit]:
    """In the order of reading."""
    if right_to_left:
        return [unit for start, end in reversed(list(_spans(seen))) for unit in seen[start:end]]
    parts: list[_Unit] = []
    index = 0
    while index < len(seen):
        end = index
        if seen[index].kind == "R":
            for other in range(index, len(seen)):
                if seen[other].kind == "L":
                    break
                if seen[other].kind == "R":
                    end = other
        parts += _logical(seen[index : end + 1], True)
        index = end + 1
    return parts


def _spans(seen: Sequence[_Unit]) -> Iterator[tuple[int, int]]:
    """Runs of words and numbers that go from left to right within a right-to-left line; all else unit by unit."""
    hebrew = any("\u0590" <= unit.text[:1] < "\u0600" for unit in seen)
    index = 0
    while index < len(seen):
        end = index
        if seen[index].kind in ("L", "1"):
            words = seen[index].kind == "L"
            for other in range(index + 1, len(seen)):
                kind = seen[other].kind
                if kind == "R":
                    break
                if not kind:
                    continue
                between = "".join(unit.text for unit in seen[end + 1 : other])
                words = words or kind == "L"
                if between and not _links(between, words, seen[end].kind == kind == "L", hebrew):
                    break
                end = other
            if hebrew and end + 1 < len(seen) and seen[end + 1].text in "%‰°€$₪":
                end += 1
            yield index, end + 1
        else:
            yield index, index + 1
        index = end + 1


def _links(between: str, words: bool, both_words: bool, hebrew: bool) -> bool:
    """Whether what stands between two words or numbers keeps them in one run."""
    if words:
        return both_words or not any(one in _OPENING + _CLOSING for one in between)
    return between in (",", ".", ":", "/") or (hebrew and between in ("-", "+"))


def _bracketed(text: str) -> str:
    """Brackets, of which some files say the shape and others the meaning, by what stands beside them."""
    pieces = list(text)
    for index, one in enumerate(text):
        if one in _OPENING or one in _CLOSING:
            before = text[index - 1] if index else " "
            after = text[index + 1] if index + 1 < len(text) else " "
            opens = (before.isspace() or before in _OPENING) and not after.isspace()
            closes = not before.isspace() and not after.isalnum()
            if opens != closes and (one in _OPENING) != opens:
                pieces[index] = one.translate(_MIRRORED)
    return "".join(pieces)


# Lines that repeat from page to page

_REPEATING_PAGES = 4
_EDGE_LINES = 2


def _without_repeated(pages: list[list[_Line]]) -> list[list[_Line]]:
    """Without what stands at the same height of the top or bottom of most pages, with nothing but a number changing; of
    most left or most right pages, too; and without numbers of pages, with what is beside them. What is set in larger
    letters than the text is a heading, and stays."""
    if len(pages) < _REPEATING_PAGES:
        return pages
    size = 1.15 * _text_size(pages)
    edges = [[line for line in _edges(lines) if line.size < size or _is_number(line.text)] for lines in pages]
    left_out = _repeated(edges) | _with_page_numbers(edges)
    kept = [[line for line in lines if id(line) not in left_out] for lines in pages]
    return kept if any(kept) else pages


def _repeated(edges: list[list[_Line]]) -> set[int]:
    places: dict[tuple[str, int], list[tuple[int, _Line]]] = defaultdict(list)
    for number, lines in enumerate(edges):
        for line in lines:
            places[_numberless(line.text), number % 2].append((number, line))
    repeated: set[int] = set()
    for (text, side), found in places.items():
        height = median(line.base for _, line in found)
        level = [(number, line) for number, line in found if abs(line.base - height) < 2 * line.size]
        on_side = len({number for number, _ in level})
        on_other = len({number for number, _ in places.get((text, 1 - side), ())})
        if on_side > (len(edges) + 1 - side) // 2 / 2 and on_side + on_other >= _FEW_PAGES:
            repeated.update(id(line) for _, line in level)
    return repeated


_FEW_PAGES = 3
_NUMBERED = 0.4
"""Of all pages, those that have to have their number."""


def _with_page_numbers(edges: list[list[_Line]]) -> set[int]:
    """The first and last lines that begin or end with a number that counts the pages."""
    numbers = [
        (page, int(number), line)
        for page, lines in enumerate(edges)
        for line in {id(line): line for line in lines if line is lines[0] or line is lines[-1]}.values()
        for number in re.findall(r"^\d{1,5}(?!\S)|(?<!\S)\d{1,5}$", line.text)
    ]
    offsets = Counter({(number - page, page) for page, number, _ in numbers})
    by_offset = Counter(offset for offset, _ in offsets)
    if not by_offset:
        return set()
    offset, count = by_offset.most_common(1)[0]
    if count < max(_FEW_PAGES, _NUMBERED * len(edges)):
        return set()
    return {id(line) for page, number, line in numbers if number - page == offset}


def _edges(lines: list[_Line]) -> list[_Line]:
    """The first and last ones, from the bottom up."""
    ordered = sorted(lines, key=lambda line: line.base)
    return ordered[:_EDGE_LINES] + ordered[max(_EDGE_LINES, len(ordered) - _EDGE_LINES) :]


def _numberless(text: str) -> str:
    return "#" if _is_number(text) else re.sub(r"\d+", "#", " ".join(text.split()))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[ivxlc]+|[IVXLC]+|\W*\d+\W*", text) is not None


def _text_size(pages: list[list[_Line]]) -> float:
    """The size in which most of it is set."""
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


# Lines -> paragraphs

_BULLET = re.compile("[•‣◦▪▫■□●○◆◇▶►➢✓⁃∙·] ?(?=\\S)|[-–—*] (?=\\S)")
_LEADERS = re.compile(r" ?(?:[.·…‥․_]\s?){4,}")
_HYPHENATED = re.compile(r"([^\W\d_]+)-$")
_BREAKS_AFTER = re.compile(r"\w/$")
_SENTENCE_ENDS = re.compile('[.!?。！？؟。」』）)"”»:：;؛]$')


def _text(pages: list[list[_Line]]) -> tuple[str, tuple[int, ...]]:
    """All text, and where each page begins in it; a page without text begins where the next one does."""
    words = _words(pages)
    leading, margins = _leading(pages), _margins(pages)
    pieces: list[str] = []
    length = 0
    starts: list[int | None] = []
    before: _Place | None = None
    for lines in pages:
        starts.append(None)
        for place in _places(lines, margins):
            between = _between(before, place, leading) if before is not None else ""
            if between == " ":
                between, without_hyphen = _joint(pieces[-1], place.text, words)
                if without_hyphen:
                    pieces[-1] = pieces[-1][:-1]
                    length -= 1
            length += len(between)
            if starts[-1] is None:
                starts[-1] = length
            pieces += (between, place.text)
            length += len(place.text)
            before = place
    following = length
    offsets: list[int] = []
    for start in reversed(starts):
        following = following if start is None else start
        offsets.append(following)
    return "".join(pieces), tuple(reversed(offsets))


def _joint(before: str, text: str, words: set[str]) -> tuple[str, bool]:
    """What goes between two lines of a paragraph, and whether the hyphen before goes."""
    found = _HYPHENATED.search(before)
    if found and text[0].isalpha():
        return "", _is_one_word(found.group(1), text, words)
    unspaced = _UNSPACED.match(before[-1]) and _UNSPACED.match(text)
    return "" if unspaced or _BREAKS_AFTER.search(before) else " ", False


class _Place(NamedTuple):
    """A line, measured in the direction in which its page is read."""

    text: str
    begin: float
    end: float
    base: float
    size: float
    angle: int
    near: float
    """Where the lines around it begin."""
    far: float
    """Where they end."""
    is_item: bool
    is_listed: bool
    """Whether it begins with a bullet, or with a number as items of lists do."""
    is_outdented: bool
    """Whether the next line begins before it does."""
    rows: bool
    page: int


_AROUND = 12
_LISTED_LINE = re.compile(r"\(?\w{1,3}[.)）、]\s?|[①-⑳]|\d+\s")


def _places(lines: list[_Line], margins: dict[tuple[int, ...], float]) -> list[_Place]:
    spans = _spans_of(lines)
    places: list[_Place] = []
    for index, line in enumerate(lines):
        begin, end = spans[index]
        around = [
            other
            for other in range(max(0, index - _AROUND), min(len(lines), index + _AROUND + 1))
            if other == index or (_same_size(lines[other], line) and spans[other][0] < end and spans[other][1] > begin)
        ]
        text = _LEADERS.sub(" ", line.text).strip()
        bullet = _BULLET.match(text)
        following = spans[index + 1][0] if index + 1 < len(lines) and _same_size(lines[index + 1], line) else -inf
        places.append(
            _Place(
                text=normal_form("- " + text[bullet.end() :] if bullet else text),
                begin=begin,
                end=end,
                base=line.base,
                size=line.size,
                angle=line.angle,
                near=-_common([-spans[other][0] for other in around], line.size),
                far=margins.get(_margin(line, begin)) or _common([spans[other][1] for other in around], line.size),
                is_item=bullet is not None,
                is_listed=bullet is not None or _LISTED_LINE.match(text) is not None,
                is_outdented=following < begin - 0.5 * line.size,
                rows=line.rows or text != line.text.strip(),
                page=id(lines),
            )
        )
    return [place for place in places if place.text]


def _same_size(line: _Line, other: _Line) -> bool:
    return abs(line.size - other.size) < 0.1 * other.size


def _spans_of(lines: list[_Line]) -> list[tuple[float, float]]:
    """Where lines begin and end, from right to left on a page of Arabic or Hebrew."""
    leftward = 2 * sum(_RIGHT_TO_LEFT.search(line.text) is not None for line in lines) > len(lines)
    return [(-line.right, -line.left) if leftward else (line.left, line.right) for line in lines]


def _common(ends: list[float], size: float) -> float:
    """The furthest place that three lines reach, or any where no three reach the same: one line may be a header."""
    ordered = sorted(ends, reverse=True)
    return next((least for end, least in zip(ordered, ordered[2:], strict=False) if end - least < size), ordered[0])


def _margins(pages: list[list[_Line]]) -> dict[tuple[int, ...], float]:
    """Where lines end, by where they begin; only of pages with nothing side by side."""
    ends: dict[tuple[int, ...], list[float]] = defaultdict(list)
    for lines in pages:
        level = sorted(lines, key=lambda line: line.base)
        beside = sum(
            abs(line.base - other.base) < 0.3 * line.size and (line.right < other.left or other.right < line.left)
            for line, other in pairwise(level)
        )
        if beside <= 0.1 * len(lines):
            for line, (begin, end) in zip(lines, _spans_of(lines), strict=True):
                ends[_margin(line, begin)].append(end)
    return {key: _common(found, key[1]) for key, found in ends.items() if len(found) >= _ENOUGH}


_ENOUGH = 8


def _margin(line: _Line, begin: float) -> tuple[int, ...]:
    size = max(1, round(line.size))
    return line.angle, size, round(begin / size)


def _leading(pages: list[list[_Line]]) -> dict[tuple[int, int], float]:
    """Direction and size of letters -> distance of lines within a paragraph: the smallest that is common."""
    gaps: dict[tuple[int, int], Counter[float]] = defaultdict(Counter)
    for lines in pages:
        for line, after in pairwise(lines):
            gap = line.base - after.base
            if abs(line.size - after.size) < 0.06 * line.size and 0.8 * line.size < gap < 3 * line.size:
                gaps[line.angle, round(line.size)][round(gap * 2) / 2] += 1
    return {
        size: min(gap for gap, count in found.items() if count >= 0.15 * found.total() or count == max(found.values()))
        for size, found in gaps.items()
    }


def _between(before: _Place, place: _Place, leading: dict[tuple[int, int], float]) -> str:
    """What parts two lines: a space within a paragraph, a line end where a line was ended on purpose, an empty line
    between paragraphs."""
    em = max(before.size, place.size)
    if before.angle != place.angle or abs(before.size - place.size) > 0.12 * em:
        return "\n\n"
    gap = before.base - place.base
    room = before.far - before.end
    if place.text[0].islower() and not _SENTENCE_ENDS.search(before.text):
        room -= 0.15 * (before.far - before.near)
    word = 1.15 * (place.end - place.begin) * len(_FIRST_WORD.match(place.text).group()) / len(place.text)  # type: ignore[union-attr]
    ended = room > word + 0.6 * em
    if place.is_item:
        return "\n" if before.is_item or place.begin > before.begin - em else "\n\n"
    if before.page != place.page or gap < 0.3 * em:  # another page or column
        cut_off = before.end - before.begin > _FULL * em and not (ended or before.rows)
        goes_on = cut_off and not _SENTENCE_ENDS.search(before.text) and place.begin < place.near + em
        return " " if goes_on else "\n\n"
    if gap > 1.25 * leading.get((place.angle, round(em)), 1.2 * em):
        return "\n\n"
    if before.rows and place.rows:
        return "\n"
    if ended:
        return "\n\n" if _SENTENCE_ENDS.search(before.text) else "\n"
    centred = abs(before.begin + before.end - place.begin - place.end) < 0.5 * em
    if (
        (place.is_outdented or before.rows or _SENTENCE_ENDS.search(before.text))
        and place.begin > before.begin + 0.8 * em
        and before.begin < before.near + 0.5 * em
        and not (centred or before.is_listed)
    ):
        return "\n\n"
    return " "


_FULL = 12
"""Widths of a letter that a line of a paragraph has at least."""
_FIRST_WORD = re.compile(f"{_UNSPACED.pattern}{{1,2}}|[^\\s\u3000-\u30ff\u3400-\u9fff]+|.", re.DOTALL)


def _words(pages: list[list[_Line]]) -> set[str]:
    """Words within lines, those with hyphens too."""
    return {
        word.casefold()
        for lines in pages
        for line in lines
        for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", line.text)
    }


def _is_one_word(first: str, text: str, words: set[str]) -> bool:
    """Whether the hyphen at the end of a line only breaks a word."""
    second = re.match(r"[^\W\d_]+", text).group()  # type: ignore[union-attr]
    if f"{first}-{second}".casefold() in words:
        return False
    return second[0].islower() or (first + second).casefold() in words


# What the file says of itself

_LARGEST_TITLE = 200


def _largest(lines: list[_Line]) -> str:
    """The lines in the largest letters of the first page, where these are larger than the others."""
    if not lines:
        return ""
    size = _text_size([lines])
    largest = max((line.size for line in lines if len(line.text) > 3), default=0.0)
    if largest < 1.15 * size:
        return ""
    title = ""
    for line in lines:
        if line.size > 0.95 * largest and len(line.text) > 1:
            unspaced = title and _UNSPACED.match(title[-1]) and _UNSPACED.match(line.text)
            title += line.text if unspaced or not title else " " + line.text
        elif title:
            break
    return title if len(title) <= _LARGEST_TITLE else ""


def _properties(pdf: Any) -> dict[str, str]:
    properties = {}
    for name in ("Title", "Author", "CreationDate", "ModDate"):
        try:
            properties[name] = pdf.get_metadata_value(name)
        except UnicodeDecodeError:
            properties[name] = ""
    return properties


def _date(text: str) -> str:
    """`D:20240506...` -> 2024-05-06."""
    found = re.match(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?", text)
    return "-".join(part for part in found.groups() if part) if found else ""


def _numbered(numbers: Sequence[int], count: int) -> str:
    """`pages 3, 5 and 7-9 have`."""
    if len(numbers) == 1:
        return f"page {numbers[0]} has"
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    if len(parts) > _LISTED:
        return f"{len(numbers):,} of its {_pages(count)} have"
    listed = ["-".join(map(str, part)) for part in parts]
    return f"pages {' and '.join(part for part in (', '.join(listed[:-1]), listed[-1]) if part)} have"


_LISTED = 8
