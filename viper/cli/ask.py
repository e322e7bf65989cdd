"""`viper ask IMAGE QUESTION`: answer a question about an image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.cli.errors import checked_options, exit_status, failure_status
from viper.cli.files import read_text
from viper.cli.inputs import QuestionCommand, check_order, read_inputs
from viper.cli.options import (
    choices_option,
    draw_option,
    engine_options,
    open_engine,
    output_options,
    program_cache_option,
    show_program_option,
    stacked,
    stats_option,
    task_option,
    trace_options,
    writing_options,
)
from viper.cli.output import (
    echo,
    failure_line,
    notice,
    print_error,
    print_json,
    print_stats,
    show_log,
)
from viper.cli.process import finish
from viper.cli.spinner import LiveLine
from viper.errors import ViperError
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from viper.engine.engine import Engine

__all__ = ["answer_options", "ask", "print_answer", "run_ask", "save_trace"]


answer_options = stacked(
    task_option,
    choices_option,
    engine_options,
    show_program_option,
    trace_options,
    draw_option,
    stats_option,
    output_options,
)
"""The options that `ask` and `run` share."""


@click.command(cls=QuestionCommand)
@click.argument("image")
@click.argument("question")
@click.option(
    "--program",
    "program_path",
    metavar="FILE",
    help="Run this program instead of generating one; - reads it from stdin.",
)
@writing_options
@program_cache_option
@answer_options
def ask(image: str, question: str, program_path: str | None, **options: Any) -> None:
    """Answer QUESTION about the image in the file IMAGE; one of them may be -, and is read from stdin.

    \b
    viper ask examples/shapes.png "How many metal things are left of the purple cube?"
    viper ask examples/street.jpg "How many people are there?" --backend detector=onnx:yolox_nano.onnx
    viper ask examples/street.jpg "the car left of the bus" --task grounding --json …
    viper ask examples/street.jpg "Is the car red?" --generator openai:gpt-5-mini --show-program …

    The answer says only what was seen: where no model can test a condition, or what the question takes for
    granted was not found, there is none, and stderr says why. With --best-effort there is one, and it names
    what was not verified.

    Exit status: 0 answered, 1 no answer, 2 usage, 3 answered with doubts.
    """
    run_ask(image, question, program_path, options)


def run_ask(image: str, question: str, program_path: str | None, options: dict[str, Any]) -> None:
    """Answer, print, and exit with 0 (answered), 1 (failed), 2 (a wrong option) or 3 (with doubts)."""
    check_order(image, question, program_path)
    from viper.images.decoder_process import begin

    begin()  # it starts while the engine is imported
    from viper.engine.presets import advice
    from viper.trace.stats import RunStats

    if options["debug"]:
        show_log()
    engine = None
    try:
        image_source, question = read_inputs(image, question)
        trace_path: Path | None = options["trace_path"]
        if trace_path is not None:
            from viper.trace.files import check_place

            with checked_options():
                check_place(trace_path)
        draw_path: Path | None = options["draw_path"]
        if draw_path is not None:
            from viper.images.drawing import check_drawing_place

            with checked_options():
                check_drawing_place(draw_path)
        live = LiveLine()
        engine = open_engine(options, live=live)
        if engine.config.is_stubbed:
            notice("stub results: nothing here is an answer about the image (--models stub).")
        if text := advice(options["models"], own_backends=bool(options["backends"])):
            notice(text)
        wanted = {"task": options["task"], "choices": options["choices"]}
        if program_path is None:
            with live:
                live.writing(engine.config.generator)
                answer = engine.ask(image_source, question, **wanted, on_step=live.watcher)
        else:
            source = read_text(program_path, what="program")
            answer = engine.run_program(source, image_source, question=question, **wanted)
    except ViperError as error:
        print_error(error, debug=options["debug"])
        if options["as_json"]:
            print_json(_failed_json(image, question, options, error))
        status = exit_status(error)
    else:
        status = print_answer(answer, options, engine)
        if trace_path is not None:
            # After printing the answer: it must not be lost when the file cannot be written.
            status = save_trace(answer, trace_path, options) or status
        if draw_path is not None and answer.failure is None:
            status = _draw(answer, draw_path, options) or status
        elif draw_path is not None:
            notice("nothing was drawn, since there is no answer")
        if options["stats"]:
            stats = RunStats()
            stats.add(answer.trace)
            print_stats(stats, program_cache=engine.config.program_cache is not None)
    if engine is not None:
        engine.close(timeout_s=1.0)
    finish(status)


_JUDGED = ("judged from boxes", "judged from pixels")
_MOST_NAMES = 4


def print_answer(
    answer: Any, options: dict[str, Any], engine: Engine, *, more: Mapping[str, Any] | None = None
) -> int:
    """Print an answer; return the exit status.

    Args:
        answer: The answer.
        options: Parsed options of the verb.
        engine: The engine that gave it.
        more: Further keys of the JSON object.
    """
    if options["show_program"] and answer.program is not None:
        echo(answer.program, err=True)
    for note in dict.fromkeys(note for attempt in answer.trace.attempts for note in attempt.notes):
        # Without an answer, nothing was judged.
        if answer.failure is None or not note.endswith(_JUDGED):
            notice(note)
    for printed in (attempt.printed for attempt in answer.trace.attempts if attempt.printed):
        notice(f"the program printed: {printed}")
    if answer.doubts:
        from viper.methods.doubts import plain_reason

        for doubt in answer.doubts:
            notice(f"not verified: {doubt.condition}: {plain_reason(doubt)}")
    if options["as_json"]:
        print_json(answer.to_json() | dict(more or {}))
    elif answer.failure is None:
        echo(one_line(answer.text + answer.trace.caveat))
        if names := _not_found(answer.trace):
            notice(f"the detector found no {' and no '.join(names)}")
        if answer.trace.task == "grounding":
            for patch in answer.patches:
                x1, y1, x2, y2 = (round(value) for value in patch.box_xyxy)
                notice(f"{patch.category} at ({x1}, {y1}, {x2}, {y2}), score {patch.score:.2f}")
    if answer.failure is not None:
        notice(failure_line(answer.failure))
        return failure_status(answer.failure, engine)
    return 3 if answer.doubts else 0


def _not_found(trace: Any) -> list[str]:
    """Return what the detector was asked for and did not find: what it misses counts as not there."""
    calls = [] if trace.chosen is None else trace.turns[trace.chosen].calls
    found: dict[str, bool] = {}
    for call in calls:
        if call.method in ("ImagePatch.find", "ImagePatch.exists") and call.arguments:
            name = str(call.arguments[0])
            found[name] = found.get(name, False) or bool(call.result)
    # Not where it was asked for all that it knows.
    return [] if len(found) > _MOST_NAMES else [name for name in found if not found[name]]


def _failed_json(image: str, question: str, options: dict[str, Any], error: Any) -> dict[str, Any]:
    """Return the JSON of an answer that failed before any run."""
    from viper.programs.program import Failure
    from viper.trace import ImageInfo, Trace

    trace = Trace(
        viper="",
        question=question,
        task=options["task"],
        choices=options["choices"],
        best_effort=bool(options["best_effort"]),
        images=(ImageInfo(Path(image).name, "", 0, 0),),
        models={},
        generator=options["generator"],
        turns=(),
        chosen=None,
        votes=None,
        outcome="no_answer",
        doubts=(),
        answer=None,
        patches=(),
        failure=Failure.of(error),
        unverified=(),
        forwards={},
        requests={},
        prefetch={},
        total_ms=0.0,
    )
    return trace.summary_json()


def _draw(answer: Any, path: Path, options: dict[str, Any]) -> int:
    """Write the drawing; return 1 when that fails, with a line on stderr."""
    try:
        answer.draw(path)
    except ViperError as error:
        print_error(error, debug=options["debug"])
        return 1
    return 0


def save_trace(answer: Any, path: Path, options: dict[str, Any]) -> int:
    """Write the trace; return 1 when that fails, with a line on stderr."""
    try:
        answer.save_trace(path, embed=options["embed"])
    except ViperError as error:
        print_error(error, debug=options["debug"])
        return 1
    return 0
