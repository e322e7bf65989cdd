"""What other distributions add to Viper, and which optional packages are there; nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version

from viper.doctor.check_result import CheckResult
from viper.plugins import Plugin

__all__ = ["Extra", "extras_findings", "find_extras", "plugins_findings"]

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
class Extra:
    """An optional part of Viper."""

    name: str
    installed: tuple[str, ...]
    """Its packages that are there, with their versions."""
    missing: tuple[str, ...]


def plugins_findings(plugins: Sequence[Plugin], broken: Sequence[str] = ()) -> list[CheckResult]:
    """Return a finding for each distribution with plugins, each name given twice, each broken one.

    Args:
        plugins: As `viper.plugins.installed` gives them.
        broken: As `viper.plugins.unreadable` gives them.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    owners: dict[tuple[str, str], list[str]] = {}
    for plugin in plugins:
        kind = plugin.group.removeprefix("viper.")
        of = (plugin.distribution, plugin.version)
        groups.setdefault(of, []).append(f"{kind}: {plugin.name}")
        known = owners.setdefault((kind, plugin.name), [])
        if plugin.origin not in known:
            known.append(plugin.origin)
    findings = [
        CheckResult("plugins", "ok", name, f"{number}; {', '.join(names)}")
        for (name, number), names in sorted(groups.items())
    ]
    findings += [
        CheckResult(
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
        CheckResult(
            "plugins",
            "warning",
            "metadata",
            f"A distribution cannot be read: {name}.",
            "Uninstall it, or install it again.",
        )
        for name in broken
    ]
    return findings or [CheckResult("plugins", "ok", "plugins", "none installed")]


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
) -> list[CheckResult]:
    """Return a finding for each extra; what is missing comes with the line that installs it."""
    findings = []
    for extra in extras:
        purpose = purposes.get(extra.name, "")
        install = f"pip install '{_OURS}[{extra.name}]'"
        if not extra.missing:
            finding = CheckResult("extras", "ok", extra.name, ", ".join(extra.installed))
        elif extra.installed:
            lacking = f"in part ({purpose}): without {', '.join(extra.missing)}"
            finding = CheckResult("extras", "note", extra.name, lacking, install)
        else:
            finding = CheckResult(
                "extras", "note", extra.name, f"not installed ({purpose})", install
            )
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
