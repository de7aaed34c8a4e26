"""The Host header: a name that an attacker points at this machine (DNS rebinding) is none of this server's names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.guard.exchange import exchange_of, refuse

_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::([0-9]{1,5}))?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Hosts:
    """Allowed are loopback's names, those configured, and the very address at which the client got here: an address
    needs no DNS."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = _LOOPBACK | {name.lower() for name in allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or exchange_of(scope).trusted:
            await self._app(scope, receive, send)
            return
        named = [value for name, value in scope["headers"] if name == b"host"]
        host = host_of(named[0].decode("latin-1")) if len(named) == 1 else None
        if host is None:
            await refuse(scope, send, 400, "host", "expected one Host header, with a name and perhaps a port")
        elif host in self._allowed or host == _own_address(scope):
            await self._app(scope, receive, send)
        else:
            detail = "this server does not go by that name; whoever runs it can allow it with --allowed-hosts"
            await refuse(scope, send, 421, "host", detail)


def host_of(authority: str) -> str | None:
    """`[::1]:8000` -> `::1`; None where it is no authority."""
    match = _AUTHORITY.fullmatch(authority.strip())
    if match is None or int(match[2] or 0) > 65_535:
        return None
    bare = match[1].lower().strip("[]").removesuffix(".")
    return _normal_address(bare) or bare


def _own_address(scope: Scope) -> str | None:
    server = scope.get("server")
    return _normal_address(server[0]) if server and server[1] is not None else None


def _normal_address(text: str) -> str | None:
    """None where it is a name; `::ffff:10.0.0.5`, as a socket for both families says it, is 10.0.0.5."""
    if not text or not (text[-1].isdigit() or ":" in text):
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
