"""Closed-vocabulary detectors from an ONNX file: `onnx:PATH?score_threshold=0.25&…`.

The options are `OnnxOptions`; the formats are in `viper.backends.onnx_formats`.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from viper.backends.coco import COCO_CLASSES
from viper.backends.detections import to_detections
from viper.backends.file_hashes import unchanged
from viper.backends.model_source import reason_of
from viper.backends.onnx_files import graph_files, hash_graph
from viper.backends.onnx_formats import DetectorFormat, FloatArray, Yolox, recognise
from viper.backends.onnx_runtime import onnxruntime
from viper.backends.onnx_session import PROVIDERS, open_session, run_session
from viper.backends.onnx_values import settled
from viper.backends.option_models import OnnxOptions
from viper.errors import ConfigError, InputError, ModelError, did_you_mean
from viper.models.roles import Detection, Detector, DetectRequest
from viper.storage.files import read_regular_file
from viper.storage.user_cache import expand_user

__all__ = ["OnnxDetector", "load"]

# The largest known graphs take images of 1,536 pixels, and batches of 32. A few bytes can ask for any number.
_MOST_SIDE_PX = 4_096
_MOST_BATCH = 64
# The largest vocabulary of a detector has 20,000 names.
_MOST_NAMES = 100_000
_MOST_NAMES_CHARS = 4_000_000
_ENTRY = re.compile(
    r"""\s{0,8}(?:["']?(?P<key>[0-9]{1,7})["']?\s{0,8}:)?\s{0,8}"""
    r"""(?P<name>"(?:[^"\\\n]|\\.){0,300}"|'(?:[^'\\\n]|\\.){0,300}')\s{0,8}(?:,|(?=\s{0,8}\Z))\s{0,8}"""
)


def load(reference: str, options: Mapping[str, str]) -> OnnxDetector:
    """Load a detector from an ONNX file.

    Args:
        reference: Path of the file.
        options: Those of `OnnxOptions`.

    Raises:
        ConfigError: The file is missing, is not an ONNX graph or not a supported detector, its class names
            are unknown, or an option is wrong.
    """
    chosen = OnnxOptions.read(options, "the onnx detector")
    path = _existing_file(reference)
    with unchanged(*graph_files(path).values()):
        graph = _Graph.open(path, chosen.device, chosen.size)
        version = hash_graph(path)[:16]
    format_ = recognise(
        (graph.hw[1], graph.hw[0]),
        graph.output_shapes(path),
        wanted=chosen.format,
        decoded=chosen.decoded,
        input=chosen.input,
        where=f"'{path}'",
    )
    names = _read_names(expand_user(chosen.classes)) if chosen.classes else None
    vocabulary = _class_names(graph.names, format_, names, path)
    format_ = settled(format_, graph.run, where=f"'{path}'")
    settings = f"format={format_.name}&size={graph.hw[1]}x{graph.hw[0]}"
    if isinstance(format_, Yolox):
        settings += f"&layout={format_.layout}&input={format_.input}"
    return OnnxDetector(
        graph=graph,
        format=format_,
        vocabulary=vocabulary,
        score_threshold=chosen.score_threshold,
        fingerprint=(
            f"onnx:{path.name}@{version}?{settings}"
            f"&score_threshold={chosen.score_threshold}&device={graph.provider}"
            + (f"&classes={names.version[:16]}" if names else "")
        ),
    )


@dataclass(frozen=True, slots=True)
class OnnxDetector(Detector):
    """A closed-vocabulary detector; duplicates are left in (see `Detector.detect`)."""

    graph: _Graph
    format: DetectorFormat
    fingerprint: str
    score_threshold: float  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen
    vocabulary: tuple[str, ...] | None

    def largest_batch(self, method: str) -> int | None:
        """Return the batch size that is fixed in the graph; None if it takes any."""
        return self.graph.batch_size

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Report all objects of all classes in each view; phrases are ignored.

        Raises:
            ModelError: The runtime failed.
        """
        results: list[list[Detection]] = []
        # A graph with a fixed batch size fails on more.
        step = self.graph.batch_size or max(len(requests), 1)
        for start in range(0, len(requests), step):
            part = [self.format.prepare(r.view.pixels()) for r in requests[start : start + step]]
            batch = np.stack([tensor for tensor, _ in part])  # (B, 3, H, W)
            raw = self.format.decode(self.graph.run(batch))
            results += (
                to_detections(frame, *boxes, self.vocabulary or (), self.score_threshold)
                for (_, frame), boxes in zip(part, raw, strict=False)
            )
        return results


@dataclass(frozen=True, slots=True)
class _Graph:
    """A loaded ONNX graph with one image input."""

    session: Any  # onnxruntime ships no types
    input_name: str
    batch_size: int | None
    """Images per forward that the graph requires; None if it takes any number."""
    hw: tuple[int, int]
    names: str | None
    """Class names in the metadata, as written by exporters."""
    provider: str

    @classmethod
    def open(cls, path: Path, device: str, size: int) -> _Graph:
        session = open_session(
            path,
            provider=_provider(device),
            advice="Give an ONNX file of a detector, complete with its weights.",
        )
        inputs = session.get_inputs()
        if [(len(entry.shape), entry.type) for entry in inputs] != [(4, "tensor(float)")]:
            found = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs)
            raise ConfigError(
                f"'{path}' takes the inputs {found}; a detector takes one image of shape "
                "(batch, 3, height, width) in float32."
            )
        batch, channels, height, width = inputs[0].shape
        if isinstance(channels, int) and channels != 3:
            raise ConfigError(
                f"'{path}' takes images with {channels} channels in second place; "
                "a detector takes 3, as in (batch, 3, height, width)."
            )
        for name, number, most in (
            ("batch", batch, _MOST_BATCH),
            ("height", height, _MOST_SIDE_PX),
            ("width", width, _MOST_SIDE_PX),
        ):
            # A free dimension is no number, or -1.
            if isinstance(number, int) and (number > most or number == 0):
                raise ConfigError(
                    f"'{path}' takes images with the {name} {number:,}; a detector takes 1 to {most:,}. "
                    "Export it with a smaller input."
                )
        return cls(
            session=session,
            input_name=inputs[0].name,
            batch_size=batch if isinstance(batch, int) and batch > 0 else None,
            # A free dimension has a name or nothing in place of a number.
            hw=(
                height if isinstance(height, int) and height > 0 else size,
                width if isinstance(width, int) and width > 0 else size,
            ),
            names=session.get_modelmeta().custom_metadata_map.get("names"),
            provider=session.get_providers()[0].removesuffix("ExecutionProvider").lower(),
        )

    def output_shapes(self, path: Path) -> list[tuple[int, ...]]:
        """Return the shapes for a batch of one: as the graph states them, else from a trial run."""
        stated = [tuple(output.shape) for output in self.session.get_outputs()]
        if self.batch_size == 1 and all(type(side) is int for shape in stated for side in shape):
            return stated
        try:
            outputs = self.run(np.zeros((1, 3, *self.hw), np.float32))
        except ModelError as error:
            raise ConfigError(
                f"'{path}' does not run on an image of {self.hw[1]}×{self.hw[0]}: {error} "
                "If its input size is free, give the side in pixels that it was trained with: "
                "onnx:PATH?size=416."
            ) from error
        # An output that is no array (a sequence, a map) has no shape and fits no format.
        return [getattr(output, "shape", ()) for output in outputs]

    def run(self, batch: FloatArray) -> list[FloatArray]:
        """Run images of shape (B, 3, H, W), filled up to the batch size of the graph."""
        missing = (self.batch_size or 0) - len(batch)
        if missing > 0:
            batch = np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), np.float32)])
        return run_session(self.session, {self.input_name: batch})


def _existing_file(reference: str) -> Path:
    if not reference:
        raise ConfigError("The onnx detector has no file. Write onnx:PATH, as in onnx:yolox.onnx.")
    path = expand_user(reference)
    if path.is_dir():
        raise ConfigError(f"'{path}' is a folder. Give the ONNX file itself, as in onnx:PATH.onnx.")
    if not path.is_file():
        beside = (
            [entry.name for entry in path.parent.glob("*.onnx")] if path.parent.is_dir() else []
        )
        raise ConfigError(
            f"There is no file '{path}'. {did_you_mean(path.name, beside)}"
            "Give the path of an ONNX detector, as in onnx:yolox_nano.onnx."
        )
    return path


def _provider(device: str) -> str:
    available = onnxruntime.get_available_providers()
    if device == "auto":
        device = "cuda" if PROVIDERS["cuda"] in available else "cpu"
    provider = PROVIDERS[device]
    if provider not in available:
        raise ConfigError(
            f"This onnxruntime cannot run on device={device}; it has {', '.join(available)}. "
            "Use device=cpu, or install the package onnxruntime-gpu in place of onnxruntime."
        )
    return provider


@dataclass(frozen=True, slots=True)
class _NamesFile:
    """The class names of a file of the user."""

    path: Path
    names: tuple[str, ...]
    version: str
    """SHA-256 of the file."""


def _class_names(
    metadata: str | None, format_: DetectorFormat, given: _NamesFile | None, path: Path
) -> tuple[str, ...]:
    """Take the names from the file given, else from the graph, else from COCO."""
    class_count = format_.class_count
    names = _names_in_metadata(metadata or "")
    counts = [len(given.names)] if given is not None else [len(names), len(COCO_CLASSES)]
    if isinstance(format_, Yolox) and class_count not in counts and class_count + 1 in counts:
        raise ConfigError(
            f"'{path}' gives {class_count + 5} numbers for each cell: a box and the scores of "
            f"{class_count + 1} classes, but no objectness, so it is no YOLOX. Export a YOLOX or NanoDet, or "
            "give the .pt file of an ultralytics model: ultralytics:FILE.pt."
        )
    if given is not None:
        if len(given.names) != class_count:
            raise ConfigError(
                f"'{given.path}' names {len(given.names)} classes, but '{path}' has {class_count}. "
                "Give one name per line, in the order of the graph."
            )
        return given.names
    if len(names) == class_count:
        return names
    if class_count == len(COCO_CLASSES):
        return COCO_CLASSES
    raise ConfigError(
        f"'{path}' has {class_count} classes, and their names are not in the file. "
        "Give a text file with one name per line: onnx:PATH?classes=FILE."
    )


def _read_names(path: Path) -> _NamesFile:
    try:
        content = read_regular_file(
            str(path), max_bytes=_MOST_NAMES_CHARS, what="file of class names"
        )
        text = content.decode("utf-8-sig")
    except (OSError, InputError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The class names '{path}' cannot be read: {reason_of(error)}. "
            "Give a UTF-8 text file with one name per line."
        ) from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    return _NamesFile(path, names, hashlib.sha256(content).hexdigest())


def _names_in_metadata(text: str) -> tuple[str, ...]:
    """Read `{0: 'person', …}` (ultralytics) or JSON; each name is a literal of Python or JSON.

    The text is read entry by entry and never as a whole: numbers and brackets of a stranger's choice would
    take quadratic time, or the interpreter's stack.
    """
    text = text.strip()
    if len(text) > _MOST_NAMES_CHARS or text[:1] + text[-1:] not in ("{}", "[]"):
        return ()
    names: dict[int, str] = {}
    at, end = 1, len(text) - 1
    while at < end and (found := _ENTRY.match(text, at, end)):
        key = found["key"]
        number = len(names) if key is None else int(key)
        if (key is None) != (text[0] == "[") or number in names:
            return ()
        try:
            names[number] = str(ast.literal_eval(found["name"]))
        except (ValueError, SyntaxError):
            return ()
        at = found.end()
    # A gap means that the text was not understood.
    if at != end or len(names) > _MOST_NAMES or sorted(names) != [*range(len(names))]:
        return ()
    return tuple(names[number] for number in range(len(names)))
