"""A file of one mail (.eml, .emlx) or of many (.mbox) -> the mails in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from indexer.documents import Found, Skipped
from indexer.errors import DocumentError
from indexer.reading.mail.mailbox import messages_of
from indexer.reading.mail.message import read_mail
from indexer.reading.source import Context, Source, megabytes


def read(source: Source, context: Context) -> Iterator[Found]:
    """Plain text is preferred to HTML where a mail has both. Quotes and signatures are left in."""
    if source.suffix == ".mbox":
        yield from _mailbox(source, context)
        return
    data = source.read(context.limits.text)
    if source.suffix == ".emlx":
        data = _without_frame(data)
    yield from read_mail(source, data, context)


def _without_frame(data: bytes) -> bytes:
    """Between a line that says how long it is and a list of properties lies the mail."""
    first, _, rest = data.partition(b"\n")
    if not re.fullmatch(rb"\s*\d{1,12}\s*", first):
        raise DocumentError("not a mail of Apple Mail (its first line is not a number)")
    return rest[: int(first)]


def _mailbox(source: Source, context: Context) -> Iterator[Found]:
    number = 0
    for data in messages_of(source, context.limits):
        number += 1
        name = f"{source.name}#{number}"
        if data is None:
            yield Skipped(name, f"a mail of more than {megabytes(context.limits.text)}, which is the most that is read")
            continue
        inner = replace(source, name=name, size=len(data), suffix=".eml")
        try:
            yield from read_mail(inner, data, context)
        except DocumentError as error:
            yield Skipped(name, str(error))
    if not number:
        raise DocumentError("empty")
