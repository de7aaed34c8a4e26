"""RTF -> text as it is read: paragraphs, lists, tables, text boxes and notes."""

from indexer.reading.rtf.document import read

__all__ = ["read"]
