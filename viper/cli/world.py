"""`viper world render`: pictures of the small world, with a file that says what is in them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

__all__ = ["world"]

_SIDE_PX = (32, 4096)


class _Size(click.ParamType[tuple[int, int]]):
    """Reads "480x320" as (480, 320)."""

    name = "WIDTHxHEIGHT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        match = re.fullmatch(r"([0-9]{1,5})[x×]([0-9]{1,5})", str(value))
        if match is None:
            self.fail(f"{value!r} is no size. Give WIDTHxHEIGHT in pixels: 480x320.", param, ctx)
        size = int(match[1]), int(match[2])
        if not all(_SIDE_PX[0] <= side <= _SIDE_PX[1] for side in size):
            self.fail(
                f"{value!r} has a side that is not {_SIDE_PX[0]} to {_SIDE_PX[1]} pixels long.",
                param,
                ctx,
            )
        return size


@click.group()
def world() -> None:
    """Draw the small world: cubes, spheres and cylinders on a ground, as in CLEVR."""


@world.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--count", type=click.IntRange(1, 1_000_000), required=True, help="Number of pictures."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed draws the same pictures; another one has none in common.",
)
@click.option(
    "--size",
    type=_Size(),
    default="480x320",
    show_default=True,
    help="Of each picture, in pixels.",
)
@click.option("--split", default="val", show_default=True, help="Name of the set.")
@click.option("--plain", is_flag=True, help="CLEVR's own light and camera, without noise or blur.")
@click.option(
    "--force", is_flag=True, help="Write into a folder that is not empty; replace this split."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
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
    """Draw pictures into the folder OUT, with a CLEVR scene file that says what is in them.

    \b
    viper world render scenes --count 100
    viper ask scenes/images/val/CLEVR_val_000000.png "How many cubes are there?" \\
        --models truth:scenes/scenes/CLEVR_val_scenes.json

    Pictures go to OUT/images/SPLIT, the scene file to OUT/scenes; its path is what stdout gets. Light,
    colours, camera and noise vary widely from picture to picture, unless --plain.
    """
    import time

    from viper.builtin.world.folder import render_set
    from viper.cli.output import notice, print_error, print_json
    from viper.errors import ViperError

    started_s = time.monotonic()
    try:
        with _Bar(count) as bar:
            written = render_set(
                out,
                count,
                seed=seed,
                size=size,
                split=split,
                randomised=not plain,
                replace=force,
                on_scene=bar.advance,
            )
    except ViperError as error:
        print_error(error, debug=False)
        sys.exit(1)
    took_s = time.monotonic() - started_s
    if as_json:
        print_json(
            {
                "images": str(written.images),
                "scenes": str(written.scenes),
                "count": written.count,
                "things": written.objects,
                "seed": seed,
                "size": list(size),
                "split": split,
                "plain": plain,
                "took_s": round(took_s, 3),
            }
        )
        return
    click.echo(str(written.scenes))
    notice(f"{written.count} pictures of {written.objects} things in {took_s:.1f} s.")


class _Bar:
    """A bar on stderr; only on a terminal."""

    def __init__(self, count: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        console = Console(stderr=True)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            redirect_stdout=False,
        )
        self._task = self._progress.add_task("pictures", total=count)

    def advance(self) -> None:
        """Count one picture."""
        self._progress.advance(self._task)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
