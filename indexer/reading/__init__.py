"""Files, folders and streams of many formats -> documents. What cannot be read is reported by name, never dropped."""

from indexer.reading.files import (
    STANDARD_INPUT,
    File,
    Options,
    absolute,
    files,
    read_documents,
    read_file,
    read_standard_input,
)
from indexer.reading.formats import SUFFIXES
from indexer.reading.source import Limits

READING = 2
"""Raise when files are read differently: they are then read again when next seen."""

__all__ = [
    "READING",
    "STANDARD_INPUT",
    "SUFFIXES",
    "File",
    "Limits",
    "Options",
    "absolute",
    "files",
    "read_documents",
    "read_file",
    "read_standard_input",
]
