"""Text in one form, once, before anything counts its characters: what is stored is what every offset points into.

What a reader cannot see goes (zero-width characters, marks of direction), and letters that stand for the shapes of
other letters become those: the joined forms of Arabic, ligatures of Latin, radicals for Han characters, all of which
files made for printing are full of. Full-width letters, and joiners that change what is seen, stay.
"""

from __future__ import annotations

import re
import unicodedata

_RADICALS = dict(
    zip(
        "⺁⺊⺎⺏⺐⺒⺓⺔⺕⺛⺜⺝⺠⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "厂卜兀尣尢巳幺彑彐旡日月民虎西见角贝车長长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
        strict=True,
    )
)
"""CJK radicals that look like a whole character and that Unicode's compatibility forms leave out (after Unicode's
EquivalentUnifiedIdeograph.txt)."""
_COMPATIBLE = (
    range(0x2E80, 0x2FE0),  # radicals
    range(0xFB00, 0xFB18),  # ﬁ ﬂ, and ligatures of Armenian
    range(0xFB50, 0xFDFA),  # joined forms of Arabic. From U+FDFA on come ﷺ and others that are typed as one character:
    range(0xFE70, 0xFEFD),  # they stay, as four words of them in every mention would drown what a passage is about
)
_FORMS = {chr(code): unicodedata.normalize("NFKC", chr(code)) for codes in _COMPATIBLE for code in codes} | _RADICALS
_REPLACED = {
    # A vowel sign on its own comes with a space or a line to stand on: both are dropped.
    **{form: letters.lstrip(" \u0640") or letters for form, letters in _FORMS.items() if form != letters},
    "\r": "\n",
    "\v": "\n",
    "\f": "\n",
    "\x85": "\n",
    "\u2028": "\n",
    "\u2029": "\n\n",
    "\0": "\ufffd",
}
_CHANGES = re.compile(
    "["
    "\0-\x08\x0b-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u180e\u200b\u2060-\u2064\ufeff"  # without width and meaning
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks of direction
    "\u2028\u2029\ud800-\udfff" + "".join(form for form in _REPLACED if form > "\u2029") + "]"
)


def normal_form(text: str) -> str:
    """Line ends as `\\n`, Unicode's composed form (NFC), no characters that are invisible, none that are only shapes of
    others, and U+FFFD for those that no text can hold. A text that is in this form comes back as it is."""
    text = text.replace("\r\n", "\n")
    if _CHANGES.search(text):
        text = _CHANGES.sub(_replacement, text)
    return unicodedata.normalize("NFC", text)


def _replacement(found: re.Match[str]) -> str:
    if "\ud800" <= found[0] <= "\udfff":
        return "\ufffd"
    return _REPLACED.get(found[0], "")
