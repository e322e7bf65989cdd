"""`viper lint FILE`: check a program without running it."""

from __future__ import annotations

import sys

import click

from viper.cli.errors import exit_on_error
from viper.cli.files import read_text
from viper.cli.options import output_options
from viper.cli.output import echo, print_json, show_warnings
from viper.texts.terminal import one_line

__all__ = ["lint"]


@click.command()
@click.argument("file")
@output_options
def lint(file: str, as_json: bool, debug: bool) -> None:
    """Check the program in FILE (- is stdin) against the language and the API.

    Prints one line per finding, FILE:LINE: kind: message. Exit status: 0 clean, 1 findings.
    """
    from viper.engine.engine import Engine

    if not debug:
        show_warnings()  # about broken modules
    failed = {"file": file, "findings": []} if as_json else None
    with exit_on_error(debug=debug, failed=failed):
        source = read_text(file, what="program")
        with Engine() as engine:
            findings = engine.check(source).findings
    if as_json:
        print_json({"file": file, "findings": [one._asdict() for one in findings], "failure": None})
    else:
        for one in findings:
            echo(f"{file}:{one.line}: {one.kind}: {one_line(one.message)}")
    sys.exit(1 if findings else 0)
