"""Web archives (WARC) -> a document of each page in them that is of a format that is read."""

from indexer.reading.warc.web_archive import read

__all__ = ["read"]
