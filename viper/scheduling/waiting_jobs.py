"""Jobs of one operation that wait for a forward: clients take turns, and so do the programs of each."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Container, Iterator

from viper.scheduling.job import Client, Job

__all__ = ["WaitingJobs"]


class WaitingJobs:
    """Lines of jobs by client and program; who was served goes behind all others."""

    def __init__(self) -> None:
        self._clients: OrderedDict[Client, OrderedDict[int, deque[Job]]] = OrderedDict()

    def __len__(self) -> int:
        """Jobs that wait."""
        return sum(self.counts())

    def counts(self) -> list[int]:
        """Return the number of jobs of each client."""
        return [sum(map(len, lines.values())) for lines in self._clients.values()]

    def firsts(self) -> Iterator[tuple[Client, int, Job]]:
        """Yield client, program and first job of each line."""
        for client, lines in self._clients.items():
            for owner, line in lines.items():
                yield client, owner, line[0]

    def add(self, client: Client, owner: int, job: Job) -> None:
        """Add a job behind those of its program."""
        self._clients.setdefault(client, OrderedDict()).setdefault(owner, deque()).append(job)

    def move_to_front(self, client: Client, owner: int) -> None:
        """Make it the turn of a client, and there of a program."""
        self._clients.move_to_end(client, last=False)
        self._clients[client].move_to_end(owner, last=False)

    def next(self, aside: Container[Client]) -> tuple[Client, int, Job] | None:
        """Return client, program and job whose turn it is; None if no client is left.

        Args:
            aside: Clients whose turn it is not.
        """
        for client, lines in self._clients.items():
            if client not in aside:
                owner, line = next(iter(lines.items()))
                return client, owner, line[0]
        return None

    def pop(self, client: Client, owner: int) -> None:
        """Remove the first job of a program; client and program go behind the others."""
        lines = self._clients[client]
        lines[owner].popleft()
        lines.move_to_end(owner)
        self._clients.move_to_end(client)
        self._forget(client, owner)

    def remove(self, job: Job) -> None:
        """Remove a job wherever it waits: it is in one line, that of its first program."""
        for client, lines in self._clients.items():
            for owner, line in lines.items():
                if job in line:
                    line.remove(job)
                    self._forget(client, owner)
                    return

    def _forget(self, client: Client, owner: int) -> None:
        lines = self._clients[client]
        if not lines[owner]:
            del lines[owner]
        if not lines:
            del self._clients[client]
