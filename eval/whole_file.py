"""A file of text that is either whole or as it was before."""

from __future__ import annotations

import secrets
from pathlib import Path

from eval.errors import DatasetError


def write_whole(file: Path, text: str) -> None:
    """Write aside, then move into place. Raises DatasetError."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="")
        unfinished.replace(file)
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"{file} cannot be written ({reason.lower()})") from error
    finally:
        unfinished.unlink(missing_ok=True)
