"""`viper lint FILE`: check a program without running it."""

from __future__ import annotations

import sys
from typing import Any

import click

from viper.cli.options import output_options

__all__ = ["lint"]


@click.command()
@click.argument("file")
@output_options
def lint(file: str, as_json: bool, debug: bool) -> None:
    """Check the program in FILE (- is stdin) against the language and the API.

    Prints one line per finding, FILE:LINE: kind: message. Exit status: 0 clean, 1 findings.
    """
    from viper.cli.files import read_text
    from viper.cli.output import one_line, print_error, print_json, show_warnings
    from viper.engine.engine import Engine
    from viper.errors import ViperError

    if not debug:
        show_warnings()  # of modules that are broken
    findings: list[dict[str, Any]] = []
    failure = None
    try:
        source = read_text(file, what="program")
        with Engine() as engine:
            for finding in engine.check(source).findings:
                message = finding.message
                findings.append({"kind": finding.kind, "line": finding.line, "message": message})
    except ViperError as error:
        print_error(error, debug=debug)
        failure = {"kind": error.kind, "line": None, "message": str(error)}
    if as_json:
        print_json({"file": file, "findings": findings, "failure": failure})
    else:
        for found in findings:
            click.echo(f"{file}:{found['line']}: {found['kind']}: {one_line(found['message'])}")
    sys.exit(1 if findings or failure else 0)
