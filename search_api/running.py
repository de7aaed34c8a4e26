"""Running an application under uvicorn, in this process or in several, until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable

from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.server import HANDLED_SIGNALS, Server
from uvicorn.supervisors.multiprocess import Multiprocess

from search_api.guard.access_log import LOGGING
from search_api.guard.connections import GuardedConfig
from search_api.listening import address_of
from search_api.metrics.prometheus import FOLDER_VARIABLE
from search_api.settings import ServiceSettings

Notice = Callable[[str], None]

_ERROR = 2
_WORKER_PATIENCE = 60  # seconds in which a worker that is busy with imports may fail to say that it lives


def run_server(app: ASGIApp, service: ServiceSettings, sockets: list[socket.socket], say: Notice) -> int:
    """In this process, until SIGTERM or an interrupt; what is being answered then is finished first."""
    server = Server(config_of(app, service))
    for number in HANDLED_SIGNALS:  # uvicorn stops in good order and raises the signal again then, which must not kill
        signal.signal(number, server.handle_exit)
    say(f"listening on {_addresses(sockets)}")
    server.run(sockets)
    return 0 if server.started else _ERROR


def run_workers(
    factory: str, service: ServiceSettings, sockets: list[socket.socket], environment: dict[str, str], say: Notice
) -> int:
    """Each process makes the application by itself, with the factory, from what the environment says."""
    with tempfile.TemporaryDirectory(prefix="search-metrics-") as folder:
        os.environ.update({**environment, FOLDER_VARIABLE: folder})
        os.environ.setdefault("OMP_NUM_THREADS", str(service.cores()))  # the workers share the cores
        workers = Multiprocess(config_of(factory, service), sockets)
        say(f"listening on {_addresses(sockets)}; {service.workers} workers begin")
        workers.run()
    return _ERROR if any(process.exitcode == STARTUP_FAILURE for process in workers.processes) else 0


def config_of(app: ASGIApp | str, service: ServiceSettings) -> GuardedConfig:
    """How uvicorn runs it."""
    return GuardedConfig(
        app,
        service,
        factory=isinstance(app, str),
        workers=service.workers,
        # Others cannot be given a socket of another family.
        loop="asyncio" if service.workers == 1 or sys.platform == "win32" else "search_api.fair_loop:FairLoop",
        ws="none",
        lifespan="on",
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=bool(service.trusted_proxies),
        forwarded_allow_ips=list(service.trusted_proxies),
        timeout_keep_alive=service.keep_alive,
        timeout_graceful_shutdown=service.shutdown_timeout,
        timeout_worker_healthcheck=_WORKER_PATIENCE,
        h11_max_incomplete_event_size=service.max_url + service.max_headers,
    )


def _addresses(sockets: list[socket.socket]) -> str:
    return ", ".join(address_of(own) for own in sockets if own.family in (socket.AF_INET, socket.AF_INET6))
