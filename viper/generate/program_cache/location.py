"""Default location of the program cache."""

from __future__ import annotations

import os
from pathlib import Path

from viper.storage.user_cache import user_cache_folder

__all__ = ["program_cache_path"]


def program_cache_path() -> Path | None:
    """Return the file that `VIPER_MEMO` names, or one in the user's cache folder when it is unset.

    Returns:
        None when `VIPER_MEMO` is `off`.
    """
    path = os.environ.get("VIPER_MEMO", "").strip()
    if path.lower() == "off":
        return None
    if path:
        return Path(path).expanduser()
    return user_cache_folder() / "memo.sqlite"
