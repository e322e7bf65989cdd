"""A set of ids that takes eight bytes per id."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from viper_benchmarks.sample import id_bytes

__all__ = ["Digests"]


class Digests:
    """An immutable set of ids, stored as hashes.

    Among 200,000 ids, two collide with a probability of one in a billion.

    Args:
        ids: In any order.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        digests = np.asarray(array("Q", map(_digest, ids)), dtype=np.uint64)
        self._order = np.argsort(digests, kind="stable")
        self._sorted = digests[self._order]

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, id_: str) -> bool:
        digest = np.uint64(_digest(id_))
        return digest in self._sorted[np.searchsorted(self._sorted, digest) :][:1]

    def repeated(self) -> int | None:
        """Return the position of the first repeated id; None if all differ."""
        again = self._order[1:][self._sorted[1:] == self._sorted[:-1]]
        return int(again.min()) if len(again) else None


def _digest(id_: str) -> int:
    return int.from_bytes(blake2b(id_bytes(id_), digest_size=8).digest())
