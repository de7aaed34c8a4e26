"""Markdown -> the text that a reader sees, with what its front matter says.

Parsing is markdown-it's; here its tokens become plain text in which headings, paragraphs and list items are lines of
their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from indexer.documents import Found
from indexer.errors import DocumentError
from indexer.normal_form import normal_form
from indexer.reading.encodings import decoded, remarks
from indexer.reading.source import Context, Source

_FRONT_MATTER = re.compile(r"\A---\n(.*?\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_FIELD = re.compile(
    r"^(title|lang|language|date|source|url|author|tags):[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE
)


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document; simple front matter gives title, language, date, source, URL, author and tags."""
    found = decoded(source.read(context.limits.text), source.charset)
    text = normal_form(found.text)
    front = _FRONT_MATTER.match(text)
    fields: dict[str, str] = {}
    if front:
        fields = {name.lower(): value.strip("\"'") for name, value in _FRONT_FIELD.findall(front.group(1))}
        text = text[front.end() :]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    body = "\n".join(_lines(tokens)).strip()
    if not body:
        raise DocumentError("no text found in the Markdown")
    yield source.document(
        body,
        title=fields.get("title") or _first_heading(tokens),
        lang=fields.get("lang") or fields.get("language"),
        date=fields.get("date"),
        source=fields.get("source"),
        url=fields.get("url"),
        metadata={name: fields[name] for name in ("author", "tags") if fields.get(name)},
    )
    yield from remarks(source.name, found)


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
