"""`viper replay RUN.json`: a recorded run once more, or with a changed program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.cli.options import output_options, trace_options

if TYPE_CHECKING:
    from viper.errors import ViperError
    from viper.replay.again import Replayed
    from viper.trace.read import TraceFile

__all__ = ["replay"]

_MOST_SHOWN = 20


@click.command()
@click.argument("run", metavar="RUN.json")
@click.option(
    "--edit",
    "program_path",
    metavar="FILE",
    help="Run this program instead of the recorded ones; - reads it from stdin. What was asked in the record "
    "is answered from there, in any order; models are asked for what is new.",
)
@click.option(
    "--image",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --edit: the picture, for calls that are new. Without it the picture in RUN.json counts, or a "
    "file of its name beside RUN.json or in the working directory. It must be the same picture.",
)
@click.option(
    "--models",
    metavar="PRESET",
    help="With --edit: the models for calls that are new. Without it those of the record, as far as a preset "
    "names them too: a file that somebody sent loads no model of its own choice.",
)
@click.option(
    "--backend",
    "backends",
    metavar="ROLE=NAME:REFERENCE",
    multiple=True,
    help="With --edit: serve a role with this model; repeatable.",
)
@click.option(
    "--sandbox",
    type=click.Choice(["full", "partial"]),
    default="full",
    show_default=True,
    help="Least sandbox level: the programs of a trace are a stranger's.",
)
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    help="Longest time for all of it.",
)
@click.option("--show-program", is_flag=True, help="Print the program on stderr.")
@trace_options
@output_options
def replay(run: str, program_path: str | None, **options: Any) -> None:
    """Run the programs of a trace again, without any model, and compare.

    \b
    viper ask examples/shapes.png "How many cubes are there?" --trace run.json
    viper replay run.json                         the answer again; stderr says "identical", or what differs
    viper replay run.json --trace again.json      the same bytes as run.json
    viper replay run.json --edit program.py       another program on the recorded world

    Each program runs in the sandbox, and each of its calls gets the recorded result. What cannot be repeated
    (a timeout, a program that could not be written) is taken from the record, and stderr says so. Times and
    costs are the record's.

    Exit status: 0 identical and answered, 1 something differs or there is no answer, 2 usage.
    """
    from viper.cli.output import print_error, print_json, show_log
    from viper.cli.settings import apply_settings
    from viper.errors import ConfigError, ViperError
    from viper.trace.files import check_suffix
    from viper.trace.read import read_trace_file

    if options["debug"]:
        show_log()
    try:
        if options["trace_path"] is not None:
            check_suffix(options["trace_path"])
        # Models are those of the record, or given here: none are taken from settings.
        apply_settings(options, only=("sandbox", "timeout_s"))
        if program_path is None and (options["image"] or options["models"] or options["backends"]):
            raise ConfigError(
                "--image, --models and --backend are for new calls, which only a changed program makes: "
                "give it with --edit FILE."
            )
        recorded = read_trace_file(run)
        if program_path is None:
            status = _again(recorded, Path(run).parent, options)
        else:
            status = _changed(recorded, Path(run).parent, program_path, options)
    except ViperError as error:
        print_error(error, debug=options["debug"])
        if options["as_json"]:
            print_json(_failed_json(error))
        status = 1
    sys.exit(status)


def _again(recorded: TraceFile, folder: Path, options: dict[str, Any]) -> int:
    """Repeat a run and compare; return the exit status."""
    from viper.cli.output import failure_line, notice, one_line, print_json, printable
    from viper.replay import replay as run_again

    replayed = run_again(recorded.trace, sandbox=options["sandbox"], timeout_s=options["timeout_s"])
    answer = replayed.answer
    if options["show_program"] and answer.program is not None:
        click.echo(printable(answer.program), err=True)
    if options["as_json"]:
        print_json(_json(replayed))
    elif answer.failure is None:
        click.echo(one_line(answer.text or ""))
    for taken in replayed.taken:
        notice(taken)
    if answer.failure is not None:
        notice(failure_line(answer.failure))
    count = len(replayed.differences)
    if replayed.identical:
        notice(f"identical: {_counted(replayed)}; no model was asked.")
    else:
        notice(f"{count} {'difference' if count == 1 else 'differences'} from the record:")
    for difference in replayed.differences[:_MOST_SHOWN]:
        notice(str(difference))
    if count > _MOST_SHOWN:
        notice(f"… and {count - _MOST_SHOWN} more (--json tells all).")
    if options["trace_path"] is not None:
        _save_again(replayed, recorded, folder, options)
    return 0 if replayed.identical and answer.failure is None else 1


def _save_again(
    replayed: Replayed, recorded: TraceFile, folder: Path, options: dict[str, Any]
) -> None:
    """Write what happened; JSON gets the pictures that the record has, a page the one that is found."""
    from viper.errors import InputError
    from viper.replay.changed import find_picture
    from viper.trace.files import trace_text, write_trace

    path: Path = options["trace_path"]
    if path.suffix != ".json":
        found = find_picture(recorded.trace, recorded.embedded, folders=(folder, Path()))
        write_trace(path, replayed.answer.trace, found.image)
        return
    value = replayed.answer.trace.to_json()
    if recorded.embedded is not None:
        value["embedded"] = recorded.embedded
    try:
        path.write_text(trace_text(value), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The trace cannot be written to {str(path)!r}: {error.strerror}."
        ) from error


def _changed(recorded: TraceFile, folder: Path, program_path: str, options: dict[str, Any]) -> int:
    """Run a changed program; return the exit status."""
    from viper.cli.ask import leave, print_answer, save_trace
    from viper.cli.files import read_text
    from viper.cli.output import LoadingSpinner, notice, show_warnings
    from viper.engine.engine import Engine
    from viper.replay.changed import find_picture, run_changed, trusted_backends

    trace = recorded.trace
    source = read_text(program_path, what="program")
    picture = find_picture(
        trace, recorded.embedded, given=options["image"], folders=(folder, Path())
    )
    of_record = trusted_backends(trace.models)
    given = _given_backends(options["backends"])
    kept = {} if options["models"] else of_record.backends
    if not options["debug"]:
        show_warnings()
    engine = Engine(
        options["models"] or "none",
        backends=kept | given,
        timeout_s=options["timeout_s"],
        sandbox=options["sandbox"],
        on_loading=LoadingSpinner(),
    )
    try:
        changed = run_changed(
            trace, source, engine, picture, not_trusted=_not_given(of_record.others, given, options)
        )
    except BaseException:
        engine.close(timeout_s=1.0)
        raise
    if engine.config.is_stubbed:
        notice("stub results: nothing here is an answer about the picture.")
    counts = {"recalled": changed.recalled, "asked": changed.asked}
    status = print_answer(changed.answer, options, more=counts)
    notice(f"{_calls(changed.recalled)} answered from the record, {changed.asked} asked of models.")
    if options["trace_path"] is not None:
        status = max(status, save_trace(changed.answer, options["trace_path"], options))
    if not engine.close(timeout_s=1.0):
        leave(status)
    return status


def _given_backends(texts: tuple[str, ...]) -> dict[str, str]:
    from viper.errors import ConfigError

    backends: dict[str, str] = {}
    for text in texts:
        role, equals, reference = text.partition("=")
        if not equals:
            raise ConfigError(
                f"--backend takes ROLE=NAME:REFERENCE, such as detector=builtin, but got {text!r}."
            )
        backends[role.strip()] = reference.strip()
    return backends


def _not_given(
    others: dict[str, str], given: dict[str, str], options: dict[str, Any]
) -> dict[str, str]:
    """Return the models of the record that nothing stands for."""
    if options["models"]:
        return {}
    return {role: reference for role, reference in others.items() if role not in given}


def _json(replayed: Replayed) -> dict[str, Any]:
    answer = replayed.answer
    return {
        "identical": replayed.identical,
        "differences": [
            {"path": d.path, "recorded": d.first, "replayed": d.second}
            for d in replayed.differences
        ],
        "from_record": list(replayed.taken),
        "programs": len(answer.trace.attempts),
        "calls": replayed.calls,
        "answer": answer.text,
        "failure": answer.failure.to_json() if answer.failure else None,
    }


def _failed_json(error: ViperError) -> dict[str, Any]:
    failure = {"kind": error.kind, "line": None, "message": str(error)}
    return {"identical": None, "answer": None, "failure": failure}


def _counted(replayed: Replayed) -> str:
    programs = len(replayed.answer.trace.attempts)
    counted = "1 program" if programs == 1 else f"{programs} programs"
    return f"{counted}, {_calls(replayed.calls)}"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"
