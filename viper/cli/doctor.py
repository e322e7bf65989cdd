"""`viper doctor`: check what works on this machine, and say how to fix the rest."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from viper.cli.doctor_page import DoctorReport
    from viper.doctor.check_result import CheckResult
    from viper.doctor.models import PresetOnDisk, TargetDevice

__all__ = ["doctor"]


@click.command()
@click.option(
    "--vram",
    "vram_gb",
    metavar="GB",
    type=click.FloatRange(min=0, min_open=True, max=1_000_000),
    callback=lambda ctx, parameter, value: _refuse_nan(value),
    help="Check which presets fit into a GPU with this much memory, instead of this machine.",
)
@click.option("--offline", is_flag=True, help="Send no request to the language-model endpoint.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def doctor(vram_gb: float | None, offline: bool, as_json: bool) -> None:
    """Check what works on this machine, and say how to fix what does not.

    The first check is the sandbox. Programs run in a separate process that the kernel confines. The level
    is measured, not read from a list of kernel features: a confined process attempts each act that is
    forbidden to programs, such as opening a file or a network connection, and the result is printed.

    \b
    full     every act is refused: programs of language models and strangers may run
    partial  programs run in a separate process with limits, which can be killed, but some act gets
             through: only programs of the grammar run, unless --sandbox partial accepts the risk
    none     no such process can be started: no program runs

    The other checks follow, one line for each (ok, note, warning or problem), with the fix below it:
    settings, Python and torch, devices and memory, models on disk and which presets fit, the language-model
    endpoint (one request for its list of models, at most three seconds), plugins and optional packages.

    \b
    viper doctor              for people
    viper doctor --vram 12    which models to choose for a GPU with 12 GB
    viper doctor --offline    without a request to the language-model endpoint
    viper doctor --json       for a script or a bug report

    Exit status: 0 if the sandbox level is full, otherwise 1; 2 usage. No other check changes it.
    """
    from viper.cli.output import print_json
    from viper.cli.spinner import spinner

    with spinner("Checking this machine"):
        page = _run_checks(vram_gb, offline)
    if as_json:
        print_json(page.to_json())
    else:
        page.print()
    sys.exit(0 if page.sandbox.level == "full" else 1)


def _refuse_nan(value: float | None) -> float | None:
    if value != value:
        raise click.BadParameter(f"{value} is not a number of GB.")
    return value


def _run_checks(vram_gb: float | None, offline: bool) -> DoctorReport:
    """Run all checks; the probe of torch, which is slow, runs beside the others."""
    import asyncio

    from viper.cli.doctor_page import DoctorReport
    from viper.doctor.check_result import CheckResult
    from viper.doctor.machine import machine_checks, read_machine
    from viper.doctor.models import target_device
    from viper.doctor.plugins import extras_checks, find_extras, plugins_checks
    from viper.doctor.sandbox import measure_sandbox, sandbox_check
    from viper.doctor.settings import settings_check
    from viper.doctor.torch_facts import TorchProbe
    from viper.plugins import installed, unreadable

    probe = TorchProbe()
    try:
        sandbox = asyncio.run(measure_sandbox())
        endpoint = _check_endpoint(offline)
        path = tuple(sys.path)
        plugins = plugins_checks(installed(path), unreadable(path))
        machine = read_machine()
        torch = probe.wait()
    finally:
        probe.cancel()
    device = target_device(machine, torch, vram_gb)
    presets, models = _check_models(device)
    versions = _versions()
    checks = (
        sandbox_check(sandbox),
        CheckResult("machine", "ok", "versions", ", ".join(map(" ".join, versions.items()))),
        settings_check(),
        *machine_checks(machine, torch),
        *models,
        endpoint,
        *plugins,
        *extras_checks(find_extras()),
    )
    return DoctorReport(sandbox, machine, versions, presets, device, checks)


def _check_endpoint(offline: bool) -> CheckResult:
    from viper.doctor.check_result import CheckResult
    from viper.doctor.endpoint import configured_endpoint, endpoint_check, request_models
    from viper.llm.replies import KEY_VARIABLE

    endpoint = configured_endpoint()
    if isinstance(endpoint, CheckResult):
        return endpoint
    if offline:
        found = f"No request was sent to {endpoint.url}: --offline."
        return CheckResult("endpoint", "note", "endpoint", found)
    reply = request_models(endpoint, os.environ.get(KEY_VARIABLE, "").strip())
    return endpoint_check(endpoint, reply)


def _check_models(
    device: TargetDevice | None,
) -> tuple[list[PresetOnDisk] | str, list[CheckResult]]:
    from viper.doctor.models import broken_presets_check, models_checks, presets_on_disk
    from viper.errors import ConfigError

    try:
        presets = presets_on_disk()
    except ConfigError as error:  # a broken presets file is the user's; all other checks still run
        return str(error), [broken_presets_check(str(error))]
    return presets, models_checks(presets, device)


def _versions() -> dict[str, str]:
    """Return the versions that the sandbox level depends on."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name, distribution in (("viper", "viper-vision"), ("RestrictedPython",) * 2):
        try:
            versions[name] = version(distribution)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions
