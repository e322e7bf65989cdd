"""Where the memo lies, unless the caller says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["MEMO_VARIABLE", "memo_place"]

MEMO_VARIABLE = "VIPER_MEMO"


def memo_place() -> Path | None:
    """Return the file that the environment names: `VIPER_MEMO`, else one in the user's cache folder.

    Returns:
        None where `VIPER_MEMO` is `off`.
    """
    named = os.environ.get(MEMO_VARIABLE, "").strip()
    if named.lower() == "off":
        return None
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "").strip()
    # The specification of the variable says that a relative path is to be ignored.
    folder = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return folder / "viper" / "memo.sqlite"
