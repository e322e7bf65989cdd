"""Describes the machine and the versions behind a figure."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["describe_machine", "describe_versions"]


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, system and the load at this moment, as JSON values.

    `load_average_1min` is the mean number of runnable processes over the last minute; well below 1
    before a run means that the machine was idle. None where the system does not report it.
    """
    return {
        "cpu": _cpu_model(),
        "cores": _usable_cores(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "load_average_1min": _load_average(),
    }


def describe_versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return the version of Python and of installed distributions; "not installed" for a missing one."""
    versions = {"python": f"{platform.python_implementation()} {platform.python_version()}"}
    for name in distributions:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, colon, model = line.partition(":")
        if colon and name.strip() == "model name":
            return model.strip()
    return platform.processor() or "unknown"


def _usable_cores() -> int:
    """Return how many cores this process may run on, which in a container is fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load_average() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):  # AttributeError: Windows has no such call
        return None
