"""SQLite files that serve as caches and may be used by several processes at the same time.

A file is marked with the number of its application and the version of its tables (`Layout`). A file of
another version is emptied: it is a cache and not worth a migration. A file of another program is never
changed. Write-ahead logging lets readers go on while one process writes, and a process that is killed
loses only its open transaction.

The content is not trusted. The file must be a regular one of this user, and its tables exactly those of the
layout, without views, triggers or further columns, which would run statements of their own. Every statement
has a clock, because a damaged tree of pages can be endless, and every value a limit (`CacheConnection`).
"""

from __future__ import annotations

import functools
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from viper.storage.own_file import why_not_ours

__all__ = ["FAILURES", "CacheConnection", "Layout", "claim", "open_cache", "reason"]

FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError)
"""Errors of a file that cannot be used; the last one for messages that quote its content."""


# Instructions of SQLite between two looks at the clock: about a millisecond.
_PER_LOOK = 20_000
# Beside a file `a`: those of the journal and of write-ahead logging.
_BESIDE = ("-journal", "-wal", "-shm")
# Longest wait for another process that makes the same file; it takes milliseconds.
_SWITCH_S = 5.0


class Layout(NamedTuple):
    """Identity and tables of a cache file."""

    application_id: int
    """Number in the header of the file that marks it as ours."""
    version: int
    schema: str
    """Statements that create the table and its indices, separated by semicolons."""
    table: str
    """Name of the table."""
    max_value_bytes: int = 1_000_000
    """Largest text or blob."""


class CacheConnection(sqlite3.Connection):
    """A connection whose statements have a time limit; it covers fetching all of the rows."""

    statement_s = 10.0
    """Longest time of one statement."""
    _deadline = 0.0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement; see `sqlite3.Connection.execute`."""
        self._deadline = time.monotonic() + self.statement_s
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """Execute a statement for many rows; see `sqlite3.Connection.executemany`."""
        self._deadline = time.monotonic() + self.statement_s
        return super().executemany(sql, parameters)

    def is_late(self) -> bool:
        """Return whether the statement has used up its time."""
        return time.monotonic() > self._deadline


def open_cache(
    path: Path,
    layout: Layout,
    *,
    busy_timeout_s: float,
    statement_s: float = CacheConnection.statement_s,
    reads_only: bool = False,
) -> CacheConnection:
    """Open a cache file, in autocommit mode and for use from any thread.

    A missing file and its folder are created with access for the user alone, since results and questions
    are private.

    Args:
        path: The file.
        layout: Identity and tables of the file.
        busy_timeout_s: Longest wait for the lock of another process.
        statement_s: Longest time of one statement.
        reads_only: Nothing is written through the connection once the tables exist.

    Raises:
        OSError: The file or its folder cannot be created.
        UnicodeDecodeError: The file is damaged.
        sqlite3.Error: The file is not a database, belongs to another program or user, has other tables, or is
            locked.
    """
    _check_files(path)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    connection = sqlite3.connect(
        path,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
        factory=CacheConnection,
    )
    try:
        connection.statement_s = statement_s
        _distrust(connection, layout)
        connection.execute("PRAGMA synchronous = NORMAL")  # a lost entry costs less than the wait
        claim(connection, layout)
        if reads_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def reason(error: Exception) -> str:
    """Return one of `FAILURES` as a printable clause: SQLite quotes the content of a damaged file."""
    if isinstance(error, UnicodeDecodeError):
        return "it is damaged"
    line = "".join(c if c.isprintable() else " " for c in str(error))
    return line if len(line) <= 200 else f"{line[:199]}…"


def _check_files(path: Path) -> None:
    """Refuse files that are not regular or belong to somebody else.

    Raises:
        sqlite3.DatabaseError: As said.
    """
    for suffix in ("", *_BESIDE):
        try:
            facts = os.lstat(f"{path}{suffix}")  # `Path` would need another copy
        except OSError:  # missing, or creating it reports the error
            continue
        if reason := why_not_ours(facts):
            raise sqlite3.DatabaseError(f"{path.name}{suffix} {reason}")


def _distrust(connection: CacheConnection, layout: Layout) -> None:
    """Limit what the content of the file can do, before any of it is read."""
    connection.set_progress_handler(connection.is_late, _PER_LOOK)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, layout.max_value_bytes + 1000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite does not wait for other processes that do so as well."""
    ends_s = time.monotonic() + _SWITCH_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > ends_s:
                raise
            time.sleep(0.01)


def claim(connection: sqlite3.Connection, layout: Layout) -> None:
    """Create the tables in a new file or a file of another version.

    Args:
        connection: In autocommit mode (`isolation_level=None`).
        layout: Identity and tables of the file.

    Raises:
        sqlite3.DatabaseError: The file is not a database, belongs to another program or has other tables.
    """
    if not _is_current(connection, layout):
        _write_ahead(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have created them meanwhile.
            if not _is_current(connection, layout):
                connection.execute(f"DROP TABLE IF EXISTS {layout.table}")
                for statement in layout.schema.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {layout.application_id}")
                connection.execute(f"PRAGMA user_version = {layout.version}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    if _objects(connection) != _expected_objects(layout):
        raise sqlite3.DatabaseError("its tables are not those that Viper makes")


def _is_current(connection: sqlite3.Connection, layout: Layout) -> bool:
    """Return whether a file has the identity of this version.

    Raises:
        sqlite3.DatabaseError: The file belongs to another program.
    """
    # Tables are looked for first. Otherwise, if another process created them in between, the file would look
    # like that of another program.
    has_tables = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if has_tables and application_id != layout.application_id:
        raise sqlite3.DatabaseError("it is a database of another program")
    return (application_id, version) == (layout.application_id, layout.version)


def _objects(connection: sqlite3.Connection, most: int = 16) -> set[tuple[str, ...]]:
    """Return kind, name, table and statement of each table, index, view and trigger, up to a number."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master LIMIT ?", (most,)
    )
    return {tuple(" ".join(str(text).split()) for text in row) for row in rows}


@functools.lru_cache(maxsize=8)
def _expected_objects(layout: Layout) -> set[tuple[str, ...]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(layout.schema)
        return _objects(connection)
    finally:
        connection.close()
