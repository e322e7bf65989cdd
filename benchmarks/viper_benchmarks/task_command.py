"""The command that scores one task: its help describes the task's files, its options set up the run.

Tasks whose scoring presupposes an answer are run by the best effort, unless the user says otherwise.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from viper.cli.errors import INTERRUPTED, checked_options, exit_on_error
from viper.cli.options import engine_options, output_options, stats_option, writing_options
from viper_benchmarks.registry import load_task
from viper_benchmarks.scorer import METRICS
from viper_benchmarks.task import BenchmarkTask
from viper_benchmarks.trace_pages import MOST_OF_SOME

__all__ = ["task_command"]


def task_command(name: str) -> click.Command:
    """Return the command that scores a task; its help describes the files of the task."""
    task = load_task(name)
    layout = "\n".join(f"  {line}" for line in task.layout.splitlines())
    splits = ", ".join(
        split + (f" ({n:,})" if n is not None else "") for split, n in task.splits.items()
    )
    subsets = ", ".join(f"{subset} ({n:,})" for subset, n in task.subsets.items())
    paragraphs = (
        f"{task.summary}\n\n\b\nBelow --data (or as --data, for a single file):\n{layout}\n\n"
        f"From: {task.origin}.",
        splits and f"Splits: {splits}.",
        subsets and f"Pinned subsets: {subsets}.",
        task.exposure and f"Exposure: {task.exposure}",
        "With --max-cost or --max-tokens the run ends when the budget is spent: exit status 1, and --resume "
        "continues it. Scene files (truth:FILE) are searched in the working directory, then in the folder of "
        "--data.",
        ""
        if not task.presupposes_answer
        else "Its scoring presupposes that each question is answered, so --best-effort is the default here.",
    )

    def callback(**options: Any) -> None:
        _score(task, options)

    metric_option = click.option(
        "--metric",
        type=click.Choice(METRICS),
        default="default",
        show_default=True,
        help="Metric of accuracy; all that fit are reported. default: iou50 for boxes, vqa-soft for "
        "several annotators, else normalised. viper-original is the metric of ViperGPT's code.",
    )
    for decorate in reversed(
        (
            *_DATA_OPTIONS,
            engine_options,
            writing_options,
            metric_option,
            *_RUN_OPTIONS,
            stats_option,
            output_options,
        )
    ):
        callback = decorate(callback)
    command = click.command(name=name, help="\n\n".join(filter(None, paragraphs)))(callback)
    if task.presupposes_answer:
        option = next(option for option in command.params if option.name == "best_effort")
        option.default = True
    return command


_FILE = click.Path(dir_okay=False, path_type=Path)
_DATA_OPTIONS = (
    click.option(
        "--data",
        required=True,
        type=click.Path(path_type=Path),
        help="Folder or file of the data; see above.",
    ),
    click.option("--split", help="Split to score; it must have answers."),
    click.option("--subset", metavar="NAME", help="Score a pinned subset of the split."),
    click.option(
        "--ids", type=_FILE, help="Score the samples whose ids are in this file, one per line."
    ),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        help="Score no more than this many samples, the first ones.",
    ),
)
_RUN_OPTIONS = (
    click.option(
        "--baselines",
        is_flag=True,
        help="Also answer by chance, blind, and with single models, to measure what the program adds.",
    ),
    click.option(
        "--attribute-errors",
        is_flag=True,
        help="Run the program of each wrong sample again with the oracle in place of models, and report "
        "whether program, detector, matcher, depth or answerer caused the error.",
    ),
    click.option("--blame", is_flag=True, hidden=True),  # the former name
    click.option(
        "--truth",
        type=_FILE,
        help="Scene file for --attribute-errors, if the task's own data have none.",
    ),
    click.option(
        "--programs",
        type=_FILE,
        help="Run the programs of an earlier run again: its samples.jsonl, or rows of viper generate.",
    ),
    click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder for run.json, samples.jsonl (a row per finished sample), report.json and report.html.",
    ),
    click.option("--resume", is_flag=True, help="Continue the run in --output."),
    click.option(
        "--both-modes",
        is_flag=True,
        help="Answer each sample by the best effort and without it, and report both side by side; accuracy "
        "is that of the mode that --best-effort or --no-best-effort names.",
    ),
    click.option(
        "--traces",
        type=click.Choice(["none", "some", "all"]),
        help="Samples whose whole run gets a page in --output, to which the report links: some are the first "
        f"{MOST_OF_SOME} that are wrong, doubtful or not answered. [default: some; none with --engine ray]",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Programs that run at the same time on one set of models.",
    ),
    click.option(
        "--engine",
        "where",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="local: this process. ray: workers on a Ray cluster (RAY_ADDRESS, or one on this machine).",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        help="ray: workers, each with its own models; by default one per GPU, or else per machine.",
    ),
    click.option(
        "--program-cache",
        "use_program_cache",
        is_flag=True,
        help="Use and fill the cache of language models' programs; off by default, so that no score depends "
        "on earlier runs.",
    ),
    click.option("--memo", is_flag=True, hidden=True),  # the former name
)


@contextlib.contextmanager
def _resumable(output: Path | None) -> Iterator[None]:
    """Say how an interrupted run goes on, and end it."""
    from viper.cli.output import notice
    from viper.cli.process import finish

    try:
        yield
    except KeyboardInterrupt:
        if output is None:
            notice("interrupted, and nothing is kept: with --output DIR a run can be continued.")
        else:
            notice(
                f"interrupted; the finished samples are in {output}. Continue with the same command "
                "and --resume."
            )
        finish(INTERRUPTED)


def _check_combination(options: dict[str, Any]) -> None:
    """Check options that need or exclude each other.

    Raises:
        ConfigError: Two do not fit.
    """
    from viper.errors import ConfigError

    on_ray = options["where"] == "ray"
    if options["resume"] and options["output"] is None:
        raise ConfigError("--resume needs --output, the folder of the run to continue.")
    if on_ray and options["stats"]:
        raise ConfigError("--stats covers this process only; omit it with --engine ray.")
    if options["traces"] not in (None, "none"):
        if on_ray:
            raise ConfigError("--traces covers this process only; omit it with --engine ray.")
        if options["output"] is None:
            raise ConfigError("--traces needs --output, the folder for the pages.")
    if options["workers"] is not None and not on_ray:
        raise ConfigError("--workers is for --engine ray. Locally use --concurrency.")


def _score(task: BenchmarkTask, options: dict[str, Any]) -> None:
    """Score a task with these options."""
    from viper.cli.options import engine_arguments
    from viper.cli.output import echo, notice, print_json, print_stats, show_warnings
    from viper.engine.presets import advice
    from viper.trace.stats import RunStats
    from viper_benchmarks.progress import RunProgress
    from viper_benchmarks.scoring import data_folder, prepare, score
    from viper_benchmarks.tables import report_lines

    options["attribute_errors"] |= options["blame"]
    options["use_program_cache"] |= options["memo"]
    stats = RunStats()
    on_ray = options["where"] == "ray"
    with exit_on_error(debug=options["debug"]):
        if not options["debug"]:
            show_warnings()
        with checked_options():
            _check_combination(options)
        arguments = engine_arguments(options, data_folder=data_folder(options["data"]))
        if options["resume"] and _is_left_to_default("best_effort"):
            _keep_older_mode(options["output"], arguments)
        with checked_options():
            scoring = prepare(
                task,
                options["data"],
                arguments,
                **{
                    option: options[option]
                    for option in (
                        "split subset ids limit metric baselines attribute_errors truth programs "
                        "both_modes"
                    ).split()
                },
            )
        n = len(scoring.plan.samples)
        if scoring.official_n is not None:
            notice(f"the official files contain {scoring.official_n:,} samples, these {n:,}.")
        if text := advice(options["models"], own_backends=bool(options["backends"])):
            notice(text)
        # Ray prints messages on stdout, which is for the report.
        with (
            _resumable(options["output"]),
            contextlib.redirect_stdout(sys.stderr),
            RunProgress(n) as progress,
        ):
            report = score(
                scoring,
                concurrency=options["concurrency"],
                output=options["output"],
                resume=options["resume"],
                on_result=progress.advance,
                stats=None if on_ray else stats,
                ray_workers=(options["workers"] or 0) if on_ray else None,
                traces=options["traces"] or ("none" if on_ray else "some"),
            )
    if options["as_json"]:
        print_json(report)
    else:
        for line in report_lines(report):
            echo(line)
    if options["stats"]:
        print_stats(stats, program_cache=options["use_program_cache"])
    if options["output"] is not None:
        notice(f"the report is {options['output'] / 'report.html'}")
    if report["stopped"] is not None:
        hint = (
            "Continue with --resume and a larger budget." if options["output"] is not None else ""
        )
        notice(f"the budget is spent: {report['left']} samples are left. {hint}".rstrip())
        sys.exit(1)


def _is_left_to_default(name: str) -> bool:
    """Return whether neither the command line nor the environment gave an option."""
    from click.core import ParameterSource

    source = click.get_current_context().get_parameter_source(name)
    return source in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def _keep_older_mode(output: Path, arguments: dict[str, Any]) -> None:
    """Continue a run that an older version began by the best effort, the only mode that it had."""
    from viper.cli.output import notice
    from viper_benchmarks.run_folder import began_by_best_effort

    if not arguments["best_effort"] and began_by_best_effort(output):
        arguments["best_effort"] = True
        notice("the run was begun by an older version, by the best effort: it continues so.")
