"""Why a request gets no answer: a status, a kind and one sentence, always as the same JSON.

    {"error": {"kind": "too_large", "message": "…"}, "request_id": "…"}

What a *program* does wrong is no problem of this kind: it is `failure` in an answer with status 200.
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
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        kind: What programs look at.
        message: What people read; it holds no path, secret or traceback.
        retry_after_s: When it is worth to ask again; None for never.
        headers: More headers of the response.
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
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))

    def to_json(self, request_id: str) -> dict[str, Any]:
        """Return the body of the response."""
        return {
            "error": {"kind": self.kind, "message": self.message},
            "request_id": request_id,
        }


class ClientGoneError(Exception):
    """The client closed its connection, or takes nothing any more; nobody is left to answer."""


def shutting_down() -> ApiError:
    """Return the problem of a request that a server which ends can no longer serve."""
    message = "The server is shutting down. Ask again in a moment, or ask another one."
    return ApiError(503, "shutdown", message, retry_after_s=5)


def too_large(what: str, most_bytes: int) -> ApiError:
    """Return the problem of a body that is larger than it may be."""
    return ApiError(
        413,
        "too_large",
        f"{what} is larger than {most_bytes:,} bytes. Send a smaller or compressed picture.",
    )
