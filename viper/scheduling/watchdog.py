"""Reports work that takes longer than it should, from one thread that sleeps until the next deadline.

    watchdog.watch(replica, 60.0, report)      report() is called in 60 s …
    watchdog.forget(replica)                   … unless this comes first

Watching and forgetting cost a lock each and wake nobody while the thread sleeps, since most work ends long
before its deadline.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable

__all__ = ["Watchdog"]

_log = logging.getLogger(__name__)


class Watchdog:
    """Calls back when watched work is overdue; any thread may use it.

    Args:
        name: Name of its thread, which starts when something is watched for the first time.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._watched: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        self._wakes_s = 0.0  # when the thread wakes by itself; 0 while it is awake
        self._thread: threading.Thread | None = None
        self._closed = False

    def watch(self, work: Hashable, timeout_s: float, on_overdue: Callable[[], None]) -> None:
        """Call `on_overdue` in `timeout_s` seconds, once, from the watchdog's thread.

        Work that is watched already gets the new deadline.
        """
        ends_s = time.monotonic() + timeout_s
        with self._changed:
            if self._closed:
                return
            self._watched[work] = (ends_s, on_overdue)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif ends_s < self._wakes_s:
                self._changed.notify()

    def forget(self, work: Hashable) -> None:
        """Do not watch this work any more."""
        with self._changed:
            self._watched.pop(work, None)

    def close(self) -> None:
        """End the thread; nothing is reported any more."""
        with self._changed:
            self._closed = True
            self._watched.clear()
            self._changed.notify()

    def _run(self) -> None:
        while (overdue := self._next()) is not None:
            try:
                overdue()
            except Exception:  # one report must not end the others
                _log.exception("A model that does not come back could not be reported.")

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next overdue work; None when closed."""
        with self._changed:
            while not self._closed:
                work = min(self._watched, key=lambda one: self._watched[one][0], default=None)
                wait_s = threading.TIMEOUT_MAX
                if work is not None:
                    ends_s, on_overdue = self._watched[work]
                    wait_s = min(wait_s, ends_s - time.monotonic())
                    if wait_s <= 0:
                        del self._watched[work]
                        return on_overdue
                self._wakes_s = time.monotonic() + wait_s
                self._changed.wait(wait_s)
                self._wakes_s = 0.0
            return None
