"""What `viper doctor` saw, as the page for people and as the object for scripts."""

from __future__ import annotations

import itertools
import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from viper.cli.output import one_line
from viper.doctor.check_result import CheckResult, summary
from viper.doctor.machine import Machine
from viper.doctor.models import Place, PresetOnDisk, how_estimated
from viper.doctor.sandbox import MEANINGS

if TYPE_CHECKING:
    from viper_sandbox import LevelReport

__all__ = ["DoctorReport"]

_WIDEST = 100
# Columns that a sentence is wrapped to at most.

_SECTIONS = {
    "machine": "Machine",
    "models": "Models for photographs (see viper models list)",
    "endpoint": "Endpoint of language models",
    "plugins": "Plugins",
    "extras": "Optional packages",
}
# The sandbox, which comes first, has a page of its own.

_COLORS = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "red"}


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Everything that was looked at."""

    report: LevelReport
    """Of the sandbox."""
    machine: Machine
    versions: Mapping[str, str]
    """Of Viper, and of what the sandbox's level depends on."""
    presets: Sequence[PresetOnDisk] | str
    """What is on disk, or why the file of presets cannot be used."""
    place: Place | None
    """Where models would run."""
    findings: tuple[CheckResult, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `--json`."""
        report = self.report
        return {
            "sandbox": {
                "level": report.level,
                "sentence": report.sentence,
                "remedy": report.remedy or None,
                "acts": [
                    {"name": act.name, "refused": act.refused, "how": act.how}
                    for act in report.acts
                ],
                "missing": [
                    {"mechanism": mechanism, "reason": reason}
                    for mechanism, reason in report.missing
                ],
                "trouble": report.trouble or None,
            },
            "python": self.machine.python,
            "platform": self.machine.platform,
            "versions": dict(self.versions),
            "models": {"error": self.presets}
            if isinstance(self.presets, str)
            else {one.preset.name: one.state for one in self.presets},
            "findings": [finding.to_json() for finding in self.findings],
        }

    def print(self) -> None:
        """Print the page on stdout, as wide as the terminal and at most 100 columns."""
        _print_sandbox(self.report)
        for topic, heading in _SECTIONS.items():
            findings = [finding for finding in self.findings if finding.topic == topic]
            if findings:
                click.echo(f"\n{heading}")
                _print_findings(findings)
            if topic == "models" and self.place is not None:
                _paragraph(how_estimated(self.place))
        click.echo(f"\n{summary(self.findings)}")


def _print_sandbox(report: LevelReport) -> None:
    click.echo(f"sandbox   {report.level}")
    if report.level == "none":
        _paragraph(report.sentence)
    _paragraph(MEANINGS[report.level])
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
        _paragraph(report.remedy)


def _print_findings(findings: Sequence[CheckResult]) -> None:
    """Print a section: level, title and what was found in columns, each cure below."""
    titles = max(len(one_line(finding.title)) for finding in findings)
    indent = 2 + 7 + 2 + min(titles, 20) + 2  # the longest word of a level has 7 letters
    for finding in findings:
        title = one_line(finding.title)
        first, *rest = _lines(finding.found, indent)
        level = _colored(f"{finding.level:<7}", finding.level)
        click.echo(f"  {level}  {title:<{indent - 13}}  {first}")
        for line in rest:
            click.echo(" " * indent + line)
        if finding.cure:
            marks = itertools.chain(["cure: "], itertools.repeat("      "))
            for mark, line in zip(marks, _lines(finding.cure, indent + 6), strict=False):
                click.echo(" " * indent + mark + line)


def _lines(text: str, indent: int) -> list[str]:
    """Return a text of anybody as printable lines that fit beside an indent."""
    # A command is not broken inside a word, even where it does not fit: it is to be copied.
    wrapped = textwrap.wrap(
        one_line(text),
        max(_columns() - indent, 20),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped or [""]


def _paragraph(text: str) -> None:
    for line in _lines(text, 2):
        click.echo(f"  {line}")


def _columns() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)


def _colored(text: str, level: str) -> str:
    # click leaves colours out where stdout is no terminal.
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=_COLORS[level])
