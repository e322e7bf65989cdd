"""Check plugins of other distributions and optional packages, from their metadata; nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version

from viper.doctor.check_result import CheckResult
from viper.errors import install_command
from viper.plugins import Plugin

__all__ = ["Extra", "extras_checks", "find_extras", "plugins_checks"]

_DISTRIBUTION = "viper-vision"

# Extras for users; others (dev, docs, all) are not listed.
_PURPOSES = {
    "torch": "models for photographs through transformers, local language models, training of maps",
    "train": "training of the built-in models",
    "open-clip": "matchers of open_clip",
    "bench": "benchmarks of the RefCOCO family, drawings",
    "ray": "benchmarks on a cluster",
    "smolvlm": "the answerer SmolVLM2; LGPL-2.1",
    "ultralytics": "YOLO detectors; AGPL-3.0",
    "serve": "the HTTP service",
}


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of Viper."""

    name: str
    installed: tuple[str, ...]
    """Its installed packages, with their versions."""
    missing: tuple[str, ...]


def plugins_checks(plugins: Sequence[Plugin], broken: Sequence[str] = ()) -> list[CheckResult]:
    """Return a result for each distribution with plugins, each duplicate name, each unreadable distribution.

    Args:
        plugins: The plugins from `viper.plugins.installed`.
        broken: The names from `viper.plugins.unreadable`.
    """
    entries: dict[tuple[str, str], list[str]] = {}
    # A dict keeps each origin once, in order.
    origins: dict[tuple[str, str], dict[str, str]] = {}
    for plugin in plugins:
        owner = (plugin.distribution, plugin.version)
        entries.setdefault(owner, []).append(
            f"{plugin.group.removeprefix('viper.')}: {plugin.name}"
        )
        by_origin = origins.setdefault((plugin.group, plugin.name), {})
        by_origin[plugin.origin] = plugin.distribution
    checks = [
        CheckResult("plugins", "ok", name, f"{number}; {', '.join(names)}")
        for (name, number), names in sorted(entries.items())
    ]
    checks += [
        CheckResult(
            "plugins",
            "problem",
            name,
            f"{' and '.join(by_origin)} both register this name in the group {group}.",
            f"Uninstall one of them: pip uninstall {[*by_origin.values()][-1]}",
        )
        for (group, name), by_origin in sorted(origins.items())
        if len(by_origin) > 1
    ]
    checks += [
        CheckResult(
            "plugins",
            "warning",
            "metadata",
            f"A distribution cannot be read: {name}.",
            "Uninstall or reinstall it.",
        )
        for name in broken
    ]
    return checks or [CheckResult("plugins", "ok", "plugins", "none installed")]


def find_extras() -> list[Extra]:
    """Return the extras of this installation, in the order of the metadata; [] without metadata."""
    try:
        requires = distribution(_DISTRIBUTION).requires or []
    except PackageNotFoundError:
        return []
    packages: dict[str, list[str]] = {name: [] for name in _PURPOSES}
    for line in requires:
        package = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if package and extra and extra[1] in packages:
            packages[extra[1]].append(package[0])
    return [_extra(name, wanted) for name, wanted in packages.items() if wanted]


def extras_checks(extras: Sequence[Extra]) -> list[CheckResult]:
    """Return a result for each extra; missing ones come with the command that installs them."""
    return [_extra_check(extra) for extra in extras]


def _extra_check(extra: Extra) -> CheckResult:
    if not extra.missing:
        return CheckResult("extras", "ok", extra.name, ", ".join(extra.installed))
    purpose = _PURPOSES[extra.name]
    found = (
        f"in part ({purpose}): without {', '.join(extra.missing)}"
        if extra.installed
        else f"not installed ({purpose})"
    )
    return CheckResult("extras", "note", extra.name, found, install_command(extra.name))


def _extra(name: str, wanted: Sequence[str]) -> Extra:
    installed, missing = [], []
    for package in wanted:
        try:
            installed.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    return Extra(name, tuple(installed), tuple(missing))
