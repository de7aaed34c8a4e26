"""RTF, token by token -> text."""

from __future__ import annotations

import codecs
import re
from copy import copy

from indexer.errors import DocumentError
from indexer.reading.blocks import Blocks
from indexer.reading.rtf.fonts import Fonts, charset_of_raw
from indexer.reading.rtf.place import Place, joined_text
from indexer.reading.rtf.state import State
from indexer.reading.rtf.words import INFO, READ_ALL_THE_SAME, SIGNS, SKIPPED, TOKEN, is_known

_DEPTH = 2_000
_RUBY = re.compile(r"\\s\\up\s*\d*\s*\([^()]*\)\s*,(.*)\)", re.IGNORECASE)


class TextReader:
    """Reads RTF token by token."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._state = State()
        self._stack: list[State] = []
        self._place = Place()
        self._places: list[Place] = []
        self._notes: list[Blocks] = []
        self._fonts = Fonts()
        self._raw = charset_of_raw(data)
        self._codec = ""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._to_skip = 0
        self._star = False
        self._instruction = ""
        self._said: dict[str, list[str]] = {}
        self._times: dict[str, dict[str, int]] = {}

    def said(self, name: str) -> str:
        return joined_text(self._said.get(name, []))

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
        data, match = self._data, TOKEN.match
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
        self._place.end_paragraph()
        self._place.end_row()
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
            self._place.end_paragraph()
            self._place.end_row()
            inner, self._place = self._place, self._places.pop()
            (self._notes if ended.own == "note" else self._place.boxes).append(inner.blocks)
        elif ended.target == "instruction" != self._state.target:
            ruby = _RUBY.search(self._instruction)
            if ruby and self._state.writes:
                self._place.pieces.append(ruby.group(1))

    def _begin(self, own: str) -> None:
        """What follows in this group is a text of its own."""
        if self._state.target == "text" and not self._state.own:
            self._state.own = own
            self._places.append(self._place)
            self._place = Place()

    def _read_word(self, word: str, number: int | None) -> None:
        self._flush()
        self._to_skip = 0
        star, self._star = self._star, False
        state = self._state
        if word == "u":
            self._add_unicode(number or 0)
        elif word in SIGNS:
            self._add(SIGNS[word])
        elif state.target == "fonts":
            self._fonts.read_word(word, number)
        elif word == "ud":
            state.target = state.outer
        elif word in SKIPPED or (star and word not in READ_ALL_THE_SAME and not is_known(word)):
            state.target = "skip"
        elif self._is_destination(word):
            return
        elif word in ("yr", "mo", "dy") and state.target in ("creatim", "revtim"):
            self._times.setdefault(state.target, {})[word] = abs(number or 0)
        elif not state.reads(word, number, self._fonts) and state.target == "text":
            self._read_paragraph_word(word, number)

    def _is_destination(self, word: str) -> bool:
        """Whether a word says what its group is."""
        state = self._state
        if word == "fonttbl":
            state.target = "fonts"
        elif word == "info":
            state.target = "info"
        elif word in INFO and state.target == "info":
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

    def _read_paragraph_word(self, word: str, number: int | None) -> None:
        place = self._place
        if word in ("par", "sect", "page", "column"):
            self._place.end_paragraph()
        elif word in ("cell", "nestcell"):
            self._place.end_cell(nested=word == "nestcell")
        elif word == "row":
            self._place.end_row()
        elif word == "pard":
            place.begin_paragraph()
        elif word == "intbl":
            place.in_table = True
        elif word == "outlinelevel":
            place.is_heading = (number or 0) < 9

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
            self._add(SIGNS.get(sign.decode("latin-1"), ""))

    def _add(self, text: str) -> None:
        if self._state.writes:
            self._place.pieces.append(text)
        elif self._state.target == "instruction":
            self._instruction += text
        elif self._state.target in INFO:
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
        codec = self._fonts.codec_of(self._state.current_font)
        if not escaped and self._raw and not data.isascii():
            codec = self._raw
        if codec != self._codec or self._decoder is None:
            self._flush()
            self._codec = codec
            self._decoder = codecs.getincrementaldecoder("cp1252" if codec == "symbols" else codec)("replace")
        text = self._decoder.decode(data)
        self._add("".join("•" if one == "·" else "" for one in text) if codec == "symbols" else text)

    def _flush(self) -> None:
        """The first byte of two that the second one does not follow."""
        if self._decoder is not None:
            rest, self._decoder = self._decoder.decode(b"", True), None
            if rest:
                self._add(rest)
