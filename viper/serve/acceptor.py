"""Accepts connections: a few in each turn of the loop, and charged to their client.

asyncio accepts all that wait in one turn, and makes a transport, a task and a protocol for each before
anybody sees whose it is.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from viper.serve.clients import client_of
from viper.serve.connections import Connections

__all__ = ["Acceptor"]

# Connections that wait to be accepted; beyond it, clients try again.
_BACKLOG = 1_024
# In one turn: some 3 ms.
_AT_ONCE = 16
# What one costs until it is closed, beside its requests.
_CONNECTION_S = 0.0003
# When the process has no file descriptor left, it may have one again after this time.
_RETRY_S = 0.5


class Acceptor:
    """Listens on a socket; belongs to the running event loop.

    Args:
        listening: A bound socket; its owner closes it after `close`.
        make: Makes the protocol of a connection.
        connections: Counts, limits and charges them.
    """

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], asyncio.Protocol],
        connections: Connections,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._make = make
        self._connections = connections
        self._starting: set[asyncio.Task[Any]] = set()
        self._retry: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        listening.listen(_BACKLOG)
        self._resume()

    def close(self) -> None:
        """Accept no more connections; those that have not begun do not."""
        for task in self._starting:
            task.cancel()
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listening)

    def _resume(self) -> None:
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._loop.remove_reader(self._listening)
                self._retry = self._loop.call_later(_RETRY_S, self._resume)
                return
            client = client_of(address)
            if not self._connections.has_room_for(client):
                accepted.close()
                continue
            self._connections.loop_time.charge(client, _CONNECTION_S)
            accepted.setblocking(False)
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._make, accepted))
            self._starting.add(task)
            task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[Any]) -> None:
        self._starting.discard(task)
        if not task.cancelled():
            task.exception()  # retrieve it: a connection that was gone before it began is no error
