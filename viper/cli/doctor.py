"""`viper doctor`: check what works on this machine, and say how to fix the rest."""

from __future__ import annotations

import sys

import click

from viper.cli.options import json_option
from viper.cli.output import print_json

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
@json_option
def doctor(vram_gb: float | None, offline: bool, as_json: bool) -> None:
    """Check what works on this machine, and say how to fix what does not.

    The first check is the sandbox. Programs run in a separate process that the kernel confines. The level
    is measured, not read from a list of kernel features: a confined process attempts each act that is
    forbidden to programs, such as opening a file or a network connection, and the result is printed.

    \b
    full     every act is refused: programs of language models and strangers may run
    partial  programs run in a separate process with limits, which can be killed, but some forbidden
             acts succeed: only programs of the grammar run, unless --sandbox partial accepts the risk
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
    from viper.cli.doctor_page import print_report
    from viper.cli.spinner import spinner
    from viper.doctor.report import run_checks

    with spinner("Checking this machine"):
        report = run_checks(vram_gb, offline=offline)
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)
    sys.exit(0 if report.sandbox.level == "full" else 1)


def _refuse_nan(value: float | None) -> float | None:
    if value != value:
        raise click.BadParameter(f"{value} is not a number of GB.")
    return value
