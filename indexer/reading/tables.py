"""Tables as text (CSV, TSV) -> a document of each row. Read row by row, so that a file may be larger than memory."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from indexer.documents import Document, Found, Remark, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.archives import Names
from indexer.reading.encodings import Decoded, decoded, remarks
from indexer.reading.source import Context, Limits, Source, megabytes

_SAMPLE = 262_144
_SAMPLE_ROWS = 50
_LINE_ENDS = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_ANNOUNCED = re.compile(r"sep=(.)\s*")
_NO_DELIMITER = "\x1f"
_NAMED = 20
"""Columns that an error names."""
_LINES_AHEAD = 1_000
_NOT_CLOSED = "a quote that is not closed"
_LONGEST_NAME = 40
_BROKEN = re.compile("[\udc80-\udcff]")
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


def read(source: Source, context: Context) -> Iterator[Found]:
    """The first row names the columns. What they are is said by the context, or by their names; those that are no
    field of a document are metadata."""
    csv.field_size_limit(max(csv.field_size_limit(), min(context.limits.line, 2**31 - 1)))
    beginning, sample = _sample(source)
    form = _form(beginning, source.suffix, context.columns)
    lines = _Lines(source.stream, sample.charset, context.limits)
    try:
        yield from _rows(source, context, lines, form)
    finally:
        lines.detach()
    if lines.broken and not sample.doubt:
        more = f"{lines.broken:,} lines hold" if lines.broken > 1 else "a line holds"
        yield Remark(
            source.name, f"{more} bytes that are not {sample.charset}, the first one line {lines.first_broken}"
        )
    yield from remarks(source.name, sample)


def _rows(source: Source, context: Context, lines: _Lines, form: _Form) -> Iterator[Found]:
    if form.announced:
        lines.next()
    rows = _Rows(lines, form, context.limits)
    columns = None
    empty = True
    for row in rows:
        if not row.problem and not any(cell.strip() for cell in row.cells):
            continue
        if columns is None:
            columns = _header(row, context.columns)
            rows.columns = len(columns.names)
            continue
        empty = False
        yield from _found(source, row, columns)
    if empty:
        raise DocumentError("no rows below the names of the columns")


def _header(row: _Row, known: Mapping[str, str]) -> _Columns:
    if row.problem:
        raise DocumentError(f"{row.problem}, where the names of columns were expected")
    columns = _Columns.of(row.cells, known)
    if not columns.has_text:
        more = ", ..." if len(columns.names) > _NAMED else ""
        names = ", ".join(clean(name)[:_LONGEST_NAME] for name in columns.names[:_NAMED])
        raise DocumentError(f"no text column among {names}{more}; say which with --column text=NAME")
    return columns


def _found(source: Source, row: _Row, columns: _Columns) -> Iterator[Document | Skipped | Remark]:
    place = f"{source.name}:{row.line}"
    count = len(columns.names)
    if row.problem:
        yield Skipped(place, row.problem)
    elif len(row.cells) < count or any(cell.strip() for cell in row.cells[count:]):
        cells = "1 cell" if len(row.cells) == 1 else f"{len(row.cells):,} cells"
        yield Skipped(place, f"{cells}, expected {count:,} as in the first row")
    else:
        try:
            yield columns.document(source, row)
        except DocumentError:
            yield Skipped(place, "no text")
            return
        if row.remark:
            yield Remark(place, row.remark)


# Encoding


def _sample(source: Source) -> tuple[str, Decoded]:
    """The beginning, and a block that says in what encoding it is: the first one that is not plain ASCII. The stream is
    back at its beginning."""
    beginning = block = source.stream.read(_SAMPLE)
    while block.isascii() and not re.search(rb"[\0\x1b]", block) and (more := source.stream.read(_SAMPLE)):
        block = more
    source.stream.seek(0)
    found = _decoded(_whole_lines(block), source.charset)
    text = found.text if block is beginning else _whole_lines(beginning).decode("ascii")
    return text, found


def _decoded(data: bytes, declared: str) -> Decoded:
    try:
        return decoded(data, declared)
    except DocumentError:
        if b"\0" not in data:
            raise
    return decoded(data.replace(b"\0", b""), declared)  # some that write tables fill cells with them


def _whole_lines(block: bytes) -> bytes:
    """What ends in the middle of a letter might be taken for another encoding."""
    if len(block) < _SAMPLE:
        return block
    end = block.rfind(b"\n") + 1 or len(block)
    return block[: end + end % 2 if b"\0" in block else end]  # UTF-16 has two bytes a letter


class _Lines:
    """Lines with their ends, one at a time, and back again."""

    def __init__(self, stream: BinaryIO, charset: str, limits: Limits) -> None:
        errors = "replace" if charset.startswith(("utf-16", "utf-32")) else "surrogateescape"
        self._text = io.TextIOWrapper(stream, charset, errors, newline="")
        self._most = limits.line
        self._back: deque[tuple[int, str]] = deque()
        self._number = 0
        self.broken = 0
        self.first_broken = 0

    def next(self) -> tuple[int, str]:
        """Its number from 1, and the line; '' at the end. One that is too long is cut after a character more than may
        be read."""
        if self._back:
            return self._back.popleft()
        line = self._text.readline(self._most + 1)
        self._number += 1
        if self._number == 1:
            line = line.removeprefix("\ufeff")
        if not line.isascii() and _BROKEN.search(line):
            self.broken += 1
            self.first_broken = self.first_broken or self._number
        end = line[-1:]
        while len(line) > self._most and end not in ("\n", "\r", ""):
            end = self._text.readline(1_000_000)[-1:]
        return self._number, line

    def back(self, lines: Sequence[tuple[int, str]]) -> None:
        self._back.extendleft(reversed(lines))

    def detach(self) -> None:
        """The stream is not closed with it."""
        with contextlib.suppress(ValueError):  # it was closed before
            self._text.detach()


# Rows


@dataclass(frozen=True)
class _Form:
    """How cells are parted."""

    delimiter: str
    quotes: bool = True
    announced: bool = False
    """The first line says the delimiter, and nothing else."""


@dataclass
class _Row:
    """A row and the line that it begins in."""

    line: int
    cells: list[str]
    problem: str = ""
    """Why it has no cells."""
    remark: str = ""


class _Rows:
    """Lines -> rows. A quote that is not closed takes the rest of its line with it, not of the file."""

    def __init__(self, lines: _Lines, form: _Form, limits: Limits) -> None:
        self._lines = lines
        self._form = form
        self._most = limits.line
        self._read = 0
        self._read_again = 0
        self.columns = 0
        """How many a row must have to be taken, where its quotes are in doubt."""

    def __iter__(self) -> Iterator[_Row]:
        while True:
            number, line = self._lines.next()
            if not line:
                return
            self._read += len(line)
            if len(line) > self._most:
                reason = f"a line of more than {megabytes(self._most)}, which is the most that is read"
                yield _Row(number, [], reason)
            elif line.strip("\r\n"):
                yield self._row(number, line)

    def _row(self, number: int, line: str) -> _Row:
        delimiter = self._form.delimiter
        if not self._form.quotes or not (line.startswith('"') or f'{delimiter}"' in line):
            return _Row(number, line.rstrip("\r\n").split(delimiter))
        more: list[tuple[int, str]] = []
        try:
            return _Row(number, next(csv.reader(self._taken(line, more), delimiter=delimiter, strict=True)))
        except csv.Error:
            pass
        cells = self._leniently(line)
        if not more:
            return _Row(number, cells, "" if cells else "quotes that cannot be understood")
        lost = self._return(more)
        if lost:
            return _Row(number, [], f"{_NOT_CLOSED}; nothing is read up to line {lost}")
        if len(cells) != self.columns:
            return _Row(number, [], _NOT_CLOSED)
        return _Row(number, cells, remark="" if delimiter == "\t" else f"{_NOT_CLOSED}; read to the end of its line")

    def _return(self, more: list[tuple[int, str]]) -> int:
        """Of the lines behind a quote that is not closed, those from the first one on that is followed by rows are read
        again; not where that has happened so often that it would take ages. The number of the last one that is not."""
        fitting = [len(self._leniently(line)) == self.columns for _, line in more[:_LINES_AHEAD]]
        rows = (place for place in range(len(fitting)) if fitting[place] and _share(fitting[place : place + 5]) > 0.5)
        place = next(rows, len(more))
        length = sum(len(line) for _, line in more[place:])
        self._read_again += length
        if self._read_again > self._most + self._read:
            place, length = len(more), 0
        self._read -= length
        self._lines.back(more[place:])
        return more[place - 1][0] if place else 0

    def _taken(self, line: str, more: list[tuple[int, str]]) -> Iterator[str]:
        """As many lines as a row wants; what it took is kept in `more`."""
        yield line
        length = len(line)
        while length <= self._most:
            number, line = self._lines.next()
            if not line:
                return
            more.append((number, line))
            length += len(line)
            self._read += len(line)
            yield line

    def _leniently(self, line: str) -> list[str]:
        """A line with quotes where none should be. Between tabs they are mostly meant as they are."""
        if self._form.delimiter == "\t":
            return line.rstrip("\r\n").split("\t")
        try:
            return next(csv.reader([line], delimiter=self._form.delimiter), [])
        except csv.Error:
            return []


def _form(sample: str, suffix: str, known: Mapping[str, str]) -> _Form:
    """The delimiter by which the first row of a sample has names that we know, and others have as many cells."""
    lines = [line for line in _LINE_ENDS.split(sample.removeprefix("\ufeff")) if line.strip()]
    first = lines[0] if lines else ""
    if found := _ANNOUNCED.fullmatch(first):
        return _Form(found.group(1), announced=True)
    best: tuple[bool, float, int] = (False, 0.0, 0)
    form = _Form(_NO_DELIMITER)
    for delimiter in "\t,;|" if suffix in (".tsv", ".tab") else ",;\t|":
        names = next(iter(_quoted(lines, delimiter)), [])
        if len(names) < 2:
            continue
        quoted = [len(row) == len(names) for row in islice(_quoted(lines, delimiter), _SAMPLE_ROWS)]
        plain = [line.count(delimiter) + 1 == len(names) for line in lines[:_SAMPLE_ROWS]]
        score = (_Columns.of(names, known).has_text, max(map(_share, (quoted, plain))), len(names))
        if score > best:
            best = score
            form = _Form(delimiter, quotes=delimiter != "\t" or sum(quoted) + 1 >= sum(plain))
    return form


def _quoted(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=delimiter, strict=True)
    except csv.Error:
        return  # the last row may be cut off


def _share(fitting: list[bool]) -> float:
    return sum(fitting) / max(1, len(fitting))


# Columns


@dataclass(frozen=True)
class _Columns:
    """What each column is."""

    names: list[str]
    fields: dict[str, list[int]]
    """Field of a document -> numbers of columns; the first that is not empty has it."""
    metadata: dict[str, int]

    @classmethod
    def of(cls, cells: list[str], known: Mapping[str, str]) -> _Columns:
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
        own = Names(len(names))
        others = {own.own(name): number for number, name in enumerate(names) if number not in taken}
        others.update({field: numbers[0] for field, numbers in said.items() if field not in _FIELDS})
        return cls(names, {field: said[field] for field in _FIELDS if field in said}, others)

    @property
    def has_text(self) -> bool:
        return "text" in self.fields

    def document(self, source: Source, row: _Row) -> Document:
        """Raises DocumentError where it has no text."""
        values = {
            field: next((row.cells[number].strip() for number in numbers if row.cells[number].strip()), "")
            for field, numbers in self.fields.items()
        }
        return source.document(
            values["text"],
            identifier=clean(values.get("id", "")) or f"{source.name}#{row.line}",
            title=values.get("title"),
            lang=values.get("lang"),
            date=values.get("date"),
            source=values.get("source"),
            url=values.get("url"),
            metadata={name: row.cells[number] for name, number in self.metadata.items() if row.cells[number].strip()},
        )


def _plain(name: str) -> str:
    """`Published At` -> `published_at`."""
    return re.sub(r"[\s-]+", "_", unicodedata.normalize("NFKC", name).strip().casefold())
