"""The image and the question of a command line: from arguments or from stdin, and in the right order."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from viper.cli.files import read_bytes, read_text
from viper.cli.output import notice
from viper.errors import InputError

__all__ = ["STDIN", "QuestionCommand", "check_order", "check_order_of_run", "read_inputs"]

STDIN = "-"
_IMAGES = frozenset(".png .jpg .jpeg .webp .gif .bmp .tif .tiff .ppm .avif .heic".split())


class QuestionCommand(click.Command):
    """A verb with a question as its last argument, which a shell splits where it is not quoted."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises:
            click.UsageError: They are not as the verb has them.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            if "unexpected extra argument" not in error.message:
                raise
            raise click.UsageError(
                f"{error.message}. Put the question in quotation marks: "
                'viper ask photo.jpg "Is there a dog?"',
                ctx,
            ) from None


def check_order(image: str, question: str, program: str | None) -> None:
    """Check the arguments of `viper ask` before anything is read or started.

    Args:
        image: As it was typed.
        question: As it was typed.
        program: File of a program, if one was given.

    Raises:
        click.UsageError: Image and question are swapped, or two of the three are `-`.
    """
    if [image, question, program].count(STDIN) > 1:
        raise click.UsageError(
            "Only one of image, question and program can be read from stdin (-). Give a file for the image."
        )
    is_there = image == STDIN or os.path.exists(image)  # noqa: PTH110 # False for what is no path
    if program is None and not is_there and _is_image(question) and not _is_image(image):
        raise click.UsageError(
            "The image comes first, and then the question: "
            f"viper ask {shlex.quote(question)} {shlex.quote(image)}"
        )


def check_order_of_run(program: str, image: str) -> None:
    """Check that the arguments of `viper run` are not swapped.

    Raises:
        click.UsageError: They are.
    """
    if Path(image).suffix == ".py" and _is_image(program):
        raise click.UsageError(
            "The program comes first, and then the image: "
            f"viper run {shlex.quote(image)} {shlex.quote(program)}"
        )


def read_inputs(image: str, question: str) -> tuple[str | bytes, str]:
    """Return the path or the bytes of the image, and the question, read from stdin where one is `-`.

    Raises:
        InputError: stdin cannot be read.
    """
    if question == STDIN:
        if _is_terminal():
            notice("type the question, and end it with Ctrl-D.")
        question = read_text(STDIN, what="question").strip()
    return _read_image() if image == STDIN else image, question


def _is_image(text: str) -> bool:
    """Return whether a text is an existing file, or looks like the path of an image."""
    looks = Path(text[-300:]).suffix.lower() in _IMAGES and not any(map(str.isspace, text))
    return looks or os.path.isfile(text)  # noqa: PTH113 # False for a text that no path can be


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _read_image() -> bytes:
    from viper.images.decoding import MAX_FILE_BYTES

    if _is_terminal():
        raise InputError(
            "The image (-) comes from stdin, which is a terminal here. Send it a file, as in: "
            'viper ask - "How many people are there?" < photo.jpg'
        )
    # One byte more than allowed, so that a larger image is refused and not cut.
    return read_bytes(STDIN, what="image", max_bytes=MAX_FILE_BYTES + 1)
