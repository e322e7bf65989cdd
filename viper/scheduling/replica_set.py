"""The loaded replicas of a model: which of them take requests, and whether a stuck one is replaced.

A replica that does not come back from a forward is *stuck* (`replica.py`). Another is loaded in its place, a
few times at most, and only where main memory has room, because the stuck one keeps its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from viper.errors import ModelError
from viper.models.registry import BackendRef
from viper.models.roles import Backend
from viper.scheduling.replica import ModelHealth, Replica, memory_allows

__all__ = ["ReplicaSet"]

# Most replacements in the life of a model: each keeps the memory of the one that it replaces.
_MOST_REPLACEMENTS = 2


class ReplicaSet:
    """The loaded replicas of one model; the worker's lock guards it.

    Args:
        ref: The model.
        model_call_s: Longest forward in seconds, for messages.
    """

    def __init__(self, ref: BackendRef, model_call_s: float) -> None:
        self._ref = ref
        self._model_call_s = model_call_s
        self._loaded: list[Replica] = []
        self._replica_bytes = 0
        self._replaced = 0

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)

    def add(self, replica: Replica, grown_bytes: int = 0) -> None:
        """Add a replica; loading it made the process larger by `grown_bytes`."""
        self._replica_bytes = max(self._replica_bytes, grown_bytes)
        self._loaded.append(replica)

    def clear(self) -> None:
        """Forget all replicas."""
        self._loaded.clear()

    @property
    def any_stuck(self) -> bool:
        """Whether a replica is stuck."""
        return any(replica.is_stuck for replica in self._loaded)

    @property
    def all_stuck(self) -> bool:
        """Whether there are replicas, and none takes requests."""
        return bool(self._loaded) and all(replica.is_stuck for replica in self._loaded)

    @property
    def working(self) -> Backend | None:
        """The backend of a replica that takes requests."""
        return next((one.backend for one in self._loaded if not one.is_stuck), None)

    def health(self) -> ModelHealth:
        """Return whether the replicas come back from their forwards."""
        stuck = [replica.stuck_s for replica in self._loaded if replica.is_stuck]
        return ModelHealth(
            self._ref.role,
            str(self._ref),
            len(self._loaded),
            len(stuck),
            max(stuck, default=0.0),
            self._replaced,
        )

    def replace(self, ref: BackendRef) -> str:
        """Count a replacement of a stuck replica.

        Args:
            ref: The replica's reference.

        Returns:
            Why it must not be replaced; "" if another one may be loaded.
        """
        if self._replaced >= _MOST_REPLACEMENTS:
            return f"it was replaced {_MOST_REPLACEMENTS} times"
        if not ref.is_remote and not memory_allows(self._replica_bytes):
            return "there is too little memory"
        self._replaced += 1
        return ""

    def stuck_error(self) -> ModelError:
        """Return the error of requests that would have to wait for a stuck replica."""
        longest_s = max(replica.stuck_s for replica in self._loaded)
        return ModelError(
            f"The {self._ref.role} {str(self._ref)!r} has not come back from a forward that began "
            f"{longest_s:.0f} s ago (model_call_s is {self._model_call_s:g}); it takes no requests until "
            "it does. Retry later, or restart the process."
        )
