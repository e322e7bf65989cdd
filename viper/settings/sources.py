"""Where settings come from: the file `viper.toml` and the variables `VIPER_…`."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FILE_NAME", "PREFIX", "anything_set", "found_file"]

FILE_NAME = "viper.toml"
"""The file in the working directory."""
PREFIX = "VIPER_"
"""Of environment variables."""


def anything_set() -> bool:
    """Return whether there is a file or a variable at all, without the cost of reading them.

    Raises:
        ConfigError: As in `found_file`.
    """
    is_variable_set = any(
        name.startswith(PREFIX) and text.strip() for name, text in os.environ.items()
    )
    return is_variable_set or found_file(Path()) is not None


def found_file(folder: Path) -> Path | None:
    """Return the file of settings in a folder, None if there is none.

    Raises:
        ConfigError: The folder cannot be searched. To go on would ignore settings.
    """
    path = folder / FILE_NAME
    try:
        return path if path.is_file() else None
    except OSError as error:
        from viper.errors import ConfigError

        raise ConfigError(
            f"Whether there is a {FILE_NAME} in the working directory cannot be seen: {error.strerror}. "
            "Change to a folder that this user may read, or name a file with VIPER_CONFIG."
        ) from error
