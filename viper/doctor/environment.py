"""Check the places that files are written to, and the variables that steer connections.

Nothing is written: whether a folder can be written is asked of the system.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from viper.doctor.check_result import CheckLevel, CheckResult, gigabytes
from viper.environment.connections import connection_faults, unused_certificates
from viper.errors import ConfigError
from viper.storage.user_cache import NO_HOME, user_cache_folder
from viper.weights.cache import cache_folder, has_no_home

__all__ = ["environment_checks"]

# With less room, a database in write-ahead mode may fail in the middle of a run.
_LEAST_BYTES = 100_000_000
_FOLDER_FIX = "Make it writable for this user, or set {variable} to a folder on a disk with room."


def environment_checks() -> Iterator[CheckResult]:
    """Yield the checks of caches, temporary files and connections."""
    yield _cache_check()
    yield _weights_check()
    yield _temporary_check()
    yield from _connection_checks()


def _cache_check() -> CheckResult:
    title, folder = "caches", user_cache_folder()
    if folder is None:
        fix = "Set HOME, or XDG_CACHE_HOME to a folder for caches."
        return _check(title, f"nothing is kept between runs: {NO_HOME}", "warning", fix)
    return _folder_check(title, folder, "XDG_CACHE_HOME")


def _weights_check() -> CheckResult:
    title = "weights"
    try:
        folder = cache_folder()
    except ConfigError as error:
        return _check(title, str(error), "problem", "Correct the variable.")
    if has_no_home(folder):
        fix = "Set HOME, or HF_HOME to a folder for models."
        return _check(title, f"no folder for models: {NO_HOME}", "warning", fix)
    return _folder_check(title, folder, "HF_HOME")


def _temporary_check() -> CheckResult:
    title, named = "temporary files", os.environ.get("TMPDIR", "")
    fix = "Set TMPDIR to a folder that this user can write."
    try:
        used = tempfile.gettempdir()
    except OSError as error:
        return _check(title, error.strerror or str(error), "problem", fix)
    if named and Path(named).absolute() != Path(used).absolute():
        found = (
            f"TMPDIR names {_shortened(named)}, which cannot be written; {_shortened(used)} is used "
            "instead"
        )
        return _check(title, found, "warning", fix)
    return _folder_check(title, Path(used), "TMPDIR")


def _folder_check(title: str, folder: Path, variable: str) -> CheckResult:
    """Check that a folder, or the nearest one above it that exists, can be written and has room."""
    fix = _FOLDER_FIX.format(variable=variable)
    try:
        place = next(path for path in (folder, *folder.parents) if path.exists())
        is_usable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
        free = shutil.disk_usage(place).free
    except (OSError, StopIteration) as error:
        reason = getattr(error, "strerror", None) or "there is no such place"
        return _check(title, f"{_shortened(folder)} cannot be used: {reason}", "warning", fix)
    if not is_usable:
        return _check(title, f"{_shortened(folder)} cannot be written", "warning", fix)
    if free < _LEAST_BYTES:
        return _check(
            title, f"the disk of {_shortened(folder)} is full", "warning", f"Make room there. {fix}"
        )
    return _check(title, f"{_shortened(folder)}, {gigabytes(free)} free")


def _connection_checks() -> Iterator[CheckResult]:
    title = "connections"
    faults = list(connection_faults())
    unused = list(unused_certificates())
    for fault in faults:
        yield _check(
            title, fault, "problem", "Correct the variable; every connection fails until then."
        )
    for sentence in unused:
        yield _check(title, sentence, "note")
    if not faults and not unused:
        yield _check(title, "no variable of proxies or certificates stands in the way")


def _shortened(path: str | Path) -> str:
    """Return a path that fits a column of the page."""
    text = str(path)
    return text if len(text) <= 40 else f"{text[:19]}…{text[-20:]}"


def _check(title: str, found: str, level: CheckLevel = "ok", fix: str = "") -> CheckResult:
    return CheckResult("machine", level, title, found, fix)
