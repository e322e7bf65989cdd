"""`viper replay RUN.json`: replay a recorded run, or run a changed program on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.cli.ask import print_answer, save_trace
from viper.cli.errors import checked_options, exit_on_error
from viper.cli.files import read_text
from viper.cli.options import (
    backend_option,
    backend_overrides,
    engine_option,
    output_options,
    show_program_option,
    trace_options,
)
from viper.cli.output import (
    counted,
    echo,
    failure_line,
    notice,
    print_json,
    show_log,
    show_warnings,
)
from viper.cli.process import finish
from viper.cli.settings import apply_settings
from viper.errors import ConfigError
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from viper.replay.again import Replayed
    from viper.trace import Trace

__all__ = ["replay"]

_MAX_DIFFERENCES = 20


@click.command()
@click.argument("run", metavar="RUN.json")
@click.option(
    "--edit",
    "program_path",
    metavar="FILE",
    help="Run this program instead of the recorded ones; - reads it from stdin. Calls in the record are "
    "answered from there, in any order; only new calls go to models.",
)
@click.option(
    "--image",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --edit: the image, for new calls; by default the image in RUN.json, or a file of the same "
    "name next to RUN.json or in the working directory. It must be the same image.",
)
@engine_option(
    "models",
    default=None,
    help="With --edit: the models for new calls; by default the recorded ones that also occur in a preset, "
    "so that somebody else's file cannot choose which models are loaded.",
)
@backend_option("With --edit: serve a role with this model; repeatable.")
@engine_option("sandbox", help="Minimum sandbox level; programs from a trace are not trusted.")
@engine_option("timeout_s", help="Time limit for the whole replay.")
@show_program_option
@trace_options
@output_options
def replay(run: str, program_path: str | None, **options: Any) -> None:
    """Run the programs of a trace again, without any model, and compare.

    \b
    viper ask examples/shapes.png "How many cubes are there?" --trace run.json
    viper replay run.json                         the answer again; stderr says "identical", or what differs
    viper replay run.json --trace again.json      the same bytes as run.json
    viper replay run.json --edit program.py       another program with the recorded calls

    Each program runs in the sandbox, and each of its calls gets the recorded result. What cannot be repeated
    (a timeout, a program that could not be written) is taken from the record, and stderr says so. Times and
    costs are the record's.

    Exit status: 0 identical and answered, 1 something differs or there is no answer, 2 usage; with --edit
    that of viper ask.
    """
    from viper.trace.files import check_place
    from viper.trace.read import read_trace

    if options["debug"]:
        show_log()
    failed = {"identical": None, "answer": None} if options["as_json"] else None
    with exit_on_error(debug=options["debug"], failed=failed):
        with checked_options():
            if options["trace_path"] is not None:
                check_place(options["trace_path"])
            _check_combination(program_path, options)
        # Models come from the record or the command line, never from settings.
        apply_settings(options, only=("sandbox", "timeout_s"))
        recorded = read_trace(run)
        if program_path is None:
            status = _again(recorded, Path(run).parent, options)
        else:
            status = _changed(recorded, Path(run).parent, program_path, options)
    finish(status)


def _check_combination(program_path: str | None, options: dict[str, Any]) -> None:
    """Check options that only a changed program makes sense of.

    Raises:
        ConfigError: One was given without such a program.
    """
    if program_path is None and (options["image"] or options["models"] or options["backends"]):
        raise ConfigError(
            "--image, --models and --backend are for new calls, which only a changed program makes: "
            "give it with --edit FILE."
        )


def _again(trace: Trace, folder: Path, options: dict[str, Any]) -> int:
    """Repeat a run and compare; return the exit status."""
    from viper.replay import replay as run_again
    from viper.replay.changed import find_image
    from viper.trace.files import write_trace

    replayed = run_again(trace, sandbox=options["sandbox"], timeout_s=options["timeout_s"])
    answer = replayed.answer
    if options["show_program"] and answer.program is not None:
        echo(answer.program, err=True)
    if options["as_json"]:
        print_json(_json(replayed))
    elif answer.failure is None:
        echo(one_line(str(answer)))
    for sentence in replayed.from_record:
        notice(sentence)
    if answer.failure is not None:
        notice(failure_line(answer.failure))
    count = len(replayed.differences)
    if replayed.identical:
        programs = counted(len(answer.trace.attempts), "program")
        notice(f"identical: {programs}, {counted(replayed.calls, 'call')}; no model was asked.")
    else:
        notice(f"{counted(count, 'difference')} from the record:")
    for difference in replayed.differences[:_MAX_DIFFERENCES]:
        notice(str(difference))
    if count > _MAX_DIFFERENCES:
        notice(f"… and {count - _MAX_DIFFERENCES} more (--json lists all).")
    if options["trace_path"] is not None:
        path: Path = options["trace_path"]
        # JSON keeps the images of the record; a page shows the image file, if it is found.
        is_page = path.suffix != ".json"
        image = find_image(trace, folders=(folder, Path())).image if is_page else None
        write_trace(path, answer.trace, image)
    return 0 if replayed.identical and answer.failure is None else 1


def _changed(trace: Trace, folder: Path, program_path: str, options: dict[str, Any]) -> int:
    """Run a changed program; return the exit status."""
    from viper.cli.spinner import LiveLine
    from viper.engine.engine import Engine
    from viper.replay.changed import find_image, run_changed, trusted_backends

    source = read_text(program_path, what="program")
    image = find_image(trace, given=options["image"], folders=(folder, Path()))
    of_record = trusted_backends(trace.models)
    with checked_options():
        given = backend_overrides(options["backends"])
    # --models replaces all models of the record.
    kept, others = ({}, {}) if options["models"] else (of_record.backends, of_record.others)
    not_trusted = {role: reference for role, reference in others.items() if role not in given}
    if not options["debug"]:
        show_warnings()
    with checked_options():
        engine = Engine(
            options["models"] or "none",
            backends=kept | given,
            timeout_s=options["timeout_s"],
            sandbox=options["sandbox"],
            on_loading=LiveLine(),
        )
    try:
        changed = run_changed(trace, source, engine, image, not_trusted=not_trusted)
    except BaseException:
        engine.close(timeout_s=1.0)
        raise
    if engine.config.is_stubbed:
        notice("stub results: nothing here is an answer about the image.")
    recalled, requested = changed.from_record, changed.from_models
    more = {"recalled": recalled, "asked": requested}
    status = print_answer(changed.answer, options, engine, more=more)
    calls = counted(recalled, "call")
    notice(f"{calls} answered from the record, {requested} sent to models.")
    if options["trace_path"] is not None:
        status = save_trace(changed.answer, options["trace_path"], options) or status
    engine.close(timeout_s=1.0)
    return status


def _json(replayed: Replayed) -> dict[str, Any]:
    answer = replayed.answer
    return {
        "identical": replayed.identical,
        "differences": [
            {"path": d.path, "recorded": d.first, "replayed": d.second}
            for d in replayed.differences
        ],
        "from_record": list(replayed.from_record),
        "programs": len(answer.trace.attempts),
        "calls": replayed.calls,
        "answer": answer.text,
        "failure": answer.failure.to_json() if answer.failure else None,
    }
