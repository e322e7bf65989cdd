"""Makes a YOLO network of the parts in a checkpoint, from the library's own classes.

Taken from the file are only: its model description, of known layers and bounded numbers; weights, by name and
with the shapes that the description gives; names of classes, and a few values of the head. The network
is constructed from the description, then compared with the file's, part by part: if a kind of layer or a
setting differs, as in fused and custom networks, the weights would mean something else, so it is refused.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from viper.backends.sealed_loading import sealed
from viper.backends.ultralytics_checkpoint import Part, plain_tensor
from viper.backends.ultralytics_import import no_installs
from viper.backends.ultralytics_yaml import checked_yaml
from viper.errors import ConfigError

__all__ = ["CannotRebuildError", "rebuild", "refuse_task"]

_KINDS = {
    name: name
    for name in (
        "DetectionModel SegmentationModel PoseModel WorldModel YOLOEModel YOLOESegModel".split()
    )
} | {"YOLOv10DetectionModel": "DetectionModel"}
_TASKS = {"SegmentationModel": "segment", "YOLOESegModel": "segment", "PoseModel": "pose"}
_OTHER_TASKS = {
    "ClassificationModel": "classify",
    "DepthModel": "depth",
    "OBBModel": "obb",
    "RTDETRDetectionModel": "detect",
    "SemanticSegmentationModel": "semantic",
}
_OLD_NAMES = {"Silence": "Identity", **_KINDS}
_WITHOUT_EFFECT = frozenset({"training", "np", "type", "inplace", "momentum", "shape"})
"""Of training, and what a head keeps from its last picture: they do not change what a network computes."""
_OF_HEAD = ("nc", "max_det")
"""Numbers that `set_classes` and users change after construction."""
_END_TO_END = ("end2end", "_end2end")
_UNKNOWN = object()
_MAX_CLASSES = 100_000
_MAX_DETECTIONS = 100_000
_TEXT_MODEL = re.compile(r"[\w:./-]{1,60}")


class CannotRebuildError(Exception):
    """The file does not describe a network of the library."""

    def __init__(self, clause: str) -> None:
        super().__init__(f"{clause}.")


def rebuild(part: Part, path: Path) -> Any:
    """Return the network that a part describes, with the weights of the file.

    Args:
        part: From `read_parts`.
        path: Its file, for messages.

    Raises:
        ConfigError: It is no detector.
        CannotRebuildError: It is not a network of the library, or a changed one.
        Exception: Of the library, for a description that fits nothing.
    """
    if part.kind in _OTHER_TASKS:
        refuse_task(path, _OTHER_TASKS[part.kind], part.kind)
    if part.kind not in _KINDS:
        raise CannotRebuildError(f"it holds a {part.kind[:60]}, no YOLO network of the library")
    described = checked_yaml(part.state.get("yaml"))
    if described is None:
        raise CannotRebuildError("its description (yaml) is not that of a model of the library")
    kind = _KINDS[part.kind]
    with sealed(), no_installs(), _own_defaults(), torch.random.fork_rng(devices=[]):
        tasks: Any = importlib.import_module("ultralytics.nn.tasks")
        # First without memory: the weights must be in the file before room is made for them.
        with torch.device("meta"):
            layers, _ = tasks.parse_model(deepcopy(described), ch=3, verbose=False)
        weights = _weights(layers, _child(part, "model"), "model.")
        model = getattr(tasks, kind)(described, ch=3, nc=described["nc"], verbose=False)
        _compare(model, part)
        model.load_state_dict(weights, strict=True)
    _take_values(model, part)
    model.task = _TASKS.get(kind, "detect")
    return model


def refuse_task(path: Path, task: object, kind: str) -> NoReturn:
    """Refuse a network that is no detector.

    Raises:
        ConfigError: Always.
    """
    raise ConfigError(
        f"'{path}' is a model for '{task}' ({kind}), which is not a supported detector. "
        "Give a YOLO, YOLO-World or YOLOE model; RT-DETR loads with "
        "transformers:FOLDER-OR-ID."
    )


@contextlib.contextmanager
def _own_defaults() -> Iterator[None]:
    """Keep the default activation, which a description replaces for the process if it fails halfway."""
    conv: Any = importlib.import_module("ultralytics.nn.modules.conv")
    before = conv.Conv.default_act
    try:
        yield
    finally:
        conv.Conv.default_act = before


def _child(part: Part, name: str) -> Part:
    child = part.table("_modules").get(name)
    if not isinstance(child, Part):
        raise CannotRebuildError(f"it has no part {name[:60]!r}")
    return child


def _pairs(model: torch.nn.Module, part: Part) -> Iterator[tuple[str, torch.nn.Module, Part]]:
    """Yield every module of ours with the file's part of the same name; both have the same children."""
    found = {"": part}
    for path, module in model.named_modules(remove_duplicate=False):
        one = found[path]
        names = {name for name, child in module._modules.items() if child is not None}
        if names != {name for name, child in one.table("_modules").items() if child is not None}:
            raise CannotRebuildError(f"its part {path!r} ({one.kind[:60]}) has other parts")
        for name in names:
            found[f"{path}.{name}" if path else name] = _child(one, name)
        yield path, module, one


def _weights(model: torch.nn.Module, part: Part, prefix: str) -> dict[str, Tensor]:
    """Return the tensors of the file by name; their names and shapes are those of the model."""
    weights = {}
    for path, module, one in _pairs(model, part):
        for table in ("_parameters", "_buffers"):
            theirs = {k: v for k, v in one.table(table).items() if v is not None}
            ours = {k: v for k, v in vars(module)[table].items() if v is not None}
            if theirs.keys() != ours.keys():
                raise CannotRebuildError(f"its part {path!r} ({one.kind[:60]}) has other weights")
            for name, expected in ours.items():
                tensor = plain_tensor(theirs[name])
                if tensor is None or tensor.shape != expected.shape:
                    raise CannotRebuildError(f"the weights {path}.{name} have another shape")
                weights[f"{prefix}{path}.{name}"] = tensor
    return weights


def _compare(model: torch.nn.Module, part: Part) -> None:
    """Check that a constructed network is what the file holds: kinds of layers, settings, no hooks."""
    head = f"model.{len(_child(part, 'model').table('_modules')) - 1}"
    for path, module, one in _pairs(model, part):
        kind, where = type(module).__name__, f"its part {path!r} ({one.kind[:60]})"
        if _OLD_NAMES.get(one.kind, one.kind) != kind:
            raise CannotRebuildError(f"{where} is a {kind} in its description")
        for name, value in one.state.items():
            if name.endswith("_hooks") and value:
                raise CannotRebuildError(f"{where} holds code to be run later ({name[:60]})")
            if name in _WITHOUT_EFFECT or name in _END_TO_END:
                continue
            if callable(inspect.getattr_static(type(module), name, None)):
                raise CannotRebuildError(f"{where} replaces {name[:60]!r}")
            if not path or name.startswith("_") or (path == head and name in _OF_HEAD):
                continue  # see _take_values
            ours = getattr(module, name, _UNKNOWN)
            if ours is _UNKNOWN or isinstance(ours, Tensor):  # computed, such as the stride
                continue
            if not _is_plain(ours) or not _is_plain(value) or _as_tuple(ours) != _as_tuple(value):
                raise CannotRebuildError(f"{where} has another {name[:60]!r}")


def _take_values(model: Any, part: Part) -> None:
    """Take the values that are set after construction."""
    state, head = part.state, model.model[-1]
    theirs = _child(_child(part, "model"), str(len(model.model) - 1)).state
    for name, most in zip(_OF_HEAD, (_MAX_CLASSES, _MAX_DETECTIONS), strict=True):
        if name in theirs:
            setattr(head, name, _count(theirs[name], most, name))
    for name in _END_TO_END:
        if type(theirs.get(name)) is bool and head.end2end != theirs[name]:
            head.end2end = theirs[name]
    model.names = _names(state.get("names"))
    settings = state.get("args")
    size = settings.get("imgsz") if isinstance(settings, dict) else None
    model.args = {"imgsz": size} if type(size) is int else {}
    for name in ("txt_feats", "pe"):
        if (value := state.get(name)) is not None:
            features = plain_tensor(value)
            if features is None or features.ndim != 3 or not features.is_floating_point():
                raise CannotRebuildError(f"its features of texts ({name}) are no tensor (1, P, D)")
            setattr(model, name, features.float())
    text_model = state.get("text_model")
    if text_model is not None:
        if type(text_model) is not str or not _TEXT_MODEL.fullmatch(text_model):
            raise CannotRebuildError("the name of its text model is no name")
        model.text_model = text_model


def _names(names: object) -> dict[int, str]:
    pairs = (
        names.items() if type(names) is dict else enumerate(names if type(names) is list else ())
    )
    table = dict(pairs)
    right = all(type(key) is int and type(name) in (str, int) for key, name in table.items())
    if not table or not right or len(table) > _MAX_CLASSES:
        raise CannotRebuildError("the names of its classes are no texts by number")
    return {key: str(name) for key, name in table.items()}


def _count(value: object, most: int, name: str) -> int:
    if type(value) is not int or not 0 < value <= most:
        raise CannotRebuildError(f"the value {name!r} of its head is no number from 1 to {most}")
    return value


def _is_plain(value: Any) -> bool:
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if type(value) in (list, tuple) else value
