"""The network of the built-in models, as ONNX graphs that `viper.builtin.train` exported.

    image.onnx      an image → one map of features, with objects and depths per cell
    regions.onnx    features and boxes → an embedding, a depth and a description of each box
    texts.onnx      words → embeddings of the same space; its metadata holds the scales of matching
    language.onnx   descriptions and words → the next word (`viper.builtin.language`)

All take and return float32, boxes in pixels of the image that the graph was given.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from viper.backends.onnx_session import open_session, run_session
from viper.errors import ConfigError

__all__ = ["ADVICE", "DESCRIBED", "EMBEDDING", "GRAPHS", "STRIDE", "THREADS"]
__all__ += ["Graphs", "Maps", "Network", "Regions", "Scales"]

FloatArray = NDArray[np.float32]

GRAPHS = ("image.onnx", "regions.onnx", "texts.onnx")
"""The files of the network."""
STRIDE = 4
"""Pixels of the image per cell of the maps."""
EMBEDDING = 64
"""Length of the vectors that regions and texts share."""
DESCRIBED = 198
"""Length of the description of a box, which the answerer reads."""
THREADS = 2
"""Threads of one run; on two cores the image graph takes two thirds of the time that it takes with one."""
ADVICE = (
    "Write builtin for the models that come with Viper, or builtin:FOLDER with a folder that "
    "python -m viper.builtin.train has filled."
)
"""End of messages about a file that is missing or of another kind."""


@dataclass(frozen=True, slots=True)
class Maps:
    """What the network computes for every cell of an image; h and w are its size divided by `STRIDE`."""

    features: FloatArray
    """Shape (1, 64, h, w)."""
    centers: FloatArray
    """Shape (h, w), 0 … 1: probability of an object's center; 0 where a neighbor's is higher."""
    edges: FloatArray
    """Shape (4, h, w), > 0: distances in cells to the object's left, top, right and bottom edge."""
    log_depth: FloatArray
    """Shape (h, w), logarithm of the depth."""
    strangeness: float
    """Distance of the image from those that the network was trained on; ≤ 1 is familiar."""


@dataclass(frozen=True, slots=True)
class Regions:
    """What the network computes for N boxes."""

    embeddings: FloatArray
    """Shape (N, EMBEDDING), unit vectors."""
    log_distances: FloatArray
    """Shape (N,), logarithm of the depth of the center of each box's object."""
    descriptions: FloatArray
    """Shape (N, DESCRIBED)."""


@dataclass(frozen=True, slots=True)
class Scales:
    """From the cosine of a region and a text to a logit."""

    logit_scale: float
    """Among several texts, as in CLIP."""
    match_scale: float
    """Of one text alone, before its bias and a sigmoid."""
    match_bias: float


class Network(Protocol):
    """The network, whatever runs it."""

    @property
    def scales(self) -> Scales:
        """The scales of matching."""
        ...

    def encode(self, image: FloatArray) -> Maps:
        """Encode an image, shape (1, 3, H, W), RGB, 0 … 1; H and W are multiples of 32."""
        ...

    def regions(self, features: FloatArray, boxes: FloatArray) -> Regions:
        """Describe boxes, shape (N, 4), of the image that the features are of."""
        ...

    def embed_texts(self, words: NDArray[np.int64]) -> FloatArray:
        """Return unit vectors, shape (N, EMBEDDING), of texts as `words.encode` returns them."""
        ...


class Graphs:
    """The network in onnxruntime; may be used from several threads.

    Args:
        folder: Holds the files `GRAPHS`.

    Raises:
        ConfigError: A file is missing, or is another graph.
    """

    def __init__(self, folder: Path) -> None:
        opened = functools.partial(open_session, advice=ADVICE, threads=THREADS)
        paths = [folder / name for name in GRAPHS]
        # At the same time: onnxruntime does not hold the interpreter's lock meanwhile.
        with ThreadPoolExecutor(len(paths)) as pool:
            self._image, self._regions, self._texts = pool.map(opened, paths)
        self.scales = _scales(self._texts, paths[2])

    def encode(self, image: FloatArray) -> Maps:
        """Encode an image; see `Network`."""
        features, centers, edges, log_depth, strangeness = run_session(
            self._image, {"image": image}
        )
        return Maps(features, centers[0], edges[0], log_depth[0], float(strangeness[0]))

    def regions(self, features: FloatArray, boxes: FloatArray) -> Regions:
        """Describe boxes; see `Network`."""
        if not len(boxes):
            return Regions(*(np.zeros(shape, np.float32) for shape in _NO_REGIONS))
        return Regions(*run_session(self._regions, {"features": features, "boxes": boxes}))

    def embed_texts(self, words: NDArray[np.int64]) -> FloatArray:
        """Embed texts; see `Network`."""
        if not len(words):
            return np.zeros((0, EMBEDDING), np.float32)
        return run_session(self._texts, {"words": words})[0]


_NO_REGIONS: tuple[tuple[int, ...], ...] = ((0, EMBEDDING), (0,), (0, DESCRIBED))


def _scales(session: Any, path: Path) -> Scales:
    metadata = session.get_modelmeta().custom_metadata_map
    try:
        scales = Scales(**{field.name: float(metadata[field.name]) for field in fields(Scales)})
        if not np.isfinite([getattr(scales, field.name) for field in fields(Scales)]).all():
            raise ValueError("a scale is NaN or infinite")
        return scales
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"'{path}' holds no graph of the built-in network: it has no scales of matching. {ADVICE}"
        ) from error
