"""A YOLOX graph with inputs or outputs of the same shape and another meaning, as exporters write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

STRIDES = (8, 16, 32)
_IN, _OUT = "given", "written"


class Rewiring:
    """Collects nodes and constants that are put before or after a graph."""

    def __init__(self, name: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._name = name

    def __call__(self, kind: str, *inputs: str | np.ndarray, **attributes: object) -> str:
        """Add a node; arrays among its inputs become constants. Return the name of its output."""
        names = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        output = f"{self._name}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def columns(self, value: str, start: int, end: int) -> str:
        """Cut columns out of an output of shape (B, cells, columns)."""
        return self("Slice", value, *(np.array([number]) for number in (start, end, 2)))

    def joined(self, *values: str) -> str:
        """Join columns."""
        return self("Concat", *values, axis=2)

    def _constant(self, value: np.ndarray) -> str:
        name = f"{self._name}c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def rewired(
    source: Path,
    path: Path,
    *,
    before: Callable[[Rewiring, str], str] | None = None,
    after: Callable[[Rewiring, str, Grid], str] | None = None,
) -> Path:
    """Write a graph to another file, with operations before its input or after its output.

    Args:
        source: A YOLOX graph.
        path: The new file.
        before: Adds nodes that make the graph's input of the new one, and returns its name.
        after: The same for the output, of shape (1, cells, 5 + classes).
    """
    model = onnx.load(source)
    graph = model.graph
    image, output = graph.input[0].name, graph.output[0].name
    side = graph.input[0].type.tensor_type.shape.dim[3].dim_value
    if before is not None:
        first = Rewiring("before")
        made = before(first, _IN)
        for node in graph.node:
            for index, name in enumerate(node.input):
                if name == image:
                    node.input[index] = made
        graph.input[0].name = _IN
        for position, node in enumerate(first.nodes):
            graph.node.insert(position, node)
        graph.initializer.extend(first.constants)
    if after is not None:
        last = Rewiring("after")
        made = after(last, output, Grid(side))
        shape = graph.output[0].type.tensor_type.shape
        graph.output[0].name = made
        shape.dim[2].Clear()
        graph.node.extend(last.nodes)
        graph.initializer.extend(last.constants)
    onnx.save(model, path)
    return path


class Grid:
    """The cells of a square canvas, in the order of YOLOX."""

    def __init__(self, side: int) -> None:
        self.side = side
        cells, strides = [], []
        for stride in STRIDES:
            rows, columns = np.mgrid[: side // stride, : side // stride]
            cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
            strides.append(np.full((rows.size, 1), stride))
        self.cells = np.concatenate(cells).astype(np.float32)[None]
        self.strides = np.concatenate(strides).astype(np.float32)[None]


Parts = tuple[str, str, str]


def _pixels(add: Rewiring, output: str, grid: Grid) -> Parts:
    """Return the names of centers and sizes in pixels, and of the scores."""
    centers = add("Mul", add("Add", add.columns(output, 0, 2), grid.cells), grid.strides)
    sizes = add("Mul", add("Exp", add.columns(output, 2, 4)), grid.strides)
    return centers, sizes, add.columns(output, 4, 1000)


def _corners(add: Rewiring, output: str, grid: Grid) -> Parts:
    centers, sizes, scores = _pixels(add, output, grid)
    half = add("Mul", sizes, np.array(0.5, np.float32))
    return add("Sub", centers, half), add("Add", centers, half), scores


def decoded(add: Rewiring, output: str, grid: Grid) -> str:
    """Give centers and sizes in pixels."""
    return add.joined(*_pixels(add, output, grid))


def corners(add: Rewiring, output: str, grid: Grid) -> str:
    """Give the top left and the bottom right corner in pixels."""
    return add.joined(*_corners(add, output, grid))


def top_left(add: Rewiring, output: str, grid: Grid) -> str:
    """Give the top left corner and the size in pixels."""
    first, _, scores = _corners(add, output, grid)
    return add.joined(first, _pixels(add, output, grid)[1], scores)


def shares(add: Rewiring, output: str, grid: Grid) -> str:
    """Give centers and sizes from 0 to 1."""
    side = np.array(grid.side, np.float32)
    centers, sizes, scores = _pixels(add, output, grid)
    return add.joined(add("Div", centers, side), add("Div", sizes, side), scores)


def rows_first(add: Rewiring, output: str, grid: Grid) -> str:
    """Give corners with the row before the column."""
    first, second, scores = _corners(add, output, grid)
    turned = [
        column
        for corner in (first, second)
        for column in (add.columns(corner, 1, 2), add.columns(corner, 0, 1))
    ]
    return add.joined(*turned, scores)


def plain_sizes(add: Rewiring, output: str, grid: Grid) -> str:
    """Give sizes relative to the cell that are no logarithms."""
    sizes = add("Exp", add.columns(output, 2, 4))
    return add.joined(add.columns(output, 0, 2), sizes, add.columns(output, 4, 1000))


def _inverse_sigmoid(add: Rewiring, scores: str) -> str:
    clipped = add("Clip", scores, *(np.array(end, np.float32) for end in (1e-6, 1 - 1e-6)))
    return add("Log", add("Div", clipped, add("Sub", np.array(1, np.float32), clipped)))


def logits(add: Rewiring, output: str, grid: Grid) -> str:
    """Give logits in place of probabilities."""
    return add.joined(
        add.columns(output, 0, 4), _inverse_sigmoid(add, add.columns(output, 4, 1000))
    )


def softmax(add: Rewiring, output: str, grid: Grid) -> str:
    """Give scores that sum up to 1, the first of them that of no object."""
    scores = add.columns(output, 4, 1000)
    return add.joined(add.columns(output, 0, 4), add("Softmax", scores, axis=2))


def _multiplied(add: Rewiring, output: str) -> str:
    return add("Mul", add.columns(output, 5, 1000), add.columns(output, 4, 5))


def multiplied(add: Rewiring, output: str, grid: Grid) -> str:
    """Give scores of classes that the objectness was multiplied by."""
    return add.joined(add.columns(output, 0, 5), _multiplied(add, output))


def no_objectness(add: Rewiring, output: str, grid: Grid) -> str:
    """Give a box and the scores of the classes alone."""
    return add.joined(add.columns(output, 0, 4), _multiplied(add, output))


def not_a_number(add: Rewiring, output: str, grid: Grid) -> str:
    """Give scores that are all NaN."""
    scores = add.columns(output, 4, 1000)
    zero = add("Mul", scores, np.array(0, np.float32))
    return add.joined(add.columns(output, 0, 4), add("Div", zero, zero))


def _channels(add: Rewiring, value: str, order: Sequence[int]) -> str:
    return add("Gather", value, np.array(order), axis=1)


def takes_rgb1(add: Rewiring, value: str) -> str:
    """Take RGB from 0 to 1."""
    return add("Mul", _channels(add, value, (2, 1, 0)), np.array(255, np.float32))


def takes_bgr1(add: Rewiring, value: str) -> str:
    """Take BGR from 0 to 1."""
    return add("Mul", value, np.array(255, np.float32))


def takes_rgb255(add: Rewiring, value: str) -> str:
    """Take RGB from 0 to 255."""
    return _channels(add, value, (2, 1, 0))


def takes_imagenet(add: Rewiring, value: str) -> str:
    """Take RGB, normalized by the mean and deviation of ImageNet."""
    deviation = np.array([0.229, 0.224, 0.225], np.float32)[None, :, None, None]
    mean = np.array([0.485, 0.456, 0.406], np.float32)[None, :, None, None]
    return takes_rgb1(add, add("Add", add("Mul", value, deviation), mean))
