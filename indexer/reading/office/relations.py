"""What a part of a package refers to."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from indexer.reading.office.names import NAMES
from indexer.reading.package_file import PackageFile


@dataclass(frozen=True)
class Relation:
    """What a part of a package refers to."""

    identifier: str
    kind: str
    """The end of its type: `slide`, `footnotes`."""
    target: str


def relations_of(package: PackageFile, part: str) -> list[Relation]:
    folder, name = posixpath.split(part)
    root = package.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
    if root is None:
        return []
    return [
        Relation(
            element.get("Id", ""),
            element.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/"),
        )
        for element in root
        if NAMES.of(element) == "rel:Relationship" and element.get("TargetMode") != "External"
    ]
