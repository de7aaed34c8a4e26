"""What a server sent, in chunks and packed -> what it is."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from io import BytesIO

from indexer.errors import DocumentError
from indexer.reading.budget import Budget
from indexer.reading.source import Limits, megabytes
from indexer.reading.unpacked import DEFLATE, GZIP, ZLIB, Packing, Unpacked

_CHUNK = re.compile(rb"([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r\n", re.IGNORECASE)


def joined_chunks(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Chunks as a whole. Many that fetch pages join them, and still say that they are chunks."""
    if headers.get("transfer-encoding", "").lower() != "chunked" or not _CHUNK.match(body):
        return body
    whole = bytearray()
    place = 0
    while found := _CHUNK.match(body, place):
        place = found.end() + int(found.group(1), 16)
        whole += body[found.end() : place]
        place += 2 if body[place : place + 2] == b"\r\n" else 0
    return bytes(whole)


def unpacked_body(body: bytes, headers: Mapping[str, str], limits: Limits) -> bytes:
    """As with chunks, it may have been unpacked before."""
    encodings = re.findall(r"[a-z0-9-]+", headers.get("content-encoding", "").lower())
    for encoding in reversed(encodings[:3]):
        if encoding in ("gzip", "x-gzip"):
            packing = GZIP if body.startswith(b"\x1f\x8b") else None
        elif encoding == "deflate":
            packing = ZLIB if re.match(rb"[\x08\x18\x28\x38\x48\x58\x68\x78]", body) else DEFLATE
        elif encoding == "br":
            body = _unbrotli(body, limits)
            continue
        elif encoding != "identity":
            raise DocumentError(f"packed as {encoding[:20]}, which is not supported")
        else:
            continue
        body = _inflated(body, packing, limits) if packing else body
    return body


def _inflated(body: bytes, packing: Packing, limits: Limits) -> bytes:
    stream = Unpacked(BytesIO(body), packing, len(body), limits, Budget(limits))
    whole = bytearray()
    while len(whole) <= limits.text and (block := stream.read(65_536)):
        whole += block
    if stream.too_much:
        raise DocumentError(stream.problem)
    _check_size(whole, limits)
    return bytes(whole) or body


def _unbrotli(body: bytes, limits: Limits) -> bytes:
    if importlib.util.find_spec("brotli") is None:
        raise DocumentError("packed as br; install what unpacks it with: pip install brotli")
    brotli = importlib.import_module("brotli")
    whole = bytearray()
    try:
        decompressor = brotli.Decompressor()
        whole += decompressor.process(body, output_buffer_limit=1_000_000)
        while not decompressor.is_finished() and len(whole) <= limits.text:
            block = decompressor.process(b"", output_buffer_limit=1_000_000)
            if not block:
                break
            whole += block
    except Exception:  # noqa: BLE001 - of a version or another package of that name, nothing is certain
        return bytes(whole) or body
    _check_size(whole, limits)
    return bytes(whole)


def _check_size(whole: bytearray, limits: Limits) -> None:
    if len(whole) > limits.text:
        raise DocumentError(f"unpacks to more than {megabytes(limits.text)}, which is the most that is read")
