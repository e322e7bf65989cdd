"""The folder of a trained map.

FOLDER/limber.json         its matcher, its language model, and its shape
FOLDER/map.safetensors     the map
FOLDER/report.json         the figures of the experiment
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from viper.backends.model_source import reason_of
from viper.errors import ConfigError, InputError, WriteError
from viper.limber.model import SoftPrompts
from viper.storage.below import remove
from viper.storage.bounded_json import read_json
from viper.storage.files import make_folder, read_regular_file, replace_file, write_failure

__all__ = ["FILES", "Wiring", "read_map", "read_wiring", "write_map"]

_WIRING, _MAP = FILES = "limber.json", "map.safetensors"
"""What a map consists of."""
_VERSION = 1
_MAX_WIRING_BYTES = 100_000  # six short values
_MAX_MAP_BYTES = 2_000_000_000
"""A map of 1,024 features to 32 prompts of 8,192 numbers, in half precision, has 0.5 GB."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """The models that a map connects, and its shape."""

    matcher: str
    """Reference of the matcher, as in `transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K`."""
    language: str
    """Model id or folder of the language model; relative to the folder of the map if it is inside."""
    features: int
    """Length of the matcher's vectors."""
    prompts: int
    """Number of soft prompts."""
    width: int
    """Length of the language model's word vectors."""
    version: int = _VERSION


def write_map(folder: Path, wiring: Wiring, soft: SoftPrompts) -> None:
    """Write a map in half precision; `limber.json` comes last and marks a complete folder.

    Raises:
        WriteError: The folder cannot be written; a map of an earlier training is unchanged.
    """
    from safetensors.torch import save

    make_folder(folder)
    weights = {name: value.half().cpu().contiguous() for name, value in soft.state_dict().items()}
    text = json.dumps(asdict(wiring), indent=1) + "\n"
    with (
        replace_file(folder / _WIRING, below=folder) as wiring_file,
        replace_file(folder / _MAP, below=folder) as map_file,
    ):
        # Both are complete on the disk before the first of them appears.
        for file, content in ((wiring_file, text.encode()), (map_file, save(weights))):
            file.write(content)
            file.flush()
        # The old one does not fit the new map.
        try:
            remove(folder / _WIRING, below=folder)
        except OSError as error:
            raise WriteError(write_failure(folder / _WIRING, error)) from error


def read_wiring(folder: Path, *, displayed: Path | None = None) -> Wiring:
    """Return the models that the map of a folder connects, and its shape; messages name `displayed`.

    Raises:
        ConfigError: There is none, or it is malformed.
    """
    path = (displayed or folder) / _WIRING
    if not (folder / _WIRING).is_file():
        raise ConfigError(
            f"'{path.parent}' holds no trained map: it has no {_WIRING}. Train one with: viper train limber"
        )
    try:
        wiring = Wiring(**read_json(folder / _WIRING, what=_WIRING, max_bytes=_MAX_WIRING_BYTES))
        numbers = (wiring.features, wiring.prompts, wiring.width)
        if type(wiring.version) is not int:
            raise ValueError("version must be a whole number")
        texts = (wiring.matcher, wiring.language)
        if not all(type(n) is int and 0 < n < 1 << 20 for n in numbers):
            raise ValueError("features, prompts and width must be whole numbers above 0")
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("matcher and language must be texts")
    except (ValueError, TypeError, InputError) as error:
        raise ConfigError(f"'{path}' is malformed: {reason_of(error)}") from error
    if wiring.version != _VERSION:
        raise ConfigError(
            f"'{path}' has version {wiring.version!r}, but this Viper reads version {_VERSION}. "
            "Train the map again with: viper train limber"
        )
    return wiring


def read_map(folder: Path, wiring: Wiring, *, displayed: Path | None = None) -> SoftPrompts:
    """Return the map of a folder; messages name `displayed`.

    Raises:
        ConfigError: The weights are missing, damaged or of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = folder / _MAP
    try:
        # Read here, because the library would wait for a pipe with the interpreter's lock held.
        weights = load(read_regular_file(str(path), max_bytes=_MAX_MAP_BYTES, what="map"))
        with torch.device("meta"):  # memory is that of the file, whatever shape the wiring asks for
            soft = SoftPrompts(wiring.features, wiring.prompts, wiring.width)
        soft.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError, ValueError, OSError, InputError) as error:
        quoted = (displayed or folder) / _MAP
        raise ConfigError(f"'{quoted}' holds no map of this shape: {reason_of(error)}") from error
    return soft.float().eval().requires_grad_(False)
