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
        """Return a result, None where none is known. Do not write into it."""
        with self._lock:
            known = self._values.get(key)
            if known is not None:
                self._values.move_to_end(key)
                return known[0]
        try:
            value = None if self._store is None else self._store.get(key)
            if value is not None:
                self._keep(key, value)
        except Exception:  # a disk, or a file that somebody else wrote: it is computed instead
            _log.exception("A result could not be looked up.")
            return None
        return value

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
