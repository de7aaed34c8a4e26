"""Bytes -> text: what they are marked with, what is declared, what they say themselves, and what is likely, in this
order.

What is likely is counted in bits: each encoding makes a text of the bytes, and a text costs the fewer bits the more
common its characters are in a language and the better they fit their neighbours. The cheapest text wins.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from indexer.documents import Remark
from indexer.errors import DocumentError
from indexer.reading.likely_text import ALL, CANDIDATES, WIDE, Candidate, Guess, bits_beyond_ascii, guesses


@dataclass(frozen=True)
class Decoded:
    """A text, the encoding that it was in (as Python calls it), and why that may be wrong."""

    text: str
    charset: str
    doubt: str = ""


def decoded(data: bytes, declared: str = "") -> Decoded:
    """`declared`: what a header says, or the text itself (`declared_in`). Raises DocumentError for what is empty,
    binary, or in no encoding that is known."""
    if not data.strip():
        raise DocumentError("empty")
    _raise_if_known_binary(data)
    found = _marked(data) or _escaped(data) or _wide(data) or _declared_or_detected(data, declared)
    if not found.text.strip():
        raise DocumentError("empty")
    _raise_if_controls(found.text)
    return found


def remarks(name: str, text: Decoded) -> Iterator[Remark]:
    """A remark where the encoding is in doubt."""
    if text.doubt:
        yield Remark(name, f"read as {text.charset}, {text.doubt}")


def _declared_or_detected(data: bytes, declared: str) -> Decoded:
    codec = codec_of(declared)
    found = (codec and _as_declared(data, codec)) or _utf_8(data) or _detected(data, codec)
    if codec and codec != _FAMILY.get(found.charset, found.charset):
        declared = " ".join(declared.lower().split())
        doubt = f"declared as {declared}, which it is not"
        return replace(found, doubt=f"{doubt}; {found.doubt}" if found.doubt else doubt)
    return found


# Declared

_DECLARATION = re.compile(
    rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']\s*([\w.:+-]{1,40})|<meta\s[^>]*?\bcharset\s*=\s*["']?\s*([\w.:+-]{1,40})""",
    re.IGNORECASE,
)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_LABEL = re.compile(r"[\w.:+-]{1,40}", re.ASCII)

_LABELS = {
    "ansi": "cp1252",
    "cn-big5": "big5hkscs",
    "dos-874": "cp874",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-8-i": "iso8859-8",
    "koi": "koi8-r",
    "koi8": "koi8-r",
    "koi8-ru": "koi8-u",
    "ks_c_5601-1989": "cp949",
    "logical": "iso8859-8",
    "unicode": "utf-16-le",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "visual": "iso8859-8",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "x-gbk": "gb18030",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-roman": "mac-roman",
    "x-ms-cp932": "cp932",
    "x-unicode20utf8": "utf-8",
    "x-user-defined": "cp1252",
    "x-windows-949": "cp949",
    "x-x-big5": "big5hkscs",
}
"""Labels that Python does not know."""
_WIDER = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-11": "cp874",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
    "utf-8-sig": "utf-8",
}
"""Encodings -> those with more characters that browsers take for them (https://encoding.spec.whatwg.org)."""
_NO_TEXT = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")
_FAMILY = {"cp950": "big5hkscs", "euc_jis_2004": "euc_jp"}


def declared_in(data: bytes) -> str:
    """The label in the XML declaration, or the first <meta> that has one, within the first 4 KB of a page; or ''."""
    found = _DECLARATION.search(_COMMENT.sub(b"", data[:4096]))
    if not found:
        return ""
    label = (found[1] or found[2]).decode("ascii").lower()
    # Where this can be read, it is not true.
    return "utf-8" if label.startswith(("utf-16", "utf-32", "unicode")) else label


def codec_of(label: str) -> str:
    """How Python calls the encoding that a label stands for; '' for one that is unknown."""
    label = label.strip().strip("\"'").lower()
    if not _LABEL.fullmatch(label):
        return ""
    if label in _LABELS:
        return _LABELS[label]
    for name in (label, label.removeprefix("x-")):
        try:
            codec = codecs.lookup(name)
        except (LookupError, ValueError):
            continue
        is_text = getattr(codec, "_is_text_encoding", True) and codec.name not in _NO_TEXT
        return _WIDER.get(codec.name, codec.name) if is_text else ""
    return ""


def _as_declared(data: bytes, codec: str) -> Decoded | None:
    """None where the bytes do not fit, or where another encoding is so much likelier that the declaration must be
    wrong: servers and editors say ISO-8859-1 of any text."""
    found = _strictly(data, codec)
    if not found or codec == "utf-8" or (data.isascii() and not codec.startswith("utf-")):
        return found
    sample = _sample(data)
    own = next((candidate for candidate in CANDIDATES if candidate.codec == codec), Candidate(codec, ALL, 0))
    rivals = CANDIDATES if own in CANDIDATES else ()
    bits, utf_8, *others = (guess.bits for guess in guesses(sample, [own, Candidate("utf-8", ALL, 0), *rivals]))
    if utf_8 < bits and _whole(data, "utf-8"):
        return None
    return None if others and bits - min(others) > _CERTAIN + _CERTAIN_BITS * _not_ascii(sample) else found


# What the bytes say themselves

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_BINARY = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"SQLite format 3\x00", "a database"),
)
_WIDE_BITS = 13.0
"""A character of UTF-16 costs less than this, on average; pairs of any other bytes cost more."""
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\(D|\([BJI])")
_FEW = 32
"""Bytes: of fewer, a character that is cut off says that they are something else."""
_SAMPLE = 65_536
_BLOCK = 4096


def _raise_if_known_binary(data: bytes) -> None:
    for sign, what in _BINARY:
        if data.startswith(sign):
            raise DocumentError(f"binary, not text (it begins like {what}); expected text")


def _raise_if_controls(text: str) -> None:
    sample = text[:_SAMPLE]
    if len(_CONTROLS.findall(sample)) > 1 + len(sample) // 100:
        raise DocumentError("binary, not text (it holds many control characters); expected text")


def _strictly(data: bytes, codec: str) -> Decoded | None:
    """None where a byte does not fit. A last character that is cut off is left out."""
    for name in {"big5hkscs": ("cp950", codec), "euc_jp": (codec, "euc_jis_2004")}.get(codec, (codec,)):
        found = _whole(data, name) or _cut(data, name)
        # Windows has nothing where others put kana and Cyrillic; Python follows an old table there.
        if found and not (name == "cp950" and re.search("[\u0400-\u04ff\u3040-\u30ff]", found.text)):
            return found
    return None


def _whole(data: bytes, codec: str) -> Decoded | None:
    try:
        return Decoded(data.decode(codec), codec)
    except UnicodeError:
        return None


def _cut(data: bytes, codec: str) -> Decoded | None:
    try:
        text = codecs.getincrementaldecoder(codec)().decode(data)
    except UnicodeError:
        return None
    return Decoded(text, codec, "its last character is cut off") if text else None


def _with_gaps(data: bytes, codec: str, most: int) -> Decoded | None:
    """With U+FFFD for what does not fit, unless that is more often than `most`."""
    gaps = -data.count(b"\xef\xbf\xbd") if codec == "utf-8" else 0
    decoder = codecs.getincrementaldecoder(codec)("replace")
    parts = []
    for start in range(0, len(data), _BLOCK):
        parts.append(decoder.decode(data[start : start + _BLOCK], start + _BLOCK >= len(data)))
        gaps += parts[-1].count("\ufffd")
        if gaps > most:
            return None
    place = _first_gap(data, codec)
    doubt = f"but {place} is not" if gaps == 1 else f"but {gaps:,} places are not, first {place}"
    return Decoded("".join(parts), codec, doubt)


def _first_gap(data: bytes, codec: str) -> str:
    try:
        data.decode(codec)
    except UnicodeDecodeError as error:
        return f"byte {error.start} (0x{data[error.start]:02x})"
    return "none"


def _not_ascii(data: bytes) -> int:
    """How many bytes."""
    return len(data) - len(data.translate(None, bytes(range(128, 256))))


def _marked(data: bytes) -> Decoded | None:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            rest = data[len(mark) :]
            if not rest:
                return Decoded("", codec)
            if found := _strictly(rest, codec) or _with_gaps(rest, codec, len(rest) // 1000):
                return found
    return None


def _utf_8(data: bytes) -> Decoded | None:
    """Also with a few bytes that do not fit, where characters that are UTF-8 and nothing else outnumber them."""
    found = _strictly(data, "utf-8")
    if found and not (found.doubt and found.text.isascii()):
        return found
    found = _with_gaps(data, "utf-8", len(data) // 40)
    if not found:
        return None
    others = sum(map(len, re.findall("[\x80-\ufffc\ufffe-\U0010ffff]+", found.text)))
    gaps = found.text.count("\ufffd")
    return found if others > (gaps if gaps * 1000 <= len(data) else 20 * gaps) else None


def _escaped(data: bytes) -> Decoded | None:
    """ISO-2022-JP and ISO-2022-KR: ASCII bytes that escape sequences give another meaning."""
    if b"\x1b" not in data or not data.isascii():
        return None
    if data.startswith(b"\x1b$)C"):
        return _strictly(data, "iso2022_kr")
    if not re.search(rb"\x1b\$[@B]|\x1b\(I", data):
        return None
    parts, state = [], b"(B"
    for number, part in enumerate(_ESCAPE.split(data)):
        if number % 2:  # what the pattern's group found
            state = part
        elif state in (b"$B", b"$@"):
            parts.append(re.sub(rb"[\x21-\x7e]{2}", _windows_pair, part).decode("cp932", "replace"))
        elif state == b"$(D":
            parts.append(re.sub(rb"[\x21-\x7e]{2}", _further_pair, part).decode("euc_jp", "replace"))
        elif state == b"(I":
            parts.append(re.sub(rb"[\x21-\x5f]", lambda kana: bytes((kana[0][0] | 0x80,)), part).decode("cp932"))
        else:
            parts.append(part.decode("ascii"))
    return Decoded("".join(parts), "iso2022_jp")


def _windows_pair(pair: re.Match[bytes]) -> bytes:
    """A character of JIS X 0208, or one that Windows adds to it (① ㈱), in cp932."""
    row, column = (byte - 0x21 for byte in pair[0])
    trail = column + 0x9F if row % 2 else column + 0x40 + (column >= 63)
    return bytes((row // 2 + (0x81 if row < 62 else 0xC1), trail))


def _further_pair(pair: re.Match[bytes]) -> bytes:
    """A character of JIS X 0212 in EUC-JP."""
    return b"\x8f" + bytes(byte | 0x80 for byte in pair[0])


def _wide(data: bytes) -> Decoded | None:
    """UTF-16 or UTF-32 without a mark, which have NUL bytes in them; hardly any other text has."""
    sample = data[:_SAMPLE]
    if b"\0" not in sample:
        return None
    for codec in ("utf-32-le", "utf-32-be"):
        if (found := _strictly(data, codec)) and (len(data) >= _FEW or not found.doubt):
            return found
    best = min(guesses(sample, WIDE), key=lambda guess: guess.bits)
    likely = best.bits < _WIDE_BITS * len(sample) / 2
    if likely and (found := _strictly(data, best.codec) or _with_gaps(data, best.codec, len(data) // 1000)):
        return found
    if sample.count(0) * 1000 > len(sample):
        raise DocumentError("binary, not text (it holds NUL bytes); expected text")
    return None


# What is likely

_UNKNOWN = "not text in any encoding that is known; convert it to UTF-8"
_DENSE_BITS = 8.5
_SPARSE_BITS = 11.0
"""A byte of what is not ASCII costs less than this, where there is much of it and where there is little."""
_CLEAR = 15.0
"""Bits between the likeliest encoding and the next, from which there is no doubt."""
_CERTAIN, _CERTAIN_BITS = 60.0, 1.0
"""Bits, and bits for each byte that is not ASCII, from which likelihood overrules what is declared."""
_SHORT = 2_000
_BORDER = re.compile(rb"[\t\n\r -/]")
"""Bytes that are no part of another character in any of the encodings."""
_HIGH = re.compile(rb"[\x80-\xff]")


def _detected(data: bytes, declared: str) -> Decoded:
    sample = _sample(data)
    candidates = CANDIDATES if len(sample) == len(data) else CANDIDATES[: -len(WIDE)]
    costs = guesses(sample, [replace(one, bits=0) if one.codec == declared else one for one in candidates])
    best, *others = sorted(costs, key=lambda guess: guess.bits)
    found = _strictly(data, best.codec) or _with_gaps(data, best.codec, len(data) // 500 + 1)
    if not found:
        raise DocumentError(_UNKNOWN)
    doubt = _doubt(sample, best, others)
    return replace(found, doubt="; ".join(part for part in (doubt, found.doubt) if part))


def _doubt(sample: bytes, best: Guess, others: Sequence[Guess]) -> str:
    """Raises DocumentError where even the best is not likely."""
    bits, share = bits_beyond_ascii(sample, best.codec), _not_ascii(sample) / len(sample)
    if share > 0.2 and bits > _DENSE_BITS:
        raise DocumentError(_UNKNOWN)
    text = sample.decode(best.codec, "replace")
    rival = next((guess for guess in others if sample.decode(guess.codec, "replace") != text), None)
    if bits > _SPARSE_BITS:
        return "detected, though it fits badly"
    if rival and rival.bits - best.bits < _CLEAR:
        return f"detected, the next likely is {rival.codec}"
    return f"detected in only {len(sample):,} bytes" if len(sample) < _SHORT else ""


def _sample(data: bytes) -> bytes:
    """The beginning, and pieces from all over it in which something is not ASCII; of whole characters."""
    if len(data) <= _SAMPLE:
        return data
    end = _SAMPLE // 2
    pieces = [_between_borders(data, 0, end)]
    for place in range(0, len(data), len(data) // 9):
        found = _HIGH.search(data, max(place, end))
        if not found:
            break
        start = max(found.start() - 64, end)
        end = start + _BLOCK
        pieces.append(_between_borders(data, start, end))
    return b"".join(pieces)


def _between_borders(data: bytes, start: int, end: int) -> bytes:
    borders = [found.start() for found in _BORDER.finditer(data, start, end)]
    if start == 0:
        return data[: borders[-1] if borders else end]
    return data[borders[0] : borders[-1]] if borders else b""
