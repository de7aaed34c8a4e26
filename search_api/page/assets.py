"""The files of the page, read once, under an address that changes with what they hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_TEMPLATE = "index.html"


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    media_type: str


@dataclass(frozen=True)
class Assets:
    """`named`: by the path below `static`, without the template. `digest` changes when any of them does."""

    named: dict[str, Asset]
    digest: str
    template: str

    def page(self, *, is_sample: bool) -> bytes:
        """The page itself; addresses in it are relative, so that it may lie below any path."""
        folder = f"page/{self.digest}"
        modules = [name for name in self.named if name.endswith(".js")]
        preloads = "\n".join(f'<link rel="modulepreload" href="{folder}/{name}">' for name in modules)
        places = {"preloads": preloads, "assets": folder, "sample": "yes" if is_sample else "no"}
        text = self.template
        for name, value in places.items():
            text = text.replace(f"{{{{ {name} }}}}", value)
        return text.encode()


@cache
def load_assets() -> Assets:
    """What lies in the package."""
    named = dict(sorted(_walk(files("search_api.page") / "static", "")))
    template = named.pop(_TEMPLATE).body.decode()
    digest = hashlib.sha256()
    for name, asset in named.items():
        digest.update(f"{name}\0{len(asset.body)}\0".encode() + asset.body)
    return Assets(named, digest.hexdigest()[:16], template)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif (suffix := entry.name.rpartition(".")[2]) in _TYPES:
            found.append((prefix + entry.name, Asset(entry.read_bytes(), _TYPES[suffix])))
    return found
