"""The open connections: a fixed number, of which nobody can use up the others' part.

When all are in use and somebody connects, the client with the most loses one, an idle one first, if it has at
least two more than the new one's client; otherwise the new connection is closed.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from viper.images.shares import Shares
from viper.serve.clients import client_of
from viper.serve.loop_time import LoopTime

__all__ = ["OUTCOMES", "Connections"]

OUTCOMES = ("accepted", "refused", "evicted")
"""What is counted: connections that were opened, were closed at once, and were closed for another client."""

# Connections besides four for each request that the server admits: browsers open several.
_SPARE = 64
_PER_REQUEST = 4


class Connection(Protocol):
    """A connection of the server."""

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        ...

    def abort(self) -> None:
        """Close the connection at once."""
        ...


class Connections:
    """Open connections by client; belongs to one event loop.

    Args:
        requests: Requests that the server admits at the same time.
    """

    def __init__(self, requests: int) -> None:
        self.limit = _SPARE + _PER_REQUEST * requests
        """Most connections."""
        self.outcomes = Counter(dict.fromkeys(OUTCOMES, 0))
        """How often each of `OUTCOMES` happened."""
        self.loop_time = LoopTime()
        """What the loop does for each client."""
        self._open: Shares[Connection] = Shares()

    def __len__(self) -> int:
        """Connections that are open."""
        return len(self._open)

    def open(self, connection: Connection, address: tuple[str, int] | None) -> bool:
        """Count a new connection; return False if there is no room for it.

        Args:
            connection: The connection.
            address: Host and port of the other end.
        """
        client = client_of(address)
        if len(self._open) >= self.limit:
            excess = list(self._open.excess(client))
            if not excess:
                self.outcomes["refused"] += 1
                return False
            holder, victim = next((one for one in excess if not one[1].is_busy), excess[0])
            self.outcomes["evicted"] += 1
            self._open.remove(holder, victim)
            victim.abort()
        self.outcomes["accepted"] += 1
        self._open.add(client, connection)
        return True

    def has_room_for(self, client: str) -> bool:
        """Return whether a client may open one more: one in debt with half of all connections may not."""
        if self._open.held(client) < self.limit // 2 or not self.loop_time.is_in_debt(client):
            return True
        self.outcomes["refused"] += 1
        return False

    def close(self, connection: Connection, address: tuple[str, int] | None) -> None:
        """Forget a connection that was closed."""
        self._open.remove(client_of(address), connection)
