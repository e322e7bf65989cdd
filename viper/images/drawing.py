"""Draws the evidence of an answer on its image: counted patches, rejected ones, and references.

    answer       thick, green, numbered from 1
    reference    dashed, orange
    rejected     thin, gray
    no role      green, without a number: the run does not say

Notebooks show the same (`viper.trace.summary`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from viper.errors import ConfigError, InputError
from viper.images.boxes import Box
from viper.images.image import ImageRef
from viper.storage.files import check_writable, write_file

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

__all__ = ["COLORS", "Mark", "check_drawing_place", "check_drawing_suffix", "drawing", "legend"]
__all__ += ["marks", "write_drawing"]

_WHAT = "The drawing"

COLORS: Mapping[str | None, str] = {
    "answer": "#2ee07f",
    "reference": "#ff9a2e",
    "rejected": "#d8d8d8",
    None: "#2ee07f",
}
"""Role → color; each can be told from the others in light and dark places of a picture."""

_FORMS: Mapping[str, Literal["PNG", "JPEG"]] = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_MOST_PX = 2_400  # longest edge of a drawing, for a screen
_LEAST_PX = 400  # on fewer pixels, numbers cannot be read
# Parts of the longest edge.
_THICK, _THIN, _TEXT = 1 / 200, 1 / 500, 1 / 32
_DARK = "#10231a"
_DASH = 4  # lengths of a dash, and of the gap behind it, in widths of the line


class Mark(NamedTuple):
    """One box of a drawing."""

    box_xyxy: Box
    role: str | None
    number: int | None
    """Counts the patches that the answer counts or names; None for the others."""
    category: str
    score: float


def marks(patches: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Return what is drawn of evidence, in the order in which it is drawn: the answer comes last, on top.

    Args:
        patches: `patches` of a trace.
    """
    numbers = iter(range(1, len(patches) + 1))
    made = [
        Mark(
            (
                patch["box_xyxy"][0],
                patch["box_xyxy"][1],
                patch["box_xyxy"][2],
                patch["box_xyxy"][3],
            ),
            patch.get("evidence"),
            next(numbers) if patch.get("evidence") == "answer" else None,
            patch["category"],
            patch["score"],
        )
        for patch in patches
    ]
    order = ["rejected", "reference", None, "answer"]
    return sorted(made, key=lambda mark: order.index(mark.role))


def check_drawing_suffix(path: Path) -> None:
    """Make sure that a drawing can be written to a file of this name.

    Raises:
        ConfigError: Its suffix is none of `.png`, `.jpg` and `.jpeg`.
    """
    if path.suffix.lower() not in _FORMS:
        raise ConfigError(f"A drawing is written as FILE.png or FILE.jpg, but got {path.name!r}.")


def check_drawing_place(path: Path) -> None:
    """Make sure that a drawing can be written to a file, before the run that it shows.

    Raises:
        ConfigError: Its suffix is unknown, as in `check_drawing_suffix`.
        WriteError: The file cannot be written.
    """
    check_drawing_suffix(path)
    check_writable(path, what=_WHAT)


def write_drawing(
    path: str | os.PathLike[str], image: ImageRef | None, patches: Sequence[Mapping[str, Any]]
) -> None:
    """Write an image with the evidence drawn on it.

    Args:
        path: The file; an existing one is replaced.
        image: The image.
        patches: `patches` of a trace.

    Raises:
        ConfigError: The suffix is none of `.png`, `.jpg` and `.jpeg`.
        InputError: There is no image with pixels, or not enough memory to draw on it.
        WriteError: The file cannot be written; one of that name is unchanged.
    """
    path = Path(path)
    check_drawing_suffix(path)
    if image is None or image.load is None:
        raise InputError("There is nothing to draw on: the answer has no image with pixels.")
    held = io.BytesIO()
    try:
        drawing(image, patches).save(held, _FORMS[path.suffix.lower()])
    except MemoryError as error:
        width, height = image.size
        raise InputError(
            f"There is not enough memory to draw on an image of {width}×{height} pixels. Scale it down."
        ) from error
    write_file(path, held.getvalue(), what=_WHAT)


def drawing(image: ImageRef, patches: Sequence[Mapping[str, Any]]) -> Image:
    """Return an image with the evidence drawn on it; large ones scaled down, tiny ones up."""
    from PIL import Image, ImageDraw

    from viper.images.reduction import resized

    longest = max(image.size)
    scale = min(1.0, _MOST_PX / longest) if longest > _LEAST_PX else float(-(-_LEAST_PX // longest))
    if scale == 1:
        bitmap = Image.fromarray(image.pixels())
    else:
        width, height = image.size
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
        bitmap = resized(image.pixels(), size, way)
    pen = ImageDraw.Draw(bitmap)
    placed = marks(patches)
    for mark in placed:
        _draw_box(pen, mark, scale, max(bitmap.size))
    for mark in placed:
        if mark.number is not None:
            _draw_number(pen, mark, scale, bitmap.size)
    return bitmap


def _draw_box(pen: ImageDraw, mark: Mark, scale: float, longest: int) -> None:
    thick = max(2, round(longest * _THICK))
    width = max(1, round(longest * _THIN)) if mark.role == "rejected" else thick
    x1, y1, x2, y2 = (round(edge * scale) for edge in mark.box_xyxy)
    x2, y2 = max(x2 - 1, x1 + 1), max(y2 - 1, y1 + 1)
    color = COLORS[mark.role]
    if mark.role != "reference":
        # Darker around, so that it can be seen on light ground as well.
        pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=_DARK)
        pen.rectangle((x1, y1, x2, y2), outline=color, width=width)
        return
    for line in _dashes((x1, y1, x2, y2), _DASH * width):
        pen.line(line, fill=color, width=width)


def _dashes(box: tuple[int, int, int, int], length: int) -> Iterator[tuple[int, int, int, int]]:
    x1, y1, x2, y2 = box
    for start in range(x1, x2, 2 * length):
        end = min(start + length, x2)
        yield from ((start, y1, end, y1), (start, y2, end, y2))
    for start in range(y1, y2, 2 * length):
        end = min(start + length, y2)
        yield from ((x1, start, x1, end), (x2, start, x2, end))


def _draw_number(pen: ImageDraw, mark: Mark, scale: float, size: tuple[int, int]) -> None:
    """Draw the number in the upper left corner of the box, on its color."""
    from PIL import ImageFont

    text, height = str(mark.number), max(11, round(max(size) * _TEXT))
    font = ImageFont.load_default(height)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    margin = height // 5
    wide, high = round(right - left) + 2 * margin, round(bottom - top) + 2 * margin
    x = min(max(0, round(mark.box_xyxy[0] * scale)), max(0, size[0] - wide))
    y = min(max(0, round(mark.box_xyxy[1] * scale)), max(0, size[1] - high))
    pen.rectangle((x, y, x + wide, y + high), fill=COLORS[mark.role])
    pen.text((x + margin - left, y + margin - top), text, fill=_DARK, font=font)


def legend(drawn: Iterable[Mark]) -> list[str]:
    """Return what each kind of box in a drawing means, those that occur."""
    roles = {mark.role for mark in drawn}
    meanings = {
        "answer": "numbered: the answer",
        "reference": "dashed: what others were compared with",
        "rejected": "thin: found, and dropped",
    }
    return [meaning for role, meaning in meanings.items() if role in roles]
