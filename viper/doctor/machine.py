"""Python, system, processor and memory of this machine, and whether torch makes use of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from viper.doctor.check_result import CheckResult, gigabytes
from viper.doctor.torch_facts import TorchFacts

__all__ = ["Machine", "look_at_machine", "machine_findings"]

_NVIDIA_SIGNS = ("/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg")
# Written by the driver of Linux, and the device that WSL 2 gives for a GPU.

_GPU_BUILD = (
    "pip install --force-reinstall torch torchvision, from an index with builds for CUDA: the default one "
    "on Linux, elsewhere the command that pytorch.org shows for your system."
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the standard library knows of this machine."""

    python: str
    """Implementation and version."""
    platform: str
    """System, release and processor."""
    cores: int
    """Processors that this process may use."""
    ram_bytes: int | None
    """Memory that this process may use, None where nothing says it."""
    ram_free_bytes: int | None = None
    has_nvidia: bool = False
    """Whether the system has a driver for NVIDIA's devices, whatever torch thinks of it."""


def look_at_machine(root: Path = Path("/")) -> Machine:
    """Return the facts of this machine.

    Args:
        root: Where `/proc`, `/sys` and `/dev` lie.
    """
    import platform

    total, free = _memory(root)
    usable = getattr(os, "sched_getaffinity", None)  # not on every system
    return Machine(
        f"{platform.python_implementation()} {platform.python_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        len(usable(0)) if usable else os.cpu_count() or 1,
        total,
        free,
        any((root / sign.lstrip("/")).exists() for sign in _NVIDIA_SIGNS),
    )


def machine_findings(machine: Machine, torch: TorchFacts) -> list[CheckResult]:
    """Return what there is to say of a machine and of torch on it."""
    cores = f"{machine.cores} core{'' if machine.cores == 1 else 's'}"
    return [
        CheckResult("machine", "ok", "Python", machine.python),
        CheckResult("machine", "ok", "system", f"{machine.platform}, {cores}"),
        CheckResult("machine", "ok", "memory", _room(machine.ram_bytes, machine.ram_free_bytes)),
        _torch_finding(machine, torch),
        *(
            CheckResult(
                "machine", "ok", "device", f"{one.name}, {_room(one.total_bytes, one.free_bytes)}"
            )
            for one in torch.devices
        ),
    ]


def _torch_finding(machine: Machine, torch: TorchFacts) -> CheckResult:
    if torch.version is None:
        return CheckResult(
            "machine",
            "problem",
            "torch",
            f"cannot be used: {torch.trouble}",
            "pip install --force-reinstall torch torchvision",
        )
    built = f"{torch.version}, built for {torch.build or 'the processor alone'}"
    if torch.devices:
        return CheckResult("machine", "ok", "torch", built)
    if torch.build and (machine.has_nvidia or torch.trouble):
        why = f": {torch.trouble.rstrip('.')}." if torch.trouble else "."
        return CheckResult(
            "machine",
            "warning",
            "torch",
            f"{built}, but finds no such device{why} Models run on the processor.",
            "See that nvidia-smi lists the GPU, that its driver is not older than this build, and that "
            "CUDA_VISIBLE_DEVICES does not hide it.",
        )
    if machine.has_nvidia:
        found = f"{built}, but this machine has an NVIDIA device: models run many times slower."
        return CheckResult("machine", "warning", "torch", found, _GPU_BUILD)
    return CheckResult(
        "machine", "ok", "torch", f"{built}; no GPU found, models run on the processor"
    )


def _room(total: int | None, free: int | None) -> str:
    if total is None:
        return "nothing says how much there is"
    return gigabytes(total) + ("" if free is None else f", {gigabytes(free)} of it free")


def _memory(root: Path) -> tuple[int | None, int | None]:
    """Return total and free bytes; those of a container, where it has a limit."""
    total, free = _memory_of_linux(root / "proc/meminfo")
    if total is None:
        try:
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):  # Windows has no sysconf
            return None, None
    try:
        limit = int((root / "sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no group of control, or "max"
        return total, free
    return min(total, limit), None if free is None else min(free, limit)


def _memory_of_linux(path: Path) -> tuple[int | None, int | None]:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        kilobytes = {
            name: int(words.split()[0])
            for name, _, words in (line.partition(":") for line in lines)
        }
        return kilobytes["MemTotal"] * 1024, kilobytes["MemAvailable"] * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None, None
