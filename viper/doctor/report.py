"""Run all checks of `viper doctor`, and collect their results in one report.

report = run_checks()
report.sandbox.level, report.checks     # "full", (CheckResult(…), …)
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from viper.doctor.check_result import CheckResult
from viper.doctor.endpoint import configured_endpoint, endpoint_check, request_models
from viper.doctor.environment import environment_checks
from viper.doctor.images import image_check, try_decoding
from viper.doctor.machine import Machine, machine_checks, read_machine
from viper.doctor.models import (
    TargetDevice,
    broken_presets_check,
    models_checks,
    presets_on_disk,
    target_device,
)
from viper.doctor.plugins import extras_checks, find_extras, plugins_checks
from viper.doctor.sandbox import measure_sandbox, sandbox_check
from viper.doctor.settings import settings_check
from viper.doctor.torch_facts import TorchProbe
from viper.environment.connections import connection_faults
from viper.errors import ConfigError
from viper.llm.failures import api_key
from viper.plugins import installed, unreadable
from viper_sandbox import LevelReport

__all__ = ["DoctorReport", "run_checks"]


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The results of all checks."""

    sandbox: LevelReport
    machine: Machine
    versions: Mapping[str, str]
    """Versions of Viper and of the packages that the sandbox level depends on."""
    models: Mapping[str, str]
    """Preset → its models on disk; the key "error" alone if the presets file cannot be used."""
    device: TargetDevice | None
    """Where models would run; None if its memory is unknown."""
    checks: tuple[CheckResult, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `viper doctor --json`."""
        sandbox = self.sandbox
        fix = sandbox.remedy or None
        return {
            "sandbox": {
                "level": sandbox.level,
                "sentence": sandbox.sentence,
                "fix": fix,
                "remedy": fix,  # the name in version 0.1
                "acts": [asdict(act) for act in sandbox.acts],
                "missing": [
                    {"mechanism": mechanism, "reason": reason}
                    for mechanism, reason in sandbox.missing
                ],
                "trouble": sandbox.trouble or None,
            },
            "python": self.machine.python,
            "platform": self.machine.platform,
            "versions": dict(self.versions),
            "models": dict(self.models),
            "findings": [check.to_json() for check in self.checks],
        }


def run_checks(vram_gb: float | None = None, *, offline: bool = False) -> DoctorReport:
    """Run all checks; the slow probe of torch runs in parallel with the others.

    Args:
        vram_gb: Memory of a GPU to check the presets for, instead of this machine, in 10⁹ bytes.
        offline: Send no request to the language-model endpoint.
    """
    probe = TorchProbe()
    try:
        sandbox = asyncio.run(measure_sandbox())
        images = try_decoding()
        endpoint = _check_endpoint(offline)
        path = tuple(sys.path)
        plugins = plugins_checks(installed(path), unreadable(path))
        machine = read_machine()
        torch = probe.wait()
    finally:
        probe.cancel()
    device = target_device(machine, torch, vram_gb)
    try:
        presets = presets_on_disk()
        models = {one.preset.name: one.state for one in presets}
        preset_checks = models_checks(presets, device)
    except ConfigError as error:  # a broken presets file; all other checks still run
        models = {"error": str(error)}
        preset_checks = [broken_presets_check(str(error))]
    versions = {
        "viper": _version("viper-vision"),
        "RestrictedPython": _version("RestrictedPython"),
    }
    checks = (
        sandbox_check(sandbox),
        image_check(images),
        CheckResult("machine", "ok", "versions", ", ".join(map(" ".join, versions.items()))),
        settings_check(),
        *environment_checks(),
        *machine_checks(machine, torch),
        *preset_checks,
        endpoint,
        *plugins,
        *extras_checks(find_extras()),
    )
    return DoctorReport(sandbox, machine, versions, models, device, checks)


def _check_endpoint(offline: bool) -> CheckResult:
    endpoint = configured_endpoint()
    if isinstance(endpoint, CheckResult):
        return endpoint
    if offline:
        found = f"No request was sent to {endpoint.url}: --offline."
        return CheckResult("endpoint", "note", "endpoint", found)
    if fault := next(connection_faults(), None):
        fix = "Correct the variable; no request was sent."
        return CheckResult("endpoint", "problem", "endpoint", fault, fix)
    reply = request_models(endpoint, api_key())
    return endpoint_check(endpoint, reply)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
