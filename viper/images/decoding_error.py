"""Why a file gives no pixels."""

from __future__ import annotations

import re

__all__ = ["DecodingError"]

_MAX_REASON = 160
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class DecodingError(Exception):
    """A file that gives no pixels.

    Args:
        kind: "unidentified", "pixels" (too many), "attack", "unsupported", "damaged", "memory" or "time".
        reason: For a message; "" where the kind says all.
    """

    def __init__(self, kind: str, reason: str = "") -> None:
        super().__init__(kind, reason)
        self.kind = kind
        self.reason = " ".join(_UNPRINTABLE.sub(" ", reason).split())[:_MAX_REASON]
