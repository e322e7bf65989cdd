"""Tells what the numbers of an ONNX detector mean from their values on one picture.

Graphs with outputs of one shape differ in what they take and give: an exporter may decode boxes to pixels,
write corners in place of centers, leave the objectness out, or expect RGB from 0 to 1. Read as something
else, such a graph finds nothing, or things that are not there. So a picture with shapes and noise is run
when a detector is loaded; it holds no object of any class, but boxes follow their cells, scores stay within
0 … 1, and nearly all cells see nothing. What cannot be told is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.backends.onnx_formats import DetectorFormat, FloatArray, Layout, Yolox, grid
from viper.errors import ConfigError, ModelError
from viper.images.image import Pixels

__all__ = ["probe_image", "settled"]

RunGraph = Callable[[FloatArray], Sequence[FloatArray]]
"""Runs images of shape (1, 3, H, W); raises `ModelError`."""

_USUAL_RANGE = ("bgr255", "rgb255")
# Scores are outputs of a sigmoid, in half precision perhaps.
_SLACK = 0.01
# Logits of what is not there are far below.
_LEAST_LOGIT = -1.0
# Correlation of a coordinate with the place of its cell: above 0.9 for boxes in pixels, within ±0.25 for
# offsets.
_FOLLOWS = 0.6
# Cells that see an object in a picture without any, on average: 0.003, and 0.2 where the input has another
# scale.
_MOST_OBJECTNESS = 0.05
# Share of cells whose best class has a higher score than their objectness: all but a few.
_LEAST_ABOVE = 0.95
# The largest box, relative to the picture.
_LARGEST = 4
# Objectness of a graph that is given numbers that are 255 times too small, relative to the right ones.
_IN_THE_DARK = 0.05
_SHAPES = 24
# Of the picture, which is enlarged: painting it would take longer than running the graph.
_SIDE = 208


class _UnclearError(Exception):
    """Why the values fit no meaning: a clause."""


def settled(format_: DetectorFormat, run: RunGraph, *, where: str) -> DetectorFormat:
    """Return a format with the meaning that the values have.

    Args:
        format_: As the shapes of the outputs tell.
        run: Runs the graph.
        where: Name of the file, for the message.

    Raises:
        ConfigError: The values have another meaning than any that is known, or it cannot be told.
    """
    width, height = format_.canvas_wh
    scale = min(1.0, _SIDE / max(width, height))
    image = probe_image(max(1, round(width * scale)), max(1, round(height * scale)))
    tensor, _ = format_.prepare(image)
    try:
        outputs = run(tensor[None])
    except ModelError:  # raised again by the first request, which ends an answer
        return format_
    try:
        if isinstance(format_, Yolox):
            output = outputs[0][0].astype(np.float64)  # (cells, 5 + classes)
            _check_scores(output[:, 4:], least=-_SLACK)
            _check_objectness(output)
            if format_.input not in _USUAL_RANGE:
                _check_light(output, run(replace(format_, input="bgr255").prepare(image)[0][None]))
            return replace(format_, layout=_layout(format_, output))
        _check_scores(np.concatenate(outputs[: len(format_.strides)], axis=1), least=_LEAST_LOGIT)
    except _UnclearError as error:
        raise ConfigError(
            f"{where} has the shape of {format_.name}, but not its values: {error} "
            f"Export it as the authors of {format_.name} do, without processing its inputs and outputs."
        ) from None
    return format_


def probe_image(width: int, height: int) -> Pixels:
    """Return a picture of shapes and noise, the same each time, shape (height, width, 3)."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    image = np.stack([90 + 80 * y / height, 110 + 60 * x / width, 150 - 70 * y / height], -1)
    for number in range(_SHAPES):
        center_x, center_y = random.uniform(0, width), random.uniform(0, height)
        across, down = random.uniform(0.03, 0.2, 2) * min(width, height)
        from_x, from_y = np.abs(x - center_x) / across, np.abs(y - center_y) / down
        inside = np.maximum(from_x, from_y) < 1 if number % 2 else from_x**2 + from_y**2 < 1
        image[inside] = random.uniform(0, 255, 3)
    image += random.normal(0, 8, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def _check_scores(scores: NDArray[Any], *, least: float) -> None:
    low, high = float(scores.min()), float(scores.max())
    if low < least or high > 1 + _SLACK:
        raise _UnclearError(
            f"its scores reach from {low:.3g} to {high:.3g}, and are no probabilities from 0 to 1."
        )


def _check_objectness(output: NDArray[np.float64]) -> None:
    """Check that the fifth number of a cell is the probability of an object, and that few cells see one."""
    objectness, classes = output[:, 4], output[:, 5:]
    if classes.shape[1] > 1 and np.abs(output[:, 4:].sum(axis=1) - 1).max() < _SLACK:
        raise _UnclearError("the scores of each cell sum up to 1, so that there is no objectness.")
    above = float((classes.max(axis=1) > objectness).mean())
    mean = float(objectness.mean())
    if above >= _LEAST_ABOVE:
        return
    if mean > _MOST_OBJECTNESS:
        raise _UnclearError(
            f"{mean:.0%} of its cells see an object in a picture without any, so that it takes another "
            "input. Options: input=rgb1 for RGB from 0 to 1, input=bgr1, input=rgb255, and input=imagenet "
            "for RGB that is normalized as for ImageNet; the usual one is BGR from 0 to 255."
        )
    if above < 1 - _LEAST_ABOVE:
        raise _UnclearError(
            "its fifth number is never below the score of a class, so that it is no objectness that "
            "these have yet to be multiplied by."
        )


def _check_light(output: NDArray[np.float64], usual: Sequence[FloatArray]) -> None:
    """Check that a graph sees more with the input that was chosen than with BGR from 0 to 255."""
    other = usual[0][0].astype(np.float64)
    try:
        _check_objectness(other)
    except _UnclearError:  # as expected
        return
    if output[:, 4].max() < _IN_THE_DARK * other[:, 4].max():
        raise _UnclearError(
            "it sees next to nothing in the input that was chosen, and more in BGR from 0 to 255: leave "
            "out the option input."
        )


def _layout(format_: Yolox, output: NDArray[np.float64]) -> Layout:
    """Return what the first four numbers of a cell are."""
    cells, strides = grid(format_.canvas_wh, format_.strides)
    places = ((cells + 0.5) * strides).astype(np.float64)  # (N, 2): centers of the cells in pixels
    first, second = output[:, :2], output[:, 2:4]
    if max(_follows(first, places)) < _FOLLOWS:
        if min(_follows(first[:, ::-1], places)) > _FOLLOWS:
            raise _UnclearError("its boxes have the row before the column.")
        if format_.layout != "offsets":
            raise _UnclearError("its boxes are not in pixels, as decoded=true says.")
        if np.median(np.abs(first - 0.5)) > 8 or np.median(np.abs(second)) > 8:
            raise _UnclearError("its boxes are neither relative to their cells nor in pixels.")
        too_large = second > np.log(_LARGEST * np.array(format_.canvas_wh) / strides)
        if too_large.mean() > _SLACK:
            raise _UnclearError("the sizes of its boxes are no logarithms.")
        return "offsets"
    slopes = [np.polyfit(places[:, axis], first[:, axis], 1)[0] for axis in (0, 1)]
    if not all(0.6 < slope < 1.6 for slope in slopes):
        shares = [slope * side for slope, side in zip(slopes, format_.canvas_wh, strict=True)]
        unit = "in shares of the picture" if max(shares) < 2 else "in another unit"
        raise _UnclearError(f"its boxes are {unit}, not in pixels of its input.")
    if min(_follows(second, places)) > _FOLLOWS:
        if (second < first).mean() > _SLACK:
            raise _UnclearError("its boxes end before they begin.")
        return "corners"
    if (second < 0).mean() > _SLACK:
        raise _UnclearError("its boxes have negative sizes.")
    from_center = np.median(np.abs(first - places) / strides)
    if (
        from_center > 1
        and np.median(np.abs(first + second / 2 - places) / strides) < from_center / 2
    ):
        raise _UnclearError("its boxes have a corner and a size in place of a center and a size.")
    return "centers"


def _follows(values: NDArray[np.float64], places: NDArray[np.float64]) -> list[float]:
    """Return the correlations of x and y with the places of the cells; 0 where nothing varies."""
    found = []
    for axis in (0, 1):
        column = values[:, axis]
        varies = np.ptp(column) > 0 and np.ptp(places[:, axis]) > 0
        found.append(float(np.corrcoef(column, places[:, axis])[0, 1]) if varies else 0.0)
    return found
