"""The service over one collection: what is opened, by this process or each of several, and where it listens."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType

from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from indexer.errors import SearchError
from indexer.stored_collection import StoredCollection
from search_api.app import create_app
from search_api.encoding.place import Place
from search_api.encoding.process import EncoderProcess
from search_api.guard import guarded
from search_api.listening import bound_sockets
from search_api.metrics.prometheus import process_recorder
from search_api.opening import OpenSearcher, open_live, place_of
from search_api.running import run_server, run_workers
from search_api.settings import ServiceSettings, Settings
from search_api.warm import listening_socket

Notice = Callable[[str], None]

_LOG = logging.getLogger(__name__)
_SOCKET_VARIABLE = "SEARCH_SOCKET"  # from the parent to its workers
_SAMPLE_VARIABLE = "SEARCH_SAMPLE"
_ENCODER_VARIABLE = "SEARCH_ENCODER"


def serve(searched: Settings, service: ServiceSettings, stack: ExitStack, say: Notice) -> int:
    """Until it is stopped. 0, or 2 where the processes of several workers could not begin."""
    signal.signal(signal.SIGTERM, _stop_loading)
    sockets = bound_sockets(service.host, service.port)
    for listening in sockets:
        stack.callback(listening.close)
    if service.workers > 1:
        folder, model, is_sample = _check(searched, say)
        encoder = EncoderProcess(model)
        stack.callback(encoder.close)
        service = _with_own_socket(folder, searched, service, sockets, stack, say, is_sample=is_sample)
        environment = _environment(searched, service, encoder.place, is_sample=is_sample)
        return run_workers("search_api.serving:worker_application", service, sockets, environment, say)
    process_recorder()  # before there is anything to tell of
    opened = open_live(searched, say)
    service = _with_own_socket(opened.folder, searched, service, sockets, stack, say, is_sample=opened.is_sample)
    return run_server(application(lambda: opened, service), service, sockets, say)


def application(opening: Callable[[], OpenSearcher], service: ServiceSettings) -> ASGIApp:
    """The API with its guard around it."""
    return guarded(create_app(opening), service)


def _with_own_socket(
    folder: Path | None,
    searched: Settings,
    service: ServiceSettings,
    sockets: list[socket.socket],
    stack: ExitStack,
    say: Notice,
    *,
    is_sample: bool,
) -> ServiceSettings:
    """With the Unix socket over which the command `search` asks, added to `sockets` where it can be had."""
    if folder is None:
        return service
    model = searched.model if is_sample else None
    listening = stack.enter_context(listening_socket(folder, say, model))
    if listening is None:
        return service
    sockets.append(listening)
    return replace(service, socket=Path(listening.getsockname()))


def _stop_loading(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


# Several workers


def _check(searched: Settings, say: Notice) -> tuple[Path, str, bool]:
    """The folder of the collection, its model, and whether it is the sample's, which is made here once if need be.
    Raises CollectionError."""
    folder, is_sample = place_of(searched, say)
    with StoredCollection.open(folder) as collection:
        return folder, searched.model or collection.model, is_sample


def _environment(searched: Settings, service: ServiceSettings, encodes: Place, *, is_sample: bool) -> dict[str, str]:
    own = {_SAMPLE_VARIABLE: "yes" if is_sample else "", _SOCKET_VARIABLE: str(service.socket or "")}
    own[_ENCODER_VARIABLE] = encodes.text()
    own["SEARCH_COLLECTION"] = str(searched.collection or "")
    own["SEARCH_MODEL"] = searched.model or ""
    return {**service.environment(), **own}


def worker_application() -> ASGIApp:
    """What a worker serves."""
    path = os.environ.get(_SOCKET_VARIABLE)
    try:
        service = replace(ServiceSettings.from_environment(), socket=Path(path) if path else None)
        searched = replace(Settings.from_environment(), sample=bool(os.environ.get(_SAMPLE_VARIABLE)))
        process_recorder()
        opened = open_live(searched, _LOG.info, Place.of(os.environ[_ENCODER_VARIABLE]))
    except SearchError as error:
        _LOG.error("%s", error)
        sys.exit(STARTUP_FAILURE)
    return application(lambda: opened, service)
