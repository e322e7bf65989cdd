"""`viper doctor`: what this machine can and cannot do for Viper."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from viper_sandbox import LevelReport

__all__ = ["doctor"]

_WIDTH = 100
# Columns that a sentence is wrapped to.

_MEANINGS = {
    "full": "The kernel refuses every forbidden act. Programs of the grammar, of language models and "
    "of strangers run here.",
    "partial": "Some forbidden act gets through. Programs of the grammar run here. Programs of a "
    "language model or a stranger are refused unless you accept the risk with --sandbox partial: such "
    "a program could do what got through.",
    "none": "No program runs here: viper ask and viper run fail with kind sandbox. viper generate still "
    "writes programs.",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def doctor(as_json: bool) -> None:
    """Say how strong the sandbox is on this machine, and which models are there.

    Programs are run in a process of their own that the kernel confines. Whether it does is not read off a
    list of features but tried: a confined process attempts each act that no program may do, such as
    to open a file or to reach the network, and what the kernel did is printed.

    \b
    full     every act is refused: programs of language models and strangers may run
    partial  a process of its own, with limits, that can be killed, but some act gets through:
             only programs of the grammar run, unless --sandbox partial accepts the risk
    none     no such process can be started: no program runs

    \b
    viper doctor           for you
    viper doctor --json    for a script or a bug report

    Exit status: 0 when the level is full, 1 otherwise, 2 usage.
    """
    import asyncio

    from viper.cli.output import print_json

    report = asyncio.run(_measure())
    if as_json:
        print_json(_to_json(report))
    else:
        _print(report)
    sys.exit(0 if report.level == "full" else 1)


async def _measure() -> LevelReport:
    from viper_sandbox import Jail

    async with Jail() as jail:
        return await jail.level()


def _to_json(report: LevelReport) -> dict[str, Any]:
    return {
        "sandbox": {
            "level": report.level,
            "sentence": report.sentence,
            "remedy": report.remedy or None,
            "acts": [
                {"name": act.name, "refused": act.refused, "how": act.how} for act in report.acts
            ],
            "missing": [
                {"mechanism": mechanism, "reason": reason} for mechanism, reason in report.missing
            ],
            "trouble": report.trouble or None,
        },
        **_surroundings(),
        "models": _presets_on_disk(),
    }


def _print(report: LevelReport) -> None:
    from viper.cli.output import one_line

    click.echo(f"sandbox   {report.level}")
    if report.level == "none":
        _paragraph(one_line(report.sentence))
    _paragraph(_MEANINGS[report.level])
    if report.acts:
        click.echo("\nWhat a confined process attempted, and what the kernel did:")
        width = max(len(act.name) for act in report.acts)
        for act in report.acts:
            verdict = f"refused: {act.how}" if act.refused else f"NOT REFUSED: {act.how}"
            click.echo(f"  {act.name:<{width}}  {one_line(verdict)}")
    if report.missing:
        click.echo("\nMechanisms that are not in force:")
        width = max(len(mechanism) for mechanism, _ in report.missing)
        for mechanism, reason in report.missing:
            click.echo(f"  {mechanism:<{width}}  {one_line(reason)}")
    if report.remedy:
        click.echo("\nWhat would close it:")
        _paragraph(one_line(report.remedy))
    surroundings = _surroundings()
    versions = ", ".join(f"{name} {text}" for name, text in surroundings["versions"].items())
    click.echo(f"\npython    {surroundings['python']}")
    click.echo(f"platform  {surroundings['platform']}")
    click.echo(f"versions  {versions}")
    click.echo("\nPresets for photographs (see viper models list):")
    for name, state in _presets_on_disk().items():
        click.echo(f"  {name:<6}  {one_line(state)}")


def _paragraph(text: str) -> None:
    click.echo(click.wrap_text(text, _WIDTH, initial_indent="  ", subsequent_indent="  "))


def _surroundings() -> dict[str, Any]:
    """Return what the level depends on: interpreter, system, versions."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for shown, distribution in (("viper", "viper-vision"), ("RestrictedPython",) * 2):
        try:
            versions[shown] = version(distribution)
        except PackageNotFoundError:
            versions[shown] = "not installed"
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": versions,
    }


def _presets_on_disk() -> dict[str, str]:
    """Return what is on disk of each preset that takes its models from the hub."""
    from viper.errors import ConfigError
    from viper.presets import load_presets, missing_models

    states = {}
    try:
        for preset in load_presets().values():
            if preset.models:
                missing, needed = len(missing_models(preset)), len(preset.models)
                states[preset.name] = (
                    "complete"
                    if not missing
                    else f"{needed - missing} of {needed} models on disk; viper models pull {preset.name}"
                )
    except ConfigError as error:  # a broken file of presets is the user's; the rest is still true
        states["error"] = str(error)
    return states
