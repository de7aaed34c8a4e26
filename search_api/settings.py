"""Every environment variable and default of the search commands and the service."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from indexer.errors import SettingsError
from indexer.paths import default_collection_folder
from search_api import setting_values as values


@dataclass(frozen=True)
class Settings:
    """`collection` None: the user's own where there is one, else the sample collection. `model` None: the one that
    the collection was made with."""

    collection: Path | None = None
    model: str | None = None
    sample: bool = False
    """Search the sample collection, whatever else there is."""

    @classmethod
    def from_environment(cls) -> Settings:
        """SEARCH_COLLECTION and SEARCH_MODEL."""
        collection = os.environ.get("SEARCH_COLLECTION")
        return cls(
            collection=Path(collection) if collection else None,
            model=os.environ.get("SEARCH_MODEL") or None,
        )

    def own_collection(self) -> Path:
        """Where the user's own collection is, or would be."""
        return self.collection or default_collection_folder()


def _setting(default: Any, parse: values.Parse, metavar: str, told: str) -> Any:
    return field(default=default, metadata={"parse": parse, "metavar": metavar, "help": told})


_SECONDS = values.number(0.1, 3600)


@dataclass(frozen=True)
class ServiceSettings:
    """How `search-serve` listens and what it refuses. Field `max_url` is SEARCH_MAX_URL and `--max-url`."""

    host: str = _setting("127.0.0.1", values.host, "ADDRESS", "listen on this address; only loopback needs no keys")
    port: int = _setting(8000, values.whole(0, 65_535), "N", "listen on this port; 0: any that is free")
    workers: int = _setting(1, values.whole(1, 64), "N", "processes that answer, beside the one that encodes")
    keys: Path | None = _setting(  # noqa: RUF009 - as immutable as the others
        None, values.file, "FILE", "where the API keys are; else in your configuration folder"
    )
    require_keys: str = _setting(
        "auto", values.one_of("auto", "yes", "no"), "WHEN", "auto: except on loopback; yes: always; no: never"
    )
    open_metrics: bool = _setting(False, values.yes_or_no, "", "/metrics without a key")
    log_queries: bool = _setting(False, values.yes_or_no, "", "write what was asked into the access log")
    allowed_hosts: tuple[str, ...] = _setting(
        (), values.host_names, "NAMES", "names under which clients reach this server, besides loopback's"
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), values.origins, "ORIGINS", "other sites whose pages may use the API (CORS)"
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), values.networks, "ADDRESSES", "proxies whose X-Forwarded-For is believed"
    )
    max_url: int = _setting(16 * 2**10, values.size, "SIZE", "longest URL; beyond it 414")
    max_headers: int = _setting(32 * 2**10, values.size, "SIZE", "most bytes of headers; beyond it 431")
    max_body: int = _setting(64 * 2**10, values.size, "SIZE", "largest body of a question; beyond it 413")
    max_document: int = _setting(16 * 2**20, values.size, "SIZE", "largest body with one document")
    max_bulk: int = _setting(2**30, values.size, "SIZE", "largest body with many documents, which is streamed")
    rate: float = _setting(20.0, values.number(0, 1e6), "N", "requests a second of one key or address; 0: any number")
    burst: int = _setting(60, values.whole(1, 1_000_000), "N", "requests at once of one key or address")
    failed_keys: int = _setting(10, values.whole(1, 1_000_000), "N", "wrong keys a minute from one address, then 429")
    max_running: int = _setting(16, values.whole(1, 1000), "N", "searches at work at once in one process")
    max_waiting: int = _setting(32, values.whole(0, 100_000), "N", "searches that wait for them, then 503")
    max_connections: int = _setting(1000, values.whole(1, 1_000_000), "N", "open connections of one process")
    queue_timeout: float = _setting(5.0, _SECONDS, "SECONDS", "longest wait for a turn, then 503")
    request_timeout: float = _setting(30.0, _SECONDS, "SECONDS", "longest work on a request, then 503")
    header_timeout: float = _setting(10.0, _SECONDS, "SECONDS", "until a request's headers must be there, then 408")
    body_timeout: float = _setting(20.0, _SECONDS, "SECONDS", "for a body, and a second more for each KiB, then 408")
    keep_alive: int = _setting(15, values.whole(1, 3600), "SECONDS", "until an idle connection is closed")
    shutdown_timeout: int = _setting(30, values.whole(1, 3600), "SECONDS", "for requests in flight when it is stopped")
    socket: Path | None = None
    """The user's own Unix socket, over which no key is needed; set by the server, never by a user."""

    @classmethod
    def from_environment(cls, given: Mapping[str, str] | None = None) -> ServiceSettings:
        """What stands in `given` (an option of the command line, by field), else in SEARCH_..., else the default.
        Raises SettingsError."""
        found: dict[str, Any] = {}
        for own in settable():
            option = (given or {}).get(own.name)
            variable = os.environ.get(variable_of(own))
            if option is not None:
                found[own.name] = _parsed(own, option, f"--{own.name.replace('_', '-')}")
            elif variable:
                found[own.name] = _parsed(own, variable, variable_of(own))
        return cls(**found)

    def environment(self) -> dict[str, str]:
        """The same settings as variables, for the processes of several workers."""
        return {variable_of(own): _text(getattr(self, own.name)) for own in settable()}

    def keys_file(self) -> Path:
        return self.keys or default_keys_file()

    def keys_required(self) -> bool:
        return self.require_keys == "yes" or (self.require_keys == "auto" and not is_loopback(self.host))

    def cores(self) -> int:
        """What one of the workers may use."""
        return max(1, _cores() // self.workers)


def settable() -> list[Field[Any]]:
    """The settings that a user can give."""
    return [own for own in fields(ServiceSettings) if own.metadata]


def variable_of(own: Field[Any]) -> str:
    return f"SEARCH_{own.name.upper()}"


def default_keys_file() -> Path:
    return user_config_path("multilingual-search", appauthor=False) / "keys.json"


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _parsed(own: Field[Any], text: str, source: str) -> Any:
    try:
        return own.metadata["parse"](text)
    except ValueError as error:
        got = text if len(text) <= 80 else f"{text[:77]}..."
        raise SettingsError(f"{source} is {got!r}, expected {error}") from None


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
