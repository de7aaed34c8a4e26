"""An entry of a feed -> what it says."""

from __future__ import annotations

import re
from typing import Any

from indexer.reading.feed_elements import XML, all_text, name_of, one_line, target_of, text_of

TEXTS = ("content:encoded", "content", "description", "summary", "media:description", "itunes:summary", "tagline")


class EntryParts(dict[str, list[Any]]):
    """What an entry says, by name."""

    @classmethod
    def of(cls, entry: Any) -> EntryParts:
        parts = cls()
        for child in entry:
            if isinstance(child.tag, str):
                parts.setdefault(name_of(child), []).append(child)
        return parts

    def first(self, *names: str) -> str:
        """The plain text of the first of these that has any."""
        texts = (all_text(element).strip() for name in names for element in self.get(name, ()))
        return next(filter(None, texts), "")

    def text(self, *names: str) -> str:
        """So too, with markup taken away."""
        texts = (text_of(element) for name in names for element in self.get(name, ()))
        return next(filter(None, texts), "")

    def link(self) -> str:
        links = [target for element in self.get("link", ()) if (target := target_of(element))]
        if links:
            return links[0]
        for guid in self.get("guid", ()):
            text = all_text(guid).strip()
            if guid.get("isPermaLink") != "false" and re.match(r"https?://", text):
                return text
        return ""

    def authors(self) -> str:
        names = []
        for element in (*self.get("author", ()), *self.get("dc:creator", ())):
            named = [child for child in element if isinstance(child.tag, str) and name_of(child) == "name"]
            names.append(one_line(all_text(named[0] if named else element)))
        return ", ".join(dict.fromkeys(filter(None, names))) or one_line(self.first("itunes:author"))

    def tags(self) -> list[str]:
        tags = (
            one_line(element.get("label") or element.get("term") or text_of(element))
            for name in ("category", "dc:subject")
            for element in self.get(name, ())
        )
        return list(dict.fromkeys(filter(None, tags)))

    def lang(self) -> str:
        said = [element.get(f"{XML}lang") for name in TEXTS for element in self.get(name, ())]
        return next(filter(None, said), "") or self.first("dc:language", "language")

    def origin(self) -> str:
        """The feed that an entry was taken over from."""
        for element in self.get("source", ()):
            titles = [child for child in element if isinstance(child.tag, str) and name_of(child) == "title"]
            return one_line(text_of(titles[0]) if titles else "" if len(element) else all_text(element))
        return ""
