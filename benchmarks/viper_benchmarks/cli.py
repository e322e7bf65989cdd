"""`viper bench TASK`: score an engine on a benchmark."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.cli.options import (
    engine_options,
    open_engine,
    output_options,
    stats_option,
    writing_options,
)

if TYPE_CHECKING:
    from viper_benchmarks.sample import SampleResult

__all__ = ["bench"]


@click.command()
@click.argument("task", type=click.Choice(["jsonl", "clevr"]))
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="jsonl: the file, one JSON object a line. clevr: the folder with questions/, images/, scenes/.",
)
@click.option(
    "--split",
    default="val",
    show_default=True,
    help="clevr: the split to score; one that has answers.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Score no more than this many samples.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for run.json, samples.jsonl (a row as soon as it is there) and report.json.",
)
@click.option("--resume", is_flag=True, help="Go on with the run that --output holds.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Programs that run at the same time on one set of models.",
)
@engine_options
@writing_options
@click.option(
    "--memo",
    "use_memo",
    is_flag=True,
    help="Use and fill the memo of language models' programs (see viper memo); off otherwise, so that "
    "no score depends on the past.",
)
@stats_option
@output_options
def bench(
    task: str,
    data: Path,
    split: str,
    limit: int | None,
    output: Path | None,
    resume: bool,
    concurrency: int,
    **options: Any,
) -> None:
    """Score an engine on TASK. A failed sample counts as wrong, always.

    \b
    viper bench jsonl --data mine.jsonl --backend detector=onnx:yolox_nano.onnx --json
    viper bench jsonl --data mine.jsonl --models stub --output runs/first
    viper bench clevr --data CLEVR_v1.0 --split val --models truth:scenes/CLEVR_val_scenes.json

    With --max-cost or --max-tokens the run ends when that is spent: exit status 1, and --resume goes on.

    Files of scenes (truth:FILE) are looked for in the working directory, then in the folder of --data.
    """
    from viper.cli.output import notice, print_error, print_json, print_stats
    from viper.errors import InputError, ViperError
    from viper.presets import advice
    from viper.stats import RunStats
    from viper_benchmarks.clevr import read_clevr
    from viper_benchmarks.jsonl import read_jsonl
    from viper_benchmarks.runner import run_benchmark

    stats = RunStats()
    try:
        if resume and output is None:
            raise InputError("--resume needs --output, the folder of the run to go on with.")
        if task == "clevr":
            samples, folder = read_clevr(data, split, limit=limit), data
        else:
            samples, folder = read_jsonl(data, limit=limit), data.parent
        if text := advice(options["models"], own_backends=bool(options["backends"])):
            notice(text)
        with (
            open_engine(options, progress=False, data_folder=folder) as engine,
            _Progress(len(samples)) as progress,
        ):
            summary = run_benchmark(
                task,
                samples,
                engine,
                concurrency=concurrency,
                output=output,
                resume=resume,
                on_result=progress.advance,
                stats=stats,
            )
    except ViperError as error:
        print_error(error, debug=options["debug"])
        sys.exit(1)
    if options["as_json"]:
        print_json(summary)
    else:
        _print_table(summary)
    if options["stats"]:
        print_stats(stats, memo=options["use_memo"])
    if summary["stopped"] is not None:
        again = "Go on with --resume and a larger budget." if output is not None else ""
        notice(f"the budget is spent: {summary['left']} samples are left. {again}".rstrip())
        sys.exit(1)


class _Progress:
    """A bar on stderr with rate and accuracy so far; only on a terminal."""

    def __init__(self, n: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[so_far]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("samples", total=n, so_far="")
        self._right = self._done = 0

    def advance(self, result: SampleResult) -> None:
        """Count one finished sample."""
        self._done += 1
        self._right += result.correct
        self._bar.update(self._task, advance=1, so_far=f"accuracy {self._right / self._done:.1%}")

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()


def _print_table(summary: dict[str, Any]) -> None:
    low, high = summary["accuracy_ci95"]
    click.echo(f"{summary['task']}: {summary['n']} samples")
    click.echo(f"accuracy      {summary['accuracy']:.1%}  (95 % interval {low:.1%} … {high:.1%})")
    if summary["mean_iou"] is not None:
        click.echo(
            f"Acc@0.5       {summary['acc_iou50']:.1%}   Acc@0.7 {summary['acc_iou70']:.1%}   "
            f"mean IoU {summary['mean_iou']:.3f}"
        )
    kinds = ", ".join(f"{kind} {count}" for kind, count in summary["failures"].items())
    click.echo(f"failures      {summary['failure_rate']:.1%}{f'  ({kinds})' if kinds else ''}")
    click.echo(f"programs/s    {summary['programs_per_s']:.1f}")
    for tag, row in summary["by_tag"].items():
        click.echo(f"  {tag:<24} {row['accuracy']:.1%}  of {row['n']}")
