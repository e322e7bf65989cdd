"""Default location of the program cache."""

from __future__ import annotations

import os
from pathlib import Path

from viper.storage.user_cache import expand_user, user_cache_folder

__all__ = ["program_cache_path"]


def program_cache_path() -> Path | None:
    """Return the file that `VIPER_MEMO` names, or one in the user's cache folder when it is unset.

    Returns:
        None when `VIPER_MEMO` is `off`, or it is unset and the user has no home folder.

    Raises:
        ConfigError: `VIPER_MEMO` names a home folder that does not exist.
    """
    path = os.environ.get("VIPER_MEMO", "").strip()
    if path.lower() == "off":
        return None
    if path:
        return expand_user(path)
    folder = user_cache_folder()
    return None if folder is None else folder / "memo.sqlite"
