"""Tables as text (CSV, TSV) -> a document of each row. Read row by row, so that a file may be larger than memory."""

from indexer.reading.tables.table import read

__all__ = ["read"]
