"""DOCX and PPTX -> text as it is read: paragraphs, lists, tables and notes; slides in their order."""

from indexer.reading.office.document import read

__all__ = ["read"]
