"""A model's name -> the local sentence-transformers folder that holds it, and the fingerprint of what it holds."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from indexer import embedded_model
from indexer.errors import ModelError

HUB_DEFAULT = "intfloat/multilingual-e5-small"
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model"]
_UNWANTED = ["onnx/*", "openvino/*", "*.bin", "*.msgpack", "*.h5"]
_SAMPLE = 4_096


def first_model() -> str:
    """The embedded model where its package is installed, else the same model on the hub."""
    return embedded_model.NAME if embedded_model.weights_file() else HUB_DEFAULT


@cache
def folder_of(name: str) -> Path:
    """The folder of the embedded model, of a local model, or of a hub model (from the cache, else downloaded).

    Raises ModelError, in one line, when there is no such folder, or neither a network nor a cached copy.
    """
    if name == embedded_model.NAME:
        return embedded_model.model_folder()
    local = Path(name).expanduser()
    if name and local.is_dir():
        if not (local / "modules.json").is_file() and not (local / "config.json").is_file():
            raise ModelError(
                f"{name} is a folder without modules.json or config.json; give a sentence-transformers folder"
            )
        return local
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or local.suffix or os.sep not in name:
        raise ModelError(
            f"no model {name!r}: it is not a folder here, nor a hub name such as {HUB_DEFAULT}, "
            f"nor {embedded_model.NAME}"
        )
    return _hub_folder(name)


def _hub_folder(name: str) -> Path:
    # Slow to import, and only needed for models of the hub.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=_WANTED, ignore_patterns=_UNWANTED, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError, ValueError):
        pass  # not in the cache: ask the hub
    try:
        return Path(snapshot_download(name, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise ModelError(
            f"the model {name!r} is neither in the local cache nor to be had from the hub (no network, or no such "
            "name); connect once to download it, or give --model a sentence-transformers folder"
        ) from error


def fingerprint(folder: Path) -> str:
    """16 hexadecimal digits that change with the weights, prompts, pooling or vocabulary of a model folder.

    Of a large file its size and 64 evenly spread samples count: the digest of half a gigabyte would take longer
    than the search.
    """
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".json", ".safetensors", ".model", ".txt") and file.name != "checksums.json":
            size = file.stat().st_size
            digest.update(f"{file.relative_to(folder).as_posix()} {size}\n".encode())
            with file.open("rb") as stream:
                if size <= 64 * _SAMPLE:
                    digest.update(stream.read())
                else:
                    for part in range(64):
                        stream.seek((size - _SAMPLE) * part // 63)
                        digest.update(stream.read(_SAMPLE))
    return digest.hexdigest()[:16]
