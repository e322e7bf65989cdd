"""The memory that decoders share, and whose turn it is.

    enough is free    the client with the fewest reservations gets it; if equal, the one whose last turn was
                      longest ago; images of one client in order of arrival
    not enough        who has waited for `_RECALL_AFTER_S` gets that of a client that has at least two more:
                      its newest decoding is recalled, and waits in front of its client's line

This is the rule of the worker slots of a server: who has a slot must not wait for those that fill all others.
Outside of a server there is one client. Who waits holds nothing, so that nobody waits for one who waits.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from viper.images.cancellation import Cancellation
from viper.images.decoding_error import DecodingError
from viper.images.shares import Shares

__all__ = ["MemoryPool", "RecalledError", "Reservation"]

# Most decodings end sooner by themselves, and then nothing that was computed is lost.
_RECALL_AFTER_S = 0.5
# Between two looks whether a decoding that waits was cancelled, or may recall another one.
_LOOK_S = 0.05


class RecalledError(Exception):
    """The decoding was ended because another client needs its memory; it may wait again."""


@dataclass(eq=False, slots=True)
class Reservation:
    """Memory that one decoding holds."""

    client: str
    size_bytes: int
    is_recalled: bool = False
    """Whether the decoding must end, because another client needs its memory."""
    _end: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Have a function called, which must not block, if it is recalled meanwhile."""
        self._end = end
        if self.is_recalled:
            end()
        try:
            yield
        finally:
            self._end = lambda: None

    def recall(self) -> None:
        """End the decoding."""
        self.is_recalled = True
        self._end()


@dataclass(slots=True)
class _Line:
    """Decodings of one client that wait, and what they wait for."""

    last_turn: int
    """Number of the last reservation that the client got, of all so far; of the last but one at first."""
    waiting: deque[Reservation] = field(default_factory=deque)


class MemoryPool:
    """An amount of memory; used from any thread.

    Args:
        total_bytes: How much.
    """

    def __init__(self, total_bytes: int) -> None:
        self._free_bytes = total_bytes
        self._changed = threading.Condition()
        self._held: Shares[Reservation] = Shares()
        self._ending: dict[Reservation, str] = {}  # recalled ones, and for which client
        self._lines: dict[str, _Line] = {}
        self._turns = 0

    @contextlib.contextmanager
    def hold(
        self, size_bytes: int, client: str, cancellation: Cancellation, *, again: bool = False
    ) -> Iterator[Reservation]:
        """Wait until so much is free and it is the client's turn, and hold it.

        Args:
            size_bytes: At most the total.
            client: Whose image it is.
            cancellation: Ends the waiting.
            again: Whether the decoding had a reservation before and lost it; then it waits in front.

        Raises:
            DecodingError: The decoding was cancelled meanwhile.
        """
        reservation = Reservation(client, size_bytes)
        self._wait(reservation, cancellation, again=again)
        try:
            yield reservation
        finally:
            with self._changed:
                self._free_bytes += size_bytes
                self._held.remove(client, reservation)
                self._ending.pop(reservation, None)
                self._forget()
                self._changed.notify_all()

    def _wait(self, wanted: Reservation, cancellation: Cancellation, *, again: bool) -> None:
        recall_s = time.monotonic() + _RECALL_AFTER_S
        with self._changed:
            # A newcomer passes only the client that was served last; see the worker slots.
            line = self._lines.setdefault(wanted.client, _Line(self._turns - 1))
            if again:
                line.waiting.appendleft(wanted)
            else:
                line.waiting.append(wanted)
            try:
                while self._next() is not wanted or self._free_bytes < wanted.size_bytes:
                    if cancellation.is_cancelled:
                        raise DecodingError("time")
                    if time.monotonic() >= recall_s:
                        self._recall_for(wanted)
                    self._changed.wait(_LOOK_S)
                self._turns += 1
                line.last_turn = self._turns
                self._free_bytes -= wanted.size_bytes
                self._held.add(wanted.client, wanted)
            finally:
                line.waiting.remove(wanted)
                self._forget()
                self._changed.notify_all()

    def _next(self) -> Reservation:
        """Return whose turn it is, of those that wait."""
        lines = {client: line for client, line in self._lines.items() if line.waiting}
        client = min(lines, key=lambda name: (self._held.held(name), lines[name].last_turn))
        return lines[client].waiting[0]

    def _forget(self) -> None:
        for client in [*self._lines]:
            if not self._lines[client].waiting and not self._held.held(client):
                del self._lines[client]

    def _recall_for(self, wanted: Reservation) -> None:
        """Have one decoding ended of a client that has too many, unless enough is about to be free."""
        coming_bytes = sum(one.size_bytes for one in self._ending)
        if self._free_bytes + coming_bytes >= wanted.size_bytes:
            return
        promised = Counter(self._ending.values())[wanted.client]
        for holder, reservation in self._held.excess(wanted.client, promised):
            self._held.remove(holder, reservation)
            self._ending[reservation] = wanted.client
            reservation.recall()
            return
