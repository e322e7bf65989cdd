"""Trains the built-in models: `python -m viper.builtin.train FOLDER`.

    pictures      drawn with exact boxes, depths and attributes
    network       finds things, puts regions and texts into one space, tells depth
    language      a small language model, on texts alone
    answerer      a linear map from what the network sees to the language model, which stays as it is

Everything is measured on validation pictures of other seeds. Whatever was interrupted goes on where it
stood: pictures are kept one by one, every training at its last checkpoint.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from viper.builtin.sight import Viewer
    from viper.progress_bars import StepBars

__all__ = ["main"]

_FIRST_SEED = 0
_FIRST_VALIDATION_SEED = 9_000_000
# Far apart, so that no picture is both trained on and measured on.
_NETWORK_SEED = 1


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--pictures", default=10_000, show_default=True, help="Training pictures to draw.")
@click.option("--validation", default=500, show_default=True, help="Validation pictures to draw.")
@click.option(
    "--steps", default=8_000, show_default=True, help="Steps of the network, of 16 pictures."
)
@click.option("--text-steps", default=3_000, show_default=True, help="Steps of the language model.")
@click.option("--map-steps", default=2_000, show_default=True, help="Steps of the answerer's map.")
@click.option(
    "--views-of", default=3_000, show_default=True, help="Pictures that the map learns from."
)
@click.option("--jobs", default=1, show_default=True, help="Processes that draw and load pictures.")
@click.option("--device", default="cpu", show_default=True, help="Of the network: cpu or cuda.")
def main(
    folder: Path,
    pictures: int,
    validation: int,
    steps: int,
    text_steps: int,
    map_steps: int,
    views_of: int,
    jobs: int,
    device: str,
) -> None:
    """Train the built-in models in FOLDER: draw pictures, train on them, measure, write the weights.

    With the defaults: about 1 GB of pictures; on two CPU cores an hour and a half. Use what comes out with
    --backend detector=builtin:FOLDER, and so on for each role.
    """
    from viper.builtin.train.card import card_rows
    from viper.progress_bars import StepBars

    with StepBars() as bars:
        _draw(folder / "train", pictures, _FIRST_SEED, jobs, bars)
        _draw(folder / "validation", validation, _FIRST_VALIDATION_SEED, jobs, bars)
        viewer = _network(folder, pictures, validation, steps, jobs, device, bars)
        figures = _measure(folder, validation, viewer, bars)
        figures["answers"] = _speech(
            folder, min(views_of, pictures), validation, (text_steps, map_steps), viewer, bars
        )
    told = json.dumps(figures, indent=1)
    (folder / "figures.json").write_text(told + "\n", encoding="utf-8")
    (folder / "card.md").write_text("\n".join(card_rows(figures)) + "\n", encoding="utf-8")
    click.echo(told)


def _draw(folder: Path, count: int, seed: int, jobs: int, bars: StepBars) -> None:
    from viper.builtin.train.data import draw_pictures

    drawn = iter(range(1, count + 1))
    draw_pictures(
        folder,
        count,
        first_seed=seed,
        jobs=jobs,
        on_drawn=lambda: bars.update(f"drawing {folder.name} pictures", next(drawn), count),
    )


def _network(
    folder: Path, pictures: int, validation: int, steps: int, jobs: int, device: str, bars: StepBars
) -> Viewer:
    """Train the network, measure what is familiar to it, write it; return what sees with it."""
    from viper.builtin.loading import NETWORK_FILE, load_network
    from viper.builtin.sight import Viewer
    from viper.builtin.train.familiar import fit_familiarity
    from viper.builtin.train.perception import TrainingConfig, save_weights, train_perception

    def show(step: int, losses: dict[str, float]) -> None:
        said = " ".join(f"{name} {value:.2f}" for name, value in losses.items())
        bars.update(f"training the network: {said}", step, steps)

    recipe = TrainingConfig(steps=steps, workers=jobs, seed=_NETWORK_SEED)
    network = train_perception(
        folder / "train", pictures, folder, recipe, device=device, on_step=show
    ).cpu()
    fit_familiarity(network, folder / "train", pictures, folder / "validation", validation)
    save_weights(network, folder / NETWORK_FILE)
    return Viewer(load_network(folder / NETWORK_FILE))  # rounded to halves, as users will have it


def _measure(folder: Path, validation: int, viewer: Viewer, bars: StepBars) -> dict[str, Any]:
    from viper.builtin.train.data import read_picture
    from viper.builtin.train.evaluate import evaluate

    bars.update("measuring the network", 0, validation)
    seen = (read_picture(folder / "validation", number) for number in range(validation))
    return {
        "pictures": validation,
        **asdict(evaluate(((p.pixels, p.objects) for p in seen), viewer)),
    }


def _speech(
    folder: Path,
    views_of: int,
    validation: int,
    steps: tuple[int, int],
    viewer: Viewer,
    bars: StepBars,
) -> dict[str, Any]:
    """Train language model and map; return how often the answers are right."""
    import torch

    from viper.builtin.answerer import ANSWERER_FOLDER, LANGUAGE_FOLDER, load_speech
    from viper.builtin.train.answering import compare, look_at_views, train_answerer
    from viper.builtin.train.language import train_language
    from viper.limber.answerer import load_language

    def show(what: str, of: int) -> Any:
        return lambda step, loss: bars.update(f"training {what}: loss {loss:.3f}", step, of)

    text_steps, map_steps = steps
    place = folder / LANGUAGE_FOLDER
    train_language(place, text_steps, on_step=show("the language model", text_steps))
    language, tokenizer, _ = load_language(str(place), torch.device("cpu"), torch.float32)
    views = look_at_views(
        folder / "train",
        views_of,
        viewer,
        seed=1,
        on_seen=lambda n: bars.update("looking at views", n, views_of),
    )
    target = folder / ANSWERER_FOLDER
    train_answerer(
        views, language, tokenizer, target, map_steps, on_step=show("the map", map_steps)
    )
    blind = train_answerer(
        views,
        language,
        tokenizer,
        target,
        map_steps,
        blind=True,
        on_step=show("the blind control", map_steps),
    )
    others = look_at_views(folder / "validation", validation, viewer, seed=2)
    return compare(others, load_speech(folder), blind, viewer)


if __name__ == "__main__":
    main()
