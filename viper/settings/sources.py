"""Where settings come from: the file `viper.toml` and the variables `VIPER_…`."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FILE_NAME", "PREFIX", "anything_set"]

FILE_NAME = "viper.toml"
"""The file in the working directory."""
PREFIX = "VIPER_"
"""Of environment variables."""


def anything_set() -> bool:
    """Return whether there is a file or a variable at all, without the cost of reading them."""
    return Path(FILE_NAME).exists() or any(
        name.startswith(PREFIX) and text.strip() for name, text in os.environ.items()
    )
