"""An event loop that notes when it looks at its sockets, so that its own delays are nobody's time.

A loop looks at all sockets, then works through callbacks, then looks again. What arrives meanwhile waits for
the loop, perhaps for long, because another program's callback takes long:

    look           callbacks           wait       look
    ──┼───────────────────────────┼─────────────┼──
      previous_s                     waited_s     looked_s

A socket without data at a look has been silent since the look before. A socket with data may have had it for
as long as the callbacks ran; only while the loop waited it was certainly silent.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import time
import weakref

__all__ = ["LoopTurns", "new_event_loop", "turns_of"]


class LoopTurns(selectors.DefaultSelector):
    """The selector of a loop; notes its looks, in seconds by the clock of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_s = time.monotonic()
        """The last look."""
        self.previous_s = self.looked_s
        """The look before it."""
        self.waited_s = 0.0
        """How long the loop waited for something to happen before the last look."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for sockets, as every selector does."""
        began_s = time.monotonic()
        ready = super().select(timeout)
        self.previous_s, self.looked_s = self.looked_s, time.monotonic()
        waits = timeout is None or timeout > 0
        self.waited_s = self.looked_s - began_s if waits else 0.0
        return ready


_TURNS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopTurns] = (
    weakref.WeakKeyDictionary()
)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop that notes its turns; on Windows one that does not."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    turns = LoopTurns()
    loop = asyncio.SelectorEventLoop(turns)
    _TURNS[loop] = turns
    return loop


def turns_of(loop: asyncio.AbstractEventLoop) -> LoopTurns | None:
    """Return the turns of a loop; None if it does not note them."""
    return _TURNS.get(loop)
