"""`viper world render`: draw images of the small world, with a scene file that describes them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click

from viper.cli.errors import exit_on_error
from viper.cli.options import json_option
from viper.cli.output import echo, notice, print_json

__all__ = ["world"]

_MIN_SIDE_PX, _MAX_SIDE_PX = 32, 4096


def _parse_size(ctx: click.Context, parameter: click.Parameter, text: str) -> tuple[int, int]:
    """Return "480x320" as (480, 320)."""
    match = re.fullmatch(r"([0-9]{1,5})[x×]([0-9]{1,5})", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is not a size. Give WIDTHxHEIGHT in pixels: 480x320.")
    size = int(match[1]), int(match[2])
    if min(size) < _MIN_SIDE_PX or max(size) > _MAX_SIDE_PX:
        raise click.BadParameter(
            f"{text!r} has a side that is not {_MIN_SIDE_PX} to {_MAX_SIDE_PX} pixels long."
        )
    return size


@click.group()
def world() -> None:
    """Draw the small world: cubes, spheres and cylinders on a ground plane, as in CLEVR."""


@world.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--count", type=click.IntRange(1, 1_000_000), required=True, help="Number of images.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random seed: the same seed gives the same images; different seeds have none in common.",
)
@click.option(
    "--size",
    metavar="WIDTHxHEIGHT",
    callback=_parse_size,
    default="480x320",
    show_default=True,
    help="Size of each image, in pixels.",
)
@click.option("--split", default="val", show_default=True, help="Name of the set.")
@click.option(
    "--plain", is_flag=True, help="Use CLEVR's own light and camera, without noise or blur."
)
@click.option(
    "--force", is_flag=True, help="Write to a folder that is not empty; replace this split."
)
@json_option
def render(
    out: Path,
    count: int,
    seed: int,
    size: tuple[int, int],
    split: str,
    plain: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Draw images into the folder OUT, with a CLEVR scene file that describes them.

    \b
    viper world render scenes --count 100
    viper ask scenes/images/val/CLEVR_val_000000.png "How many cubes are there?" \\
        --models truth:scenes/scenes/CLEVR_val_scenes.json

    Images go to OUT/images/SPLIT and the scene file to OUT/scenes; its path is printed on stdout. Without
    --plain, light, colors, camera and noise vary widely between images.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    from viper.builtin.world.folder import render_set
    from viper.progress_bars import stderr_progress

    started_s = time.monotonic()
    bar = stderr_progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    task = bar.add_task("images", total=count)
    with exit_on_error(debug=False), bar:
        written = render_set(
            out,
            count,
            seed=seed,
            size=size,
            split=split,
            randomised=not plain,
            replace=force,
            on_scene=lambda: bar.advance(task),
        )
    took_s = time.monotonic() - started_s
    if as_json:
        print_json(
            {
                "images": str(written.images),
                "scenes": str(written.scenes),
                "count": written.count,
                "objects": written.objects,
                "things": written.objects,  # the name in version 0.1
                "seed": seed,
                "size": list(size),
                "split": split,
                "plain": plain,
                "took_s": round(took_s, 3),
            }
        )
        return
    echo(str(written.scenes))
    notice(f"{written.count} images of {written.objects} objects in {took_s:.1f} s.")
