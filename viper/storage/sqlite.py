"""SQLite files that serve as caches and may be used by several processes at the same time.

A file is marked with the number of its application and the version of its tables (`Layout`). A file of
another version is emptied: it is a cache and not worth a migration. A file of another program is never
changed. Write-ahead logging lets readers go on while one process writes, and a process that is killed
loses only its open transaction.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

__all__ = ["Layout", "claim", "open_cache"]


class Layout(NamedTuple):
    """Identity and tables of a cache file."""

    application_id: int
    """Number in the header of the file that marks it as ours."""
    version: int
    schema: str
    """Statements that create the table and its indices, separated by semicolons."""
    table: str
    """Name of the table."""


def open_cache(path: Path, layout: Layout, *, busy_timeout_s: float) -> sqlite3.Connection:
    """Open a cache file, in autocommit mode and for use from any thread.

    A missing file and its folder are created with access for the user alone, since results and questions
    are private.

    Args:
        path: The file.
        layout: Identity and tables of the file.
        busy_timeout_s: Longest wait for the lock of another process.

    Raises:
        OSError: The file or its folder cannot be created.
        sqlite3.Error: The file is not a database, belongs to another program or is locked.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    connection = sqlite3.connect(
        path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")  # a lost entry costs less than the wait
        claim(connection, layout)
    except BaseException:
        connection.close()
        raise
    return connection


def claim(connection: sqlite3.Connection, layout: Layout) -> None:
    """Create the tables in a new file or a file of another version.

    Args:
        connection: In autocommit mode (`isolation_level=None`).
        layout: Identity and tables of the file.

    Raises:
        sqlite3.DatabaseError: The file is not a database or belongs to another program.
    """
    if _is_current(connection, layout):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_current(connection, layout):  # another process may have created them meanwhile
            connection.execute(f"DROP TABLE IF EXISTS {layout.table}")
            for statement in layout.schema.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {layout.application_id}")
            connection.execute(f"PRAGMA user_version = {layout.version}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_current(connection: sqlite3.Connection, layout: Layout) -> bool:
    """Return whether a file has the tables of this version.

    Raises:
        sqlite3.DatabaseError: The file belongs to another program.
    """
    # Tables are counted first. Otherwise, if another process created them in between, the file would look
    # like that of another program.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if tables and application_id != layout.application_id:
        raise sqlite3.DatabaseError("it is a database of another program")
    return (application_id, version) == (layout.application_id, layout.version)
