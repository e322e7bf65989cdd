"""Who holds how much of what several clients share: worker slots, places in a queue, memory of decoders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["Shares"]

T = TypeVar("T")


class Shares(Generic[T]):
    """What each client holds: its items, in the order in which it got them."""

    def __init__(self) -> None:
        self._items: dict[str, dict[T, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Items of all clients."""
        return self._count

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items of all clients, as they are now."""
        return iter([item for items in self._items.values() for item in items])

    def held(self, client: str) -> int:
        """Return how many items a client holds."""
        return len(self._items.get(client, ()))

    def add(self, client: str, item: T) -> None:
        """Give an item to a client."""
        self._items.setdefault(client, {})[item] = None
        self._count += 1

    def remove(self, client: str, item: T) -> bool:
        """Take an item from a client; return False if it did not have it any more."""
        items = self._items.get(client, {})
        if item not in items:
            return False
        del items[item]
        self._count -= 1
        if not items:
            del self._items[client]
        return True

    def excess(self, client: str, promised: int = 0) -> Iterator[tuple[str, T]]:
        """Yield what may be taken from others so that `client` gets one more, with the holder's name.

        That is what a client holds that has at least two items more than `client`, so that it does not have
        fewer afterwards: of the client with the most first, and the newest item first.

        Args:
            client: Who gets one more.
            promised: Items that it will get besides those that it holds.
        """
        counts = Counter({name: len(items) for name, items in self._items.items()})
        for name, count in counts.most_common():
            if count < self.held(client) + promised + 2:
                return
            for item in reversed(tuple(self._items[name])):
                yield name, item
