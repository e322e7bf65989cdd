"""`viper lint FILE`: check a program without running it."""

from __future__ import annotations

import sys

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
    try:
        source = read_text(file, what="program")
        with Engine() as engine:
            report = engine.check(source)
    except ViperError as error:
        print_error(error, debug=debug)
        if as_json:
            print_json(
                {
                    "file": file,
                    "findings": [],
                    "failure": {"kind": error.kind, "line": None, "message": str(error)},
                }
            )
        sys.exit(1)
    if as_json:
        print_json(
            {
                "file": file,
                "findings": [
                    {"kind": f.kind, "line": f.line, "message": f.message} for f in report.findings
                ],
                "failure": None,
            }
        )
    else:
        for finding in report.findings:
            click.echo(f"{file}:{finding.line}: {finding.kind}: {one_line(finding.message)}")
    sys.exit(1 if report.findings else 0)
