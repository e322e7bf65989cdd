"""What a patch or a handle needs of the session that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from viper_sandbox.api import Api, Entry

__all__ = ["Owner"]


class Owner(Protocol):
    """The session of one program, as its values see it."""

    api: Api
    handle: int
    """The number of the image that patches lie on."""
    height: float
    """Height of that image in pixels."""

    def callable(self, entry: Entry, receiver: Any) -> Callable[..., Any]:
        """Return what a program calls for an entry of the API; the receiver is a patch or None."""
        ...
