"""Many ids in little memory: eight bytes each, by hash."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

__all__ = ["Digests"]


class Digests:
    """A set of ids, fixed when it is made.

    Two ids share their eight bytes with a chance of one in a billion among 200,000.

    Args:
        ids: In any order.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        given = np.asarray(array("Q", map(_digest, ids)), dtype=np.uint64)
        self._order = np.argsort(given, kind="stable")
        self._sorted = given[self._order]

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, id_: str) -> bool:
        wanted = np.uint64(_digest(id_))
        place = int(np.searchsorted(self._sorted, wanted))
        return place < len(self._sorted) and bool(self._sorted[place] == wanted)

    def repeated(self) -> int | None:
        """Return the position of the first id that was there before; None when all differ."""
        again = self._order[1:][self._sorted[1:] == self._sorted[:-1]]
        return int(again.min()) if len(again) else None


def _digest(id_: str) -> int:
    return int.from_bytes(blake2b(id_.encode(), digest_size=8).digest())
