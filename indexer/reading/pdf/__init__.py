"""PDF -> text in reading order, with where each page begins.

PDFium says which character stands where. Lines, the order of right-to-left ones, and paragraphs are found here: the
lines of PDFium fall apart where fonts change, and its Arabic words turn around where each glyph is drawn by itself.
"""

from indexer.reading.pdf.document import read

__all__ = ["read"]
