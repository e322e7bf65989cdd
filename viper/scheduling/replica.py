"""One replica of a model: the thread that runs it, and the forward that it is in.

No thread can be killed. A forward that does not come back, in torch, onnxruntime or a library of a plugin,
keeps its thread, its memory and its device until the process ends. A replica in such a forward is *stuck*:
it gets no more work, and it takes work again if it comes back after all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from mmap import PAGESIZE
from pathlib import Path
from typing import NamedTuple

from viper.errors import ConfigError
from viper.models.registry import BackendRef
from viper.models.roles import Backend, Role
from viper.scheduling.job import Job

__all__ = ["ModelHealth", "Replica", "memory_allows", "one_per_device", "resident_bytes"]

# A replica needs its weights, and about as much again to run.
_ROOM_FACTOR = 2
_STATM = Path("/proc/self/statm")
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


class ModelHealth(NamedTuple):
    """Whether a model's threads come back from their forwards."""

    role: Role
    model: str
    """Its reference."""
    replicas: int
    """Replicas that are loaded."""
    stuck: int
    """How many of them are in a forward that lasts longer than a call may."""
    stuck_s: float
    """How long the longest of these forwards has lasted, in seconds; 0 without one."""
    replaced: int
    """Replicas that were loaded in place of stuck ones so far."""

    @property
    def is_refusing(self) -> bool:
        """Whether no replica is left that takes requests."""
        return 0 < self.replicas == self.stuck


@dataclass(slots=True, eq=False)
class Replica:
    """A loaded copy of a model in its thread; the worker's lock guards the fields."""

    ref: BackendRef
    backend: Backend
    batch: list[Job] = field(default_factory=list)
    """Jobs of the forward in progress; empty while it waits for work."""
    began_s: float = 0.0
    """When that forward began, on the monotonic clock."""
    is_stuck: bool = False

    @property
    def stuck_s(self) -> float:
        """How long it has been in its forward if it is stuck, in seconds; else 0."""
        return time.monotonic() - self.began_s if self.is_stuck else 0.0


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes, 0 where it cannot be read."""
    try:
        return int(_STATM.read_text().split()[1]) * PAGESIZE
    except (OSError, ValueError, IndexError):
        return 0


def memory_allows(replica_bytes: int) -> bool:
    """Return whether main memory has room for one more replica; True where that cannot be read.

    Memory of a GPU is not looked at: a load that does not fit there fails without harm.

    Args:
        replica_bytes: By how much the process grew when a replica was loaded.
    """
    available = _available_bytes()
    return available is None or available >= _ROOM_FACTOR * replica_bytes


def _available_bytes() -> int | None:
    free: list[int] = []
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        free.append(1024 * int(lines["MemAvailable"].split()[0]))
    except (OSError, ValueError, KeyError):
        pass
    try:  # a container's own limit
        limit, used = ((_CGROUP / f"memory.{name}").read_text() for name in ("max", "current"))
        free.append(int(limit) - int(used))
    except (OSError, ValueError):  # no limit, or none that can be read
        pass
    return min(free, default=None)


def one_per_device(ref: BackendRef) -> list[BackendRef]:
    """Return one reference per device that a reference names, as in `device=cuda:0,cuda:1`.

    Raises:
        ConfigError: The list has an empty item.
    """
    devices = dict(ref.options).get("device", "").split(",")
    if len(devices) == 1:
        return [ref]
    if not all(device.strip() for device in devices):
        raise ConfigError(
            f"device={','.join(devices)} of {ref} has an empty item in its list of devices. Write "
            "several as in device=cuda:0,cuda:1."
        )
    others = tuple(option for option in ref.options if option[0] != "device")
    return [replace(ref, options=(*others, ("device", device.strip()))) for device in devices]
