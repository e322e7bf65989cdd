"""Results that are remembered: by key, in memory up to a number of bytes, and on disk where wanted.

    cache = ResultCache(256_000_000, ResultStore(folder))
    cache.put(key, vector)
    cache.get(key)          the same vector, from memory, or from disk in a later process; or None

What was not used for longest makes way. Only results of deterministic backends come here, and only
those that are no errors.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.scheduling.operation import Key
from viper.scheduling.packing import size_in_memory
from viper.scheduling.result_store import ResultStore

__all__ = ["ResultCache"]

_log = logging.getLogger(__name__)


class ResultCache:
    """Byte-bounded, least recently used goes first; any thread may use it.

    Args:
        max_bytes: Most bytes of results in memory. A result that is larger alone is not kept.
        store: Where results outlive the process; None for nowhere.
    """

    def __init__(self, max_bytes: int, store: ResultStore | None = None) -> None:
        self._max_bytes = max_bytes
        self._store = store
        self._reader = None if store is None else ThreadPoolExecutor(1, "viper-cache-reader")
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes_used(self) -> int:
        """Bytes of the results in memory, as counted by `size_in_memory`."""
        return self._bytes

    def __len__(self) -> int:
        """Results in memory."""
        return len(self._values)

    def get(self, key: Key) -> Any | None:
        """Return a result, None where none is known; may wait for the disk. Do not write into it."""
        value = self.in_memory(key)
        if value is not None:
            return value
        try:
            value = None if self._store is None else self._store.get(key)
            if value is not None:
                self._keep(key, value)
        except Exception:  # a disk, or a file that somebody else wrote: it is computed instead
            _log.exception("A result could not be looked up.")
            return None
        return value

    def in_memory(self, key: Key) -> Any | None:
        """Return a result that is in memory, None where there is none; waits for nothing."""
        with self._lock:
            known = self._values.get(key)
            if known is None:
                return None
            self._values.move_to_end(key)
            return known[0]

    def from_disk(self, keys: Sequence[Key]) -> Future[dict[Key, Any]] | None:
        """Begin to read on another thread what is on disk alone; None where there is nothing to read."""
        with self._lock:
            if self._reader is None:
                return None
            missing = [key for key in keys if key not in self._values]
            return self._reader.submit(self._read, missing) if missing else None

    def _read(self, keys: Sequence[Key]) -> dict[Key, Any]:
        found = {key: self.get(key) for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    def put(self, key: Key, value: Any) -> None:
        """Remember a result; trouble with that is logged, and the result is not remembered."""
        try:
            self._keep(key, value)
            if self._store is not None:
                self._store.put(key, value)
        except Exception:  # whoever waits for the result has a right to it
            _log.exception("A result could not be remembered.")

    def close(self) -> None:
        """Write what is not on disk yet, and forget everything."""
        with self._lock:
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.shutdown(cancel_futures=True)
        if self._store is not None:
            self._store.close()
        self.clear()

    def clear(self) -> None:
        """Forget what is in memory."""
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def _keep(self, key: Key, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value = _own(value)
        size = size_in_memory(value)
        if size > self._max_bytes:
            return
        with self._lock:
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = (value, size)
            self._bytes += size - before
            while self._bytes > self._max_bytes:
                _, (_, freed) = self._values.popitem(last=False)
                self._bytes -= freed


def _own(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that keeps nothing else alive, and that no program can write into.

    A row of a batch's results would keep the whole batch.
    """
    base = array.base
    shares = isinstance(base, np.ndarray) and base.nbytes > array.nbytes
    kept = (array.copy() if shares else array).view()
    kept.flags.writeable = False
    return kept
