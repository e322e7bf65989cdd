"""Hand-made ONNX detectors that see blue: every 8-pixel cell of blue is a box of that cell.

So what comes out says exactly where the picture lay on the canvas, in which channel order, and how
the numbers were decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)


def yolox(
    path: Path,
    *,
    batch: int | str = 1,
    side: int | str = 64,
    classes: int = 2,
    strides: Sequence[int] = STRIDES,
    names: str | None = None,
) -> Path:
    """A graph in the output format of YOLOX; the first class is the one that is seen."""
    nodes, constants, levels = [], [], []
    for stride in strides:
        nodes += _blue(stride, gain=1 / 255 if stride == 8 else 0.0)
        # Column by column: x, y, w, h, objectness, classes; zero times blue plus a constant.
        row = [0.5, 0.5, 0.0, 0.0, None, 1.0, *[0.0] * (classes - 1)]
        columns = []
        for index, value in enumerate(row):
            if value is None:
                columns.append(f"blue{stride}")
                continue
            constants.append(_scalar(f"value{stride}_{index}", value))
            nodes.append(helper.make_node("Mul", [f"blue{stride}", "zero"], [f"z{stride}_{index}"]))
            column = f"column{stride}_{index}"
            inputs = [f"z{stride}_{index}", f"value{stride}_{index}"]
            nodes.append(helper.make_node("Add", inputs, [column]))
            columns.append(column)
        nodes.append(helper.make_node("Concat", columns, [f"level{stride}"], axis=2))
        levels.append(f"level{stride}")
    nodes.append(helper.make_node("Concat", levels, ["output"], axis=1))
    outputs = [_output("output", batch, 5 + classes)]
    return _save(path, nodes, constants, outputs, batch, side, strides, names)


def nanodet(path: Path, *, classes: int = 2, bins: int = 8) -> Path:
    """A graph in the output format of NanoDet; distances are half a stride to each side."""
    nodes, constants, outputs = [], [], []
    for stride in STRIDES:
        # Full blue is (255 - 103.53) / 57.375 after normalising.
        nodes += _blue(stride, gain=57.375 / (255 - 103.53) if stride == 8 else 0.0)
        nodes.append(helper.make_node("Mul", [f"blue{stride}", "zero"], [f"none{stride}"]))
        parts = [f"blue{stride}", *[f"none{stride}"] * (classes - 1)]
        nodes.append(helper.make_node("Concat", parts, [f"scores{stride}"], axis=2))
        outputs.append(_output(f"scores{stride}", 1, classes))
    for stride in STRIDES:
        # Half of the weight on bin 0 and half on bin 1.
        logits = np.full((4, bins), -100, np.float32)
        logits[:, :2] = 0
        constants.append(numpy_helper.from_array(logits.reshape(1, 1, -1), f"logits{stride}"))
        inputs = [f"none{stride}", f"logits{stride}"]
        nodes.append(helper.make_node("Add", inputs, [f"distances{stride}"]))
        outputs.append(_output(f"distances{stride}", 1, 4 * bins))
    return _save(path, nodes, constants, outputs, 1, 64, STRIDES, None)


def foreign(path: Path) -> Path:
    """A graph that takes a picture and gives numbers that are no detections."""
    nodes = [helper.make_node("GlobalAveragePool", ["images"], ["output"])]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, 1, 1])
    return _save(path, nodes, [], [output], 1, 64, (), None)


def _blue(stride: int, gain: float) -> list[onnx.NodeProto]:
    """Mean of the first channel over cells, times a gain: `blue{stride}`, (B, cells, 1)."""
    size = [stride, stride]
    return [
        helper.make_node(
            "AveragePool", ["first"], [f"pool{stride}"], kernel_shape=size, strides=size
        ),
        helper.make_node("Reshape", [f"pool{stride}", "shape"], [f"flat{stride}"]),
        helper.make_node(
            "Constant",
            [],
            [f"gain{stride}"],
            value=helper.make_tensor("gain", TensorProto.FLOAT, [], [gain]),
        ),
        helper.make_node("Mul", [f"flat{stride}", f"gain{stride}"], [f"blue{stride}"]),
    ]


def _scalar(name: str, value: float) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, np.float32), name)


def _output(name: str, batch: int | str, numbers: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, None, numbers])


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    outputs: list[onnx.ValueInfoProto],
    batch: int | str,
    side: int | str,
    strides: Sequence[int],
    names: str | None,
) -> Path:
    if strides:
        first = [("starts", [0]), ("ends", [1]), ("axes", [1]), ("shape", [0, -1, 1])]
        constants = [
            *constants,
            *(numpy_helper.from_array(np.array(value, np.int64), name) for name, value in first),
            _scalar("zero", 0.0),
        ]
        nodes = [
            helper.make_node("Slice", ["images", "starts", "ends", "axes"], ["first"]),
            *nodes,
        ]
    height, width = (side, side) if isinstance(side, int) else ("height", "width")
    shape = [batch, 3, height, width]
    picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "detector", [picture], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if names is not None:
        helper.set_model_props(model, {"names": names})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
