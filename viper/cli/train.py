"""`viper train limber`: teach a language model to speak about what a matcher sees, by one linear map."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ["train"]


@click.group()
def train() -> None:
    """Train what Viper trains by itself: maps from pictures to a language model's words."""


@train.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--captions",
    required=True,
    type=click.Path(path_type=Path),
    help='What to learn, one JSON object a line: {"image", "caption"} or {"image", "question", '
    '"answer"}; "box_xyxy" for a part of the picture; "split": "test" to measure on.',
)
@click.option(
    "--matcher",
    required=True,
    metavar="NAME:REFERENCE",
    help="Which matcher sees, as in transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K or builtin; frozen.",
)
@click.option(
    "--language",
    required=True,
    metavar="MODEL_OR_FOLDER",
    help="Which causal language model of transformers speaks; frozen.",
)
@click.option(
    "--prompts",
    default=8,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Soft prompts that a picture becomes.",
)
@click.option(
    "--steps",
    default=2000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Steps of the optimiser.",
)
@click.option(
    "--batch",
    default=32,
    show_default=True,
    type=click.IntRange(min=1),
    help="Rows of the file in each step.",
)
@click.option(
    "--learning-rate",
    default=1e-3,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Of AdamW, at its highest.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(min=0),
    help="Of the map's first weights and of the rows' order.",
)
@click.option(
    "--device", default="auto", show_default=True, help="Of the language model: cpu, cuda, …"
)
@click.option(
    "--dtype",
    default="float32",
    show_default=True,
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Of the language model's weights; the map is float32.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option("--debug", is_flag=True, help="Show tracebacks and the log.")
def limber(
    out: Path,
    captions: Path,
    matcher: str,
    language: str,
    prompts: int,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    device: str,
    dtype: str,
    as_json: bool,
    debug: bool,
) -> None:
    """Train one linear map from a matcher to a language model, and write it into the folder OUT.

    \b
    viper train limber maps/first --captions coco.jsonl \\
        --matcher transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K --language EleutherAI/pythia-160m
    viper ask photo.jpg "…" --backend answerer=limber:maps/first …

    Both models stay as they are; only the map between them is trained (LiMBeR, Merullo et al. 2022). On the
    rows of the split "test" that ask a question it is measured beside the matcher's own choice among the
    options, and beside a blind control, the same language model without a picture. An interrupted run goes
    on where it stood. Models of the hub must be on disk: viper models pull OWNER/NAME.
    """
    from viper.backends.placement import resolve_device
    from viper.cli.output import print_error, print_json, show_log, show_warnings
    from viper.errors import ViperError
    from viper.limber.experiment import Experiment, run_experiment
    from viper.limber.training_loop import TrainingConfig
    from viper.progress_bars import StepBars

    if debug:
        show_log()
    else:
        show_warnings()
    config = TrainingConfig(steps=steps, batch=batch, learning_rate=learning_rate, seed=seed)
    try:
        experiment = Experiment(
            captions, matcher, language, prompts, config, str(resolve_device(device)), dtype
        )
        with StepBars() as bars:
            report = run_experiment(experiment, out, on_progress=bars.tell)
    except ViperError as error:
        print_error(error, debug=debug)
        sys.exit(1)
    if as_json:
        print_json(report)
        return
    if "limber" in report:
        for name, what in (
            ("limber", "the language model, through the map"),
            ("blind", "the language model without a picture"),
            ("best_text_match", "the matcher, among the options"),
        ):
            click.echo(f"{name:<16} {report[name]['accuracy']:7.1%}  {what}")
    click.echo(f"use it with: --backend answerer=limber:{out}")
