"""Loads the weights of the built-in models, shipped or from a folder, once for all roles."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from viper.backends.model_source import hash_file, one_line
from viper.builtin.network import WorldNetwork
from viper.builtin.sight import Viewer
from viper.builtin.words import PHOTOGRAPHS
from viper.errors import ConfigError
from viper.images.image import ImageRef
from viper.models.options import BackendOptions
from viper.models.roles import Backend

__all__ = ["NETWORK_FILE", "SHIPPED", "BuiltinBackend", "load_network", "open_viewer"]

SHIPPED = Path(__file__).parent / "weights"
"""Folder of the weights that come with Viper."""
NETWORK_FILE = "network.safetensors"
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
            f"{image.source_name} does not look like a picture of the small world, which is all that the "
            f"built-in models know: do not rely on this answer. {PHOTOGRAPHS}"
        )


def open_viewer(reference: str, options: Mapping[str, str], where: str) -> tuple[Viewer, Path, str]:
    """Return the viewer, its folder, and a fingerprint of its weights.

    All roles with the same folder share one viewer, so that each image is encoded once.

    Args:
        reference: Folder written by `python -m viper.builtin.train`; empty for the shipped weights.
        options: Must be empty.
        where: The backend, for messages, as in "the builtin detector".

    Raises:
        ConfigError: There are no weights, they are of another network, or an option is unknown.
    """
    BackendOptions.read(options, where)
    folder = Path(reference).expanduser() if reference else SHIPPED
    path = folder / NETWORK_FILE
    if not path.is_file():
        raise ConfigError(
            f"There is no file '{path}'. Write builtin for the models that come with Viper, or "
            "builtin:FOLDER with a folder that python -m viper.builtin.train has filled."
        )
    with _LOADING:  # so that roles loading at the same time share the viewer
        viewer, version = _loaded(path.resolve(), path.stat().st_mtime_ns)
    return viewer, folder, version


def load_network(path: Path) -> WorldNetwork:
    """Return a network with the weights of a file, in evaluation mode.

    Raises:
        ConfigError: The file is damaged, or belongs to another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    network = WorldNetwork()
    try:
        network.load_state_dict(load_file(path))  # float16 becomes float32
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ConfigError(
            f"'{path}' holds no weights of the built-in network: {one_line(error)} "
            "Train it again with python -m viper.builtin.train."
        ) from error
    return network.eval().requires_grad_(False)


@functools.lru_cache(maxsize=2)
def _loaded(path: Path, changed_ns: int) -> tuple[Viewer, str]:
    """Load a file; `changed_ns` keeps the cache from returning an older version."""
    return Viewer(load_network(path)), f"builtin@{hash_file(path)[:16]}"
