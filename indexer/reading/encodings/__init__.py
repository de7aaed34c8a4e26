"""Bytes -> text: what they are marked with, what is declared, what they say themselves, and what is likely, in this
order.

What is likely is counted in bits: each encoding makes a text of the bytes, and a text costs the fewer bits the more
common its characters are in a language and the better they fit their neighbours. The cheapest text wins.
"""

from indexer.reading.encodings.decoded_text import decoded, remarks
from indexer.reading.encodings.decoding import Decoded
from indexer.reading.encodings.labels import codec_of, declared_in

__all__ = ["Decoded", "codec_of", "declared_in", "decoded", "remarks"]
