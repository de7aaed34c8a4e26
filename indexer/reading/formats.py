"""Which reader takes which files, and what it needs."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from indexer.documents import Cause, Found
from indexer.errors import DocumentError, MissingPackage
from indexer.reading.source import Context, Reader, Source


@dataclass(frozen=True)
class Format:
    """A kind of file. `module` has the function `read`, a Reader; `package` is what it needs beyond the core, and
    `extra` what to install for it."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    package: str = ""
    extra: str = ""


FORMATS = (
    Format("text", (".txt", ".text"), "plain"),
    Format("Markdown", (".md", ".markdown"), "markdown"),
    Format("HTML", (".html", ".htm", ".xhtml"), "html"),
    Format("PDF", (".pdf",), "pdf"),
    Format("Word", (".docx", ".docm", ".dotx"), "office"),
    Format("PowerPoint", (".pptx", ".pptm", ".ppsx"), "office"),
    Format("OpenDocument", (".odt", ".ott", ".odp"), "open_document"),
    Format("EPUB", (".epub",), "epub"),
    Format("RTF", (".rtf",), "rtf"),
    Format("JSON Lines", (".jsonl", ".ndjson"), "json_lines"),
    Format("table", (".csv", ".tsv", ".tab"), "tables"),
    Format("Parquet", (".parquet",), "parquet", "pyarrow", "parquet"),
    Format("RSS or Atom", (".xml", ".rss", ".atom"), "feeds"),
    Format("mail", (".eml", ".emlx", ".mbox"), "mail"),
    Format("WARC", (".warc",), "warc"),
    Format("archive", (".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".gz", ".bz2", ".xz"), "archives"),
)
_BY_SUFFIX = {suffix: own for own in FORMATS for suffix in own.suffixes}
SUFFIXES = tuple(sorted(_BY_SUFFIX))


def format_of(suffix: str) -> Format:
    """Raises DocumentError for a suffix that is none of ours, and for a format whose package is not installed."""
    found = _BY_SUFFIX.get(suffix)
    if found is None:
        raise DocumentError(
            f"{suffix or 'no suffix'} is no format that is read; search-index --help names those that are"
        )
    if found.package and importlib.util.find_spec(found.package) is None:
        raise MissingPackage(
            f"{found.name} needs a package; install it with: pip install 'multilingual-search[{found.extra}]'"
        )
    return found


def cause_of(error: DocumentError) -> Cause:
    """Of what `format_of` raised."""
    return Cause.PACKAGE if isinstance(error, MissingPackage) else Cause.FORMAT


def read_source(source: Source, context: Context) -> Iterator[Found]:
    """By its suffix. Raises DocumentError where nothing at all can be read."""
    reader = cast(Reader, importlib.import_module(f"indexer.reading.{format_of(source.suffix).module}").read)
    yield from reader(source, context)
