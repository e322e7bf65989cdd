"""`viper doctor`: what this machine can and cannot do for Viper, and what to do about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from viper.cli.doctor_page import DoctorReport
    from viper.doctor.check_result import CheckResult
    from viper.doctor.models import Place, PresetOnDisk

__all__ = ["doctor"]


@click.command()
@click.option(
    "--vram",
    "vram_gb",
    metavar="GB",
    type=click.FloatRange(min=0, min_open=True),
    callback=lambda ctx, parameter, value: _finite(value),
    help="Say which presets fit into a GPU with this much memory, instead of what is here.",
)
@click.option("--offline", is_flag=True, help="Do not ask the endpoint of language models.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def doctor(vram_gb: float | None, offline: bool, as_json: bool) -> None:
    """Say what works on this machine, what does not, and what to do about it.

    First the sandbox. Programs are run in a process of their own that the kernel confines. Whether it does
    is not read off a list of features but tried: a confined process attempts each act that no program
    may do, such as to open a file or to reach the network, and what the kernel did is printed.

    \b
    full     every act is refused: programs of language models and strangers may run
    partial  a process of its own, with limits, that can be killed, but some act gets through:
             only programs of the grammar run, unless --sandbox partial accepts the risk
    none     no such process can be started: no program runs

    Then, a line for each thing that was looked at (ok, note, warning, problem) and below it the cure:
    settings, Python and torch, devices and memory, models on disk and which presets fit, the endpoint of
    language models (asked for its list of models, for three seconds at most), plugins, and optional packages.

    \b
    viper doctor              for you
    viper doctor --vram 12    which models to choose for a GPU with 12 GB
    viper doctor --offline    without a word to the endpoint of language models
    viper doctor --json       for a script or a bug report

    Exit status: 0 when the level is full, 1 otherwise, 2 usage. Nothing else that is found changes it.
    """
    from viper.cli.output import print_json
    from viper.cli.spinner import spinner

    with spinner("Looking at this machine"):
        seen = _look(vram_gb, offline)
    if as_json:
        print_json(seen.to_json())
    else:
        seen.print()
    sys.exit(0 if seen.report.level == "full" else 1)


def _finite(value: float | None) -> float | None:
    if value is not None and not value < 1e6:  # nan is not, either
        raise click.BadParameter(f"{value} is no number of GB that a GPU has.")
    return value


def _look(vram_gb: float | None, offline: bool) -> DoctorReport:
    """Look at everything; torch, which is slow, is asked first and waited for last."""
    import asyncio

    from viper.cli.doctor_page import DoctorReport
    from viper.doctor.check_result import CheckResult
    from viper.doctor.machine import look_at_machine, machine_findings
    from viper.doctor.models import place_of
    from viper.doctor.plugins import extras_findings, find_extras, plugins_findings
    from viper.doctor.sandbox import measure_sandbox, sandbox_finding
    from viper.doctor.settings import settings_finding
    from viper.doctor.torch_facts import TorchQuestion
    from viper.plugins import installed, unreadable

    question = TorchQuestion()
    try:
        report = asyncio.run(measure_sandbox())
        endpoint = _endpoint(offline)
        path = tuple(sys.path)
        told = plugins_findings(installed(path), unreadable(path))
        others = [*told, *extras_findings(find_extras())]
        machine = look_at_machine()
        torch = question.wait()
    finally:
        question.cancel()
    place = place_of(machine, torch, vram_gb)
    presets, models = _models(place)
    versions = _versions()
    named = ", ".join(f"{name} {text}" for name, text in versions.items())
    findings = [
        sandbox_finding(report),
        CheckResult("machine", "ok", "versions", named),
        settings_finding(),
        *machine_findings(machine, torch),
        *models,
        endpoint,
        *others,
    ]
    return DoctorReport(report, machine, versions, presets, place, tuple(findings))


def _endpoint(offline: bool) -> CheckResult:
    from viper.doctor.check_result import CheckResult
    from viper.doctor.endpoint import ask_endpoint, endpoint_finding, endpoint_of
    from viper.llm.replies import KEY_VARIABLE

    endpoint = endpoint_of()
    if isinstance(endpoint, CheckResult):
        return endpoint
    if offline:
        return CheckResult(
            "endpoint", "note", "endpoint", f"{endpoint.url} was not asked: --offline."
        )
    reply = ask_endpoint(endpoint, os.environ.get(KEY_VARIABLE, "").strip())
    return endpoint_finding(endpoint, reply)


def _models(place: Place | None) -> tuple[list[PresetOnDisk] | str, list[CheckResult]]:
    from viper.doctor.models import broken_presets_finding, models_findings, presets_on_disk
    from viper.errors import ConfigError

    try:
        presets = presets_on_disk()
    except ConfigError as error:  # a broken file of presets is the user's; the rest is still true
        return str(error), [broken_presets_finding(str(error))]
    return presets, models_findings(presets, place)


def _versions() -> dict[str, str]:
    """Return the versions that the level depends on."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for shown, distribution in (("viper", "viper-vision"), ("RestrictedPython",) * 2):
        try:
            versions[shown] = version(distribution)
        except PackageNotFoundError:
            versions[shown] = "not installed"
    return versions
