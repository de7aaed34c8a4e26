"""What documents that are a zip of XML files share: opening within limits, XML without surprises."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from indexer.errors import DocumentError
from indexer.reading.source import Limits, Source, megabytes

_FEW = 1_000_000
"""Bytes that may be packed as tightly as they like."""
_DIRECTORY_ENTRY = 128
_XML_MARKS = 4_000_000
"""Elements, twice, and attributes of an XML file: what it takes in memory goes by these."""
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class PackageFile:
    """A zip whose members are read by name, into memory, each within limits."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._left = limits.text
        self._members = {info.filename.replace("\\", "/").lstrip("/").lower(): info for info in archive.infolist()}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._members

    def names(self) -> list[str]:
        """All of them, in small letters."""
        return list(self._members)

    def read(self, name: str) -> bytes | None:
        """None where it has no such member. Raises DocumentError for one that is damaged or too large."""
        info = self._members.get(name.lower())
        if info is None:
            return None
        if info.flag_bits & 1:
            raise DocumentError("encrypted; remove its password first")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DocumentError(f"{name} is packed in a way that is not read, expected deflate")
        tight = max(_FEW, self._limits.ratio * info.compress_size)
        allowed = min(self._left, tight)
        try:
            with self._archive.open(info) as member:
                data = member.read(allowed + 1)
        except _ZIP_ERRORS as error:
            raise DocumentError(f"damaged ({name}: {one_line(error)})") from error
        if len(data) > allowed:
            if allowed == tight:
                raise DocumentError(f"{name} is packed {self._limits.ratio} times or tighter, as no document is")
            raise DocumentError(
                f"more than {megabytes(self._limits.text)} unpacked, which is the most that is read; split it"
            )
        self._left -= len(data)
        return data

    def xml(self, name: str) -> Any:
        """The root element of a member, None where it has no such member."""
        data = self.read(name)
        return None if data is None else xml_of(data, name)


class _OpenedOnce:
    """A stream of which no read gives more than so much: the directory of a zip is read at once."""

    def __init__(self, stream: BinaryIO, most: int, reason: str) -> None:
        self._stream, self._most, self._reason = stream, most, reason
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if size > self._most:
            raise DocumentError(self._reason)
        return self._stream.read(self._most if size < 0 else size)


@contextmanager
def opened(source: Source, limits: Limits, kind: str) -> Iterator[PackageFile]:
    """`kind` is how the format is called. Raises DocumentError for what is no zip, a damaged or an encrypted one."""
    beginning = source.stream.read(4)
    if beginning == _OLD_OFFICE:
        source.stream.seek(0)
        if _ENCRYPTED_STREAM in source.stream.read(limits.text):
            raise DocumentError("encrypted; remove its password first")
        raise DocumentError(f"in the old binary format of Office, expected {kind}; save it as that")
    if beginning[:2] != b"PK":
        raise DocumentError(f"not {kind} (no zip)" if beginning else "empty")
    many = f"more than {limits.members:,} files in it; split it"
    stream = _OpenedOnce(source.stream, max(_FEW, _DIRECTORY_ENTRY * limits.members), many)
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, stream))
    except _ZIP_ERRORS as error:
        raise DocumentError(f"damaged ({one_line(error)})") from error
    with archive:
        if len(archive.filelist) > limits.members:
            raise DocumentError(many)
        try:
            yield PackageFile(archive, limits)
        except RecursionError as error:
            raise DocumentError("damaged (nested too deeply to be read)") from error


def xml_of(data: bytes, name: str) -> Any:
    """The root element. Raises DocumentError for what is not XML, too much of it, or declares entities of its own."""
    from lxml import etree

    if data.count(b"<") + data.count(b"=") > _XML_MARKS:
        raise DocumentError(f"{name} has more than {_XML_MARKS:,} elements and attributes; split it")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise DocumentError(f"damaged ({name}: {one_line(error)})") from error
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        raise DocumentError(f"{name} declares entities, which no document of this kind does")
    return root


def one_line(error: BaseException) -> str:
    """A library's message, short."""
    text = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r", line \d+, column \d+.*", "", text)[:80]
