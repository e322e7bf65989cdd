"""Locate the packaged data folders, in an installed wheel and in a checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def data_folder(kind: str) -> Traversable:
    """Return the data folder `kind`, "api_spec" or "prompts", of this installation."""
    packaged = files("viper") / "_data" / kind
    if packaged.is_dir():
        return packaged
    return Path(__file__).parents[2] / kind
