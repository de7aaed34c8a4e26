"""What holds until a group of RTF ends."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.reading.rtf.fonts import PROGRAMS, Fonts, codec_of_page


@dataclass(slots=True)
class State:
    """What holds until a group ends."""

    target: str = "text"
    """Where text goes: `text`, `skip`, `instruction` of a field, or a name of INFO or `fonts`."""
    outer: str = "text"
    """The target around a group that is there twice, for old and for new programs."""
    own: str = ""
    """`note` or `box` where this very group is one."""
    hidden: bool = False
    deleted: bool = False
    replacement: int = 1
    """Characters after one in Unicode that stand for it in old programs."""
    font: int | None = None
    associated: int | None = None
    """The font of what is in another script than Latin."""
    other_script: bool = False

    @property
    def current_font(self) -> int | None:
        return self.associated if self.other_script and self.associated is not None else self.font

    @property
    def writes(self) -> bool:
        return self.target == "text" and not self.hidden and not self.deleted

    def reads(self, word: str, number: int | None, fonts: Fonts) -> bool:
        """Whether a word says how letters are, and how they are encoded."""
        if word == "v":
            self.hidden = number != 0
        elif word == "deleted":
            self.deleted = number != 0
        elif word == "plain":
            self.hidden = self.deleted = self.other_script = False
            self.font, self.associated = fonts.default, None
        elif word == "uc":
            self.replacement = max(0, number or 0) if number is not None else 1
        elif word == "f":
            self.font = number
        elif word == "af":
            self.associated = number
        elif word in ("rtlch", "dbch"):
            self.other_script, self.associated = True, None
        elif word in ("ltrch", "loch", "hich"):
            self.other_script = False
        elif word == "deff":
            fonts.default = self.font = number
        elif word == "ansicpg":
            fonts.codec = codec_of_page(number)
        elif word in PROGRAMS:
            fonts.codec = PROGRAMS[word]
        else:
            return False
        return True
