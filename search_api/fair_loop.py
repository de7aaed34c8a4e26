"""An event loop for one of several processes that accept connections from the same socket."""

from __future__ import annotations

import asyncio
from typing import Any


class FairLoop(asyncio.SelectorEventLoop):
    """Accepts one connection at a time. asyncio accepts all that wait, so that whichever process wakes up first gets
    most of them, and answers them one after the other while another one is idle."""

    def _start_serving(
        self, protocol_factory: Any, sock: Any, sslcontext: Any = None, server: Any = None, backlog: int = 1, *more: Any
    ) -> None:
        super()._start_serving(protocol_factory, sock, sslcontext, server, 1, *more)  # type: ignore[misc]
