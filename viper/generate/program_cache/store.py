"""Templates in one SQLite file that several processes may read and write at the same time.

Each operation opens the file, waits at most two seconds for other writers, and closes it, so that an
object may be used from any thread and survives a fork. A process that is killed in the middle loses
what it was writing and nothing else (write-ahead log).
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viper.storage.sqlite import Layout, claim

__all__ = ["Entry", "Store", "StoreError"]

_BUSY_S = 2.0
_MOST_ENTRIES = 20_000
"""About 40 MB; those that were not used for longest go first."""

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
    """The file cannot be read or written; the message says why.

    Args:
        message: Which file, and why.
        busy: True when others were writing for too long, so that the next time may do.
    """

    def __init__(self, message: str, *, busy: bool = False) -> None:
        super().__init__(message)
        self.busy = busy


@dataclass(frozen=True, slots=True)
class Entry:
    """One template in the file."""

    id: int
    skeleton: str
    generator: str
    """Name of what wrote the program."""
    template: str
    """JSON of the template, as it was stored; not checked."""
    uses: int
    """How often it has answered a question."""
    made_s: float
    """Unix time."""
    used_s: float
    """Unix time; that of its making where it was not used yet."""


class Store:
    """The file.

    Args:
        path: Where it is; made, with its folder, when something is stored first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, context: str, frame: str) -> list[Entry]:
        """Return the templates of a context whose questions have a frame, the latest first.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._opened(writing=False) as file:
            if file is None:
                return []
            rows = file.execute(
                f"SELECT {_COLUMNS} FROM entries WHERE context = ? AND frame = ? "  # noqa: S608  # our own names
                "ORDER BY made_s DESC, id DESC",
                (context, frame),
            )
            return list(map(_entry, rows))

    def entries(self) -> list[Entry]:
        """Return everything, most used first.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._opened(writing=False) as file:
            if file is None:
                return []
            order = "ORDER BY uses DESC, used_s DESC, id"
            return list(map(_entry, file.execute(f"SELECT {_COLUMNS} FROM entries {order}")))  # noqa: S608

    def put(self, context: str, frame: str, skeleton: str, generator: str, template: str) -> None:
        """Store a template; one of the same context and skeleton makes way.

        Raises:
            StoreError: The file cannot be used.
        """
        now = time.time()
        row = (context, frame, skeleton, generator, template, now, now)
        with self._opened(writing=True) as file:
            assert file is not None, "a file that is written is made"
            file.execute(
                "INSERT OR REPLACE INTO entries "
                "(context, frame, skeleton, generator, template, made_s, used_s) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            (count,) = file.execute("SELECT count(*) FROM entries").fetchone()
            if count > _MOST_ENTRIES:
                file.execute(
                    "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY used_s LIMIT ?)",
                    (count - _MOST_ENTRIES,),
                )

    def used(self, entry_id: int) -> None:
        """Count a use.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._opened(writing=True) as file:
            assert file is not None, "a file that is written is made"
            file.execute(
                "UPDATE entries SET uses = uses + 1, used_s = ? WHERE id = ?",
                (time.time(), entry_id),
            )

    def delete(self, entry_id: int) -> None:
        """Remove one entry, if it is still there.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._opened(writing=True) as file:
            assert file is not None, "a file that is written is made"
            file.execute("DELETE FROM entries WHERE id = ?", (entry_id,))

    def clear(self) -> int:
        """Remove all entries; return how many there were.

        Raises:
            StoreError: The file cannot be used.
        """
        if not self.path.exists():
            return 0
        with self._opened(writing=True) as file:
            assert file is not None, "a file that is written is made"
            return file.execute("DELETE FROM entries").rowcount

    @contextlib.contextmanager
    def _opened(self, *, writing: bool) -> Iterator[sqlite3.Connection | None]:
        """Open the file for one transaction; None where there is none to read."""
        if not writing and not self.path.exists():
            yield None
            return
        try:
            if writing:
                self._make_file()
            with contextlib.closing(
                sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
            ) as file:
                file.execute("PRAGMA synchronous = NORMAL")  # a lost entry is no loss, a wait is
                claim(file, _LAYOUT)
                file.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
                yield file
                file.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            message = f"The memo {str(self.path)!r} cannot be used: {error}."
            raise StoreError(message, busy=busy) from error

    def _make_file(self) -> None:
        if not self.path.exists():
            # Questions are nobody else's business.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)


_COLUMNS = "id, skeleton, generator, template, uses, made_s, used_s"


def _entry(row: tuple[Any, ...]) -> Entry:  # columns of any type, in the order of _COLUMNS
    entry_id, skeleton, generator, template, uses, made_s, used_s = row
    return Entry(entry_id, skeleton, generator, template, uses, made_s, used_s)
