"""The command of one task: its help says what the task needs, its options become a run."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import click

from viper.cli.options import engine_options, output_options, stats_option, writing_options

__all__ = ["task_command"]


def task_command(name: str) -> click.Command:
    """Return the command that scores a task; its help says what the task needs."""
    from viper_benchmarks.registry import load_task

    task = load_task(name)
    layout = "\n".join(f"  {line}" for line in task.layout.splitlines())
    splits = ", ".join(
        split + (f" ({n:,})" if n is not None else "") for split, n in task.splits.items()
    )
    known = [
        f"{task.summary}\n\n\b\nBelow --data (or as --data, for a single file):\n{layout}\n\n"
        f"From: {task.origin}.",
        *([f"Splits: {splits}."] if splits else []),
        *(
            [f"Pinned subsets: {', '.join(f'{s} ({n:,})' for s, n in task.subsets.items())}."]
            if task.subsets
            else []
        ),
        *([f"Exposure: {task.exposure}"] if task.exposure else []),
        "With --max-cost or --max-tokens the run ends when that is spent: exit status 1, and --resume goes "
        "on. Files of scenes (truth:FILE) are looked for in the working directory, then in the folder of "
        "--data.",
    ]

    def callback(**options: Any) -> None:
        _score(name, options)

    decorators = (
        _data_options,
        engine_options,
        writing_options,
        _run_options,
        stats_option,
        output_options,
    )
    for decorate in reversed(decorators):
        callback = decorate(callback)
    return click.command(name=name, help="\n\n".join(known))(callback)


def _data_options(command: Any) -> Any:
    for option in reversed(
        [
            click.option(
                "--data",
                required=True,
                type=click.Path(path_type=Path),
                help="Folder or file of the data; see above.",
            ),
            click.option("--split", help="Split to score; one that has answers."),
            click.option("--subset", metavar="NAME", help="Score a pinned subset of the split."),
            click.option(
                "--ids",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Score the samples whose ids stand in this file, one a line.",
            ),
            click.option(
                "--limit",
                type=click.IntRange(min=1),
                help="Score no more than this many samples, the first ones.",
            ),
        ]
    ):
        command = option(command)
    return command


def _run_options(command: Any) -> Any:
    from viper_benchmarks.scorer import METRICS

    for option in reversed(
        [
            click.option(
                "--metric",
                type=click.Choice(METRICS),
                default="default",
                show_default=True,
                help="What accuracy is by; all that fit are reported. default: iou50 for boxes, vqa-soft for "
                "several annotators, else normalised. viper-original counts as ViperGPT's code does.",
            ),
            click.option(
                "--baselines",
                is_flag=True,
                help="Also answer by chance, blind, and with single models, to say what the program added.",
            ),
            click.option(
                "--blame",
                is_flag=True,
                help="Replay each wrong sample with the truth in the place of models, and say whether "
                "program, detector, matcher, depth or answerer lost it.",
            ),
            click.option(
                "--truth",
                type=click.Path(dir_okay=False, path_type=Path),
                help="File of scenes for --blame, where the task's own data have none.",
            ),
            click.option(
                "--programs",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Run the programs of an earlier run again: its samples.jsonl, or rows of viper "
                "generate.",
            ),
            click.option(
                "--output",
                type=click.Path(file_okay=False, path_type=Path),
                help="Folder for run.json, samples.jsonl (a row as soon as it is there), report.json and "
                "report.html.",
            ),
            click.option("--resume", is_flag=True, help="Go on with the run that --output holds."),
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
                help="local: this process. ray: workers on a Ray cluster (RAY_ADDRESS, or one on "
                "this machine).",
            ),
            click.option(
                "--workers",
                type=click.IntRange(min=1),
                help="ray: workers, each with models of its own; as many as GPUs by default, or as machines.",
            ),
            click.option(
                "--memo",
                "use_program_cache",
                is_flag=True,
                help="Use and fill the memo of language models' programs (see viper memo); off otherwise, so "
                "that no score depends on the past.",
            ),
        ]
    ):
        command = option(command)
    return command


def _score(name: str, options: dict[str, Any]) -> None:
    """Score a task as the options say."""
    from viper.cli.options import engine_arguments
    from viper.cli.output import (
        notice,
        print_error,
        print_json,
        print_stats,
        printable,
        show_warnings,
    )
    from viper.engine.presets import advice
    from viper.errors import InputError, ViperError
    from viper.trace.stats import RunStats
    from viper_benchmarks.progress import RunProgress
    from viper_benchmarks.registry import load_task
    from viper_benchmarks.scoring import data_folder, prepare, score
    from viper_benchmarks.tables import report_lines

    stats = RunStats()
    on_ray = options["where"] == "ray"
    try:
        if not options["debug"]:
            show_warnings()
        if options["resume"] and options["output"] is None:
            raise InputError("--resume needs --output, the folder of the run to go on with.")
        if on_ray and options["stats"]:
            raise InputError(
                "--stats adds up what this process did; with --engine ray leave it out."
            )
        if options["workers"] is not None and not on_ray:
            raise InputError("--workers is for --engine ray. Locally use --concurrency.")
        arguments = engine_arguments(options, data_folder=data_folder(options["data"]))
        scoring = prepare(
            load_task(name),
            options["data"],
            arguments,
            **{
                option: options[option]
                for option in "split subset ids limit metric baselines blame truth programs".split()
            },
        )
        n = len(scoring.plan.samples)
        if scoring.official_n is not None:
            notice(f"the official files hold {scoring.official_n:,} samples, these {n:,}.")
        if text := advice(options["models"], own_backends=bool(options["backends"])):
            notice(text)
        # Ray tells of lost workers on stdout, which is the report's.
        with contextlib.redirect_stdout(sys.stderr), RunProgress(n) as progress:
            report = score(
                scoring,
                concurrency=options["concurrency"],
                output=options["output"],
                resume=options["resume"],
                on_result=progress.advance,
                stats=None if on_ray else stats,
                ray_workers=(options["workers"] or 0) if on_ray else None,
            )
    except ViperError as error:
        print_error(error, debug=options["debug"])
        sys.exit(1)
    if options["as_json"]:
        print_json(report)
    else:
        for line in report_lines(report):
            click.echo(printable(line))
    if options["stats"]:
        print_stats(stats, program_cache=options["use_program_cache"])
    if options["output"] is not None:
        notice(f"the report is {options['output'] / 'report.html'}")
    if report["stopped"] is not None:
        again = "Go on with --resume and a larger budget." if options["output"] is not None else ""
        notice(f"the budget is spent: {report['left']} samples are left. {again}".rstrip())
        sys.exit(1)
