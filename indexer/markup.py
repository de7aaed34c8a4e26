"""Markdown and HTML -> the text a reader sees, with the title and what else the markup says.

Main-text extraction is trafilatura's, Markdown parsing markdown-it's; here their results become plain text in which
headings, paragraphs and list items are lines of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

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
_HTML_LANG = re.compile(r"<html\b[^>]*?\blang\s*=\s*[\"']?([A-Za-z-]+)", re.IGNORECASE)


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


def _lines(tokens: list[Token]) -> list[str]:
    lines: list[str] = []
    items = 0
    for token in tokens:
        if token.type == "list_item_open":
            items += 1
        elif token.type == "inline":
            text = _inline(token)
            cell = lines and token.map is None
            if items:
                text, items = f"- {text}", 0
            if cell:
                lines[-1] += f" {text}"
            elif text.strip():
                lines.append(text)
        elif token.type in ("fence", "code_block"):
            lines.append(token.content.rstrip("\n"))
        elif token.type in _BLOCK_ENDS and token.level == 0:
            lines.append("")
    return lines


def _inline(token: Token) -> str:
    """Link and image texts stay, their targets go; a soft line break is a space only between letters that need one."""
    parts = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
    text = "".join(parts)
    text = re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])", "", text)
    return text.replace("\n", " ")


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

    try:
        tree = lxml.html.fromstring(html.encode("utf-8"), parser=lxml.html.HTMLParser(encoding="utf-8"))
    except (ParserError, ValueError) as error:
        raise DocumentError("no text found in the HTML") from error
    declared = _HTML_LANG.search(html[:10_000])
    main = trafilatura.bare_extraction(html, with_metadata=True, include_comments=False, favor_recall=True)
    text = (main.text if main else "") or ""
    if not text.strip():
        for ignored in tree.xpath("//script|//style|//noscript|//template"):
            ignored.drop_tree()
        text = re.sub(r"[ \t]*\n\s*", "\n", tree.text_content())
    titles = [title for title in tree.xpath("string(//title)").split("\n") if title.strip()]
    return Page(
        text=text.strip(),
        title=(main.title if main else None) or (titles[0].strip() if titles else ""),
        lang=declared.group(1) if declared else "",
        date=(main.date if main else None) or "",
        source=(main.sitename if main else None) or "",
        url=(main.url if main else None) or "",
    )
