"""Elements of a feed: their names, their text, where they lead to."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any
from urllib.parse import urljoin

from indexer.reading.html_fragment import html_text

_PREFIXES = {
    "": "",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/atom/ns#": "",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dc:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://search.yahoo.com/mrss/": "media:",
}
_MARKUP = re.compile(r"<[A-Za-z/!]|&(?:#\d+|#x[0-9a-f]+|[a-z]+\d*);", re.IGNORECASE)
_ATOM = "{http://www.w3.org/2005/Atom}"
XML = "{http://www.w3.org/XML/1998/namespace}"


def forget(element: Any) -> None:
    """Entries that were read give their memory back."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def local_name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2] if isinstance(element.tag, str) else ""


def name_of(element: Any) -> str:
    """`title`, `dc:date`, `content:encoded`; other vocabularies keep their whole address."""
    if not isinstance(element.tag, str):
        return ""
    space, _, local = element.tag.lower().removeprefix("{").rpartition("}")
    return f"{_PREFIXES.get(space, space + ' ')}{local}"


def all_text(element: Any) -> str:
    """Texts of an element and those in it, with entities that XML does not know."""
    parts = [element.text or ""]
    for inner in element.iterdescendants():
        if isinstance(inner.tag, str):
            parts.append(inner.text or "")
        elif (inner.text or "").startswith("&"):
            parts.append(unescape(inner.text))
        parts.append(inner.tail or "")
    return "".join(parts)


def text_of(element: Any) -> str:
    """By its type, where it says one: markup that is written out, markup as elements, or text."""
    from lxml.etree import tostring

    kind = (element.get("type") or "").lower()
    if any(isinstance(child.tag, str) for child in element):
        parts = (tostring(child, encoding="unicode", method="html") for child in element)
        return html_text(escape(element.text or "") + "".join(parts))
    if element.get("src") or (kind and not re.match(r"text|html|xhtml|application/xhtml", kind)):
        return ""
    text = all_text(element)
    if kind in ("text", "text/plain") or (not kind and element.tag.startswith(_ATOM)) or not _MARKUP.search(text):
        return text.strip()
    return html_text(text)


def target_of(element: Any) -> str:
    if element.get("href"):
        return element.get("href").strip() if element.get("rel", "alternate") == "alternate" else ""
    return all_text(element).strip()


def whole_address(base: str, link: str) -> str:
    """The whole address; the link as it is where that makes none."""
    try:
        return urljoin(base, link) if link else ""
    except ValueError:
        return link


def one_line(text: str) -> str:
    return " ".join(text.split())
