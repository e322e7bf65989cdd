"""The folder of this user's caches."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["user_cache_folder"]


def user_cache_folder() -> Path:
    """Return the folder, which need not exist: `$XDG_CACHE_HOME/viper`, else `~/.cache/viper`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "").strip())
    # The XDG specification says to ignore relative paths.
    folder = cache if cache.is_absolute() else Path.home() / ".cache"
    return folder / "viper"
