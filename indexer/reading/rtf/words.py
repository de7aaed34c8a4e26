"""The words and signs of RTF."""

from __future__ import annotations

import re

TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\\Z", re.DOTALL
)
SKIPPED = frozenset(
    "annotation bkmkend bkmkstart colortbl comment falt filetbl footer footerf footerl footerr formfield header "
    "headerf headerl headerr nonesttables nonshppict object pict pntxta pntxtb private rxe shprslt sp stylesheet tc "
    "tcn txe xe".split()
)
READ_ALL_THE_SAME = frozenset("cs do ds shpinst shpgrp ts ud".split())
"""Groups that old programs may skip, with text in them."""
INFO = frozenset("title author creatim revtim".split())
SIGNS = {
    "tab": " ",
    "line": "\n",
    "lbr": "\n",
    "softline": "\n",
    "emdash": "—",
    "endash": "–",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "zwj": "\u200d",
    "zwnj": "\u200c",
    "~": " ",
    "_": "-",
    "\t": " ",
}


def is_known(word: str) -> bool:
    return word in ("fldinst", "fldrslt", "footnote", "shptxt", "dptxbxtext", "listtext", "pntext", "upr")
