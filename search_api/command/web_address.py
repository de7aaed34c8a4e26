"""Addresses of web pages, as they may be opened, linked and printed."""

from __future__ import annotations

import re
from urllib.parse import quote

_WEB = re.compile(r"https?://[^\s\x00-\x1f\x7f-\x9f]+", re.IGNORECASE)
_LONGEST = 2_000
_KEPT = "!#$%&'()*+,/:;=?@[]~"
"""What a web address keeps as it is, beside letters and digits."""


def web_address(url: str) -> str:
    """An http or https address in ASCII without control characters; empty for anything else."""
    if not _WEB.fullmatch(url):
        return ""
    address = quote(url, safe=_KEPT, errors="replace")
    return address if len(address) <= _LONGEST else ""
