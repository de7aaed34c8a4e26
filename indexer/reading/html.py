"""Web pages -> main text, title, date and what else the markup says. Finding the main text is trafilatura's."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from indexer.documents import Document, Found
from indexer.errors import DocumentError
from indexer.normal_form import normal_form
from indexer.reading.encodings import declared_in, decoded, remarks
from indexer.reading.source import Context, Source


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document. Menus, cookie notes and comments are left out."""
    data = source.read(context.limits.text)
    found = decoded(data, source.charset or declared_in(data))
    yield _document(source, normal_form(found.text))
    yield from remarks(source.name, found)


def _document(source: Source, html: str) -> Document:
    # Slow to import (half a second) and needed for HTML only.
    import lxml.html
    import trafilatura
    from lxml.etree import ParserError

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it cannot use is told by the caller
    try:
        tree = lxml.html.fromstring(html.encode("utf-8"), parser=lxml.html.HTMLParser(encoding="utf-8"))
    except (ParserError, ValueError) as error:
        raise DocumentError("no text found in the HTML") from error
    main = trafilatura.bare_extraction(html, with_metadata=True, include_comments=False, favor_recall=True)
    text = (main.text if main else "") or ""
    if not text.strip():
        for ignored in tree.xpath("//head|//script|//style|//noscript|//template"):
            ignored.drop_tree()
        text = re.sub(r"[ \t]*\n\s*", "\n", tree.text_content())
    titles = [title for title in tree.xpath("string(//title)").split("\n") if title.strip()]
    if not text.strip():
        raise DocumentError("no text found in the HTML")
    return source.document(
        text.strip(),
        title=(main.title if main else None) or (titles[0].strip() if titles else ""),
        lang=_html_language(tree),
        date=main.date if main else None,
        source=main.sitename if main else None,
        url=main.url if main else None,
        metadata={"author": main.author} if main and main.author else None,
    )


def _html_language(tree: Any) -> str:
    """What the <html> element says; what parts of the page say is about those parts."""
    root = tree.getroottree().getroot()
    if root.tag != "html":
        return ""
    return root.get("lang") or root.get("xml:lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
