"""How likely a text is what people write: the cost of its characters, in bits, in each language and encoding.

What detection of encodings chooses by: bytes read in the wrong encoding are text as well, but costly.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Candidate:
    """An encoding, the languages that are written in it, and the bits that it costs to assume it."""

    codec: str
    languages: tuple[str, ...]
    bits: float


@dataclass(frozen=True)
class Guess:
    codec: str
    bits: float


_WESTERN = ("en", "fr", "de", "es", "pt", "it", "sv", "is")
_CENTRAL = ("pl", "cs", "hu", "hr", "ro")
_LATIN = (*_WESTERN, *_CENTRAL, "tr", "lt", "lv", "et")
_CYRILLIC = ("ru", "uk", "sr")
ALL = (*_LATIN, *_CYRILLIC, "el", "he", "th", "ar", "fa", "ja", "zh", "zh-Hant", "ko")

CANDIDATES = (
    Candidate("cp1252", _WESTERN, 0),
    Candidate("cp1256", ("ar", "fa"), 4),
    Candidate("cp932", ("ja",), 4),
    Candidate("gb18030", ("zh", "zh-Hant"), 4),
    Candidate("big5hkscs", ("zh-Hant",), 4),
    Candidate("cp949", ("ko",), 4),
    Candidate("euc_jp", ("ja",), 6),
    Candidate("cp1251", _CYRILLIC, 4),
    Candidate("koi8-r", ("ru",), 8),
    Candidate("koi8-u", ("uk",), 10),
    Candidate("cp1250", _CENTRAL, 8),
    Candidate("cp1253", ("el",), 8),
    Candidate("cp1254", ("tr",), 8),
    Candidate("cp1255", ("he",), 8),
    Candidate("cp1257", ("lt", "lv", "et"), 8),
    Candidate("cp874", ("th",), 8),
    Candidate("iso8859-2", _CENTRAL, 12),
    Candidate("iso8859-5", _CYRILLIC, 12),
    Candidate("iso8859-6", ("ar",), 8),
    Candidate("iso8859-7", ("el",), 12),
    Candidate("cp866", ("ru",), 12),
    Candidate("mac-cyrillic", ("ru",), 16),
    Candidate("cp720", ("ar",), 16),
    Candidate("cp850", _WESTERN, 20),
    Candidate("mac-roman", _WESTERN, 20),
    Candidate("utf-16-le", ALL, 30),
    Candidate("utf-16-be", ALL, 30),
)
WIDE = tuple(candidate for candidate in CANDIDATES if candidate.codec.startswith("utf-16"))
_ONE_BYTE = frozenset(
    candidate.codec
    for candidate in CANDIDATES
    if candidate.codec.startswith(("cp12", "iso", "koi", "mac", "cp7", "cp8"))
)


class _Kind(IntEnum):
    """What a character is to its neighbours."""

    GAP = 0
    DIGIT = 1
    MARK = 2
    SYMBOL = 3
    SMALL = 4
    CAPITAL = 5
    SMALL_ACCENTED = 6
    CAPITAL_ACCENTED = 7
    SMALL_CYRILLIC = 8
    CAPITAL_CYRILLIC = 9
    SMALL_GREEK = 10
    CAPITAL_GREEK = 11
    HEBREW = 12
    ARABIC = 13
    THAI = 14
    HAN = 15
    KANA = 16
    HALF_WIDTH_KANA = 17
    HANGUL = 18
    OTHER_LETTER = 19
    APOSTROPHE = 20
    COMBINING = 21
    BAD = 22


_LATIN_KINDS = (_Kind.SMALL, _Kind.CAPITAL, _Kind.SMALL_ACCENTED, _Kind.CAPITAL_ACCENTED)
_CASED = ((_Kind.SMALL_CYRILLIC, _Kind.CAPITAL_CYRILLIC), (_Kind.SMALL_GREEK, _Kind.CAPITAL_GREEK))
_EAST_ASIAN = (_Kind.HAN, _Kind.KANA, _Kind.HALF_WIDTH_KANA, _Kind.HANGUL)

_LETTERS = {
    "en": "éœèñüöáíóäçãêôïâàø",
    "fr": "éàèêçôîùâûïœëæ",
    "de": "üäößéà",
    "es": "óíáéñúü¿¡",
    "pt": "ãçáéõíóêâúàô",
    "it": "àèùòéìó",
    "sv": "äöåøæé",
    "is": "íáðéóþöæúý",
    "pl": "ęłąóśżćźń",
    "cs": "íáéřěýžščůúťňďóľôäŕĺ",
    "hu": "éáőöóíüúű",
    "hr": "šžčćđ",
    "ro": "ăîâşţ",
    "tr": "ıüşğöçİâî",
    "lt": "ėžšųąįčęū",
    "lv": "āēīšūņļžčģķ",
    "et": "õäöüšž",
    "ru": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "uk": "оанивітерскмлудпьзягбчхйжїшцющєфґ",
    "sr": "аоиентрсјвкумдплгзбчшжћцхђљњфџ",
    "el": "αοιετσνηυρπκμλςόάίέδήθγφβχωώύξζψ",
    "he": "יוהלאתרמבשנעםכדחקפגסצטןזךץף",
    "th": "านรกอเง่มย้ลัวดท้สิีตะปบคหแจพชขใไำโืุู์็ผซถณศญฟธภษ๊ฐฏฎฤ๋",
    "ar": "الينموترسبعدفةحكقهجشأصىطخئضغذثءإظؤزآ",
    "fa": "ايرندمهوتشبسگخزلفقپکحجعچصطغضظثآىئژ",
}
"""Letters of a language, the commonest first; of Latin scripts those that are not in ASCII."""

_HIRAGANA = (
    "のにいはをたるとしがてなでれっりかもすらさあこくきまうよそけんどつせわじろみおえだちやめばりずねほへごべぶ"
    "げむょゃゅひゆぎふぐびざぞづぬぼぜぱぴぷぺぽ"
)
_KATAKANA = "ーンストルイリラアックドシレロフジウプタカテバコグマムメチデチェャパブズニナュサビオョエキセポダミネモハォ"
_KANJI = (
    "日国人年大会本中社長出時行政選事者業場合部発同自民地東議員方新法市生実対上動間内最戦後前円金代手決力関子定全"
    "立見的学目高回体明三二一十京月連作理表不問主度小党首相当公意現分気下化約開要以外名経成性制取都県和機期来用平"
    "治加済通受入活言続数記初指権支産点報原共得解交資予向際勝面告反判認参利組在件側任引求所次論官増係感情投示変打"
    "直両式確果容必演歳争談能位置流格過局放常状球職与供役構割身費付由説優収断違消神番規術護展態導備宅害配海道教文"
    "元重近考画水山田野家世多正安院心界持強米屋売知集別物使品計死特私始運車電話語書聞食何進調査研究"
)
_HANZI = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所"
    "然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与"
    "长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己"
    "制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系"
    "气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社"
    "便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉"
    "格望觉术领共确传师观清今切院让识候带导争运笔"
)
_TRADITIONAL = str.maketrans(
    "这个们来为国说时会对于着过发后里种经么学现当没动还进样开从实军无与长机关点业将两间问并应战头体见产话内给门"
    "儿东声员论处义几认条系气题尔别变总电数报结务场计资许统区队决马书则听却达强难权设记类据边张该规万觉术领确传"
    "师观让识带导争运笔",
    "這個們來為國說時會對於著過發後裡種經麼學現當沒動還進樣開從實軍無與長機關點業將兩間問並應戰頭體見產話內給門"
    "兒東聲員論處義幾認條係氣題爾別變總電數報結務場計資許統區隊決馬書則聽卻達強難權設記類據邊張該規萬覺術領確傳"
    "師觀讓識帶導爭運筆",
)
_SYLLABLES = (
    "이다는에의을고하가지를한은로기사도서시리자대인스어해일정그으보나제아부주수라있들상구과만게장여전면원미선조성와비"
    "안유공소경었모신무우오거동마용적국계니각할방된발내분산연문결실통교생관명행세했습합입트음작등강학간개위며때려중없"
    "물화당최불진드르레프파크타데것영식형양말받재더터민회집역또함"
)
"""Common characters of Japanese, Chinese (Simplified, and what differs in Traditional) and Korean, in about the order
of their frequency in newspapers."""

_UNUSUAL = 15.0
"""Bits of a letter that is not among those of its language."""
_BAD_BITS = 40.0
_CUT_BITS = 12.0
_BEGINNING = 1_000
"""So many bytes show which encodings fit badly, and need not be looked at any longer."""


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of each character up to U+FFFF; the last stands for those above."""
    kinds = np.full(65_536, _Kind.OTHER_LETTER, np.uint8)
    for code in range(0x0600):
        kinds[code] = _kind(chr(code))
    for start, end, kind in (
        (0x0600, 0x0700, _Kind.ARABIC),
        (0x060C, 0x060D, _Kind.MARK),
        (0x061B, 0x061C, _Kind.MARK),
        (0x061F, 0x0620, _Kind.MARK),
        (0x064B, 0x0653, _Kind.COMBINING),
        (0x0660, 0x066A, _Kind.DIGIT),
        (0x06F0, 0x06FA, _Kind.DIGIT),
        (0x0E00, 0x0E60, _Kind.THAI),
        (0x0E31, 0x0E32, _Kind.COMBINING),
        (0x0E34, 0x0E3B, _Kind.COMBINING),
        (0x0E47, 0x0E4F, _Kind.COMBINING),
        (0x1100, 0x1200, _Kind.HANGUL),
        (0x2000, 0x2010, _Kind.GAP),
        (0x2010, 0x2070, _Kind.MARK),
        (0x2019, 0x201A, _Kind.APOSTROPHE),
        (0x2070, 0x2E80, _Kind.SYMBOL),
        (0x2E80, 0x3000, _Kind.HAN),
        (0x3000, 0x3001, _Kind.GAP),
        (0x3001, 0x3040, _Kind.MARK),
        (0x3040, 0x3100, _Kind.KANA),
        (0x3130, 0x3190, _Kind.HANGUL),
        (0x3190, 0x3400, _Kind.SYMBOL),
        (0x3400, 0xA000, _Kind.HAN),
        (0xAC00, 0xD7B0, _Kind.HANGUL),
        (0xD7B0, 0xF900, _Kind.BAD),
        (0xF900, 0xFB00, _Kind.HAN),
        (0xFB50, 0xFE00, _Kind.ARABIC),
        (0xFE00, 0xFE70, _Kind.SYMBOL),
        (0xFE70, 0xFEFF, _Kind.ARABIC),
        (0xFF00, 0xFF66, _Kind.MARK),
        (0xFF66, 0xFFA0, _Kind.HALF_WIDTH_KANA),
        (0xFFA0, 0xFFFF, _Kind.SYMBOL),
        (0xFFFC, 0xFFFF, _Kind.BAD),
        (0xFFFF, 0x10000, _Kind.SYMBOL),
    ):
        kinds[start:end] = kind
    return kinds


def _kind(character: str) -> _Kind:
    """Of a character up to U+05FF."""
    code, category = ord(character), unicodedata.category(character)
    if category in ("Cc", "Zs", "Cf"):
        return _Kind.GAP if character in "\t\n\r\f\v\xa0\xad " or code == 0x1B else _Kind.BAD
    if category == "Cn":
        return _Kind.BAD
    if category == "Mn":
        return _Kind.COMBINING
    if category == "Nd":
        return _Kind.DIGIT
    if category[0] == "P" or (code < 128 and category[0] == "S"):
        return _Kind.MARK
    if category[0] in "SN" or category == "Lm" or character in "ªº":
        return _Kind.SYMBOL
    capital = category == "Lu"
    if code < 128:
        return _Kind.CAPITAL if capital else _Kind.SMALL
    if code < 0x0370:
        return _Kind.CAPITAL_ACCENTED if capital else _Kind.SMALL_ACCENTED
    if code < 0x0400:
        return _Kind.CAPITAL_GREEK if capital else _Kind.SMALL_GREEK
    if code < 0x0530:
        return _Kind.CAPITAL_CYRILLIC if capital else _Kind.SMALL_CYRILLIC
    return _Kind.HEBREW if code >= 0x0590 else _Kind.OTHER_LETTER


@cache
def _steps() -> NDArray[np.float32]:
    """Bits that it costs to go from a character of one kind to one of another; 0 where that is usual."""
    bits = np.zeros((len(_Kind), len(_Kind)), np.float32)
    letters = range(_Kind.SMALL, _Kind.APOSTROPHE)
    bits[_Kind.GAP, _Kind.APOSTROPHE] = 4
    bits[: _Kind.SMALL_CYRILLIC, _Kind.COMBINING] = 10
    for one in letters:
        bits[_Kind.SYMBOL, one] = bits[one, _Kind.SYMBOL] = 3
        bits[one, letters] = 6
        bits[one, one] = 0
        if one not in _LATIN_KINDS:
            bits[: _Kind.SMALL, one] = bits[_Kind.APOSTROPHE, one] = 2 if one in _EAST_ASIAN else 5
    for one in _EAST_ASIAN:
        bits[one, _EAST_ASIAN] = np.where(np.array(_EAST_ASIAN) == one, 0, 2)
        bits[one, (_Kind.SMALL, _Kind.CAPITAL)] = bits[(_Kind.SMALL, _Kind.CAPITAL), one] = 4
    bits[_Kind.HAN, _Kind.KANA] = bits[_Kind.KANA, _Kind.HAN] = 0
    for one in _LATIN_KINDS:
        bits[one, _LATIN_KINDS] = 0
    bits[_Kind.SMALL, _Kind.CAPITAL] = 5
    bits[(_Kind.SMALL, _Kind.SMALL_ACCENTED), _Kind.CAPITAL_ACCENTED] = 8
    bits[_Kind.SMALL_ACCENTED, _Kind.CAPITAL] = 5
    bits[_Kind.SMALL_ACCENTED, _Kind.SMALL_ACCENTED] = 3
    bits[_Kind.CAPITAL_ACCENTED, _Kind.SMALL_ACCENTED] = 3
    bits[_Kind.CAPITAL_ACCENTED, _Kind.CAPITAL_ACCENTED] = 2
    for small, capital in _CASED:
        bits[small, capital] = 8
        bits[capital, small] = 0
    return bits


@cache
def _base() -> NDArray[np.float32]:
    """Bits of each character up to U+FFFF, in whatever language."""
    kinds = _kinds()
    by_kind = np.full(len(_Kind), _UNUSUAL, np.float32)
    by_kind[_Kind.BAD] = _BAD_BITS
    by_kind[_Kind.GAP] = 8
    by_kind[_Kind.HAN] = 21
    by_kind[_Kind.HANGUL] = 19
    by_kind[_Kind.OTHER_LETTER] = 12
    bits = by_kind[kinds]
    bits[:128][kinds[:128] == _Kind.SMALL] = 4.5
    bits[:128][kinds[:128] == _Kind.CAPITAL] = 7
    bits[:128][kinds[:128] == _Kind.DIGIT] = 6.5
    bits[:128][kinds[:128] == _Kind.MARK] = 8
    _set(bits, ".,'-\"<>/=&;:()", 6.5)
    _set(bits, " ", 2.7)
    _set(bits, "\n", 5.5)
    _set(bits, "\xa0’", 5)
    bits[0x200E:0x2010] = _UNUSUAL
    _set(bits, "“”‘–—…«»", 8.5)
    _set(bits, "•·§©®™°„‚¡¿€£½¼¾×²³±µ", 11)
    return bits


def _set(bits: NDArray[np.float32], characters: str, value: float, step: float = 0.0) -> None:
    for rank, character in enumerate(characters):
        bits[ord(character)] = value + step * rank


def _set_ranked(bits: NDArray[np.float32], characters: str, value: float, factor: float) -> None:
    for rank, character in enumerate(characters):
        bits[ord(character)] = value + factor * float(np.log2(1 + rank))


def _set_rows(bits: NDArray[np.float32], codec: str, rows: range, value: float) -> None:
    """The characters of a character set's rows of 94 (of Big5: 157)."""
    for row in rows:
        for trail in range(0x40, 0xFF):
            try:
                bits[ord(bytes((row, trail)).decode(codec))] = value
            except (UnicodeDecodeError, TypeError):
                continue


@cache
def _bits(language: str) -> NDArray[np.float32]:
    """Bits of each character up to U+FFFF in a language."""
    bits = _base().copy()
    if language == "ja":
        _set_rows(bits, "euc_jp", range(0xA1, 0xA9), 12)
        _set_rows(bits, "euc_jp", range(0xB0, 0xD0), 13)
        _set_rows(bits, "euc_jp", range(0xD0, 0xF5), 17)
        _set(bits, _HIRAGANA, 4.5, 0.12)
        _set(bits, _KATAKANA, 7, 0.08)
        _set_ranked(bits, _KANJI, 7, 0.6)
        _set(bits, "、。", 5)
        _set(bits, "「」・　（）『』【】：！？", 7.5, 0.2)
        bits[0xFF66:0xFFA0] = 12
    elif language == "zh":
        _set_rows(bits, "gb2312", range(0xA1, 0xAA), 15)
        _set_rows(bits, "gb2312", range(0xB0, 0xD8), 13)
        _set_rows(bits, "gb2312", range(0xD8, 0xF8), 17)
        _set_ranked(bits, _HANZI, 5, 0.7)
        _set(bits, "，。、", 5, 0.5)
        _set(bits, "“”：；（）《》！？·—　", 7.5, 0.2)
    elif language == "zh-Hant":
        _set_rows(bits, "big5", range(0xA1, 0xA4), 15)
        _set_rows(bits, "big5", range(0xA4, 0xC7), 13)
        _set_rows(bits, "big5", range(0xC9, 0xFA), 17)
        _set_ranked(bits, _HANZI.translate(_TRADITIONAL), 5, 0.7)
        _set(bits, "，。、", 5, 0.5)
        _set(bits, "「」：；（）《》『』！？·—　", 7.5, 0.2)
    elif language == "ko":
        _set_rows(bits, "euc_kr", range(0xB0, 0xC9), 13)
        _set_rows(bits, "euc_kr", range(0xCA, 0xFE), 17)
        _set_ranked(bits, _SYLLABLES, 5, 0.6)
    elif language == "th":
        bits[0x0E01:0x0E5C] = 12
        _set(bits, _LETTERS[language], 4, 0.12)
    elif language in ("ar", "fa"):
        bits[0x0621:0x0640] = bits[0x0641:0x064B] = 12
        bits[0x064B:0x0653] = 8.5
        _set(bits, _LETTERS[language], 3.2, 0.2)
        _set(bits, "،؟؛", 6.5, 1)
    elif language in _LETTERS:
        start, step = (9.0, 0.2) if language == "en" else (6.0, 0.5) if language in _LATIN else (3.2, 0.2)
        _set(bits, _LETTERS[language], start, step)
        for letter in _LETTERS[language]:
            capital = letter.upper()
            if len(capital) == 1 and capital != letter and not capital.isascii():
                bits[ord(capital)] = bits[ord(letter)] + 4
        if language == "el":
            _set(bits, "ΆΈΉΊΌΎΏ", 6.5)
    return bits


@cache
def _table(codec: str) -> NDArray[np.intp]:
    """Byte -> code point in an encoding of one byte a character."""
    text = bytes(range(256)).decode(codec, "replace")
    return np.array([ord(character) for character in text], np.intp)


def guesses(data: bytes, candidates: Sequence[Candidate]) -> list[Guess]:
    """What the text costs in each encoding, in the language that fits best."""
    values = np.frombuffer(data, np.uint8)
    counts = np.bincount(values, minlength=256)
    pairs = np.bincount(values[:-1].astype(np.intp) << 8 | values[1:], minlength=65_536)
    present = np.flatnonzero(pairs)
    guesses = []
    for one in candidates:
        if one.codec not in _ONE_BYTE:
            bits = _bits_of_text(data, one)
        else:
            codes = _table(one.codec)
            kinds = _kinds()[codes]
            steps = float(_steps()[kinds[present >> 8], kinds[present & 255]] @ pairs[present])
            bits = steps + min(float(_bits(language)[codes] @ counts) for language in one.languages)
        guesses.append(Guess(one.codec, one.bits + bits))
    return guesses


def _bits_of_text(data: bytes, candidate: Candidate) -> float:
    beginning = data[:_BEGINNING].decode(candidate.codec, "replace")
    if beginning.count("\ufffd") * 20 > len(beginning) + 40:
        return len(data) * _BAD_BITS
    decoder = codecs.getincrementaldecoder(candidate.codec)("replace")
    codes = _codes(decoder.decode(data))
    kinds = _kinds()[codes]
    steps = float(_steps()[kinds[:-1], kinds[1:]].sum())
    letters = min(float(_bits(language)[codes].sum()) for language in candidate.languages)
    return _CUT_BITS * len(decoder.getstate()[0]) + steps + letters


def bits_beyond_ascii(data: bytes, codec: str) -> float:
    """For each byte of characters that are not ASCII; 0 where there are hardly any."""
    codes = _codes(data.decode(codec, "replace"))
    kinds, beyond = _kinds()[codes], codes >= 128
    size = len(data) - int(np.count_nonzero(~beyond))
    if size < 8:
        return 0.0
    languages = next(candidate.languages for candidate in CANDIDATES if candidate.codec == codec)
    steps = float(_steps()[kinds[:-1], kinds[1:]][beyond[:-1] | beyond[1:]].sum())
    return (steps + min(float(_bits(language)[codes[beyond]].sum()) for language in languages)) / size


def _codes(text: str) -> NDArray[np.intp]:
    """Code points; U+FFFF for those above."""
    return np.minimum(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32), 0xFFFF).astype(np.intp)
