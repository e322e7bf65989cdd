"""Cache of model results by key: in memory, up to a number of bytes, and optionally on disk.

    cache = ResultCache(256_000_000, ResultStore(folder))
    cache.put(key, vector)
    cache.get(key)          the same vector, from memory, or from disk in a later process; or None

The least recently used results are evicted. Only results of deterministic backends are cached, never errors.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.scheduling.operation import Key, Operation
from viper.scheduling.result_bytes import size_in_memory
from viper.scheduling.result_store import ResultStore

__all__ = ["ResultCache"]

_log = logging.getLogger(__name__)

# A read that lasts longer does not come back soon: nothing else is read until it does.
_STALLED_S = 10.0
# Threads that read and unpack: a result that takes a second to unpack does not hold up others.
_READERS = 4


class ResultCache:
    """Byte-bounded LRU cache; any thread may use it.

    Args:
        max_bytes: Most bytes of results in memory. A single larger result is not cached.
        store: Keeps results on disk; None for memory only.
        stored: The operations whose results go to disk; None for all.
    """

    def __init__(
        self,
        max_bytes: int,
        store: ResultStore | None = None,
        stored: Collection[Operation] | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._store = store
        self._stored = stored
        self._reader = None if store is None else ThreadPoolExecutor(_READERS, "viper-cache-reader")
        self._reading_since_s: list[float] = []  # one per running read
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[Any, int]] = OrderedDict()
        self.bytes_used = 0
        """Bytes of the results in memory, as counted by `size_in_memory`."""

    def __len__(self) -> int:
        """Results in memory."""
        return len(self._values)

    def get(self, key: Key) -> Any | None:
        """Return a result or None; may wait for the disk. Do not write into the result."""
        value = self.in_memory(key)
        if value is not None:
            return value
        try:
            value = None if self._store is None else self._store.get(key)
            if value is not None:
                self._keep(key, value)
        except Exception:  # a disk error or a damaged file: the result is computed instead
            _log.exception("A result could not be looked up.")
            return None
        return value

    def in_memory(self, key: Key) -> Any | None:
        """Return a result that is in memory, or None; never waits."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def is_stored(self, operation: Operation) -> bool:
        """Return whether results of an operation go to disk."""
        return self._store is not None and (self._stored is None or operation in self._stored)

    def from_disk(self, keys: Sequence[Key]) -> Future[dict[Key, Any]] | None:
        """Begin to read results that are not in memory, on another thread; None if there are none.

        Also None while the disk does not answer.
        """
        with self._lock:
            since_s = min(self._reading_since_s, default=math.inf)
            stalled = time.monotonic() - since_s > _STALLED_S
            if self._reader is None or stalled:
                return None
            missing = [key for key in keys if key not in self._values]
            return self._reader.submit(self._read, missing) if missing else None

    def _read(self, keys: Sequence[Key]) -> dict[Key, Any]:
        since_s = time.monotonic()
        with self._lock:
            self._reading_since_s.append(since_s)
        try:
            found = {key: self.get(key) for key in keys}
        finally:
            with self._lock:
                self._reading_since_s.remove(since_s)
        return {key: value for key, value in found.items() if value is not None}

    def put(self, key: Key, value: Any, *, to_disk: bool = True) -> None:
        """Cache a result; an error is logged, and the result is not cached.

        Args:
            key: Its key.
            value: The result.
            to_disk: Whether it goes to disk as well; see `is_stored`.
        """
        try:
            self._keep(key, value)
            if self._store is not None and to_disk:
                self._store.put(key, value)
        except Exception:  # the caller still gets the result
            _log.exception("A result could not be cached.")

    def close(self) -> None:
        """Write what is not on disk yet, and clear the memory."""
        with self._lock:
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.shutdown(cancel_futures=True)
        if self._store is not None:
            self._store.close()
        self.clear()

    def clear(self) -> None:
        """Clear the memory."""
        with self._lock:
            self._values.clear()
            self.bytes_used = 0

    def _keep(self, key: Key, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value = _own(value)
        size = size_in_memory(value)
        if size > self._max_bytes:
            return
        with self._lock:
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = (value, size)
            self.bytes_used += size - before
            while self.bytes_used > self._max_bytes:
                _, (_, freed) = self._values.popitem(last=False)
                self.bytes_used -= freed


def _own(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only array that keeps no larger array alive.

    A view of one row would keep the results of the whole batch in memory.
    """
    base = array.base
    shares = isinstance(base, np.ndarray) and base.nbytes > array.nbytes
    kept = (array.copy() if shares else array).view()
    kept.flags.writeable = False
    return kept
