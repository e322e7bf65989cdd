"""Ends the decoding of an image from another thread, or at a point in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Cancellation"]


class Cancellation:
    """A decoding that may be cancelled; one for each call of `open_image`.

    Args:
        deadline_s: When to end it, on the clock of `time.monotonic`; None for the decoder's own limits.
    """

    def __init__(self, deadline_s: float | None = None) -> None:
        self.deadline_s = deadline_s
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._wake: Callable[[], None] | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called, or the deadline has passed."""
        return self._is_cancelled or (
            self.deadline_s is not None and time.monotonic() >= self.deadline_s
        )

    def cancel(self) -> None:
        """End the decoding; its thread returns at once with an error."""
        with self._lock:
            self._is_cancelled = True
            if self._wake is not None:
                self._wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Have `cancel` call a function, which must not block, while the thread may be waiting."""
        with self._lock:
            self._wake = wake
            if self._is_cancelled:
                wake()
        try:
            yield
        finally:
            with self._lock:
                self._wake = None
