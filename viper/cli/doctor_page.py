"""The page that `viper doctor` prints for people."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Sequence

import click

from viper.cli.output import echo
from viper.doctor.check_result import CheckResult, summary
from viper.doctor.report import DoctorReport
from viper.doctor.sandbox import MEANINGS
from viper.texts.terminal import one_line
from viper_sandbox import LevelReport

__all__ = ["print_report"]

_MAX_COLUMNS = 100

# The sandbox comes first, in its own format.
_SECTIONS = {
    "machine": "Machine",
    "models": "Models for photographs (see viper models list)",
    "endpoint": "Language-model endpoint",
    "plugins": "Plugins",
    "extras": "Optional packages",
}

_COLORS = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "red"}


def print_report(report: DoctorReport) -> None:
    """Print a report on stdout, as wide as the terminal and at most 100 columns."""
    _print_sandbox(report.sandbox)
    for topic, heading in _SECTIONS.items():
        checks = [check for check in report.checks if check.topic == topic]
        if checks:
            echo(f"\n{heading}")
            _print_checks(checks)
        if topic == "models" and report.device is not None:
            _print_wrapped(report.device.estimate)
    echo(f"\n{summary(report.checks)}")


def _print_sandbox(report: LevelReport) -> None:
    echo(f"sandbox   {report.level}")
    if report.level == "none":
        _print_wrapped(report.sentence)
    _print_wrapped(MEANINGS[report.level])
    if report.acts:
        echo("\nWhat a confined process attempted, and what the kernel did:")
        _print_pairs(
            (act.name, f"{'refused' if act.refused else 'NOT REFUSED'}: {act.how}")
            for act in report.acts
        )
    if report.missing:
        echo("\nMechanisms that are not in force:")
        _print_pairs(report.missing)
    if report.remedy:
        echo("\nHow to fix it:")
        _print_wrapped(report.remedy)


def _print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    rows = list(pairs)
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        echo(f"  {name:<{width}}  {one_line(text)}")


def _print_checks(checks: Sequence[CheckResult]) -> None:
    """Print a section: level, title and result in columns, each fix below its result."""
    titles = [one_line(check.title) for check in checks]
    width = min(max(map(len, titles)), 20)
    indent = " " * (width + 13)
    for title, check in zip(titles, checks, strict=True):
        columns = f"  {check.level:<7}  {title:<{width}}  "
        _print_wrapped(check.found, columns, indent, color=_COLORS[check.level])
        if check.fix:
            _print_wrapped(check.fix, f"{indent}fix: ", f"{indent}     ")


def _print_wrapped(
    text: str, first: str = "  ", rest: str = "  ", color: str | None = None
) -> None:
    """Print untrusted text on lines that fit the terminal; `color` applies to the columns before it."""
    # Words are never broken, even where they do not fit, so that commands can be copied.
    lines = textwrap.wrap(
        one_line(text),
        max(min(shutil.get_terminal_size().columns, _MAX_COLUMNS), len(rest) + 20),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]
    text = "\n".join(lines)
    if color and not os.environ.get("NO_COLOR"):
        # click removes colors if stdout is not a terminal.
        echo(text[9:], before=click.style(text[:9], fg=color))
    else:
        echo(text)
