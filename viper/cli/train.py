"""`viper train limber`: train a linear map from a matcher's embeddings to a language model's input."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import click

from viper.cli.errors import exit_on_error
from viper.cli.options import output_options
from viper.cli.output import echo, print_json, show_log, show_warnings
from viper.errors import require_packages

__all__ = ["train"]

_option = functools.partial(click.option, show_default=True)


@click.group()
def train() -> None:
    """Train the parts of Viper that can be trained: linear maps from images to language models."""


@train.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--captions",
    required=True,
    type=click.Path(path_type=Path),
    help='Training data, one JSON object per line: {"image", "caption"} or {"image", "question", '
    '"answer"}; "box_xyxy" for a part of the image; "split": "test" for evaluation only.',
)
@click.option(
    "--matcher",
    required=True,
    metavar="NAME:REFERENCE",
    help="The matcher that embeds images, such as transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K "
    "or builtin; frozen.",
)
@click.option(
    "--language",
    required=True,
    metavar="MODEL_OR_FOLDER",
    help="The causal language model (transformers) that answers; it stays frozen.",
)
@_option(
    "--prompts",
    default=8,
    type=click.IntRange(1, 1024),
    help="Soft prompts per image.",
)
@_option("--steps", default=2000, type=click.IntRange(min=1), help="Optimizer steps.")
@_option("--batch", default=32, type=click.IntRange(min=1), help="Rows of the file per step.")
@_option(
    "--learning-rate",
    default=1e-3,
    type=click.FloatRange(min=0, min_open=True),
    help="Peak learning rate of AdamW.",
)
@_option(
    "--seed",
    default=1,
    type=click.IntRange(min=0),
    help="Random seed of the initial weights and of the order of the rows.",
)
@_option("--device", default="auto", help="Device of the language model: cpu, cuda, …")
@_option(
    "--dtype",
    default="float32",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Type of the language model's weights; the map is float32.",
)
@output_options
def limber(
    out: Path,
    captions: Path,
    matcher: str,
    language: str,
    prompts: int,
    device: str,
    dtype: str,
    as_json: bool,
    debug: bool,
    **hyperparameters: Any,
) -> None:
    """Train a linear map from a matcher to a language model, and write it to the folder OUT.

    \b
    viper train limber maps/first --captions coco.jsonl \\
        --matcher transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K --language EleutherAI/pythia-160m
    viper ask examples/street.jpg "…" --backend answerer=limber:maps/first …

    Both models stay frozen; only the map between them is trained (LiMBeR, Merullo et al. 2022). Questions
    in the split "test" are used for evaluation, against two baselines: the matcher's own choice among the
    options, and the same language model without an image. An interrupted run resumes where it stopped.
    Models of the hub must be on disk: viper models pull OWNER/NAME.
    """
    with exit_on_error(debug=debug):
        require_packages("torch", "transformers", "safetensors", extra="torch", purpose="Training")
    from viper.backends.placement import resolve_device
    from viper.limber.experiment import Experiment, run_experiment
    from viper.limber.references import is_foreign
    from viper.limber.training_loop import TrainingConfig
    from viper.progress_bars import StepBars

    (show_log if debug else show_warnings)()
    config = TrainingConfig(**hyperparameters)
    with exit_on_error(debug=debug):
        experiment = Experiment(
            captions, matcher, language, prompts, config, str(resolve_device(device)), dtype
        )
        with StepBars() as bars:
            report = run_experiment(experiment, out, on_progress=bars.update)
    if as_json:
        print_json(report)
        return
    if "limber" in report:
        for name, what in (
            ("limber", "the language model, through the map"),
            ("blind", "the language model without an image"),
            ("best_text_match", "the matcher, among the options"),
        ):
            echo(f"{name:<16} {report[name]['accuracy']:7.1%}  {what}")
    option = "?trust=true" if is_foreign(out, matcher, language) else ""
    echo(f"use it with: --backend answerer=limber:{out}{option}")
