"""The home folder of this user, which need not exist, and the folder of this user's caches.

A service may run as a user without a home, or as a number without an entry in the list of users. Caches are
left out then; a path that names the home is an error.
"""

from __future__ import annotations

import os
from pathlib import Path

from viper.errors import ConfigError

__all__ = ["NO_HOME", "expand_user", "user_cache_folder"]

NO_HOME = "this user has no home folder (HOME is not set to an absolute path)"
"""Why there is no cache, for messages."""


def user_cache_folder() -> Path | None:
    """Return the folder, which need not exist: `$XDG_CACHE_HOME/viper`, else `~/.cache/viper`.

    Returns:
        None where neither is set and the list of users has no home for this one.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", "").strip())
    if not cache.is_absolute():  # the XDG specification says to ignore relative paths
        home = _home()
        if home is None:
            return None
        cache = home / ".cache"
    return cache / "viper"


def expand_user(path: str | os.PathLike[str]) -> Path:
    """Return a path with `~` and `~NAME` at its start replaced by the home folder.

    Raises:
        ConfigError: There is no such home folder.
    """
    text = os.fspath(path)
    if not text.startswith("~"):
        return Path(text)
    name = text[1:].partition(os.sep)[0]
    if not name and _home() is None:
        raise ConfigError(f"{text!r} cannot be found: {NO_HOME}. Set HOME, or give a full path.")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{text!r} cannot be found: there is no user {name!r}. Give a full path."
        ) from None


def _home() -> Path | None:
    """Return the home folder; None without one, and for a relative one, which names no fixed place."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() and os.environ.get("HOME") != "" else None
