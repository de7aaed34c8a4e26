"""The parts of a mail -> its texts, its attachments, the mails in it."""

from __future__ import annotations

import quopri
import re
from dataclasses import dataclass, field
from email.message import Message
from mimetypes import guess_extension

from indexer.errors import DocumentError
from indexer.reading.encodings import Decoded, decoded
from indexer.reading.html_fragment import html_text
from indexer.reading.mail.headers import file_name_of, header_of, kind_of, parameter_of
from indexer.reading.mail.structure import MOST_PARTS, parted, parts_of
from indexer.reading.mail.transfer import from_base64, from_uuencode

_DEEPEST = 20
"""Parts in parts; those of real mails are three or four deep."""
TOO_MANY = f"more than {MOST_PARTS:,} parts, or parts nested more than {_DEEPEST} deep"
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_SECRET = ("application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
_BODIES = ("text/plain", "text/html", "text/enriched")
_SUFFIXES = {"text/plain": ".txt", "text/html": ".html", "text/csv": ".csv", "text/markdown": ".md"}


@dataclass
class Content:
    """What a mail is made of."""

    texts: list[tuple[str, Decoded]] = field(default_factory=list)
    attachments: list[tuple[str, bytes]] = field(default_factory=list)
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Names of what is not read."""
    secret: bool = False
    too_many: bool = False


class PartsReader:
    """Takes a mail apart."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._count = 0

    def take(self, message: Message, body: bytes, depth: int) -> None:
        self._count += 1
        kind = kind_of(message)
        if self._count > MOST_PARTS or depth > _DEEPEST:
            self._content.too_many = True
        elif kind.startswith("multipart/"):
            self._take_parts(message, kind, body, depth)
        else:
            self._take_one(message, kind, body)

    def _take_parts(self, message: Message, kind: str, body: bytes, depth: int) -> None:
        parts = [parted(part) for part in parts_of(body, parameter_of(message, "boundary"))]
        if not parts:
            self._text(body, "")
        elif kind == "multipart/alternative":
            self._take_alternative(parts, depth)
        elif kind == "multipart/related":
            self.take(*parts[0], depth + 1)
            for inner, data in parts[1:]:
                if not kind_of(inner).startswith("image/"):  # its pictures
                    self.take(inner, data, depth + 1)
        else:
            for inner, data in parts:
                if kind == "multipart/digest" and not inner.get("content-type"):
                    inner["Content-Type"] = "message/rfc822"
                self.take(inner, data, depth + 1)

    def _take_alternative(self, parts: list[tuple[Message, bytes]], depth: int) -> None:
        """The plain text, where there is one with something in it; else the last that gives a text. Files that come
        with the others are taken all the same."""
        texts = self._content.texts
        plain = next((part for part in parts if kind_of(part[0]) == "text/plain" and unpacked(*part).strip()), None)
        if plain:
            self.take(*plain, depth + 1)
        found = bool(plain)
        for other in reversed(parts):
            if other is plain or (found and kind_of(other[0]) in _BODIES):
                continue
            before = len(texts)
            self.take(*other, depth + 1)
            if found:
                del texts[before:]
            found = found or len(texts) > before

    def _take_one(self, message: Message, kind: str, body: bytes) -> None:
        content = self._content
        name = file_name_of(message)
        attached = name or header_of(message, "content-disposition").lower().startswith("attachment")
        if kind in _SIGNATURES:
            return
        if kind in _SECRET:
            content.secret = True
        elif kind in ("message/rfc822", "message/global"):
            content.mails.append((name or "message.eml", unpacked(message, body)))
        elif kind in _BODIES and not attached:
            self._body(message, kind, body)
        elif not kind.startswith("message/") and kind != "text/rfc822-headers":
            suffix = _SUFFIXES.get(kind) or guess_extension(kind) or ""
            content.attachments.append((name or f"part-{self._count}{suffix}", unpacked(message, body)))

    def _body(self, message: Message, kind: str, body: bytes) -> None:
        data = unpacked(message, body)
        charset = parameter_of(message, "charset")
        if kind != "text/plain":
            self._text(data, charset, html=True)
        elif parameter_of(message, "format").lower() == "flowed":
            self._text(data, charset, flowed=True, joined=parameter_of(message, "delsp").lower() == "yes")
        else:
            self._text(data, charset)

    def _text(self, data: bytes, charset: str, html: bool = False, flowed: bool = False, joined: bool = False) -> None:
        if not data.strip():
            return
        try:
            found = decoded(data, charset)
        except DocumentError as error:
            self._content.left.append(f"a text ({error})")
            return
        text = html_text(found.text) if html else found.text.replace("\r\n", "\n")
        text = (_flowed(text, joined) if flowed else text).strip()
        if text.startswith("-----BEGIN PGP MESSAGE-----"):
            self._content.secret = True
        elif text:
            self._content.texts.append((text, found))


def unpacked(message: Message, body: bytes) -> bytes:
    encoding = header_of(message, "content-transfer-encoding").lower()
    if encoding == "base64":
        return from_base64(body)
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return from_uuencode(body)
    return body


def _flowed(text: str, joined: bool) -> str:
    """Lines that end in a space go on in the next one (RFC 3676); `joined`: the space is not one of the text."""
    lines: list[str] = []
    going_on = ""
    for line in text.split("\n"):
        quote, line = re.match(r"(>*)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        line = line.removeprefix(" ")
        if going_on and lines and going_on == f"q{quote}":
            lines[-1] += line
        else:
            lines.append(f"{quote} {line}" if quote else line)
        going_on = f"q{quote}" if line.endswith(" ") and line != "-- " else ""
        if going_on and joined:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)
