"""The SQLite file of a collection: its schema, how it is made and opened, and its errors as one line each.

What the rows mean is left to `collection.py`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from indexer.errors import CollectionError

FILE = "collection.sqlite"
FORMAT = 3
_APPLICATION = 0x5365_6172  # "Sear": marks the file as ours among SQLite files
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states (version INTEGER PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    vector BLOB NOT NULL, -- before the text: what follows a long one is read through it
    title TEXT NOT NULL,
    lang TEXT NOT NULL,
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
    sentence_vectors BLOB NOT NULL
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
"""


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
            if "readonly" not in str(error) and "unable to open" not in str(error):
                raise
            # In a folder that nobody may write, SQLite cannot keep its usual notes beside the file.
            return _opened(file, "ro&immutable=1")


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    connection = _connect(file, mode)
    try:
        _check(connection, file)
        connection.execute("PRAGMA foreign_keys = ON")
        if mode == "rw":
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, file: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise CollectionError(f"{file} is an SQLite file of another program; give another --collection")
    if version != FORMAT:
        raise CollectionError(
            f"{file.parent} has collection format {version}, this program reads {FORMAT}; index the files again into "
            "another --collection"
        )
    connection.execute("SELECT count(*) FROM settings").fetchone()


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
