"""Program templates in one SQLite file that several processes may read and write at the same time.

Each operation opens the file for one transaction and closes it, so that a `Store` may be used from any
thread and survives a fork. The file is not trusted: a row with a wrong checksum is deleted, since the program
in it may be another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from sys import getsizeof
from typing import Any, NamedTuple

from viper.storage.sqlite import FAILURES, Layout, open_cache, reason

__all__ = ["Entry", "Store", "StoreError"]

_BUSY_TIMEOUT_S = 2.0
_MAX_ENTRIES = 20_000
"""About 40 MB; the least recently used entries are deleted first."""

_MAX_READ_BYTES = 200_000_000
"""Memory for the rows that are read at once: five times that of a full file. The size of a file is no bound,
because its rows may share pages."""

# A time in the year 5138, and more uses than there are questions.
_MAX_NUMBER = 1e11
_CHECKSUM_DIGITS = 32

_LAYOUT = Layout(
    application_id=0x5649504D,  # "VIPM"
    version=1,
    table="entries",
    schema="""
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    context TEXT NOT NULL,
    frame TEXT NOT NULL,
    skeleton TEXT NOT NULL,
    generator TEXT NOT NULL,
    template TEXT NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0,
    made_s REAL NOT NULL,
    used_s REAL NOT NULL,
    UNIQUE (context, skeleton)
) STRICT;
CREATE INDEX by_frame ON entries (context, frame);
CREATE INDEX by_use ON entries (used_s);
""",
)


class StoreError(Exception):
    """The file cannot be read or written; the message gives the reason.

    Args:
        message: The file and the reason.
        busy: True when other processes held the lock too long, so that a later attempt may succeed.
    """

    def __init__(self, message: str, *, busy: bool = False) -> None:
        super().__init__(message)
        self.busy = busy


class Entry(NamedTuple):
    """One template in the file; the fields are columns of the table."""

    id: int
    skeleton: str
    generator: str
    """Name of the generator that wrote the program."""
    template: str
    """JSON of the template as stored, not validated."""
    uses: int
    """Number of further questions that the program answered."""
    made_s: float
    """Unix time of creation."""
    used_s: float
    """Unix time of the last use, or of creation."""


class Store:
    """The templates in a file; every method raises `StoreError` when the file cannot be used.

    Args:
        path: The file; created, with its folder, when the first template is stored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, context: str, frame: str) -> list[Entry]:
        """Return the templates of a context and a question frame, newest first."""
        found = self._select("WHERE context = ? AND frame = ?", context, frame)
        return sorted(found, key=lambda entry: (-entry.made_s, -entry.id))

    def entries(self) -> list[Entry]:
        """Return all templates, most used first."""
        return sorted(self._select(), key=lambda entry: (-entry.uses, -entry.used_s, entry.id))

    def put(self, context: str, frame: str, skeleton: str, generator: str, template: str) -> None:
        """Store a template in place of one with the same context and skeleton."""
        now = time.time()
        with self._transaction("IMMEDIATE") as file:
            file.execute(
                "INSERT OR REPLACE INTO entries "
                "(context, frame, skeleton, generator, template, made_s, used_s) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(context, frame, skeleton, generator),
                    _checksum(context, frame, skeleton, generator, template) + template,
                    *(now, now),
                ),
            )
            file.execute(
                "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY used_s "
                "LIMIT max(0, (SELECT count(*) FROM entries) - ?))",
                (_MAX_ENTRIES,),
            )

    def record_use(self, entry_id: int) -> None:
        """Count a use of an entry."""
        self._change(
            "UPDATE entries SET uses = uses + 1, used_s = ? WHERE id = ?", time.time(), entry_id
        )

    def delete(self, entry_id: int) -> None:
        """Delete an entry, if it still exists."""
        self._change("DELETE FROM entries WHERE id = ?", entry_id)

    def clear(self) -> int:
        """Delete all entries; return their number."""
        return self._change("DELETE FROM entries") if self.path.exists() else 0

    def _select(self, clauses: str = "", *values: str) -> list[Entry]:
        # Not ordered by SQLite, which would hold all rows before it returned the first.
        if not self.path.exists():
            return []
        query = (
            f"SELECT context, frame, {', '.join(Entry._fields)} FROM entries {clauses} "  # noqa: S608  # our own names
            f"LIMIT {_MAX_ENTRIES}"
        )
        found: list[Entry] = []
        damaged: list[int] = []
        with self._transaction("DEFERRED", reads_only=True) as file:
            for context, frame, entry in _within_bound(file.execute(query, values)):
                checked = _checked(context, frame, entry)
                if checked is not None:
                    found.append(checked)
                elif isinstance(entry.id, int):
                    damaged.append(entry.id)
        if damaged:
            with self._transaction("IMMEDIATE") as file:
                file.executemany("DELETE FROM entries WHERE id = ?", ((id_,) for id_ in damaged))
        return found

    def _change(self, statement: str, *values: float) -> int:
        with self._transaction("IMMEDIATE") as file:
            return file.execute(statement, values).rowcount

    @contextlib.contextmanager
    def _transaction(self, kind: str, *, reads_only: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(
                open_cache(
                    self.path, _LAYOUT, busy_timeout_s=_BUSY_TIMEOUT_S, reads_only=reads_only
                )
            ) as file:
                file.execute(f"BEGIN {kind}")
                yield file
                file.execute("COMMIT")
        except FAILURES as error:
            busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            message = f"The program cache {str(self.path)!r} cannot be used: {reason(error)}."
            raise StoreError(message, busy=busy) from error


def _within_bound(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[object, object, Entry]]:
    """Yield context, frame and entry of rows, one by one.

    Raises:
        sqlite3.DatabaseError: Together they are larger than what Viper makes.
    """
    left = _MAX_READ_BYTES
    for context, frame, *fields in rows:
        left -= sum(map(getsizeof, (context, frame, *fields)))
        if left < 0:
            raise sqlite3.DatabaseError(f"its rows take more than {_MAX_READ_BYTES:,} bytes")
        yield context, frame, Entry._make(fields)


def _checked(context: object, frame: object, entry: Entry) -> Entry | None:
    """Return a row of the file without its checksum; None if it is damaged.

    In front of the JSON of a template stands its checksum, except in rows of version 0.1.
    """
    texts = (context, frame, entry.skeleton, entry.generator, entry.template)
    numbers = (entry.uses, entry.made_s, entry.used_s)
    if not all(isinstance(text, str) for text in texts):
        return None
    if not all(isinstance(n, (int, float)) and 0 <= n < _MAX_NUMBER for n in numbers):
        return None
    if entry.template.startswith("{"):
        return entry
    checksum, template = entry.template[:_CHECKSUM_DIGITS], entry.template[_CHECKSUM_DIGITS:]
    right = _checksum(str(context), str(frame), entry.skeleton, entry.generator, template)
    return entry._replace(template=template) if checksum == right else None


def _checksum(*texts: str) -> str:
    """Return a checksum of the texts of a row; a text may contain everything but a null character."""
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=_CHECKSUM_DIGITS // 2).hexdigest()
