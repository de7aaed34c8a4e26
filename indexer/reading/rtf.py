"""RTF -> text as it is read: paragraphs, lists, tables, text boxes and notes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field

from indexer.documents import Found, Remark
from indexer.errors import DocumentError
from indexer.reading.package_file import ITEM, PARAGRAPH, Blocks, own_title, tidy
from indexer.reading.source import Context, Source

_DEPTH = 2_000


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document. Headers, footers, comments, deleted and hidden text are left out."""
    data = source.read(context.limits.text)
    start = re.match(rb"(?:\xef\xbb\xbf)?\s*(?=\{\\rtf)", data)
    if start is None:
        raise DocumentError("not RTF (no {\\rtf at its beginning)" if data.strip() else "empty")
    text = _Text(data)
    complete = text.read(start.end())
    author = tidy(text.said("author")).replace("\n", " ")
    yield source.document(
        text.found(),
        title=own_title(text.said("title")),
        date=text.date(),
        metadata={"author": author} if author else None,
    )
    if not complete:
        yield Remark(source.name, "ends in the middle (a group is not closed); what is there was read")


_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\\Z", re.DOTALL
)

_SKIPPED = frozenset(
    "annotation bkmkend bkmkstart colortbl comment falt filetbl footer footerf footerl footerr formfield header "
    "headerf headerl headerr nonesttables nonshppict object pict pntxta pntxtb private rxe shprslt sp stylesheet tc "
    "tcn txe xe".split()
)
_READ_ALL_THE_SAME = frozenset("cs do ds shpinst shpgrp ts ud".split())
"""Groups that old programs may skip, with text in them."""
_INFO = frozenset("title author creatim revtim".split())
_SIGNS = {
    "tab": " ",
    "line": "\n",
    "lbr": "\n",
    "softline": "\n",
    "emdash": "—",
    "endash": "–",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "zwj": "\u200d",
    "zwnj": "\u200c",
    "~": " ",
    "_": "-",
    "\t": " ",
}
_CHARSETS = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
_SYMBOLS = 2
_PROGRAMS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_RUBY = re.compile(r"\\s\\up\s*\d*\s*\([^()]*\)\s*,(.*)\)", re.IGNORECASE)


@dataclass(slots=True)
class _State:
    """What holds until a group ends."""

    target: str = "text"
    """Where text goes: `text`, `skip`, `instruction` of a field, or a name of _INFO or `fonts`."""
    outer: str = "text"
    """The target around a group that is there twice, for old and for new programs."""
    own: str = ""
    """`note` or `box` where this very group is one."""
    hidden: bool = False
    deleted: bool = False
    replacement: int = 1
    """Characters after one in Unicode that stand for it in old programs."""
    font: int | None = None
    associated: int | None = None
    """The font of what is in another script than Latin."""
    other_script: bool = False


@dataclass
class _Place:
    """A place that paragraphs go to: the text, a text box, a note."""

    blocks: Blocks = field(default_factory=Blocks)
    pieces: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    cell: list[str] = field(default_factory=list)
    boxes: list[Blocks] = field(default_factory=list)
    in_table: bool = False
    is_item: bool = False
    is_heading: bool = False


class _Text:
    """Reads RTF token by token."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._state = _State()
        self._stack: list[_State] = []
        self._place = _Place()
        self._places: list[_Place] = []
        self._notes: list[Blocks] = []
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._default_font: int | None = None
        self._charset = "cp1252"
        self._raw = _charset_of_raw(data)
        self._codec = ""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._to_skip = 0
        self._star = False
        self._instruction = ""
        self._said: dict[str, list[str]] = {}
        self._times: dict[str, dict[str, int]] = {}

    def said(self, name: str) -> str:
        return _joined(self._said.get(name, []))

    def date(self) -> str:
        time = self._times.get("creatim") or self._times.get("revtim") or {}
        if not time.get("yr"):
            return ""
        return "-".join([f"{time['yr']:04}", *(f"{time[part]:02}" for part in ("mo", "dy") if time.get(part))])

    def found(self) -> str:
        for note in self._notes:
            self._place.blocks.join(note)
        return self._place.blocks.text()

    def read(self, position: int) -> bool:
        """Whether it ends where it should."""
        data, match = self._data, _TOKEN.match
        while token := match(data, position):
            position = token.end()
            word, number, code, sign, brace, text = token.groups()
            if text is not None:
                self._add_bytes(text)
            elif code is not None:
                self._add_bytes(bytes((int(code, 16),)), escaped=True)
            elif brace == b"{":
                self._open()
            elif brace == b"}":
                self._close()
                if not self._stack:
                    break
            elif word == b"bin":
                position += max(0, int(number or 0))
            elif word is not None:
                self._read_word(word.decode(), int(number) if number else None)
            elif sign is not None:
                self._read_sign(sign)
        complete = not self._stack
        while self._stack:
            self._close()
        self._end_paragraph()
        self._end_row()
        return complete

    def _open(self) -> None:
        if len(self._stack) >= _DEPTH:
            raise DocumentError("damaged (nested too deeply to be read)")
        self._flush()
        self._to_skip = 0
        self._stack.append(self._state)
        self._state = copy(self._state)
        self._state.own = ""

    def _close(self) -> None:
        self._flush()
        self._to_skip = 0
        self._star = False
        ended = self._state
        self._state = self._stack.pop()
        if ended.own:
            self._end_paragraph()
            self._end_row()
            inner, self._place = self._place, self._places.pop()
            (self._notes if ended.own == "note" else self._place.boxes).append(inner.blocks)
        elif ended.target == "instruction" != self._state.target:
            ruby = _RUBY.search(self._instruction)
            if ruby and self._writes():
                self._place.pieces.append(ruby.group(1))

    def _begin(self, own: str) -> None:
        """What follows in this group is a text of its own."""
        if self._state.target == "text" and not self._state.own:
            self._state.own = own
            self._places.append(self._place)
            self._place = _Place()

    def _read_word(self, word: str, number: int | None) -> None:
        self._flush()
        self._to_skip = 0
        star, self._star = self._star, False
        state = self._state
        if word == "u":
            self._add_unicode(number or 0)
        elif word in _SIGNS:
            self._add(_SIGNS[word])
        elif state.target == "fonts":
            self._read_font(word, number)
        elif word == "ud":
            state.target = state.outer
        elif word in _SKIPPED or (star and word not in _READ_ALL_THE_SAME and not _is_known(word)):
            state.target = "skip"
        elif self._is_destination(word):
            return
        elif word in ("yr", "mo", "dy") and state.target in ("creatim", "revtim"):
            self._times.setdefault(state.target, {})[word] = abs(number or 0)
        elif not self._reads_letters(word, number) and state.target == "text":
            self._read_paragraph_word(word, number)

    def _is_destination(self, word: str) -> bool:
        """Whether a word says what its group is."""
        state = self._state
        if word == "fonttbl":
            state.target = "fonts"
        elif word == "info":
            state.target = "info"
        elif word in _INFO and state.target == "info":
            state.target = word
        elif word == "fldinst":
            if state.target == "text":
                state.target = "instruction"
                self._instruction = ""
        elif word == "fldrslt":
            if self._instruction.split()[:1] == ["TOC"]:
                state.target = "skip"
        elif word in ("listtext", "pntext"):
            if state.target == "text":
                self._place.is_item = True
            state.target = "skip"
        elif word == "footnote":
            self._begin("note")
        elif word in ("shptxt", "dptxbxtext"):
            self._begin("box")
        elif word == "upr":
            state.outer, state.target = state.target, "skip"
        else:
            return False
        return True

    def _reads_letters(self, word: str, number: int | None) -> bool:
        """Whether a word says how letters are, and how they are encoded."""
        state = self._state
        if word == "v":
            state.hidden = number != 0
        elif word == "deleted":
            state.deleted = number != 0
        elif word == "plain":
            state.hidden = state.deleted = state.other_script = False
            state.font, state.associated = self._default_font, None
        elif word == "uc":
            state.replacement = max(0, number or 0) if number is not None else 1
        elif word == "f":
            state.font = number
        elif word == "af":
            state.associated = number
        elif word in ("rtlch", "dbch"):
            state.other_script, state.associated = True, None
        elif word in ("ltrch", "loch", "hich"):
            state.other_script = False
        elif word == "deff":
            self._default_font = state.font = number
        elif word == "ansicpg":
            self._charset = _codec(number)
        elif word in _PROGRAMS:
            self._charset = _PROGRAMS[word]
        else:
            return False
        return True

    def _read_paragraph_word(self, word: str, number: int | None) -> None:
        place = self._place
        if word in ("par", "sect", "page", "column"):
            self._end_paragraph()
        elif word in ("cell", "nestcell"):
            self._end_cell(nested=word == "nestcell")
        elif word == "row":
            self._end_row()
        elif word == "pard":
            place.in_table = place.is_heading = False
        elif word == "intbl":
            place.in_table = True
        elif word == "outlinelevel":
            place.is_heading = (number or 0) < 9

    def _read_font(self, word: str, number: int | None) -> None:
        if word == "f":
            self._font = number or 0
        elif word == "fcharset" and number == _SYMBOLS:
            self._fonts[self._font] = "symbols"
        elif word == "fcharset" and number in _CHARSETS:
            self._fonts[self._font] = _CHARSETS[number]
        elif word == "fcharset" and number == 0:
            self._fonts[self._font] = "cp1252"
        elif word == "cpg":
            self._fonts[self._font] = _codec(number)

    def _read_sign(self, sign: bytes) -> None:
        if sign in (b"\\", b"{", b"}"):  # may be the second byte of two
            self._add_bytes(sign, escaped=True)
            return
        self._flush()
        if sign == b"*":
            self._star = True
        elif sign in b"\r\n":
            self._read_word("par", None)
        elif self._to_skip:
            self._to_skip -= 1
        else:
            self._add(_SIGNS.get(sign.decode("latin-1"), ""))

    def _writes(self) -> bool:
        state = self._state
        return state.target == "text" and not state.hidden and not state.deleted

    def _add(self, text: str) -> None:
        if self._writes():
            self._place.pieces.append(text)
        elif self._state.target == "instruction":
            self._instruction += text
        elif self._state.target in _INFO:
            self._said.setdefault(self._state.target, []).append(text)

    def _add_unicode(self, code: int) -> None:
        code = code + 0x10000 if code < 0 else code
        if 0xE000 <= code < 0xF900:  # signs of symbol fonts
            self._add("•" if code == 0xF0B7 else "")
        else:
            self._add(chr(code) if 0 < code <= 0x10FFFF else "\ufffd")
        self._to_skip = self._state.replacement

    def _add_bytes(self, data: bytes, escaped: bool = False) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        if self._state.target in ("skip", "fonts", "info") or not data:
            return
        codec = self._codec_now()
        if not escaped and self._raw and not data.isascii():
            codec = self._raw
        if codec != self._codec or self._decoder is None:
            self._flush()
            self._codec = codec
            self._decoder = codecs.getincrementaldecoder("cp1252" if codec == "symbols" else codec)("replace")
        text = self._decoder.decode(data)
        self._add("".join("•" if one == "·" else "" for one in text) if codec == "symbols" else text)

    def _codec_now(self) -> str:
        state = self._state
        font = state.associated if state.other_script and state.associated is not None else state.font
        return self._fonts.get(font, self._charset) if font is not None else self._charset

    def _flush(self) -> None:
        """The first byte of two that the second one does not follow."""
        if self._decoder is not None:
            rest, self._decoder = self._decoder.decode(b"", True), None
            if rest:
                self._add(rest)

    def _taken(self) -> str:
        text = _joined(self._place.pieces)
        self._place.pieces = []
        return text

    def _end_paragraph(self) -> None:
        place = self._place
        text = self._taken()
        if place.in_table:
            place.cell.append(text)
        else:
            self._end_row()
            place.blocks.add(text, ITEM if place.is_item and not place.is_heading else PARAGRAPH)
            place.is_item = False
        boxes, place.boxes = place.boxes, []
        for box in boxes:
            place.blocks.join(box)

    def _end_cell(self, nested: bool) -> None:
        self._place.cell.append(self._taken())
        self._place.is_item = False
        if not nested:
            self._place.cells.append(self._place.cell)
            self._place.cell = []

    def _end_row(self) -> None:
        place = self._place
        if place.cell:
            place.cells.append(place.cell)
        cells, place.cells, place.cell = place.cells, [], []
        if len(cells) == 1:  # no table, but a box around paragraphs
            for text in cells[0]:
                place.blocks.add(text)
        elif cells:
            place.blocks.row([" ".join(map(tidy, cell)) for cell in cells])


def _joined(pieces: list[str]) -> str:
    """Halves of surrogate pairs, which are written one by one, become characters."""
    return "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_known(word: str) -> bool:
    return word in ("fldinst", "fldrslt", "footnote", "shptxt", "dptxbxtext", "listtext", "pntext", "upr")


def _codec(page: int | None) -> str:
    """The name of a code page's codec."""
    name = {65001: "utf-8", 10001: "cp932", 1361: "johab"}.get(page or 0, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


def _charset_of_raw(data: bytes) -> str:
    """UTF-8 where bytes that should have been escaped are that."""
    try:
        return "" if data.isascii() or not data.decode("utf-8") else "utf-8"
    except UnicodeDecodeError:
        return ""
