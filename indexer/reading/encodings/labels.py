"""What an encoding is called by pages, mails and servers -> what Python calls it."""

from __future__ import annotations

import codecs
import re

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
