"""Trains the network that sees the small world: `python -m viper.vision.builtin.train FOLDER`.

Draws the training pictures, trains, measures on validation pictures of other seeds and writes
`network.safetensors` and `figures.json` into the folder. Whatever was interrupted goes on where it
stood: pictures are kept one by one, the training at every checkpoint.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

__all__ = ["main"]

_FIRST_SEED = 0
_FIRST_VALIDATION_SEED = 9_000_000
# Far apart, so that no picture is both trained on and measured on.


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--pictures", default=10_000, show_default=True, help="Training pictures to draw.")
@click.option("--validation", default=500, show_default=True, help="Validation pictures to draw.")
@click.option("--steps", default=8_000, show_default=True, help="Optimiser steps of 16 pictures.")
@click.option("--jobs", default=1, show_default=True, help="Processes that draw and load pictures.")
@click.option("--device", default="cpu", show_default=True, help="Where to train: cpu or cuda.")
def main(folder: Path, pictures: int, validation: int, steps: int, jobs: int, device: str) -> None:
    """Draw pictures into FOLDER, train the network on them, measure it, and write its weights.

    With the defaults: about 1 GB of pictures; on two CPU cores an hour and a half.
    """
    from rich.progress import Progress

    from viper.vision.builtin.sight import Viewer
    from viper.vision.builtin.train.data import draw_pictures, read_picture
    from viper.vision.builtin.train.evaluate import evaluate
    from viper.vision.builtin.train.perception import Recipe, save_weights, train_perception

    with Progress() as progress:
        for name, count, seed in (
            ("train", pictures, _FIRST_SEED),
            ("validation", validation, _FIRST_VALIDATION_SEED),
        ):
            bar = progress.add_task(f"drawing {name} pictures", total=count)
            draw_pictures(
                folder / name,
                count,
                first_seed=seed,
                jobs=jobs,
                on_drawn=lambda bar=bar: progress.advance(bar),  # type: ignore[misc] # a default argument binds the bar of this turn
            )
        bar = progress.add_task("training", total=steps)

        def show(step: int, losses: dict[str, float]) -> None:
            said = " ".join(f"{name} {value:.2f}" for name, value in losses.items())
            progress.update(bar, completed=step, description=f"training: {said}")

        recipe = Recipe(steps=steps, workers=jobs)
        network = train_perception(
            folder / "train", pictures, folder, recipe, device=device, on_step=show
        )
    save_weights(network, folder / "network.safetensors")
    seen = (read_picture(folder / "validation", number) for number in range(validation))
    figures = evaluate(((p.pixels, p.objects) for p in seen), Viewer(network.cpu()))
    told = json.dumps(asdict(figures), indent=1)
    (folder / "figures.json").write_text(told + "\n", encoding="utf-8")
    click.echo(told)


if __name__ == "__main__":
    main()
