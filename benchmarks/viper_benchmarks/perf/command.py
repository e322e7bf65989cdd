"""What all speed benchmarks share: the command, machine and versions, the JSON object, the table.

A benchmark module has three functions: `measure` returns the figures as a JSON object, `table` shows them to
people with the goals, and a command named like the module joins both.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeAlias

import click

from viper.storage.files import make_folder, write_file
from viper.texts.terminal import json_text
from viper_benchmarks.perf.machine import describe_machine, describe_versions

__all__ = [
    "BenchmarkError",
    "Result",
    "Row",
    "benchmark",
    "figure",
    "goal",
    "machine_text",
    "number_option",
    "rounds_option",
    "with_machine",
]

P = ParamSpec("P")

Result: TypeAlias = "dict[str, Any]"
"""The JSON object of a benchmark: figures, and what they were measured on."""

_UNITS = {"per_s": "/s", "s": "s", "ms": "ms", "us": "µs", "kb": "KB", "mb": "MB", "ratio": "×"}
"""Part of a figure's name → its unit."""


class BenchmarkError(click.ClickException):
    """The figure would be meaningless because something did not do its work. Ends the command."""


class Row(NamedTuple):
    """One line of the table."""

    figure: str
    value: str
    goal: str
    """The bound with "reached" or "missed"; empty without a goal."""
    meaning: str


def number_option(
    *names: str, default: Any, text: str, least: int = 1, **more: Any
) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """Return an option for a whole number, with its default, help and lower bound."""
    return click.option(
        *names,
        type=click.IntRange(min=least),
        default=default,
        show_default=True,
        help=text,
        **more,
    )


rounds_option = number_option(
    "--rounds",
    default=5,
    text="Repetitions of every measurement; a figure is the median over all of them.",
)


def benchmark(
    table: Callable[[Result], Sequence[Row]],
) -> Callable[[Callable[..., Result]], click.Command]:
    """Make a command, with `--json` and `--output`, of a function that measures.

    Args:
        table: Returns the rows of the printed table.
    """

    def decorate(measure: Callable[..., Result]) -> click.Command:
        @click.command()
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
        @click.option(
            "--output",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Also write the JSON object to this file.",
        )
        @functools.wraps(measure)
        def command(as_json: bool, output: Path | None, **options: Any) -> None:
            result = measure(**options)
            if output is not None:
                make_folder(output.parent)
                write_file(output, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
            if as_json:
                click.echo(json_text(result))
            else:
                _print_table(table(result))

        return command

    return decorate


def with_machine(
    *distributions: str,
) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """Add `machine`, as it was before the measurement, and `versions` to the result of a function.

    Args:
        distributions: Distributions whose versions are added to Viper's.
    """

    def decorate(measure: Callable[P, Result]) -> Callable[P, Result]:
        @functools.wraps(measure)
        def run(*args: P.args, **kwargs: P.kwargs) -> Result:
            machine = describe_machine()  # before the load of the benchmark itself
            result = measure(*args, **kwargs)
            return {
                **result,
                "machine": machine | result.get("machine", {}),
                "versions": describe_versions(("viper-vision", *distributions)),
            }

        return run

    return decorate


def goal(value: float, bound: float, unit: str = "", *, at_least: bool = False) -> str:
    """Return a bound as text, and whether a value reaches it."""
    reached = value >= bound if at_least else value <= bound
    text = f"{'≥' if at_least else '≤'} {bound:g} {unit}" if bound else "0"
    return f"{text}, {'reached' if reached else 'missed'}"


def figure(
    result: Result,
    name: str,
    meaning: str = "",
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """Return the row of one number of a result; its name says the unit."""
    value, bound = result[name], at_most if at_least is None else at_least
    unit = next((unit for part, unit in _UNITS.items() if f"_{part}_" in f"_{name}_"), "")
    reached = "" if bound is None else goal(value, bound, unit, at_least=at_least is not None)
    return Row(name, f"{value:,g} {unit}".strip(), reached, meaning)


def machine_text(result: Result) -> str:
    """Return machine, load and Python version of a result in one line."""
    machine = result["machine"]
    return (
        f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average_1min']}, "
        f"{result['versions']['python']}"
    )


def _print_table(rows: Sequence[Row]) -> None:
    """Print figures one below the other, columns aligned."""
    table = (Row("figure", "value", "goal", "meaning"), *rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        name, value, reached, meaning = row
        click.echo(f"{name:<{widths[0]}}  {value:>{widths[1]}}  {reached:<{widths[2]}}  {meaning}")
