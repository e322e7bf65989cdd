"""Checks the description of a YOLO network, which the library turns into calls of classes and functions.

The library looks the names of layers up among all names of a module, and evaluates activations as Python.
Therefore a description is copied value by value: names must be on the lists below, which hold what the
library's own detectors use, and numbers are bounded.
"""

from __future__ import annotations

from typing import Any

__all__ = ["checked_yaml"]

_LAYERS = frozenset(
    """A2C2f ADown AConv Bottleneck BottleneckCSP C1 C2 C2PSA C2f C2fAttn C2fCIB C2fPSA C3 C3Ghost C3TR C3k2
    C3x CBFuse CBLinear Concat Conv Conv2 ConvTranspose DWConv DWConvTranspose2d Detect ELAN1 Focus
    GhostBottleneck GhostConv HGBlock HGStem ImagePoolingAttn PSA Pose Pose26 RepC3 RepConv RepNCSPELAN4
    ResNetLayer SCDown SPP SPPELAN SPPF Segment Segment26 Silence WorldDetect YOLOEDetect YOLOESegment
    YOLOESegment26 nn.BatchNorm2d nn.ConvTranspose2d nn.Identity nn.MaxPool2d nn.Upsample nn.ZeroPad2d
    v10Detect""".split()
)
_WORDS = frozenset({"None", "True", "False", "nc", "kpt_shape", "nearest"})
"""Texts among the arguments of layers; the library evaluates the others, too."""
_ACTIVATIONS = frozenset(
    f"{place}nn.{call}"
    for place in ("", "torch.")
    for call in (
        "SiLU()",
        "ReLU()",
        "ReLU6()",
        "GELU()",
        "Mish()",
        "Hardswish()",
        "LeakyReLU()",
        "LeakyReLU(0.1)",
        "Identity()",
    )
)
_NUMBERS = ("nc", "reg_max", "depth_multiple", "width_multiple", "channels")
_MAX_LAYERS = 100
"""The largest model of the library has 43."""
_MAX_REPEATS = 50
"""Of one layer, also after scaling; the library's have at most 12."""
_MAX_SIDE = 4
"""Of an enlargement, which needs no weights: the only layer whose memory the file's size does not bound."""
_MAX_NUMBER = 65_536
_MAX_SCALES = 16
_MAX_NAME = 8
_MAX_NESTING = 3


class _Refused(Exception):  # noqa: N818 # never leaves this module
    pass


def checked_yaml(described: object) -> dict[str, Any] | None:
    """Return a copy of a model description with the values that the library reads.

    Args:
        described: From a file.

    Returns:
        The copy; None if it is not a description of a detector.
    """
    try:
        return _checked(described)
    except _Refused:
        return None


def _checked(given: Any) -> dict[str, Any]:
    _must(type(given) is dict)
    copy: dict[str, Any] = {}
    for name in _NUMBERS:
        if given.get(name) is not None:
            copy[name] = _number(given[name])
    _must(type(copy.get("nc")) is int and copy["nc"] > 0)
    _must(copy.get("channels", 3) == 3)
    for name in ("end2end", "inplace"):
        if given.get(name) is not None:
            _must(type(given[name]) is bool)
            copy[name] = given[name]
    if given.get("kpt_shape") is not None:
        copy["kpt_shape"] = _arguments(given["kpt_shape"])
    if (activation := given.get("activation")) is not None:
        _must(type(activation) is str and activation in _ACTIVATIONS)
        copy["activation"] = activation
    depth = copy.get("depth_multiple", 1)
    if given.get("scales"):
        copy["scales"] = _scales(given["scales"])
        scale = given.get("scale") or next(iter(copy["scales"]))
        _must(type(scale) is str and scale in copy["scales"])
        copy["scale"] = scale
        depth = copy["scales"][scale][0]
    for name in ("backbone", "head"):
        rows = given.get(name)
        _must(type(rows) is list and 0 < len(rows) <= _MAX_LAYERS)
        copy[name] = [_row(row, depth) for row in rows]
    return copy


def _row(row: Any, depth: float) -> list[Any]:
    _must(type(row) in (list, tuple) and len(row) == 4)
    source, repeats, layer, arguments = row
    if type(source) in (list, tuple):
        _must(0 < len(source) <= _MAX_LAYERS)
        source = [_integer(one) for one in source]
    else:
        source = _integer(source)
    _must(_integer(repeats) > 0 and repeats * max(depth, 1) <= _MAX_REPEATS)
    _must(type(layer) is str and layer in _LAYERS)
    checked = _arguments(arguments)
    if layer == "nn.Upsample":
        _must(all(one is None or type(one) is str or _number(one) <= _MAX_SIDE for one in checked))
    return [source, repeats, layer, checked]


def _scales(scales: Any) -> dict[str, list[Any]]:
    _must(type(scales) is dict and len(scales) <= _MAX_SCALES)
    copy = {}
    table: dict[Any, Any] = scales
    for name, values in table.items():
        _must(type(name) is str and len(name) <= _MAX_NAME)
        _must(type(values) in (list, tuple) and len(values) == 3)
        copy[name] = [_number(one) for one in values]
        _must(min(copy[name]) > 0)
    return copy


def _arguments(values: Any, level: int = 0) -> list[Any]:
    _must(type(values) in (list, tuple) and len(values) <= _MAX_LAYERS and level < _MAX_NESTING)
    copy: list[Any] = []
    for one in values:
        if type(one) is str:
            _must(one in _WORDS)
            copy.append(one)
        elif one is None or type(one) is bool:
            copy.append(one)
        elif type(one) in (list, tuple):
            copy.append(_arguments(one, level + 1))
        else:
            copy.append(_number(one))
    return copy


def _integer(value: Any) -> int:
    _must(type(value) is int)
    return int(_number(value))


def _number(value: Any) -> int | float:
    _must(type(value) in (int, float))
    # Compared first: a long integer cannot be made a float. NaN is not comparable.
    _must(-_MAX_NUMBER <= value <= _MAX_NUMBER)
    return value  # type: ignore[no-any-return] # checked


def _must(holds: bool) -> None:
    if not holds:
        raise _Refused
