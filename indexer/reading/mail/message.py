"""A mail -> a document of it, and of each attachment that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from indexer.documents import Found, Remark, Skipped
from indexer.errors import DocumentError
from indexer.reading.encodings import remarks
from indexer.reading.formats import format_of
from indexer.reading.mail.content import TOO_MANY, Content, PartsReader
from indexer.reading.mail.headers import header_of
from indexer.reading.mail.structure import MOST_PARTS, parted, without_envelope
from indexer.reading.mail_date import iso_date
from indexer.reading.own_names import OwnNames
from indexer.reading.part_streams import budget_of, part
from indexer.reading.source import Context, Source

_NAMED = 20
"""Attachments that a remark names."""
_OURS = ("from", "to", "subject", "date", "message-id", "received", "content-type", "mime-version", "return-path")


def read_mail(source: Source, data: bytes, context: Context) -> Iterator[Found]:
    """Raises DocumentError where there is nothing to read in it."""
    if source.depth > context.limits.depth:
        raise DocumentError(f"mails nested more than {context.limits.depth} deep")
    if not data.strip():
        raise DocumentError("empty")
    message, body = parted(without_envelope(data))
    if not any(message[name] for name in _OURS):
        raise DocumentError("not a mail (no From:, Subject: or the like at its beginning)")
    content = Content()
    PartsReader(content).take(message, body, 0)
    title = header_of(message, "subject")
    date = iso_date(header_of(message, "date"))
    metadata = {
        name: value
        for name, header in (("author", "from"), ("to", "to"), ("cc", "cc"), ("message_id", "message-id"))
        if (value := header_of(message, header))
    }
    text = "\n\n".join(text for text, _ in content.texts) or title
    if text.strip():
        yield source.document(
            text, title=title, date=date, lang=header_of(message, "content-language"), metadata=metadata
        )
    elif not content.attachments and not content.mails and not content.left:
        reason = "encrypted" if content.secret else TOO_MANY if content.too_many else "a mail without text"
        raise DocumentError(reason)
    if content.secret:
        yield Remark(source.name, "encrypted in part; that part is not read")
    if content.too_many:
        yield Remark(source.name, f"{TOO_MANY}; the rest is not read")
    for _, doubtful in content.texts:
        yield from remarks(source.name, doubtful)
    yield from _attached(source, content, date, context)


def _attached(source: Source, content: Content, date: str, context: Context) -> Iterator[Found]:
    names = OwnNames(MOST_PARTS)
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
            yield from read_mail(inner, data, context)
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
