"""Names of columns -> the fields of documents that they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from indexer.documents import Document, clean
from indexer.reading.own_names import OwnNames
from indexer.reading.source import Source

_FIELDS = ("id", "title", "text", "lang", "date", "source", "url")
_USUAL = {
    "text": "text body content contents article full_text fulltext maintext main_text article_text text_content "
    "passage document message description summary abstract النص نص المحتوى محتوى المقال الوصف 本文 テキスト "
    "記事 記事本文 正文 文本 文章 全文 内容 內容 説明 描述 摘要",
    "title": "title headline heading subject العنوان عنوان الموضوع タイトル 題名 件名 見出し "
    "标题 標題 题目 題目 主题 主題",
    "id": "id _id docid doc_id document_id identifier المعرف 編號 编号",
    "lang": "lang language lang_code language_code اللغة 言語 语言 語言",
    "date": "date published published_at publish_date published_date publication_date pubdate pub_date date_published "
    "datetime timestamp created_at created التاريخ تاريخ 日付 日時 公開日 日期 时间 時間 发布时间 發布時間",
    "source": "source publisher site site_name outlet newspaper المصدر المصدر_الإخباري 出典 媒体 媒體 来源 來源",
    "url": "url link href uri permalink web_url الرابط رابط リンク 链接 鏈接 連結 网址 網址",
    "author": "author authors byline creator writer المؤلف الكاتب 著者 作者 筆者",
}
"""Fields, and names of columns that are theirs, the best first."""


@dataclass(frozen=True)
class Columns:
    """What each column is."""

    names: list[str]
    fields: dict[str, list[int]]
    """Field of a document -> numbers of columns; the first that is not empty has it."""
    metadata: dict[str, int]

    @classmethod
    def of(cls, cells: list[str], known: Mapping[str, str]) -> Columns:
        names = [" ".join(cell.split()) or f"column {number}" for number, cell in enumerate(cells, 1)]
        plain = {_plain(name): field for name, field in known.items()}
        called: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            called.setdefault(_plain(name), []).append(number)
        said: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            if field := known.get(name) or plain.get(_plain(name)):
                said.setdefault(field, []).append(number)
        taken = {number for numbers in said.values() for number in numbers}
        for field, usual in _USUAL.items():
            found = [number for name in usual.split() for number in called.get(name, ()) if number not in taken]
            if field not in said and found:
                said[field] = found[:1]
                taken.add(found[0])
        own = OwnNames(len(names))
        others = {own.own(name): number for number, name in enumerate(names) if number not in taken}
        others.update({field: numbers[0] for field, numbers in said.items() if field not in _FIELDS})
        return cls(names, {field: said[field] for field in _FIELDS if field in said}, others)

    @property
    def has_text(self) -> bool:
        return "text" in self.fields

    def document(self, source: Source, cells: list[str], name: str) -> Document:
        """Of a row; `name`: how it is called where it has no id. Raises DocumentError where it has no text."""
        values = {
            field: next((cells[number].strip() for number in numbers if cells[number].strip()), "")
            for field, numbers in self.fields.items()
        }
        return source.document(
            values["text"],
            identifier=clean(values.get("id", "")) or name,
            title=values.get("title"),
            lang=values.get("lang"),
            date=values.get("date"),
            source=values.get("source"),
            url=values.get("url"),
            metadata={column: cells[number] for column, number in self.metadata.items() if cells[number].strip()},
        )


def _plain(name: str) -> str:
    """`Published At` -> `published_at`."""
    return re.sub(r"[\s-]+", "_", unicodedata.normalize("NFKC", name).strip().casefold())
