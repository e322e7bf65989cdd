"""Results on disk: one SQLite file that several processes may read and write at the same time.

A read may wait for another process, so event loops never read. A thread writes, many results in a
transaction, so that no model waits for a disk. A process that is killed loses only what it had not written
yet (write-ahead log). The oldest results are deleted when the file reaches its limit.

It is a cache: the first error of the file is logged as a warning, and results are computed instead. Files
are not trusted: values are read as JSON and plain arrays (`viper.scheduling.result_bytes`), never unpickled,
and a value whose checksum is wrong is not used, since it would make an answer wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import sqlite3
import threading
from pathlib import Path
from typing import Any

from viper.errors import ConfigError
from viper.scheduling.operation import Key
from viper.scheduling.result_bytes import MAX_VALUE_BYTES, pack, size_in_memory, unpack
from viper.storage.sqlite import FAILURES, Layout, open_cache, reason

__all__ = ["MAX_STORE_BYTES", "ResultStore"]

_log = logging.getLogger(__name__)

MAX_STORE_BYTES = 4_000_000_000
"""Size of the results on disk above which the oldest are deleted."""
_FILE = "results.sqlite"
_BUSY_S = 5.0
_READ_S = 5.0
# To add up the sizes in a full file on a slow disk.
_WRITE_S = 60.0
_CHECKSUM_BYTES = 16
# In front of a checksum and a value; no packed value begins with it.
_MARK = b"\xb7"
# Bytes that may wait to be written; further results are not written.
_MOST_BACKLOG = 64_000_000
_PER_TRANSACTION = 256
_SUM = "SELECT coalesce(sum(size), 0) FROM results"

_LAYOUT = Layout(
    application_id=0x56495052,  # "VIPR"
    version=1,
    table="results",
    schema="""
CREATE TABLE results (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT;
""",
    max_value_bytes=MAX_VALUE_BYTES,
)


class ResultStore:
    """Stores results in a file in the given folder.

    Args:
        folder: Folder of the file; created if it is missing, for its owner only.
        max_bytes: Most bytes of results.

    Raises:
        ConfigError: The folder or the file cannot be used.
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_STORE_BYTES) -> None:
        self.path = folder / _FILE
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        # A lock of its own: `put` must not wait for a read, which may wait for other processes.
        self._reads = threading.Lock()
        try:
            self._reading = self._open(_READ_S, reads_only=True)
        except FAILURES as error:
            raise ConfigError(
                f"The cache {str(folder)!r} cannot be used: {reason(error)}. Give a folder that can be "
                "written, or remove what is in its place."
            ) from error
        self._backlog: queue.SimpleQueue[tuple[Key, Any] | None] = queue.SimpleQueue()
        self._backlog_bytes = 0
        self._total = 0  # bytes of results in the file, as far as this process knows
        self._closed = False
        self._is_broken = False
        self._writer = threading.Thread(target=self._write, name="viper-cache", daemon=True)
        self._writer.start()

    def get(self, key: Key) -> Any | None:
        """Return a result, None if there is none or it cannot be read; may wait."""
        with self._reads:
            if self._closed or self._is_broken:
                return None
            try:
                row = self._reading.execute(
                    "SELECT value FROM results WHERE key = ?", (key,)
                ).fetchone()
            except FAILURES as error:
                # That another process holds a lock for too long may pass; damage does not.
                code = getattr(error, "sqlite_errorcode", 0)
                self._is_broken = code & 0xFF != sqlite3.SQLITE_BUSY
                end = " It is not read again." if self._is_broken else ""
                _log.warning("The cache '%s' cannot be read: %s.%s", self.path, reason(error), end)
                return None
        if row is None or not isinstance(row[0], bytes):
            return None
        stored: bytes = row[0]
        if not stored.startswith(_MARK):  # version 0.1 stored no checksums
            return unpack(stored)
        checksum, value = stored[1 : 1 + _CHECKSUM_BYTES], stored[1 + _CHECKSUM_BYTES :]
        return unpack(value) if checksum == _checksum(key, value) else None

    def put(self, key: Key, value: Any) -> None:
        """Queue a result to be written; a result that cannot be stored is skipped."""
        size = size_in_memory(value)
        with self._lock:
            if self._closed or self._backlog_bytes + size > _MOST_BACKLOG:
                return
            self._backlog_bytes += size
            self._backlog.put((key, value))

    def close(self) -> None:
        """Write what is queued, and close the file. Calling it again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._backlog.put(None)
        self._writer.join()
        with self._reads:
            self._reading.close()

    def _open(self, statement_s: float, *, reads_only: bool = False) -> sqlite3.Connection:
        return open_cache(
            self.path,
            _LAYOUT,
            busy_timeout_s=_BUSY_S,
            statement_s=statement_s,
            reads_only=reads_only,
        )

    def _write(self) -> None:
        try:
            with contextlib.closing(self._open(_WRITE_S)) as connection:
                (self._total,) = connection.execute(_SUM).fetchone()
                for first in iter(self._backlog.get, None):
                    rows = [first]
                    while len(rows) < _PER_TRANSACTION and not self._backlog.empty():
                        row = self._backlog.get()
                        if row is None:
                            self._backlog.put(None)  # ends the loop after these rows
                            break
                        rows.append(row)
                    self._write_rows_safely(connection, rows)
        except FAILURES as error:
            _log.warning("The cache '%s' cannot be written: %s.", self.path, reason(error))
        except BaseException:  # a thread that ends with an error would print it
            _log.exception("The cache '%s' cannot be written.", self.path)

    def _write_rows_safely(
        self, connection: sqlite3.Connection, rows: list[tuple[Key, Any]]
    ) -> None:
        """Write rows; an error, such as that of a value of a plugin, costs these rows only."""
        try:
            self._write_rows(connection, rows)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            _log.exception("%d results were not written to '%s'.", len(rows), self.path)

    def _write_rows(self, connection: sqlite3.Connection, results: list[tuple[Key, Any]]) -> None:
        with self._lock:
            self._backlog_bytes -= sum(size_in_memory(value) for _, value in results)
        packed_results = ((key, pack(value)) for key, value in results)
        rows = [
            (key, _MARK + _checksum(key, packed) + packed)
            for key, packed in packed_results
            if packed is not None
        ]
        if not rows:
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR IGNORE INTO results (key, size, value) VALUES (?, ?, ?)",
                [(key, len(packed), packed) for key, packed in rows],
            )
            self._total += sum(
                len(packed) for _, packed in rows
            )  # too high if some rows were there before
            if self._total > self._max_bytes:
                self._make_room(connection)
            connection.execute("COMMIT")
        except FAILURES as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            _log.warning(
                "%d results were not written to '%s': %s.", len(rows), self.path, reason(error)
            )

    def _make_room(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "DELETE FROM results WHERE number IN (SELECT number FROM (SELECT number, "
            "sum(size) OVER (ORDER BY number DESC) AS kept FROM results) WHERE kept > ?)",
            (self._max_bytes,),
        )
        (self._total,) = connection.execute(_SUM).fetchone()


def _checksum(key: Key, value: bytes) -> bytes:
    """Return a checksum that also shows that a value stands in the place of another key."""
    return hashlib.blake2b(
        value, key=hashlib.blake2b(key).digest(), digest_size=_CHECKSUM_BYTES
    ).digest()
