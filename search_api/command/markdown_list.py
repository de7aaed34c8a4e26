"""An answer as Markdown, for notes and reports: a list of titles, each with its source and the passage quoted."""

from __future__ import annotations

import re

from search_api.bidi import clean
from search_api.command.web_address import web_address
from search_api.hit_fields import AnswerFields, HitFields

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_BEGINS_A_LIST = re.compile(r"^(\s*\d*)([-+=.)])")


def markdown_list(answer: AnswerFields) -> str:
    """With the question as a heading."""
    hits = [_item(hit) for hit in answer["hits"]]
    return "\n".join([f"## {_escaped(answer['query'])}", "", *hits]) + "\n" if hits else ""


def _item(hit: HitFields) -> str:
    number = f"{hit['rank']}. "
    indent = " " * len(number)
    title = _escaped(hit["title"] or hit["document_id"])
    address = web_address(hit["url"]).replace("(", "%28").replace(")", "%29")
    page = f"page {hit['page']}" if "page" in hit else ""
    known = [_escaped(part) for part in (hit["date"], hit["source"], hit["lang"], page) if part]
    about = ", ".join([*known, f"`{clean(hit['document_id']).replace('`', chr(39))}`"])
    lines = [f"{number}**{f'[{title}]({address})' if address else title}** ({about})"]
    lines += ["", f"{indent}> {_quoted(hit)}"]
    for telling in hit["also_in"]:
        lines += ["", f"{indent}Also in {telling['lang']}: {_escaped(telling['title'] or telling['document_id'])}"]
    return "\n".join([*lines, ""])


def _quoted(hit: HitFields) -> str:
    """The snippet on one line, its best sentence in bold."""
    text = hit["snippet"]
    for mark in hit["highlights"]:
        if mark["kind"] == "sentence":
            before, sentence, after = text[: mark["start"]], text[mark["start"] : mark["end"]], text[mark["end"] :]
            # With spaces: between Chinese characters and punctuation the asterisks would not count.
            parts = (_escaped(before).strip(), f"**{_escaped(sentence).strip()}**", _escaped(after).strip())
            return " ".join(part for part in parts if part)
    return _escaped(text)


def _escaped(text: str) -> str:
    """Nothing in it is Markdown or HTML."""
    escaped = _SPECIAL.sub(r"\\\1", clean(text))
    return _BEGINS_A_LIST.sub(r"\1\\\2", escaped)
