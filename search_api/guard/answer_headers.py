"""The headers that every answer has, whatever made it."""

from __future__ import annotations

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

_SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""Where an answer says nothing else: a page has a policy of its own."""


def completed_headers(headers: Headers, request_id: str) -> list[tuple[bytes, bytes]]:
    """Which server this is and another's request id do not go out."""
    kept = [(name, value) for name, value in headers if name.lower() not in (b"server", b"x-request-id")]
    there = {name.lower() for name, _ in kept}
    kept += [(name, value) for name, value in _SECURITY if name not in there]
    if b"cache-control" not in there:  # an answer with an ETag may be kept, if it is asked about each time
        kept.append((b"cache-control", b"private, no-cache" if b"etag" in there else b"no-store"))
    kept.append((b"x-request-id", request_id.encode("ascii")))
    return kept
