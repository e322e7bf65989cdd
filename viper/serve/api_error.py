"""API errors: an HTTP status, a kind and one sentence, always as the same JSON object.

    {"error": {"kind": "too_large", "message": "…"}, "request_id": "…"}

A failure of a *program* is not an API error: it is the key `failure` of an answer with status 200.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

__all__ = ["KINDS", "ApiError", "ClientGoneError", "Kind", "shutting_down", "too_large"]

Kind = Literal[
    "request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method",
    "slow",
    "too_large",
    "media_type",
    "input",
    "overload",
    "shutdown",
    "timeout",
    "budget",
    "config",
    "internal",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


class ApiError(Exception):
    """A request that gets an error response.

    Args:
        status: HTTP status.
        kind: The machine-readable kind.
        message: The message for people; contains no path, secret or traceback.
        retry_after_s: After how many seconds a retry may succeed; None for never.
        headers: Further headers of the response.
    """

    def __init__(
        self,
        status: int,
        kind: Kind,
        message: str,
        *,
        retry_after_s: float | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind: Kind = kind
        self.message = message
        self.headers = headers or {}
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))

    def to_json(self, request_id: str) -> dict[str, Any]:
        """Return the body of the response."""
        return {
            "error": {"kind": self.kind, "message": self.message},
            "request_id": request_id,
        }


class ClientGoneError(Exception):
    """The client closed its connection or does not read the response any more."""


def shutting_down() -> ApiError:
    """Return the error of a request that cannot be served because the server is shutting down."""
    message = "The server is shutting down. Retry in a moment, or use another server."
    return ApiError(503, "shutdown", message, retry_after_s=5)


def too_large(what: str, max_bytes: int) -> ApiError:
    """Return the error for a body that exceeds its limit."""
    return ApiError(
        413,
        "too_large",
        f"{what} is larger than {max_bytes:,} bytes. Send a smaller or compressed image.",
    )
