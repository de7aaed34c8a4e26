"""Mails (.eml, .emlx) and mailboxes (.mbox) -> a document of each mail, and of each attachment that can be read.

The parameters of headers are the standard library's to understand; headers and bodies are parted here, because its
parser takes ages over parts in parts in parts.
"""

from indexer.reading.mail.mail_file import read

__all__ = ["read"]
