"""`viper trace show|diff|schema`: show and compare recorded runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from viper.cli.errors import exit_on_error
from viper.cli.options import output_options
from viper.cli.output import echo, print_json

if TYPE_CHECKING:
    from viper.trace import Trace

__all__ = ["trace"]


@click.group()
def trace() -> None:
    """Read and compare recorded runs: what viper ask … --trace FILE.json wrote.

    \b
    viper trace show run.json
    viper trace diff run.json other.json
    viper trace schema > viper-trace.schema.json

    To run one again, see viper replay.
    """


@trace.command()
@click.argument("run", metavar="RUN.json")
@click.option(
    "--all", "every_call", is_flag=True, help="Show every call of a line, not only the first 8."
)
@output_options
def show(run: str, every_call: bool, as_json: bool, debug: bool) -> None:
    """Show a run: question, answer, programs, and under each line the calls that it made.

    With --json, prints what viper ask --json printed for it. Colors are left out where NO_COLOR is set.
    """
    from viper.cli.trace_text import show_trace

    recorded = _read(run, debug=debug)
    if as_json:
        print_json(recorded.summary_json())
    else:
        show_trace(recorded, every_call=every_call)


@trace.command()
@click.argument("first", metavar="A.json")
@click.argument("second", metavar="B.json")
@click.option("--times", is_flag=True, help="Compare times, forwards and costs as well.")
@output_options
def diff(first: str, second: str, times: bool, as_json: bool, debug: bool) -> None:
    """List the differences between two runs: question, programs, calls, answers.

    Two calls are the same if method, box and arguments are equal; their order does not matter. Exit status:
    0 the same, 1 something differs, or a file cannot be read, 2 usage.
    """
    from viper.cli.trace_text import show_comparison
    from viper.trace.compare import compare

    found = compare(_read(first, debug=debug), _read(second, debug=debug), times=times)
    if as_json:
        print_json(found.to_json())
    else:
        show_comparison(found)
    sys.exit(0 if found.same else 1)


@trace.command()
def schema() -> None:
    """Print the JSON Schema of trace files."""
    from viper.trace.schema import schema_text

    echo(schema_text())


def _read(path: str, *, debug: bool) -> Trace:
    from viper.trace.read import read_trace

    with exit_on_error(debug=debug):
        return read_trace(path)
