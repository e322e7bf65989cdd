"""The folder of a trained map.

FOLDER/limber.json         its matcher, its language model, and its shape
FOLDER/map.safetensors     the map
FOLDER/report.json         the figures of the experiment
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from viper.backends.model_source import one_line
from viper.errors import ConfigError, InputError
from viper.limber.model import SoftPrompts
from viper.storage.bounded_json import read_json
from viper.storage.files import make_folder, replace_file

__all__ = ["Wiring", "read_map", "read_wiring", "write_map"]

_WIRING, _MAP = "limber.json", "map.safetensors"
_VERSION = 1
_MAX_WIRING_BYTES = 100_000  # six short values


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
    with replace_file(folder / _WIRING) as wiring_file, replace_file(folder / _MAP) as map_file:
        # Both are complete on the disk before the first of them appears.
        for file, content in ((wiring_file, text.encode()), (map_file, save(weights))):
            file.write(content)
            file.flush()
        # The old one does not fit the new map.
        (folder / _WIRING).unlink(missing_ok=True)


def read_wiring(folder: Path) -> Wiring:
    """Return the models that the map of a folder connects, and its shape.

    Raises:
        ConfigError: There is none, or it is malformed.
    """
    path = folder / _WIRING
    if not path.is_file():
        raise ConfigError(
            f"'{folder}' holds no trained map: it has no {_WIRING}. Train one with: viper train limber"
        )
    try:
        wiring = Wiring(**read_json(path, what="limber.json", max_bytes=100_000))
        numbers = (wiring.features, wiring.prompts, wiring.width)
        if type(wiring.version) is not int:
            raise ValueError("version must be a whole number")
        texts = (wiring.matcher, wiring.language)
        if not all(type(n) is int and 0 < n < 1 << 20 for n in numbers):
            raise ValueError("features, prompts and width must be whole numbers above 0")
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("matcher and language must be texts")
    except (ValueError, TypeError, InputError) as error:
        raise ConfigError(f"'{path}' is malformed: {one_line(error)}") from error
    if wiring.version != _VERSION:
        raise ConfigError(
            f"'{path}' has version {wiring.version!r}, but this Viper reads version {_VERSION}. "
            "Train the map again with: viper train limber"
        )
    return wiring


def read_map(folder: Path, wiring: Wiring) -> SoftPrompts:
    """Return the map of a folder.

    Raises:
        ConfigError: The weights are missing, damaged or of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    soft = SoftPrompts(wiring.features, wiring.prompts, wiring.width)
    path = folder / _MAP
    try:
        soft.load_state_dict(load_file(path))  # float16 becomes float32
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ConfigError(f"'{path}' holds no map of this shape: {one_line(error)}") from error
    return soft.eval().requires_grad_(False)
