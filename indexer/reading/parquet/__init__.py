"""Parquet: a row each, a document each. Read a few rows at a time, so that a file may be larger than memory."""

from indexer.reading.parquet.table import read

__all__ = ["read"]
