"""The supported families of ONNX detectors: YOLOX and NanoDet.

A format converts a crop to the graph's input and the graph's outputs to boxes. The shapes of the outputs
identify the family: YOLOX has one output of 5 + classes numbers per cell of a grid, NanoDet a pair of
outputs per grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from viper.backends.letterbox import Frame, letterbox
from viper.errors import ConfigError
from viper.images.image import Pixels

__all__ = [
    "INPUTS",
    "DetectorFormat",
    "FloatArray",
    "Layout",
    "NanoDet",
    "Yolox",
    "grid",
    "recognise",
]

FloatArray = NDArray[np.float32]

Layout: TypeAlias = Literal["offsets", "centers", "corners"]
"""What the first four numbers of a cell of YOLOX are: center and logarithm of the size relative to the cell,
center and size in pixels, or the two corners in pixels."""

Input: TypeAlias = Literal["bgr255", "rgb255", "bgr1", "rgb1", "imagenet"]
INPUTS: tuple[Input, ...] = get_args(Input)
"""Order and range of the channels of YOLOX's input; "imagenet" is RGB from 0 to 1, normalized."""

# Of RGB from 0 to 1.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class RawBoxes(NamedTuple):
    """A graph's raw output for one image, one row per cell of its grids."""

    boxes_xyxy: NDArray[np.floating]
    """Shape (N, 4), pixels of the canvas."""
    scores: FloatArray
    """Shape (N,), 0 … 1: the score of the best class."""
    classes: NDArray[np.intp]
    """Shape (N,), index of the best class."""


@dataclass(frozen=True, slots=True)
class DetectorFormat:
    """One family of graphs, for one canvas size."""

    name: ClassVar[str]
    """As in the option `format`."""
    canvas_wh: tuple[int, int]
    class_count: int
    """Number of classes that the graph scores."""
    strides: tuple[int, ...]
    """Canvas pixels per cell, of each grid."""

    def prepare(self, pixels: Pixels) -> tuple[FloatArray, Frame]:
        """Fit a crop, shape (h, w, 3) RGB, into the graph's input, shape (3, H, W)."""
        raise NotImplementedError

    def decode(self, outputs: Sequence[FloatArray]) -> list[RawBoxes]:
        """Read the outputs of a batch, each of shape (B, …); returns B values."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Yolox(DetectorFormat):
    """YOLOX (Ge et al. 2021, arXiv:2107.08430), as its own exporter writes it.

    Input: crop at the top left on gray 114, BGR from 0 to 255 unless it says otherwise. Output:
    (B, cells, 5 + classes) with a box, objectness and class probabilities.
    """

    name = "yolox"
    layout: Layout = "offsets"
    input: Input = "bgr255"

    def prepare(self, pixels: Pixels) -> tuple[FloatArray, Frame]:
        """Fit a crop into the graph's input."""
        frame = letterbox(pixels, self.canvas_wh, fill=114)
        values = _channels_first_bgr(frame)
        if self.input in ("rgb255", "rgb1", "imagenet"):
            values = np.ascontiguousarray(values[::-1])
        if self.input not in ("bgr255", "rgb255"):
            values /= np.float32(255)
        if self.input == "imagenet":
            values -= np.array(_MEAN, np.float32)[:, None, None]
            values /= np.array(_DEVIATION, np.float32)[:, None, None]
        return values, frame

    def decode(self, outputs: Sequence[FloatArray]) -> list[RawBoxes]:
        """Read one output of shape (B, cells, 5 + classes)."""
        output = outputs[0]
        boxes: Any = output[..., :4]  # (B, N, 4)
        if self.layout != "corners":
            centers, sizes = output[..., 0:2], output[..., 2:4]  # (B, N, 2)
            if self.layout == "offsets":
                cells, strides = grid(self.canvas_wh, self.strides)  # (N, 2), (N, 1)
                centers = (centers + cells) * strides
                with np.errstate(over="ignore"):  # an infinite box that counts is refused later
                    sizes = np.exp(sizes) * strides
            boxes = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=-1)
        scores = output[..., 4:5] * output[..., 5:]  # (B, N, C)
        return _best_classes(boxes, scores)


@dataclass(frozen=True, slots=True)
class NanoDet(DetectorFormat):
    """NanoDet with one pair of outputs per grid (the first NanoDet; not NanoDet-Plus).

    Input: BGR, normalised, crop in the middle on black. Outputs: class probabilities
    (B, cells, classes) of each grid, then (B, cells, 4 · bins): the distances from the cell's
    center to the four sides as distributions over 0 … bins - 1 strides, whose mean is used
    (Generalized Focal Loss, Li et al. 2020, arXiv:2006.04388, section 3.2).
    """

    name = "nanodet"
    bins: int

    def prepare(self, pixels: Pixels) -> tuple[FloatArray, Frame]:
        """Fit a crop into the graph's input."""
        frame = letterbox(pixels, self.canvas_wh, fill=0, centred=True)
        # BGR mean and deviation of ImageNet, as in the configurations of NanoDet.
        mean = np.array([103.53, 116.28, 123.675], dtype=np.float32)
        deviation = np.array([57.375, 57.12, 58.395], dtype=np.float32)
        bgr = _channels_first_bgr(frame)
        return (bgr - mean[:, None, None]) / deviation[:, None, None], frame

    def decode(self, outputs: Sequence[FloatArray]) -> list[RawBoxes]:
        """Read the class outputs of all grids, then their distance outputs."""
        levels = len(self.strides)
        scores = np.concatenate(outputs[:levels], axis=1)  # (B, N, C)
        logits = np.concatenate(outputs[levels:], axis=1)  # (B, N, 4 * bins)
        logits = logits.reshape(*logits.shape[:2], 4, self.bins)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        cells, strides = grid(self.canvas_wh, self.strides)
        distances = weights @ np.arange(self.bins, dtype=np.float32) * strides  # (B, N, 4)
        centers = (cells + 0.5) * strides  # (N, 2)
        corners = (centers - distances[..., :2], centers + distances[..., 2:])
        boxes = np.concatenate(corners, axis=-1)
        return _best_classes(boxes, scores)


def recognise(
    canvas_wh: tuple[int, int],
    output_shapes: Sequence[tuple[int, ...]],
    *,
    wanted: str = "auto",
    decoded: bool = False,
    input: Input = "bgr255",  # as the option
    where: str = "the graph",
) -> DetectorFormat:
    """Identify the format of a graph from the shapes of its outputs.

    Args:
        canvas_wh: Width and height of the input.
        output_shapes: Shapes for a batch of one, in the graph's order.
        wanted: Name of a format, or "auto".
        decoded: YOLOX only: boxes are in pixels.
        input: YOLOX only: what the graph takes.
        where: Name of the file, for the message.

    Raises:
        ConfigError: The shapes fit no format, or not the wanted one.
    """
    format_: DetectorFormat | None = None
    if wanted in ("auto", "yolox"):
        format_ = _as_yolox(canvas_wh, output_shapes, "centers" if decoded else "offsets", input)
    if format_ is None and wanted in ("auto", "nanodet"):
        format_ = _as_nanodet(canvas_wh, output_shapes)
    if format_ is None:
        found = ", ".join("×".join(map(str, shape)) for shape in output_shapes)
        width, height = canvas_wh
        raise ConfigError(
            f"{where} has outputs of shape {found} for an input of {width}×{height}, which "
            f"{'no known format has' if wanted == 'auto' else f'is not {wanted}'}. Supported: "
            "yolox (one output, 1 × cells × (5 + classes), strides 8 16 32 and perhaps 64) and "
            "nanodet (class scores, then distances, for strides 8 16 32). "
            "Export the model without suppression of duplicates."
        )
    return format_


def _as_yolox(
    canvas_wh: tuple[int, int],
    shapes: Sequence[tuple[int, ...]],
    layout: Layout,
    input: Input,
) -> Yolox | None:
    if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][2] < 6:
        return None
    _, cells, numbers = shapes[0]
    for strides in ((8, 16, 32), (8, 16, 32, 64)):
        if sum(_cells(canvas_wh, strides)) == cells:
            return Yolox(canvas_wh, numbers - 5, strides, layout, input)
    return None


def _as_nanodet(canvas_wh: tuple[int, int], shapes: Sequence[tuple[int, ...]]) -> NanoDet | None:
    strides = (8, 16, 32)
    if len(shapes) != 6 or any(len(shape) != 3 for shape in shapes):
        return None
    if [shape[1] for shape in shapes] != [*_cells(canvas_wh, strides)] * 2:
        return None
    classes, sides = shapes[0][2], shapes[3][2]
    if [shape[2] for shape in shapes] != [classes] * 3 + [sides] * 3:
        return None
    # Two bins are the fewest that make a distribution.
    return NanoDet(canvas_wh, classes, strides, sides // 4) if sides % 4 == 0 < 8 <= sides else None


def _cells(canvas_wh: tuple[int, int], strides: Iterable[int]) -> list[int]:
    width, height = canvas_wh
    return [(width // stride) * (height // stride) for stride in strides]


def grid(canvas_wh: tuple[int, int], strides: Iterable[int]) -> tuple[FloatArray, FloatArray]:
    """Return column and row of every cell, shape (N, 2), and its stride, shape (N, 1)."""
    width, height = canvas_wh
    cells, sizes = [], []
    for stride in strides:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        sizes.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _best_classes(boxes: FloatArray, scores: FloatArray) -> list[RawBoxes]:
    """Return the best class of every box, from arrays of shape (B, N, 4) and (B, N, C)."""
    rows = zip(boxes, scores.max(axis=2), scores.argmax(axis=2), strict=True)
    return [RawBoxes(*row) for row in rows]


def _channels_first_bgr(frame: Frame) -> FloatArray:
    rgb = frame.pixels.astype(np.float32)
    return np.ascontiguousarray(rgb[..., ::-1].transpose(2, 0, 1))
