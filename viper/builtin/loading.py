"""Loads the graphs of the built-in models, shipped or from a folder, once for all roles."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from viper.backends.file_hashes import state_of, unchanged
from viper.backends.onnx_files import graph_files, hash_graph
from viper.builtin.graphs import ADVICE, GRAPHS, Graphs
from viper.builtin.sight import Viewer
from viper.builtin.words import PHOTOGRAPHS
from viper.errors import ConfigError
from viper.images.image import ImageRef
from viper.models.options import BackendOptions
from viper.models.roles import Backend
from viper.storage.user_cache import expand_user

__all__ = ["SHIPPED", "BuiltinBackend", "open_viewer", "weights_version"]

SHIPPED = Path(__file__).parent / "weights"
"""Folder of the weights that come with Viper."""
# The same weights in the form of 0.1, whose results are equal to the fifth digit.
_OF_0_1 = {"1edf9acd6aacc48f": "26d1ea0f71aae3ee", "bd355532ff88559c": "e534a96b3b9b7b56"}
_LOADING = threading.Lock()


class BuiltinBackend(Backend):
    """Base of the built-in backends.

    Args:
        viewer: Encodes images, shared by all roles.
        fingerprint: Names the weights.
    """

    role: ClassVar[str]
    """For messages."""

    def __init__(self, viewer: Viewer, fingerprint: str) -> None:
        self._viewer = viewer
        self.fingerprint = fingerprint

    @classmethod
    def load(cls, reference: str, options: Mapping[str, str]) -> Self:
        """Load the shipped weights, or those of a folder.

        Raises:
            ConfigError: There are no weights, or an option is unknown.
        """
        viewer, _, fingerprint = open_viewer(reference, options, f"the builtin {cls.role}")
        return cls(viewer, fingerprint)

    def doubt(self, image: ImageRef) -> str | None:
        """Return a warning for an image that is not of the small world."""
        if self._viewer.strangeness(image) <= 1:
            return None
        return (
            f"{image.source_name} does not look like a picture of the small world, the drawn cubes, spheres "
            f"and cylinders that the built-in models know. {PHOTOGRAPHS}"
        )


def open_viewer(reference: str, options: Mapping[str, str], where: str) -> tuple[Viewer, Path, str]:
    """Return the viewer, its folder, and a fingerprint of its weights.

    All roles with the same folder share one viewer, so that each image is encoded once.

    Args:
        reference: Folder written by `python -m viper.builtin.train`; empty for the shipped graphs.
        options: Must be empty.
        where: The backend, for messages, as in "the builtin detector".

    Raises:
        ConfigError: There are no graphs, they are of another network, or an option is unknown.
    """
    BackendOptions.read(options, where)
    folder = expand_user(reference) if reference else SHIPPED
    paths = [folder / name for name in GRAPHS]
    for path in paths:
        if not path.is_file():
            raise ConfigError(f"There is no file '{path}'. {ADVICE}")
    with _LOADING:  # so that roles loading at the same time share the viewer
        files = [real for path in paths for real in graph_files(path).values()]
        viewer, version = _loaded(folder.resolve(), tuple(map(state_of, files)))
    return viewer, folder, version


@functools.lru_cache(maxsize=2)
def _loaded(folder: Path, states: tuple[tuple[int, ...], ...]) -> tuple[Viewer, str]:
    """Open the graphs of a folder; `states` makes changed files another key."""
    with opened([folder / name for name in GRAPHS]) as version:
        return Viewer(Graphs(folder)), f"builtin@{version}"


@contextlib.contextmanager
def opened(graphs: Sequence[Path], *others: Path) -> Iterator[str]:
    """Yield the version of the graphs that, like other files, are opened in this block.

    Raises:
        ConfigError: One was changed during this block.
    """
    for path in (*graphs, *others):
        if not path.is_file():
            raise ConfigError(f"There is no file '{path}'. {ADVICE}")
    with unchanged(*(real for path in graphs for real in graph_files(path).values()), *others):
        yield weights_version(graphs)


def weights_version(graphs: Sequence[Path]) -> str:
    """Return a hash of graphs with their weights; for the shipped ones the one that 0.1 has in its caches."""
    digest = hashlib.sha256("".join(map(hash_graph, graphs)).encode()).hexdigest()[:16]
    return _OF_0_1.get(digest, digest)
