"""`viper bench`: score an engine on a benchmark, compare runs, list the benchmarks."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import click

from viper.cli.options import engine_options, output_options, stats_option, writing_options

__all__ = ["bench"]


class _Bench(click.Group):
    """A command per task; what a task needs is read when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from viper_benchmarks.registry import task_names

        return [*task_names(), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        from viper.errors import ViperError
        from viper_benchmarks.registry import BUILT_IN, plugin_tasks

        try:
            known = cmd_name in BUILT_IN or cmd_name in plugin_tasks()
            return _task_command(cmd_name) if known else None
        except ViperError as error:
            raise click.ClickException(str(error)) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if (
            args
            and not args[0].startswith("-")
            and args[0] not in (known := self.list_commands(ctx))
        ):
            from viper.errors import did_you_mean

            ctx.fail(
                f"There is no benchmark {args[0]!r}. {did_you_mean(args[0], known)}"
                f"Benchmarks and verbs: {', '.join(known)}."
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from viper_benchmarks.registry import BUILT_IN, distribution_of, load_task, plugin_tasks

        rows = [(name, load_task(name).summary) for name in BUILT_IN]
        rows += [
            (name, f"(from {distribution_of(point)})") for name, point in plugin_tasks().items()
        ]
        with formatter.section("Benchmarks"):
            formatter.write_dl(rows)
        with formatter.section("Verbs"):
            formatter.write_dl(
                [(name, command.get_short_help_str(90)) for name, command in self.commands.items()]
            )


@click.group(cls=_Bench, context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Score an engine on a benchmark. A failed sample counts as wrong, always.

    \b
    viper bench jsonl --data mine.jsonl --models stub --output runs/first
    viper bench refcoco --data DATA --split testA --subset standard --baselines \\
        --backend detector=onnx:yolox_nano.onnx --output runs/refcoco
    viper bench clevr --data CLEVR_v1.0 --models builtin --blame
    viper bench compare runs/first runs/second
    viper bench list
    viper bench gqa --help          what files it needs, and where they come from
    """


def _task_command(name: str) -> click.Command:
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
    for option in reversed(
        [
            click.option(
                "--metric",
                type=click.Choice(
                    [
                        "default",
                        "exact",
                        "normalised",
                        "vqa-soft",
                        "iou50",
                        "iou70",
                        "viper-original",
                    ]
                ),
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
                "use_memo",
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
    from viper.errors import InputError, ViperError
    from viper.presets import advice
    from viper.stats import RunStats
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
        print_stats(stats, memo=options["use_memo"])
    if options["output"] is not None:
        notice(f"the report is {options['output'] / 'report.html'}")
    if report["stopped"] is not None:
        again = "Go on with --resume and a larger budget." if options["output"] is not None else ""
        notice(f"the budget is spent: {report['left']} samples are left. {again}".rstrip())
        sys.exit(1)


@bench.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@output_options
def compare(first: Path, second: Path, as_json: bool, debug: bool) -> None:
    """Compare two runs over the same samples: what changed, and is it chance?

    \b
    viper bench compare runs/grammar runs/gpt
    """
    from viper.cli.output import print_error, print_json, printable
    from viper.errors import ViperError
    from viper_benchmarks.compare import compare_runs
    from viper_benchmarks.tables import comparison_lines

    try:
        comparison = compare_runs(first, second)
    except ViperError as error:
        print_error(error, debug=debug)
        sys.exit(1)
    if as_json:
        print_json(comparison)
        return
    for line in comparison_lines(comparison):
        click.echo(printable(line))


@bench.command("list")
@output_options
def list_tasks(as_json: bool, debug: bool) -> None:
    """List the benchmarks with their versions, splits and pinned subsets; plugins are not imported."""
    from viper.cli.output import print_error, print_json
    from viper.errors import ViperError
    from viper_benchmarks.registry import BUILT_IN, distribution_of, load_task, plugin_tasks

    try:
        tasks = [load_task(name) for name in BUILT_IN]
        plugins = {name: distribution_of(point) for name, point in plugin_tasks().items()}
    except ViperError as error:
        print_error(error, debug=debug)
        sys.exit(1)
    if as_json:
        print_json(
            {
                "tasks": [
                    {
                        "name": task.name,
                        "version": task.version,
                        "summary": task.summary,
                        "layout": task.layout.splitlines(),
                        "origin": task.origin,
                        "splits": dict(task.splits),
                        "default_split": task.default_split or None,
                        "subsets": dict(task.subsets),
                        "exposure": task.exposure,
                    }
                    for task in tasks
                ],
                "plugins": plugins,
            }
        )
        return
    for task in tasks:
        click.echo(f"{task.name:<10} v{task.version}  {task.summary}")
        if task.splits:
            splits = (f"{s} {n:,}" if n is not None else s for s, n in task.splits.items())
            click.echo(f"{'':<14} splits: {', '.join(splits)}")
        click.echo(f"{'':<14} subsets: {', '.join(f'{s} {n:,}' for s, n in task.subsets.items())}")
        click.echo(f"{'':<14} from: {task.origin}")
    for name, distribution in plugins.items():
        click.echo(f"{name:<10} from {distribution}")
