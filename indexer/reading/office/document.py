"""A DOCX or PPTX file -> one document, with what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.documents import Found
from indexer.errors import DocumentError
from indexer.reading.blocks import tidy
from indexer.reading.office.names import NAMES
from indexer.reading.office.presentation import presentation_of
from indexer.reading.office.relations import relations_of
from indexer.reading.office.text import TextReader
from indexer.reading.own_fields import own_language, own_title
from indexer.reading.package_file import PackageFile, opened
from indexer.reading.source import Context, Source


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document of a text or a presentation; which of them it is, its relationships say."""
    with opened(source, context.limits, "DOCX or PPTX") as package:
        main = next((part.target for part in relations_of(package, "") if part.kind == "officeDocument"), "")
        main = main or next((name for name in ("word/document.xml", "ppt/presentation.xml") if name in package), "")
        root = package.xml(main) if main else None
        if root is None:
            raise DocumentError("damaged (neither a text nor a presentation is in it)")
        pages: tuple[int, ...] = ()
        if NAMES.of(root) == "w:document":
            text, heading = TextReader(package, main).read(root)
        elif NAMES.of(root) == "p:presentation":
            text, heading, pages = presentation_of(package, main, root)
        else:
            raise DocumentError("neither a text nor a presentation, expected DOCX or PPTX")
        properties = _properties(package)
    author = properties.get("dc:creator", "")
    yield source.document(
        text,
        title=own_title(properties.get("dc:title", "")) or heading,
        lang=own_language(properties.get("dc:language", ""), text),
        date=properties.get("dcterms:created") or properties.get("dcterms:modified"),
        metadata={"author": author} if author else None,
        pages=pages,
    )


def _properties(package: PackageFile) -> dict[str, str]:
    parts = [part.target for part in relations_of(package, "") if part.kind == "core-properties"]
    root = package.xml(parts[0] if parts else "docProps/core.xml")
    return {} if root is None else {NAMES.of(child): tidy(child.text or "") for child in root}
