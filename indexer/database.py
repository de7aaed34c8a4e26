"""The SQLite file of a collection: its schema, how it is made and opened, and its errors as one line each.

What the rows mean is left to `collection.py`.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from indexer.errors import CollectionError

FILE = "collection.sqlite"
FORMAT = 4
_APPLICATION = 0x5365_6172  # "Sear": marks the file as ours among SQLite files
_FILES = """
CREATE TABLE files (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE, -- absolute
    name TEXT NOT NULL, -- as it was given, which its documents are called by
    size INTEGER NOT NULL, -- -1: not read to its end yet
    modified INTEGER NOT NULL,
    digest BLOB NOT NULL,
    reading BLOB NOT NULL, -- stands for how it was read
    skipped TEXT NOT NULL,
    remarks TEXT NOT NULL
);
CREATE TABLE bands (band INTEGER, document INTEGER, PRIMARY KEY (band, document)) WITHOUT ROWID;
CREATE TABLE origins (origin TEXT PRIMARY KEY, documents INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lines (
    origin TEXT NOT NULL,
    key INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    repeated INTEGER NOT NULL DEFAULT 0, -- left out of passages
    PRIMARY KEY (origin, key)
) WITHOUT ROWID;
CREATE INDEX files_by_name ON files (name);
CREATE INDEX documents_by_file ON documents (file);
CREATE INDEX documents_by_original ON documents (original) WHERE original IS NOT NULL;
CREATE INDEX documents_by_origin ON documents (origin) WHERE origin IS NOT NULL;
CREATE INDEX lines_repeated ON lines (origin) WHERE repeated;
CREATE INDEX passages_by_key ON passages (key)
"""
_SCHEMA = f"""
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states (version INTEGER PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    file INTEGER REFERENCES files (number),
    signature BLOB, -- for finding copies
    original INTEGER, -- the document that this is a copy of
    origin TEXT, -- the source whose lines it was counted with
    vector BLOB NOT NULL, -- before the text: what follows a long one is read through it
    pages BLOB,
    title TEXT NOT NULL,
    lang TEXT NOT NULL,
    declared TEXT, -- the language that the document was said to be in
    date TEXT NOT NULL,
    source TEXT NOT NULL,
    url TEXT NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    lang TEXT NOT NULL,
    vector BLOB NOT NULL,
    sentences BLOB NOT NULL,
    sentence_vectors BLOB NOT NULL,
    key BLOB -- stands for the texts that the vectors are of
);
CREATE INDEX passages_by_document ON passages (document);
CREATE INDEX passages_by_language ON passages (lang);
CREATE TABLE sums (
    lang TEXT PRIMARY KEY,
    passages INTEGER NOT NULL,
    passage_sum BLOB NOT NULL,
    sentences INTEGER NOT NULL,
    sentence_sum BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE prior (
    lang TEXT PRIMARY KEY,
    passages INTEGER NOT NULL,
    passage_sum BLOB NOT NULL,
    sentences INTEGER NOT NULL,
    sentence_sum BLOB NOT NULL,
    query_shift BLOB NOT NULL,
    covariances BLOB NOT NULL
) WITHOUT ROWID;
{_FILES}"""
_ADDED = "CREATE INDEX IF NOT EXISTS documents_by_language ON documents (lang)"
"""By whoever opens a collection for writing: those of this format that were made before may lack it."""
_UPGRADES = {
    3: f"""
ALTER TABLE documents ADD COLUMN file INTEGER REFERENCES files (number);
ALTER TABLE documents ADD COLUMN signature BLOB;
ALTER TABLE documents ADD COLUMN original INTEGER;
ALTER TABLE documents ADD COLUMN origin TEXT;
ALTER TABLE documents ADD COLUMN pages BLOB;
ALTER TABLE documents ADD COLUMN declared TEXT;
ALTER TABLE passages ADD COLUMN key BLOB;
{_FILES}"""
}
"""Format -> what makes it the next one."""


def create(folder: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """A new database, whole or not there at all; `fill` writes its first rows. Raises CollectionError."""
    unfinished = folder / f"{FILE}.{os.getpid()}"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / FILE).exists():
            raise CollectionError(f"{folder} holds a collection already; give another --collection")
        _remove(unfinished)  # of a process that was killed and had our number
        try:
            with closing(_connect(unfinished, "rwc")) as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                fill(connection)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            _move_into_place(unfinished, folder / FILE)
        finally:
            _remove(unfinished)


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.with_name(f"{file.name}-journal").unlink(missing_ok=True)


def _move_into_place(unfinished: Path, file: Path) -> None:
    """Never over a collection that another process has made meanwhile."""
    try:
        os.link(unfinished, file)
    except FileExistsError as error:
        raise CollectionError(f"{file.parent} holds a collection already; give another --collection") from error
    except OSError:  # a file system without hard links
        unfinished.rename(file)


def open_file(folder: Path, *, writable: bool) -> sqlite3.Connection:
    """Open what is there. Raises CollectionError where there is none, or it is damaged or of another format; such a
    file is left as it is."""
    file = folder / FILE
    with reading(folder):
        if not file.is_file():
            raise CollectionError(f"no collection in {folder}; make one with: search-index --collection {folder} PATH")
        if writable:
            return _opened(file, "rw")
        try:
            return _opened(file, "ro")
        except sqlite3.OperationalError as error:
            if not any(sign in str(error) for sign in ("readonly", "unable to open", "full", "disk I/O")):
                raise
            if _is_being_written(file):
                raise
            # In a folder that nobody may write, or on a full disk, SQLite cannot keep its usual notes beside the file.
            return _opened(file, "ro&immutable=1")


def _is_being_written(file: Path) -> bool:
    """Or was left with commits that are not in the file itself yet."""
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    connection = _connect(file, mode)
    try:
        _check(connection, file, writable=mode == "rw")
        connection.execute("PRAGMA foreign_keys = ON")
        if mode == "rw":
            _upgrade(connection)
            connection.execute(_ADDED)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, file: Path, *, writable: bool) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise CollectionError(f"{file} is an SQLite file of another program; give another --collection")
    if version in _UPGRADES and not writable:
        raise CollectionError(
            f"{file.parent} has collection format {version}, this program reads {FORMAT}; bring it up to date with: "
            f"search-index upgrade --collection {file.parent}"
        )
    if version != FORMAT and version not in _UPGRADES:
        raise CollectionError(
            f"{file.parent} has collection format {version}, this program reads {FORMAT}; index the files again into "
            "another --collection"
        )
    connection.execute("SELECT count(*) FROM settings").fetchone()


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring an older format up to date, all of it or nothing."""
    if connection.execute("PRAGMA user_version").fetchone() == (FORMAT,):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        while version != FORMAT:
            for statement in _UPGRADES[version].split(";"):
                connection.execute(statement)
            version += 1
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    uri = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """SQLite's and the file system's errors as one line that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise CollectionError(f"{folder}: {_advice(str(error))}") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CollectionError(f"{folder}: {_advice(f'{reason}: full')}") from error
        raise CollectionError(f"{folder}: {reason}; check the folder's rights") from error


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """As `writing`; and rows that do not hold what they should are damage as well."""
    with writing(folder):
        try:
            yield
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise CollectionError(f"{folder}: {_damaged(str(error))}") from error


def _damaged(message: str) -> str:
    return (
        f"the collection is damaged ({' '.join(message.split())[:100]}) and was left as it is; restore {FILE} from a "
        "backup, or index the files again into another --collection"
    )


def _advice(message: str) -> str:
    if any(sign in message for sign in ("malformed", "not a database", "no such table", "decode")):
        return _damaged(message)
    if "full" in message or "disk I/O" in message:
        return f"the disk is full or failing ({message}); what was committed before is kept: free space, then run again"
    if "locked" in message:
        return "another process is writing to this collection; wait for it to finish, then run again"
    if "readonly" in message or "unable to open" in message:
        how = "is read-only" if "readonly" in message else "cannot be opened"
        return f"the collection {how} here ({message}); check the rights of file and folder"
    return message
