"""Why a file gives no pixels."""

from __future__ import annotations

import re

__all__ = ["DecodingError", "failure_of"]

_MAX_REASON = 160
# What Pillow says of libraries that got no memory, such as those of AVIF and TIFF; the rest is `MemoryError`.
_OUT_OF_MEMORY = re.compile(r"(out of|insufficient) memory", re.IGNORECASE)
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


def failure_of(error: Exception) -> DecodingError:
    """Return why a file gives no pixels, by what a decoder raised on its bytes: it may be anything."""
    if isinstance(error, DecodingError):
        return error
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
        return DecodingError("memory")
    return DecodingError("damaged", str(error) or type(error).__name__)
