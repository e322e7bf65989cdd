"""What other distributions add to Viper, and which optional packages are there; nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    distributions,
    version,
)

from viper.doctor.findings import Finding
from viper.plugins import GROUPS

__all__ = ["Extra", "PluginEntry", "extras_findings", "find_extras", "find_plugins"]
__all__ += ["plugins_findings"]

_OURS = "viper-vision"

_PURPOSES = {
    "onnx": "detectors in ONNX files",
    "open-clip": "matchers of open_clip",
    "bench": "benchmarks of the RefCOCO family, drawings",
    "ray": "benchmarks on a cluster",
    "smolvlm": "the answerer SmolVLM2; LGPL-2.1",
    "ultralytics": "YOLO detectors; AGPL-3.0",
    "serve": "the HTTP service",
}
# What a user would miss; extras that are not here (dev, docs, all) are not told.


@dataclass(frozen=True, slots=True)
class PluginEntry:
    """An entry point, as the metadata of its distribution lists it."""

    group: str
    name: str
    distribution: str
    """Its name; a stranger's text."""
    version: str


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of Viper."""

    name: str
    installed: tuple[str, ...]
    """Its packages that are there, with their versions."""
    missing: tuple[str, ...]


def find_plugins() -> tuple[list[PluginEntry], list[str]]:
    """Return the entry points of plugins, and the names of distributions that cannot be read."""
    entries, broken, seen = [], [], set()
    for one in distributions():
        try:
            name = one.name
            key = re.sub(r"[-_.]+", "-", name).lower()
            if key in seen or key == _OURS:  # the first on the path is the one that is imported
                continue
            seen.add(key)
            entries += [
                PluginEntry(point.group, point.name, name, one.version)
                for point in one.entry_points
                if point.group in GROUPS
            ]
        except Exception:  # a stranger's metadata may be anything
            broken.append(_where(one))
    return entries, broken


def plugins_findings(entries: Sequence[PluginEntry], broken: Sequence[str] = ()) -> list[Finding]:
    """Return a finding for each distribution with plugins, each name given twice, each broken one."""
    groups: dict[tuple[str, str], list[str]] = {}
    owners: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        owner = f"{entry.distribution} {entry.version}"
        kind = entry.group.removeprefix("viper.")
        groups.setdefault((entry.distribution, entry.version), []).append(f"{kind}: {entry.name}")
        known = owners.setdefault((kind, entry.name), [])
        if owner not in known:
            known.append(owner)
    findings = [
        Finding("plugins", "ok", name, f"{number}; {', '.join(names)}")
        for (name, number), names in sorted(groups.items())
    ]
    findings += [
        Finding(
            "plugins",
            "problem",
            name,
            f"{' and '.join(who)} both bring a plugin of this name to the group viper.{kind}.",
            f"Uninstall one of them: pip uninstall {who[-1].rpartition(' ')[0]}",
        )
        for (kind, name), who in sorted(owners.items())
        if len(who) > 1
    ]
    findings += [
        Finding(
            "plugins",
            "warning",
            "metadata",
            f"A distribution cannot be read: {name}.",
            "Uninstall it, or install it again.",
        )
        for name in broken
    ]
    return findings or [Finding("plugins", "ok", "plugins", "none installed")]


def find_extras() -> list[Extra]:
    """Return the extras of this installation, in the order of the metadata; [] where there is none."""
    try:
        requires = distribution(_OURS).requires or []
    except PackageNotFoundError:
        return []
    packages: dict[str, list[str]] = {name: [] for name in _PURPOSES}
    for line in requires:
        package = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if package and extra and extra[1] in packages:
            packages[extra[1]].append(package[0])
    return [_extra(name, wanted) for name, wanted in packages.items() if wanted]


def extras_findings(
    extras: Sequence[Extra], purposes: Mapping[str, str] = _PURPOSES
) -> list[Finding]:
    """Return a finding for each extra; what is missing comes with the line that installs it."""
    findings = []
    for extra in extras:
        purpose = purposes.get(extra.name, "")
        install = f"pip install '{_OURS}[{extra.name}]'"
        if not extra.missing:
            finding = Finding("extras", "ok", extra.name, ", ".join(extra.installed))
        elif extra.installed:
            lacking = f"in part ({purpose}): without {', '.join(extra.missing)}"
            finding = Finding("extras", "note", extra.name, lacking, install)
        else:
            finding = Finding("extras", "note", extra.name, f"not installed ({purpose})", install)
        findings.append(finding)
    return findings


def _extra(name: str, wanted: Sequence[str]) -> Extra:
    installed, missing = [], []
    for package in wanted:
        try:
            installed.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    return Extra(name, tuple(installed), tuple(missing))


def _where(one: Distribution) -> str:
    place = getattr(one, "_path", None)  # the name itself may be what cannot be read
    return str(getattr(place, "name", None) or "of unknown place")
