"""Trains the built-in models: `python -m viper.builtin.train FOLDER`.

    images        drawn with exact boxes, depths and attributes
    network       detects objects, embeds regions and texts into one space, estimates depth
    language      a small language model, on texts alone
    answerer      a linear map from the network's features to the frozen language model
    graphs        all of them as ONNX, which Viper runs without torch

All figures come from validation images drawn from other seeds. An interrupted run is resumed: each image is
kept, and each training continues from its last checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from viper.environment.standard_streams import run_command
from viper.errors import MissingExtraError, require_packages

if TYPE_CHECKING:
    from viper.builtin.sight import Viewer
    from viper.progress_bars import StepBars

__all__ = ["main"]

_PACKAGES = ("torch", "torchvision", "timm", "transformers", "onnx")
_FIRST_SEED = 0
_FIRST_VALIDATION_SEED = 9_000_000
# Far apart, so that no image is in both sets.

_FOLDERS = ("train", "validation", "answerer")


@click.command(context_settings={"show_default": True})
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--images", "--pictures", default=10_000, help="Training images to draw.")
@click.option("--validation", default=500, help="Validation images to draw.")
@click.option("--steps", default=8_000, help="Steps of the network, of 16 images.")
@click.option("--text-steps", default=3_000, help="Steps of the language model.")
@click.option("--map-steps", default=2_000, help="Steps of the answerer's map.")
@click.option("--views-of", default=3_000, help="Images that the map learns from.")
@click.option("--jobs", default=1, help="Processes that draw and load images.")
@click.option("--device", default="cpu", help="Of the network: cpu or cuda.")
def main(
    folder: Path,
    images: int,
    validation: int,
    steps: int,
    text_steps: int,
    map_steps: int,
    views_of: int,
    jobs: int,
    device: str,
) -> None:
    """Train the built-in models in FOLDER: draw images, train on them, export and measure.

    With the defaults: about 1 GB of images; an hour and a half on two CPU cores. Use the result with
    --backend detector=builtin:FOLDER, and so on for each role.
    """
    try:
        require_packages(*_PACKAGES, extra="train", purpose="Training the built-in models")
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from error
    from viper.builtin.train.card import card_rows
    from viper.progress_bars import StepBars
    from viper.storage.files import make_folder, write_file

    for name in _FOLDERS:
        make_folder(folder / name, below=folder)
    with StepBars() as bars:
        _draw(folder / "train", images, _FIRST_SEED, jobs, bars)
        _draw(folder / "validation", validation, _FIRST_VALIDATION_SEED, jobs, bars)
        viewer = _network(folder, images, validation, steps, jobs, device, bars)
        figures = _measure(folder, validation, viewer, bars)
        figures["answers"] = _answerer(
            folder, min(views_of, images), validation, (text_steps, map_steps), viewer, bars
        )
    text = json.dumps(figures, indent=1)
    write_file(folder / "figures.json", text + "\n", below=folder)
    write_file(folder / "card.md", "\n".join(card_rows(figures)) + "\n", below=folder)
    click.echo(text)


def _draw(folder: Path, count: int, seed: int, jobs: int, bars: StepBars) -> None:
    from viper.builtin.train.data import draw_images

    drawn = iter(range(1, count + 1))
    draw_images(
        folder,
        count,
        first_seed=seed,
        jobs=jobs,
        on_drawn=lambda: bars.update(f"drawing {folder.name} images", next(drawn), count),
    )


def _network(
    folder: Path, images: int, validation: int, steps: int, jobs: int, device: str, bars: StepBars
) -> Viewer:
    """Train the network, measure which images are familiar to it, export it, and return its viewer."""
    from viper.builtin.graphs import Graphs
    from viper.builtin.sight import Viewer
    from viper.builtin.train.export import export_network
    from viper.builtin.train.perception import CONFIG, fit_familiarity, train_perception

    def report(step: int, losses: dict[str, float]) -> None:
        text = " ".join(f"{name} {value:.2f}" for name, value in losses.items())
        bars.update(f"training the network: {text}", step, steps)

    network = train_perception(
        folder / "train",
        images,
        folder,
        replace(CONFIG, steps=steps),
        workers=jobs,
        device=device,
        on_step=report,
    ).cpu()
    fit_familiarity(network, folder / "train", images, folder / "validation", validation)
    export_network(network, folder)
    return Viewer(Graphs(folder))


def _measure(folder: Path, validation: int, viewer: Viewer, bars: StepBars) -> dict[str, Any]:
    from viper.builtin.train.data import read_image
    from viper.builtin.train.evaluate import evaluate

    bars.update("measuring the network", 0, validation)
    images = (read_image(folder / "validation", number) for number in range(validation))
    return {
        "pictures": validation,
        **asdict(evaluate(((image.pixels, image.objects) for image in images), viewer)),
    }


def _answerer(
    folder: Path,
    views_of: int,
    validation: int,
    steps: tuple[int, int],
    viewer: Viewer,
    bars: StepBars,
) -> dict[str, Any]:
    """Train language model and map, export them, and return the accuracy of the answers."""
    import torch

    from viper.builtin.language import LanguageGraph
    from viper.builtin.train.answering import compare, read_views, train_answerer
    from viper.builtin.train.export import export_language
    from viper.builtin.train.language import train_language
    from viper.limber.answerer import load_language

    def report(what: str, steps: int) -> Callable[[int, float], None]:
        return lambda step, loss: bars.update(f"training {what}: loss {loss:.3f}", step, steps)

    text_steps, map_steps = steps
    language_folder = str(folder / "language")
    train_language(
        Path(language_folder), text_steps, on_step=report("the language model", text_steps)
    )
    language, tokenizer, _ = load_language(language_folder, torch.device("cpu"), torch.float32)
    views = read_views(
        folder / "train",
        views_of,
        viewer,
        seed=1,
        on_image=lambda n: bars.update("computing features", n, views_of),
    )
    train = partial(train_answerer, views, language, tokenizer, folder / "answerer", map_steps)
    export_language(train(on_step=report("the map", map_steps)), folder)
    blind = train(blind=True, on_step=report("the blind control", map_steps))
    others = read_views(folder / "validation", validation, viewer, seed=2)
    return compare(others, LanguageGraph(folder), blind, viewer)


if __name__ == "__main__":
    run_command(main)
