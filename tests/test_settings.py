"""Settings of the service: each is read, checked and passed on to workers."""

from __future__ import annotations

import os
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from indexer.errors import SettingsError
from search_api.settings import ServiceSettings, default_keys_file, is_loopback, settable, variable_of

_GIVEN = {
    "host": ("[::1]", "::1"),
    "port": ("0", 0),
    "workers": ("4", 4),
    "keys": ("/etc/keys.json", Path("/etc/keys.json")),
    "require_keys": ("YES", "yes"),
    "open_metrics": ("1", True),
    "log_queries": ("true", True),
    "allowed_hosts": ("Search.Example.org, 10.0.0.5,[::2]", ("search.example.org", "10.0.0.5", "::2")),
    "allowed_origins": ("https://News.example.org,http://a:81", ("https://news.example.org", "http://a:81")),
    "trusted_proxies": ("10.0.0.5, 10.1.0.0/16", ("10.0.0.5", "10.1.0.0/16")),
    "max_url": ("8K", 8192),
    "max_headers": ("9000", 9000),
    "max_body": ("1m", 2**20),
    "max_document": ("32M", 2**25),
    "max_bulk": ("2G", 2**31),
    "rate": ("0.5", 0.5),
    "burst": ("3", 3),
    "failed_keys": ("5", 5),
    "max_running": ("2", 2),
    "max_waiting": ("0", 0),
    "max_connections": ("10", 10),
    "queue_timeout": ("1.5", 1.5),
    "request_timeout": ("9", 9.0),
    "header_timeout": ("3", 3.0),
    "body_timeout": ("4", 4.0),
    "keep_alive": ("5", 5),
    "shutdown_timeout": ("6", 6),
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for own in settable():
        monkeypatch.delenv(variable_of(own), raising=False)


def test_each_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(_GIVEN) == {own.name for own in settable()} == {own.name for own in fields(ServiceSettings)} - {"socket"}
    for name, (text, value) in _GIVEN.items():
        monkeypatch.setenv(f"SEARCH_{name.upper()}", text)
        assert getattr(ServiceSettings.from_environment(), name) == value, name
        assert getattr(ServiceSettings(), name) != value, name


def test_an_option_goes_before_a_variable_and_an_empty_one_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_PORT", "1")
    monkeypatch.setenv("SEARCH_HOST", "")
    assert ServiceSettings.from_environment({"port": "2"}).port == 2
    assert ServiceSettings.from_environment().host == "127.0.0.1"


def test_workers_get_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (ServiceSettings(), ServiceSettings.from_environment({k: text for k, (text, _) in _GIVEN.items()})):
        for name, value in settings.environment().items():
            monkeypatch.setenv(name, value)
        assert ServiceSettings.from_environment() == settings


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        ServiceSettings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("port", "http", "a whole number from 0 to 65535"),
        ("port", "65536", "a whole number from 0 to 65535"),
        ("port", "-1", "a whole number from 0 to 65535"),
        ("port", "٨٠", "a whole number from 0 to 65535"),
        ("workers", "0", "a whole number from 1 to 64"),
        ("host", "http://x", "an address or a host name"),
        ("host", " ", "an address or a host name"),
        ("require_keys", "perhaps", "one of auto, yes, no"),
        ("open_metrics", "2", "yes or no"),
        ("allowed_hosts", "*", "names of hosts without scheme and port"),
        ("allowed_hosts", "a:80", "names of hosts without scheme and port"),
        ("allowed_origins", "*", "origins as a browser sends them"),
        ("allowed_origins", "https://a/", "origins as a browser sends them"),
        ("allowed_origins", "null", "origins as a browser sends them"),
        ("allowed_origins", "https://a\nb", "origins as a browser sends them"),
        ("trusted_proxies", "*", "addresses or networks"),
        ("max_url", "0", "a number of bytes"),
        ("max_bulk", "1T", "a number of bytes"),
        ("rate", "nan", "a number from 0 to 1e+06"),
        ("rate", "inf", "a number from 0 to 1e+06"),
        ("queue_timeout", "0", "a number from 0.1 to 3600"),
        ("keys", " ", "a file"),
    ],
)
def test_what_makes_no_sense_is_one_line(name: str, text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SEARCH_{name.upper()}", text)
    with pytest.raises(SettingsError) as raised:
        ServiceSettings.from_environment()
    assert str(raised.value).startswith(f"SEARCH_{name.upper()} is {text!r}, expected {expected}")
    assert "\n" not in str(raised.value)
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(SettingsError, match=f"^{flag} is "):
        ServiceSettings.from_environment({name: text})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("10.0.0.5", False), ("::ffff:10.0.0.5", False)),
        ("localhost.example", False),
    ],
)
def test_keys_are_needed_everywhere_but_on_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert ServiceSettings(host=host).keys_required() is not loopback
    assert ServiceSettings(host=host, require_keys="yes").keys_required()
    assert not ServiceSettings(host=host, require_keys="no").keys_required()


def test_workers_share_the_cores() -> None:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    assert ServiceSettings().cores() == cores
    assert ServiceSettings(workers=64).cores() == max(1, cores // 64)


def test_keys_lie_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/configuration")
    assert ServiceSettings(keys=Path("/x")).keys_file() == Path("/x")
    assert ServiceSettings().keys_file() == default_keys_file()
    assert default_keys_file().parts[-2:] == ("multilingual-search", "keys.json")


def test_the_table_in_the_documentation_is_whole() -> None:
    told = (Path(__file__).parents[1] / "docs" / "service.md").read_text("utf-8")
    for own in settable():
        assert f"| `--{own.name.replace('_', '-')}` | `{variable_of(own)}` |" in told
