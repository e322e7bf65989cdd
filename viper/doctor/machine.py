"""Check Python, system, CPU and memory of this machine, torch with its devices, and onnxruntime."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from viper.doctor.check_result import CheckLevel, CheckResult, gigabytes
from viper.doctor.torch_facts import TorchFacts
from viper.errors import install_command

__all__ = ["Machine", "machine_checks", "read_machine"]

# Present with the Linux driver; dev/dxg is the GPU device of WSL 2.
_NVIDIA_FILES = ("proc/driver/nvidia/version", "dev/nvidia0", "dev/dxg")

# Variants of one package, for the CPU and for CUDA.
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")

_GPU_BUILD = (
    "pip install --force-reinstall torch torchvision, from an index with CUDA builds: the default one "
    "on Linux, elsewhere the command that pytorch.org shows for your system."
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the standard library reports about this machine."""

    python: str
    """Implementation and version."""
    platform: str
    """System, release and processor architecture."""
    cores: int
    """CPU cores that this process may use."""
    ram_bytes: int | None
    """Memory that this process may use; None if unknown."""
    ram_free_bytes: int | None = None
    has_nvidia: bool = False
    """Whether the system has an NVIDIA driver, whatever torch reports."""


def read_machine(root: Path = Path("/")) -> Machine:
    """Return the facts of this machine.

    Args:
        root: Folder that contains `proc`, `sys` and `dev`.
    """
    import platform

    total, free = _memory(root)
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return Machine(
        f"{platform.python_implementation()} {platform.python_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        len(affinity(0)) if affinity else os.cpu_count() or 1,
        total,
        free,
        any((root / name).exists() for name in _NVIDIA_FILES),
    )


def machine_checks(machine: Machine, torch: TorchFacts) -> list[CheckResult]:
    """Check a machine and torch on it."""
    cores = f"{machine.cores} core{'' if machine.cores == 1 else 's'}"
    return [
        _check("Python", machine.python),
        _check("system", f"{machine.platform}, {cores}"),
        _check("memory", _size(machine.ram_bytes, machine.ram_free_bytes)),
        _torch_check(machine, torch),
        _onnxruntime_check(machine),
        *(
            _check("device", f"{one.name}, {_size(one.total_bytes, one.free_bytes)}")
            for one in torch.devices
        ),
    ]


def _check(title: str, found: str, level: CheckLevel = "ok", fix: str = "") -> CheckResult:
    return CheckResult("machine", level, title, found, fix)


def _torch_check(machine: Machine, torch: TorchFacts) -> CheckResult:
    if torch.version is None and not torch.error:
        found = "not installed: photographs need it, except for detectors in ONNX files"
        return _check("torch", found, "note", install_command("torch"))
    if torch.version is None:
        fix = "pip install --force-reinstall torch torchvision"
        return _check("torch", f"cannot be used: {torch.error}", "problem", fix)
    build = f"{torch.version}, built for {torch.build or 'the CPU only'}"
    if torch.devices:
        return _check("torch", build)
    if torch.build and (machine.has_nvidia or torch.error):
        why = f": {torch.error.rstrip('.')}." if torch.error else "."
        return _check(
            "torch",
            f"{build}, but finds no such device{why} Models run on the CPU.",
            "warning",
            "Check that nvidia-smi lists the GPU, that its driver is not older than this build, and that "
            "CUDA_VISIBLE_DEVICES does not hide it.",
        )
    if machine.has_nvidia:
        found = f"{build}, but this machine has an NVIDIA device: models run many times slower."
        return _check("torch", found, "warning", _GPU_BUILD)
    return _check("torch", f"{build}; no GPU found, models run on the CPU")


def _onnxruntime_check(machine: Machine) -> CheckResult:
    """Check the variants of onnxruntime: two of them overwrite each other's files."""
    found = [f"{name} {number}" for name in _RUNTIMES if (number := _installed(name))]
    if len(found) > 1:
        fix = f"pip uninstall -y {' '.join(_RUNTIMES)} && pip install {_RUNTIMES[-1]}"
        where = f"{' and '.join(found)} are both installed, and cannot stand beside each other"
        return _check("onnxruntime", where, "problem", fix)
    if not found:
        return _check("onnxruntime", "not installed", "problem", f"pip install {_RUNTIMES[0]}")
    if machine.has_nvidia and not found[0].startswith(_RUNTIMES[1]):
        fix = f"pip uninstall -y {_RUNTIMES[0]} && pip install {_RUNTIMES[1]}"
        return _check("onnxruntime", f"{found[0]}, for the CPU only", "note", fix)
    return _check("onnxruntime", found[0])


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _size(total: int | None, free: int | None) -> str:
    if total is None:
        return "unknown size"
    return gigabytes(total) + ("" if free is None else f", {gigabytes(free)} free")


def _memory(root: Path) -> tuple[int | None, int | None]:
    """Return total and free bytes; those of the container if it has a limit."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = {
            name: int(words.split()[0])
            for name, _, words in (line.partition(":") for line in lines)
        }
        total, free = kilobytes["MemTotal"] * 1024, kilobytes["MemAvailable"] * 1024
    except (OSError, ValueError, KeyError, IndexError):  # not Linux
        free = None
        try:
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):  # Windows has no sysconf
            return None, None
    try:
        limit = int((root / "sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no cgroup, or "max"
        return total, free
    return min(total, limit), None if free is None else min(free, limit)
