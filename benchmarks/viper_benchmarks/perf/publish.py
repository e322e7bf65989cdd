"""What every benchmark of the engine prints and writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

__all__ = ["BenchmarkError", "Row", "output_options", "print_table", "publish", "result_options"]

F = TypeVar("F", bound=Callable[..., Any])


class BenchmarkError(click.ClickException):
    """There is no honest figure: something did not do what is to be measured. Ends the command."""


class Row(NamedTuple):
    """One line of the table for people."""

    figure: str
    value: str
    goal: str
    """What it is to reach, with "reached" or "missed"; empty where there is no goal."""
    meaning: str


def output_options(function: F) -> F:
    """Add `--json` and `--output`, as `as_json` and `output`."""
    for option in (
        click.option(
            "--output",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Also write the JSON object to this file.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
    ):
        function = option(function)
    return function


def result_options(function: F) -> F:
    """Add `--rounds` to the same, as `rounds`."""
    rounds = click.option(
        "--rounds",
        type=click.IntRange(min=1),
        default=5,
        show_default=True,
        help="Times that everything is measured; a figure is the median over all of them.",
    )
    return rounds(output_options(function))


def publish(
    result: dict[str, Any], rows: Sequence[Row], *, as_json: bool, output: Path | None
) -> None:
    """Print a result, as JSON or as a table, and write it to `output` if that is given."""
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=1, ensure_ascii=False)
        output.write_text(text + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        print_table(rows)


def print_table(rows: Sequence[Row]) -> None:
    """Print figures one below the other, columns aligned."""
    header = Row("figure", "value", "goal", "what it is")
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(3)]
    for row in (header, *rows):
        figure, value, goal = (
            row.figure.ljust(widths[0]),
            row.value.rjust(widths[1]),
            row.goal.ljust(widths[2]),
        )
        click.echo(f"{figure}  {value}  {goal}  {row.meaning}")
