"""`viper run FILE IMAGE`: run a program of your own."""

from __future__ import annotations

from typing import Any

import click

from viper.cli.ask import answer_options, run_ask
from viper.cli.inputs import check_order_of_run

__all__ = ["run"]


@click.command()
@click.argument("file")
@click.argument("image")
@click.option(
    "--question",
    default="",
    help="Value of the program's parameter `query`, if it has one.",
)
@answer_options
def run(file: str, image: str, question: str, **options: Any) -> None:
    """Run the program in FILE (- is stdin) on the image in the file IMAGE (or - for stdin).

    \b
    viper run program.py examples/street.jpg --models stub
    viper run program.py examples/street.jpg --backend detector=onnx:yolox_nano.onnx --json

    Unlike a generated program, it may answer without looking at the image. Exit status as of viper ask.
    """
    check_order_of_run(file, image)
    run_ask(image, question, file, options)
