"""Mails (.eml, .emlx) and mailboxes (.mbox) -> a document of each mail, and of each attachment that can be read.

The parameters of headers are the standard library's to understand; headers and bodies are parted here, because its
parser takes ages over parts in parts in parts.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from email.utils import collapse_rfc2231_value
from mimetypes import guess_extension
from pathlib import PurePosixPath

from indexer.documents import Found, Remark, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.archives import Names, budget_of, part
from indexer.reading.encodings import Decoded, decoded, remarks
from indexer.reading.feeds import html_text, iso_date
from indexer.reading.formats import format_of
from indexer.reading.source import Context, Limits, Source, megabytes

_LONGEST_HEADERS = 1_000_000
_LONGEST_HEADER = 8_000
_LONGEST_STRUCTURE = 2_000
"""Of what says how a mail is made; understanding it takes the square of its length, and of what it says."""
_MOST_PARAMETERS = 50
_MOST_HEADERS = 1_000
_LONGEST_LINE = 65_536
_DEEPEST = 20
"""Parts in parts; those of real mails are three or four deep."""
_MOST_PARTS = 1000
_LONGEST_NAME = 200
_TOO_MANY = f"more than {_MOST_PARTS:,} parts, or parts nested more than {_DEEPEST} deep"
_NAMED = 20
"""Attachments that a remark names."""
_ENVELOPE = re.compile(rb"From (?:\S*@|- |MAILER-DAEMON|.*\d{4})")
_DATED_ENVELOPE = re.compile(rb"From \S+ .*\b[A-Z][a-z]{2} [ \d]\d (?:\d\d:\d\d|\d{4})")
_QUOTED = re.compile(rb">+From ")
_HEADER_LINE = re.compile(rb">?[A-Za-z][A-Za-z0-9-]*[ \t]*:|>From ")
_HEADERS = re.compile(rb"(?:(?:[!-9;-~]+[ \t]*:|[ \t]|>?From )[^\n]*(?:\n|\Z))*+")
_OURS = ("from", "to", "subject", "date", "message-id", "received", "content-type", "mime-version", "return-path")
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_SECRET = ("application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
_BODIES = ("text/plain", "text/html", "text/enriched")
_NOT_BASE64 = re.sub(rb"[A-Za-z0-9+/]", b"", bytes(range(256)))
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_SUFFIXES = {"text/plain": ".txt", "text/html": ".html", "text/csv": ".csv", "text/markdown": ".md"}


def read(source: Source, context: Context) -> Iterator[Found]:
    """Plain text is preferred to HTML where a mail has both. Quotes and signatures are left in."""
    if source.suffix == ".mbox":
        yield from _mailbox(source, context)
        return
    data = source.read(context.limits.text)
    if source.suffix == ".emlx":
        data = _without_frame(data)
    yield from _mail(source, data, context)


def _without_frame(data: bytes) -> bytes:
    """Between a line that says how long it is and a list of properties lies the mail."""
    first, _, rest = data.partition(b"\n")
    if not re.fullmatch(rb"\s*\d{1,12}\s*", first):
        raise DocumentError("not a mail of Apple Mail (its first line is not a number)")
    return rest[: int(first)]


# Mailboxes


def _mailbox(source: Source, context: Context) -> Iterator[Found]:
    number = 0
    for data in _messages(source, context.limits):
        number += 1
        name = f"{source.name}#{number}"
        if data is None:
            yield Skipped(name, f"a mail of more than {megabytes(context.limits.text)}, which is the most that is read")
            continue
        inner = replace(source, name=name, size=len(data), suffix=".eml")
        try:
            yield from _mail(inner, data, context)
        except DocumentError as error:
            yield Skipped(name, str(error))
    if not number:
        raise DocumentError("empty")


def _messages(source: Source, limits: Limits) -> Iterator[bytes | None]:
    """The bytes of each mail; None for one that is too large."""
    message = bytearray()
    begun = too_large = False
    envelope = b""
    blank = whole_line = True
    while line := source.stream.readline(_LONGEST_LINE):
        if envelope:  # it is one if a header follows it
            if _HEADER_LINE.match(line) or not begun:
                if begun:
                    yield None if too_large else bytes(message)
                message.clear()
                begun, too_large = True, False
            else:
                message += envelope
            envelope = b""
        if whole_line and (_ENVELOPE if blank else _DATED_ENVELOPE).match(line):
            envelope = line
        elif begun:
            too_large = too_large or len(message) > limits.text
            if not too_large:
                message += line[1:] if whole_line and _QUOTED.match(line) else line
        elif line.strip():
            raise DocumentError('not a mailbox (no line "From ..." at its beginning)')
        blank = whole_line and not line.strip(b"\r\n")
        whole_line = line.endswith(b"\n")
    if begun:
        message += envelope
        yield None if too_large else bytes(message)


# A mail


@dataclass
class _Content:
    """What a mail is made of."""

    texts: list[tuple[str, Decoded]] = field(default_factory=list)
    attachments: list[tuple[str, bytes]] = field(default_factory=list)
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Names of what is not read."""
    secret: bool = False
    too_many: bool = False


def _mail(source: Source, data: bytes, context: Context) -> Iterator[Found]:
    """Raises DocumentError where there is nothing to read in it."""
    if source.depth > context.limits.depth:
        raise DocumentError(f"mails nested more than {context.limits.depth} deep")
    if not data.strip():
        raise DocumentError("empty")
    message, body = _parted(_beginning(data))
    if not any(message[name] for name in _OURS):
        raise DocumentError("not a mail (no From:, Subject: or the like at its beginning)")
    content = _Content()
    _Parts(content).take(message, body, 0)
    title = _header(message, "subject")
    date = iso_date(_header(message, "date"))
    metadata = {
        name: value
        for name, header in (("author", "from"), ("to", "to"), ("cc", "cc"), ("message_id", "message-id"))
        if (value := _header(message, header))
    }
    text = "\n\n".join(text for text, _ in content.texts) or title
    if text.strip():
        yield source.document(
            text, title=title, date=date, lang=_header(message, "content-language"), metadata=metadata
        )
    elif not content.attachments and not content.mails and not content.left:
        reason = "encrypted" if content.secret else _TOO_MANY if content.too_many else "a mail without text"
        raise DocumentError(reason)
    if content.secret:
        yield Remark(source.name, "encrypted in part; that part is not read")
    if content.too_many:
        yield Remark(source.name, f"{_TOO_MANY}; the rest is not read")
    for _, doubtful in content.texts:
        yield from remarks(source.name, doubtful)
    yield from _attached(source, content, date, context)


def _attached(source: Source, content: _Content, date: str, context: Context) -> Iterator[Found]:
    names = Names(_MOST_PARTS)
    budget = budget_of(source, context.limits)
    left = list(content.left)
    for name, data in content.attachments:
        suffix = PurePosixPath(name).suffix.lower()
        if not _is_supported(suffix):
            left.append(name)
            continue
        inner = source.inside(names.own(name), part(data, budget), len(data), suffix)
        yield from context.read(replace(inner, fields={**source.fields, "date": date}))
    for name, data in content.mails:
        inner = source.inside(names.own(name), part(data, budget), len(data), ".eml")
        try:
            yield from _mail(inner, data, context)
        except DocumentError as error:
            yield Skipped(inner.name, str(error))
    if left:
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        reason = f"not read: {', '.join(left[:_NAMED])}{more}"
        yield Remark(source.name, reason) if content.texts else Skipped(source.name, f"a mail without text; {reason}")


def _is_supported(suffix: str) -> bool:
    try:
        format_of(suffix)
    except DocumentError:
        return False
    return True


class _Parts:
    """Takes a mail apart."""

    def __init__(self, content: _Content) -> None:
        self._content = content
        self._count = 0

    def take(self, message: Message, body: bytes, depth: int) -> None:
        self._count += 1
        kind = _kind(message)
        if self._count > _MOST_PARTS or depth > _DEEPEST:
            self._content.too_many = True
        elif kind.startswith("multipart/"):
            self._take_parts(message, kind, body, depth)
        else:
            self._take_one(message, kind, body)

    def _take_parts(self, message: Message, kind: str, body: bytes, depth: int) -> None:
        parts = [_parted(part) for part in _split(body, _parameter(message, "boundary"))]
        if not parts:
            self._text(body, "")
        elif kind == "multipart/alternative":
            self._take_alternative(parts, depth)
        elif kind == "multipart/related":
            self.take(*parts[0], depth + 1)
            for inner, data in parts[1:]:
                if not _kind(inner).startswith("image/"):  # its pictures
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
        plain = next((part for part in parts if _kind(part[0]) == "text/plain" and _unpacked(*part).strip()), None)
        if plain:
            self.take(*plain, depth + 1)
        found = bool(plain)
        for other in reversed(parts):
            if other is plain or (found and _kind(other[0]) in _BODIES):
                continue
            before = len(texts)
            self.take(*other, depth + 1)
            if found:
                del texts[before:]
            found = found or len(texts) > before

    def _take_one(self, message: Message, kind: str, body: bytes) -> None:
        content = self._content
        name = _file_name(message)
        attached = name or _header(message, "content-disposition").lower().startswith("attachment")
        if kind in _SIGNATURES:
            return
        if kind in _SECRET:
            content.secret = True
        elif kind in ("message/rfc822", "message/global"):
            content.mails.append((name or "message.eml", _unpacked(message, body)))
        elif kind in _BODIES and not attached:
            self._body(message, kind, body)
        elif not kind.startswith("message/") and kind != "text/rfc822-headers":
            suffix = _SUFFIXES.get(kind) or guess_extension(kind) or ""
            content.attachments.append((name or f"part-{self._count}{suffix}", _unpacked(message, body)))

    def _body(self, message: Message, kind: str, body: bytes) -> None:
        data = _unpacked(message, body)
        charset = _parameter(message, "charset")
        if kind != "text/plain":
            self._text(data, charset, html=True)
        elif _parameter(message, "format").lower() == "flowed":
            self._text(data, charset, flowed=True, joined=_parameter(message, "delsp").lower() == "yes")
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


def _beginning(data: bytes) -> bytes:
    """Without what may stand before the headers."""
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return data.partition(b"\n")[2] if data.startswith((b"From ", b">From ")) else data


def _parted(data: bytes) -> tuple[Message, bytes]:
    """Headers and body; a line that is no header begins the body."""
    found = _HEADERS.match(data, 0, _LONGEST_HEADERS)
    end = found.end() if found else 0
    return _headers(_header_text(data[:end])), re.sub(rb"\A\r?\n", b"", data[end:])


def _header_text(data: bytes) -> str:
    """Bytes that should not be there are in the encoding of the body, where it says one."""
    if data.isascii() and b"\x1b" not in data:
        return data.decode("ascii")
    charset = re.search(rb"charset=[\"']?([A-Za-z0-9._:-]{1,40})", data, re.IGNORECASE)
    try:
        return data.decode("utf-8") if b"\x1b" not in data else decoded(data).text
    except (UnicodeDecodeError, DocumentError):
        return _word(data, charset.group(1).decode() if charset else "utf-8")


def _headers(text: str) -> Message:
    message = Message()
    lines = re.sub(r"\n[ \t]+", " ", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    for line in lines[:_MOST_HEADERS]:
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[!-~]{1,100}", name.strip()):
            if name.lower().startswith("content-"):
                value = ";".join(value[:_LONGEST_STRUCTURE].split(";")[:_MOST_PARAMETERS])
            message[name.strip()] = value.strip()[:_LONGEST_HEADER]
    return message


def _split(body: bytes, boundary: str) -> list[bytes]:
    """The parts between lines that say `--boundary`, up to that which says `--boundary--`."""
    if not boundary:
        return []
    line = re.compile(rb"^--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*\r?(?:\n|\Z)", re.M)
    parts: list[bytes] = []
    start = None
    for found in line.finditer(body):
        if start is not None:
            parts.append(re.sub(rb"\r?\n\Z", b"", body[start : found.start()]))
        start = found.end()
        if found.group(1) or len(parts) > _MOST_PARTS:
            return parts
    if start is not None:
        parts.append(body[start:])  # it was cut off
    return parts


def _unpacked(message: Message, body: bytes) -> bytes:
    encoding = _header(message, "content-transfer-encoding").lower()
    if encoding == "base64":
        return _base64(body)
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _uuencoded(body)
    return body


def _base64(body: bytes) -> bytes:
    """As much as there is."""
    letters = body.partition(b"=")[0].translate(None, _NOT_BASE64)  # what comes behind is a mailing list's
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _uuencoded(body: bytes) -> bytes:
    parts = []
    for line in body.splitlines():
        if line.startswith((b"begin ", b"end")) or not line:
            continue
        try:
            parts.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(parts)


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


# Headers


def _kind(message: Message) -> str:
    try:
        return message.get_content_type()
    except Exception:  # noqa: BLE001 - what broken headers raise is written down nowhere
        return "text/plain"


def _parameter(message: Message, name: str) -> str:
    """Of the kind of content."""
    try:
        value = message.get_param(name)
        return collapse_rfc2231_value(value).strip() if value else ""
    except Exception:  # noqa: BLE001 - what broken headers raise is written down nowhere
        return ""


def _file_name(message: Message) -> str:
    try:
        name = message.get_filename("") or ""
    except Exception:  # noqa: BLE001 - what broken headers raise is written down nowhere
        return ""
    return _line(re.split(r"[/\\]", _words(name))[-1])[-_LONGEST_NAME:]


def _header(message: Message, name: str) -> str:
    return _line(_words(message.get(name, "")))


def _words(value: str) -> str:
    """Encoded words (RFC 2047) as text. A letter may begin in one and end in the next."""
    pieces: list[tuple[bytes, str]] = []
    place = 0
    for found in _ENCODED_WORD.finditer(value):
        between = value[place : found.start()]
        if between.strip() or not pieces:
            pieces.append((between.encode("utf-8", "replace"), ""))
        charset = found.group(1).partition("*")[0].lower()
        data = found.group(3).encode("utf-8", "replace")
        data = _base64(data) if found.group(2) in "bB" else quopri.decodestring(data, header=True)
        if pieces[-1][1] == charset:
            data = pieces.pop()[0] + data
        pieces.append((data, charset))
        place = found.end()
    pieces.append((value[place:].encode("utf-8", "replace"), ""))
    return "".join(_word(data, charset) for data, charset in pieces)


def _word(data: bytes, charset: str) -> str:
    try:
        return decoded(data, charset).text if charset else data.decode("utf-8", "replace")
    except DocumentError:
        return data.decode("utf-8", "replace")


def _line(text: str) -> str:
    return clean(" ".join(text.split()))
