"""Markdown and HTML -> the text a reader sees, with the title and what else the markup says.

Main-text extraction is trafilatura's, Markdown parsing markdown-it's; here their results become plain text in which
headings, paragraphs and list items are lines of their own.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from html import unescape
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from indexer.errors import DocumentError


@dataclass(frozen=True)
class Page:
    """What a marked-up file says."""

    text: str
    title: str = ""
    lang: str = ""
    date: str = ""
    source: str = ""
    url: str = ""


_FRONT_MATTER = re.compile(r"\A---\n(.*?\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_FIELD = re.compile(r"^(title|lang|language|date|source|url):[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)


def markdown_document(text: str) -> Page:
    """Plain text of a Markdown file; simple front matter gives title, language, date, source and URL."""
    front = _FRONT_MATTER.match(text)
    fields = {}
    if front:
        fields = {name.lower(): value.strip("\"'") for name, value in _FRONT_FIELD.findall(front.group(1))}
        text = text[front.end() :]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    lines = _lines(tokens)
    return Page(
        text="\n".join(lines).strip(),
        title=fields.get("title", "") or _first_heading(tokens),
        lang=fields.get("lang", "") or fields.get("language", ""),
        date=fields.get("date", ""),
        source=fields.get("source", ""),
        url=fields.get("url", ""),
    )


_BLOCK_ENDS = ("paragraph_close", "heading_close", "bullet_list_close", "ordered_list_close")


_LINE_BREAK = re.compile(r"<br\b", re.IGNORECASE)


def _lines(tokens: list[Token]) -> list[str]:
    lines: list[str] = []
    bullet = ""
    row: list[str] | None = None
    for token in tokens:
        if token.type == "list_item_open":
            bullet = "- "
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            lines.append(" ".join(row or ()))
            row = None
        elif token.type == "inline":
            text = _inline(token)
            if row is not None:
                row.append(text)
            elif text.strip():
                lines.append(bullet + text)
                bullet = ""
        elif token.type in ("fence", "code_block"):
            lines.append(token.content.rstrip("\n"))
        elif token.type == "html_block":
            lines.extend(_html_block(token.content))
        elif token.type in _BLOCK_ENDS and token.level == 0:
            lines.append("")
    return lines


def _html_block(html: str) -> list[str]:
    """The text of HTML inside Markdown; comments, scripts and styles have none."""
    html = re.sub(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", " ", html, flags=re.DOTALL | re.IGNORECASE)
    text = unescape(re.sub(r"<[^>]*>", " ", html))
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]


def _inline(token: Token) -> str:
    """Link and image texts stay, their targets go; a soft line break is a space only between letters that need one."""
    parts = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "html_inline" and _LINE_BREAK.match(child.content):
            parts.append(" ")
        elif child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
    text = "".join(parts)
    text = re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])", "", text)
    return re.sub(r"[ \t]*\n[ \t]*|(?<= ) +", lambda found: " " if "\n" in found.group() else "", text)


def _first_heading(tokens: list[Token]) -> str:
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            return _inline(following)
    return ""


def html_document(html: str) -> Page:
    """Main text and metadata of a web page. Raises DocumentError where there is no text at all."""
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
    return Page(
        text=text.strip(),
        title=(main.title if main else None) or (titles[0].strip() if titles else ""),
        lang=_html_language(tree),
        date=(main.date if main else None) or "",
        source=(main.sitename if main else None) or "",
        url=(main.url if main else None) or "",
    )


def _html_language(tree: Any) -> str:
    """What the <html> element says; what parts of the page say is about those parts."""
    root = tree.getroottree().getroot()
    if root.tag != "html":
        return ""
    return root.get("lang") or root.get("xml:lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
