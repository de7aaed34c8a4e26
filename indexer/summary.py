"""What has become of the documents of a run, so far or in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from indexer.documents import Remark, Skipped


@dataclass
class Summary:
    """Counts, and what is to be said."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    """That were encoded, or taken from equal ones."""
    reused: int = 0
    """Of these, the ones whose texts had been encoded before."""
    skipped: list[Skipped] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    file: str = ""
    """Being read."""
    read: int = 0
    """Bytes read so far."""
    to_read: int = 0
    """Bytes in all files that have to be read."""

    @property
    def seen(self) -> int:
        return self.added + self.changed + self.unchanged + len(self.skipped)
