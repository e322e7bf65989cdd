"""Interface of a program's session that patches and handles use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from viper_sandbox.api import Api, Entry

__all__ = ["Owner"]


class Owner(Protocol):
    """The session that a patch or handle belongs to."""

    api: Api
    handle: int
    """Handle of the image that patches lie on."""
    height: float
    """Height of that image in pixels."""

    def callable(self, entry: Entry, receiver: Any) -> Callable[..., Any]:
        """Return the function for an entry of the API; the receiver is a patch or None."""
        ...
