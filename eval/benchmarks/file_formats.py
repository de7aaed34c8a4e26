"""Articles -> the bytes of a file, format by format, by hand: no library of the readers' side has a part in it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from html import escape
from zlib import crc32

_WITH_MARK = "-bom"
LABELS = {
    "cp1252": "windows-1252",
    "cp1256": "windows-1256",
    "shift_jis": "Shift_JIS",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "gb18030": "GB18030",
    "gbk": "GB2312",
    "big5": "Big5",
    "utf-8": "utf-8",
    "utf-8-bom": "utf-8",
    "utf-16-le-bom": "utf-16",
}
"""An encoding as Python calls it -> as files call it."""


@dataclass(frozen=True)
class Article:
    """What a file is written from."""

    title: str
    paragraphs: tuple[str, ...]
    lang: str
    """`zh-Hant` for Traditional Chinese."""
    date: str

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs)


def encoded(text: str, charset: str) -> bytes:
    """`utf-16-le-bom`: with a byte order mark, `utf-16-le`: without."""
    if charset.endswith(_WITH_MARK):
        return ("\ufeff" + text).encode(charset.removesuffix(_WITH_MARK))
    return text.encode(charset)


# Text


def plain(article: Article) -> str:
    return f"{article.title}\n\n{article.text}\n"


def markdown(article: Article) -> str:
    def escaped(text: str) -> str:
        return re.sub(r"([\\`*_\[\]<>#|~&]|(?<=^\d)[.)])", r"\\\1", text)

    front = f"---\ndate: {article.date}\nlang: {article.lang}\n---\n"
    return f"{front}# {escaped(article.title)}\n\n" + "\n\n".join(map(escaped, article.paragraphs)) + "\n"


MENU = {
    "ar": ("أخبار العالم اليوم", "اشترك في نشرتنا البريدية", "نستخدم ملفات تعريف الارتباط لتحسين تجربتك على الموقع."),
    "en": (
        "World news today",
        "Subscribe to our newsletter",
        "We use cookies to improve your visit to our site.",
    ),
    "ja": (
        "世界のニュース一覧",
        "メールマガジン登録はこちら",
        "当サイトではクッキーを使用しています。",
    ),
    "zh": ("今日国际新闻频道", "订阅我们的电子邮件", "本网站使用小型文本文件以改善您的浏览体验。"),
    "zh-Hant": ("今日國際新聞頻道", "訂閱我們的電子郵件", "本網站使用小型文字檔以改善您的瀏覽體驗。"),
}
"""What stands around an article on a page, and is no part of it: two items of a menu and a note about cookies."""


def html(article: Article, label: str = "", *, equivalent: bool = False) -> str:
    """A page that declares the encoding `label`, if any; with `equivalent` in the older way."""
    if equivalent:
        declared = f'<meta http-equiv="Content-Type" content="text/html; charset={label}">'
    else:
        declared = f'<meta charset="{label}">'
    first, second, cookies = MENU[article.lang]
    paragraphs = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in article.paragraphs)
    return f"""<!DOCTYPE html>
<html lang="{article.lang}">
<head>{declared if label else ""}<title>{escape(article.title)}</title>
<script>var page = {{"kind": "article"}};</script><style>p {{ margin: 1em }}</style></head>
<body>
<div id="cookie-banner" class="cookie-consent"><p>{cookies}</p><button>OK</button></div>
<nav class="menu"><ul><li><a href="/world">{first}</a></li><li><a href="/mail">{second}</a></li></ul></nav>
<main><article>
<h1>{escape(article.title)}</h1>
{paragraphs}
</article></main>
<footer><ul><li><a href="/world">{first}</a></li><li><a href="/mail">{second}</a></li></ul></footer>
</body></html>
"""


def json_lines(articles: Sequence[Article], *, ascii_only: bool = False) -> str:
    return "".join(
        json.dumps({"title": own.title, "text": own.text, "date": own.date}, ensure_ascii=ascii_only) + "\n"
        for own in articles
    )


def table(articles: Sequence[Article], delimiter: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow(["title", "text", "date"])
    writer.writerows([own.title, own.text, own.date] for own in articles)
    return written.getvalue()


def rss(articles: Sequence[Article], label: str) -> str:
    items = "\n".join(
        f"<item><title>{escape(own.title)}</title><link>https://example.org/{place}</link>"
        f"<guid>https://example.org/{place}</guid><pubDate>{format_datetime(_moment(own))}</pubDate>"
        f"<description>{escape(_as_html(own))}</description></item>"
        for place, own in enumerate(articles)
    )
    return (
        f'<?xml version="1.0" encoding="{label}"?>\n<rss version="2.0"><channel><title>Example</title>'
        f"<link>https://example.org/</link><description>Example</description>\n{items}\n</channel></rss>\n"
    )


def atom(articles: Sequence[Article], label: str) -> str:
    entries = "\n".join(
        f"<entry><title>{escape(own.title)}</title><id>https://example.org/{place}</id>"
        f'<link href="https://example.org/{place}"/><updated>{own.date}T12:00:00Z</updated>'
        f'<content type="html"><![CDATA[{_as_html(own)}]]></content></entry>'
        for place, own in enumerate(articles)
    )
    return (
        f'<?xml version="1.0" encoding="{label}"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>Example</title>'
        f"<id>https://example.org/</id><updated>2026-01-01T12:00:00Z</updated>\n{entries}\n</feed>\n"
    )


def _as_html(article: Article) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in article.paragraphs)


def _moment(article: Article) -> datetime:
    return datetime.fromisoformat(article.date).replace(hour=12, tzinfo=UTC)


# Mail


def mail(article: Article, charset: str, *, quoted: bool = False, attachment: Article | None = None) -> bytes:
    """In base64, or, if `quoted`, quoted-printable; what has 7 bits goes as it is."""
    kind = Charset(LABELS[charset].lower())
    if quoted:
        kind.body_encoding = QP
    body = MIMEText(article.text + "\n", "plain", kind)  # type: ignore[arg-type]
    message: MIMEText | MIMEMultipart = body
    if attachment:
        part = MIMEText(plain(attachment), "plain", "utf-8")
        part.add_header("Content-Disposition", "attachment", filename="notes.txt")
        message = MIMEMultipart("mixed", "=_part_of_mail_=", [body, part])
    message["From"] = "Editors <editors@example.org>"
    message["To"] = "readers@example.org"
    message["Subject"] = Header(article.title, kind).encode()
    message["Date"] = format_datetime(_moment(article))
    message["Message-ID"] = f"<{crc32(article.text.encode())}@example.org>"
    return message.as_bytes()


def mailbox(articles: Sequence[Article], charset: str) -> bytes:
    return b"".join(
        b"From editors@example.org Thu Jan  1 12:00:00 2026\n"
        + re.sub(rb"^(>*From )", rb">\1", mail(own, charset), flags=re.MULTILINE)
        + b"\n"
        for own in articles
    )


# Rich text


def rich_text(article: Article, charset: str = "") -> bytes:
    """With `\\u` for what is not ASCII, or in bytes of an encoding."""
    page = {"cp1252": 1252, "cp1256": 1256, "shift_jis": 932, "gbk": 936, "big5": 950}.get(charset, 1252)

    def escaped(text: str) -> str:
        return "".join(_rich_character(character, charset) for character in text)

    lines = "\n".join(rf"{escaped(paragraph)}\par" for paragraph in (article.title, *article.paragraphs))
    return (
        rf"{{\rtf1\ansi\ansicpg{page}\deff0{{\fonttbl{{\f0\fnil Arial;}}}}{{\colortbl;\red0\green0\blue0;}}"
        rf"\uc1\pard\f0\fs24 {lines}"
        "\n}\n"
    ).encode("ascii")


def _rich_character(character: str, charset: str) -> str:
    if character in "{}\\":
        return "\\" + character
    if character.isascii():
        return character
    if charset:
        return "".join(rf"\'{byte:02x}" for byte in character.encode(charset))
    units = character.encode("utf-16-le")
    numbers = [int.from_bytes(units[place : place + 2], "little", signed=True) for place in range(0, len(units), 2)]
    return "".join(rf"\u{number}?" for number in numbers)


# Archives, and formats that are archives


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zipped(members: Mapping[str, str | bytes], *, stored: Sequence[str] = ()) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, (2026, 1, 1, 12, 0, 0))
            member.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return written.getvalue()


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "application/vnd.openxmlformats-officedocument"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CORE = (
    f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{}</dc:title></cp:coreProperties>'
)


def word(article: Article) -> bytes:
    body = _word_paragraph(article.title, '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>')
    body += "".join(map(_word_paragraph, article.paragraphs))
    document = (
        f'{_XML}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body>{body}<w:sectPr/></w:body></w:document>"
    )
    return zipped(word_members(document, article.title))


def _word_paragraph(text: str, properties: str = "") -> str:
    """In runs, as spelling and fonts cut them: words are in two of them."""
    third = len(text) // 3
    runs = (text[:third], text[third : 2 * third], text[2 * third :])
    written = "".join(f'<w:r><w:t xml:space="preserve">{escape(run)}</w:t></w:r>' for run in runs)
    return f"<w:p>{properties}{written}</w:p>"


def word_members(document: str, title: str) -> dict[str, str | bytes]:
    return _office("word/document.xml", f"{_OFFICE}.wordprocessingml.document.main+xml", document, title, {})


def slides(article: Article, on_each: int = 3) -> bytes:
    """A slide for every few paragraphs, the first one with the title."""
    paragraphs = article.paragraphs
    groups = [paragraphs[start : start + on_each] for start in range(0, len(paragraphs), on_each)]
    members = {
        f"ppt/slides/slide{number}.xml": _slide(article.title if number == 1 else "", group)
        for number, group in enumerate(groups, 1)
    }
    shown = "".join(f'<p:sldId id="{255 + number}" r:id="rId{number}"/>' for number in range(1, len(groups) + 1))
    presentation = (
        f'{_XML}<p:presentation xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        f'xmlns:r="{_RELATIONS}"><p:sldIdLst>{shown}</p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/>'
        '<p:notesSz cx="6858000" cy="9144000"/></p:presentation>'
    )
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/slide" Target="slides/slide{number}.xml"/>'
        for number in range(1, len(groups) + 1)
    )
    members["ppt/_rels/presentation.xml.rels"] = (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'
    )
    kind = f"{_OFFICE}.presentationml.presentation.main+xml"
    return zipped(_office("ppt/presentation.xml", kind, presentation, article.title, members))


def _slide(title: str, paragraphs: Sequence[str]) -> str:
    shapes = _shape(2, "title", [title]) if title else ""
    shapes += _shape(3, "", paragraphs)
    return (
        f'{_XML}<p:sld xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><p:cSld><p:spTree>'
        '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
        f"{shapes}</p:spTree></p:cSld></p:sld>"
    )


def _shape(number: int, place: str, paragraphs: Sequence[str]) -> str:
    """A text box, or what stands in a place of the layout."""
    text = "".join(f"<a:p><a:r><a:t>{escape(paragraph)}</a:t></a:r></a:p>" for paragraph in paragraphs)
    kind = f'<p:cNvSpPr/><p:nvPr><p:ph type="{place}"/></p:nvPr>' if place else '<p:cNvSpPr txBox="1"/><p:nvPr/>'
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{number}"/>{kind}</p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/>{text}</p:txBody></p:sp>"
    )


def _office(
    main: str, kind: str, content: str, title: str, others: Mapping[str, str | bytes]
) -> dict[str, str | bytes]:
    """The members of a file of Office Open XML."""
    slide = f"{_OFFICE}.presentationml.slide+xml"
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{slide}"/>' for name in others if name.startswith("ppt/slides/")
    )
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{kind}"/>{overrides}<Override PartName="/docProps/core.xml" '
        'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="{main}"/>'
        f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" '
        'Target="docProps/core.xml"/></Relationships>',
        "docProps/core.xml": _CORE.format(escape(title)),
        main: content,
        **others,
    }


def open_document(article: Article) -> bytes:
    kind = "application/vnd.oasis.opendocument.text"
    spaces = "urn:oasis:names:tc:opendocument:xmlns"
    paragraphs = "".join(f"<text:p>{escape(paragraph)}</text:p>" for paragraph in article.paragraphs)
    content = (
        f'{_XML}<office:document-content xmlns:office="{spaces}:office:1.0" xmlns:text="{spaces}:text:1.0" '
        'office:version="1.2"><office:body><office:text>'
        f'<text:h text:outline-level="1">{escape(article.title)}</text:h>{paragraphs}'
        "</office:text></office:body></office:document-content>"
    )
    meta = (
        f'{_XML}<office:document-meta xmlns:office="{spaces}:office:1.0" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.2"><office:meta>'
        f"<dc:title>{escape(article.title)}</dc:title></office:meta></office:document-meta>"
    )
    manifest = (
        f'{_XML}<manifest:manifest xmlns:manifest="{spaces}:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        '<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    members = {"mimetype": kind, "content.xml": content, "meta.xml": meta, "META-INF/manifest.xml": manifest}
    return zipped(members, stored=["mimetype"])


def book(article: Article) -> bytes:
    """An EPUB 3 of two chapters, or of one where there is one paragraph."""
    paragraphs = article.paragraphs
    half = -(-len(paragraphs) // 2)
    chapters = [_chapter(article, article.title, paragraphs[:half])]
    if paragraphs[half:]:
        chapters.append(_chapter(article, "", paragraphs[half:]))
    names = [f"chapter{number}" for number in range(1, len(chapters) + 1)]
    items = "".join(f'<item id="{own}" href="{own}.xhtml" media-type="application/xhtml+xml"/>' for own in names)
    spine = "".join(f'<itemref idref="{own}"/>' for own in names)
    contents = (
        f'{_XML}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:example</dc:identifier>'
        f"<dc:title>{escape(article.title)}</dc:title><dc:language>{article.lang}</dc:language>"
        f"<dc:date>{article.date}</dc:date></metadata><manifest>"
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        f"{items}</manifest><spine>{spine}</spine></package>"
    )
    links = "".join(f'<li><a href="{own}.xhtml">{own}</a></li>' for own in names)
    navigation = (
        f'{_XML}<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f'<head><title>Contents</title></head><body><nav epub:type="toc"><ol>{links}</ol></nav></body></html>'
    )
    container = (
        f'{_XML}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    members: dict[str, str | bytes] = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
    members |= {"OEBPS/content.opf": contents, "OEBPS/nav.xhtml": navigation}
    members |= {f"OEBPS/{name}.xhtml": chapter for name, chapter in zip(names, chapters, strict=True)}
    return zipped(members, stored=["mimetype"])


def _chapter(article: Article, heading: str, paragraphs: Sequence[str]) -> str:
    written = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    heading = f"<h1>{escape(heading)}</h1>" if heading else ""
    return (
        f'{_XML}<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="{article.lang}">'
        f"<head><title>{escape(article.title)}</title></head><body>{heading}{written}</body></html>"
    )


# PDF

_LINE_CHARACTERS, _PAGE_LINES = 88, 48


def portable(article: Article) -> bytes:
    """English only: in Helvetica, which every reader has, and in its encoding, which is cp1252."""
    lines = [line for paragraph in (article.title, *article.paragraphs) for line in (*_wrapped(paragraph), "")]
    pages = [lines[start : start + _PAGE_LINES] for start in range(0, len(lines), _PAGE_LINES)]
    numbers = range(4, 4 + 2 * len(pages), 2)
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{own} 0 R' for own in numbers)}] >>".encode(),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    }
    for number, page in zip(numbers, pages, strict=True):
        content = _page_content(page)
        objects[number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        objects[number + 1] = f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"
    return _pdf_file(objects)


def _wrapped(paragraph: str) -> list[str]:
    lines = [""]
    for part in paragraph.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(part) > _LINE_CHARACTERS:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]} {part}".strip()
    return lines


def _page_content(lines: Sequence[str]) -> bytes:
    shown = b"".join(b"(" + re.sub(rb"([()\\])", rb"\\\1", line.encode("cp1252")) + b") Tj T*\n" for line in lines)
    return b"BT /F1 11 Tf 15 TL 56 780 Td\n" + shown + b"ET"


def _pdf_file(objects: Mapping[int, bytes]) -> bytes:
    written, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number in sorted(objects):
        places.append(len(written))
        written += f"{number} 0 obj\n".encode() + objects[number] + b"\nendobj\n"
    table_of_places = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(places) + 1
    return (
        written
        + (
            f"xref\n0 {count}\n0000000000 65535 f \n{table_of_places}"
            f"trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
        ).encode()
    )
