"""SQLite files that are caches of ours: marked as such, made anew for another version."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

__all__ = ["Layout", "claim"]


class Layout(NamedTuple):
    """What a file holds, and how it is known again."""

    application_id: int
    """Number in the file's head by which we know our own."""
    version: int
    schema: str
    """Statements that make its tables, separated by semicolons."""
    table: str
    """Name of the table that they make."""


def claim(connection: sqlite3.Connection, layout: Layout) -> None:
    """Make sure that a file is ours and has this version's tables; an empty one becomes so.

    What another version held is dropped: it is a cache, and not worth a migration. A file of somebody
    else is left as it is, to the last byte.

    Args:
        connection: In autocommit mode (`isolation_level=None`).
        layout: What the file is to hold.

    Raises:
        sqlite3.DatabaseError: It is no database, or belongs to another program.
    """
    ours = (layout.application_id, layout.version)
    if _mark(connection) == ours:
        return
    _refuse_strangers(connection, layout)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _mark(connection) != ours:  # another process may have made it meanwhile
            _refuse_strangers(connection, layout)
            connection.execute(f"DROP TABLE IF EXISTS {layout.table}")
            for statement in layout.schema.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {layout.application_id}")
            connection.execute(f"PRAGMA user_version = {layout.version}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _refuse_strangers(connection: sqlite3.Connection, layout: Layout) -> None:
    owner, _ = _mark(connection)
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and owner != layout.application_id:
        raise sqlite3.DatabaseError("it is a database of another program")


def _mark(connection: sqlite3.Connection) -> tuple[int, int]:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return owner, version
