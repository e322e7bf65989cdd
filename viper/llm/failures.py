"""Failed requests to an OpenAI-compatible endpoint: what went wrong, and whether a retry may help.

A failure is an error of the client library, a status of HTTP, or a successful reply that holds an error
instead of a completion, as proxies send it. The endpoint is untrusted: messages are reduced to one printable
line without secrets.
"""

from __future__ import annotations

import contextlib
import email.utils
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from viper.environment.connections import PROXIES
from viper.llm.bounded_replies import UnacceptableReplyError
from viper.llm.error_bodies import NO_CREDIT, message_of, status_in, what_it_says
from viper.texts.secrets import hide_secrets
from viper.texts.terminal import one_line
from viper.usage import Usage

if TYPE_CHECKING:
    import openai

__all__ = ["KEY_VARIABLE", "RequestFailure", "api_key", "is_sendable", "reply_failure"]
__all__ += ["request_failure", "short_line", "timeout_failure", "unacceptable_reply"]

KEY_VARIABLE = "OPENAI_API_KEY"

_MAX_DETAIL_CHARS = 200
_MAX_RETRY_AFTER_S = 20.0
"""Enough for rate limits per second or per few seconds, and a third of the time that one model call may
take, so that waiting does not use up the call."""

_OPTIONS_ADVICE = "Check the model's name and the options."
_ADVICE = {
    400: _OPTIONS_ADVICE,
    401: f"Set {KEY_VARIABLE} to a key that this service accepts.",
    402: "Look at the credit of the account.",
    403: f"The key in {KEY_VARIABLE} has no access to this model; use another key or model.",
    404: "Check the model's name, and that base_url ends where the service's API begins (…/v1).",
    408: "Try again, or give a larger timeout.",
    413: "The request is too large for this service; ask about a smaller part of the image.",
    422: _OPTIONS_ADVICE,
    429: "Wait and try again, lower the concurrency, or look at the limits of the account.",
}
_SERVER_ADVICE = "The fault is on the side of the service; try again later."
_RETRIED = frozenset({408, 409, 429})
_REJECTED = frozenset({400, 422, 500})
"""Statuses of requests with a part that the service does not support; templates of chats fail with 500."""


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """Why a request returned no completion."""

    message: str
    """One line: what failed, the reason that the service gave, what to do. Contains no key."""
    retry_after_s: float | None = None
    """Least seconds to wait before a retry; None if a retry is pointless."""
    rejection: str = ""
    """What the service says of an invalid request, in lower case; see `viper.llm.refusals`."""
    usage: Usage | None = None
    """What it was billed, where the service says so."""


def api_key() -> str:
    """Return the API key of the environment, "" if none is set."""
    return os.environ.get(KEY_VARIABLE, "").strip()


def is_sendable(key: str) -> bool:
    """Return whether a key can be sent in a header; others hold characters that no key has."""
    return key.isascii() and key.isprintable() and " " not in key


def request_failure(error: openai.OpenAIError, model: str, timeout_s: float) -> RequestFailure:
    """Interpret an error of the client library.

    Args:
        error: The error raised for a request.
        model: The model and its address, as the subject of a message.
        timeout_s: Timeout of the request.
    """
    import openai

    if isinstance(error, openai.APITimeoutError):
        return timeout_failure(model, timeout_s)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        if isinstance(cause, UnacceptableReplyError):
            return unacceptable_reply(cause, model)
        proxies = [name for name in PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
        through = f", and the proxy of {' and '.join(proxies)}" if proxies else ""
        return RequestFailure(
            f"{model} cannot be reached: {short_line(str(cause)) or type(cause).__name__}. "
            f"Check base_url, and that the service is running{through}.",
            retry_after_s=0.0,
        )
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        return _failure(
            f"{model} refused the request with HTTP {status}",
            status,
            error.body,
            error.response.headers,
        )
    return RequestFailure(f"{model} cannot be called: {short_line(str(error))}.")


def unacceptable_reply(cause: UnacceptableReplyError, model: str) -> RequestFailure:
    """Return the failure of a request whose reply is not read; a retry would get the same."""
    return RequestFailure(
        f"{model} sent a reply that {cause}. Check that base_url is the address of an "
        "OpenAI-compatible API (…/v1)."
    )


def timeout_failure(model: str, timeout_s: float) -> RequestFailure:
    """Return the failure of a request that timed out; a retry would take as long."""
    return RequestFailure(
        f"{model} did not answer within {timeout_s:g} s. Give a larger timeout, or a faster model."
    )


def reply_failure(
    error: object, model: str, headers: Mapping[str, str], usage: Usage | None
) -> RequestFailure:
    """Interpret an error that came with a status of success: its code decides, as a status would.

    Args:
        error: What `viper.llm.error_bodies.error_in` returned.
        model: The model and its address, as the subject of a message.
        headers: Those of the reply.
        usage: What the reply says it was billed.
    """
    status = status_in(error)
    what = "an error" if status is None else f"the error {status}"
    failure = _failure(f"{model} sent {what} with HTTP 200", status or 0, error, headers)
    return RequestFailure(failure.message, failure.retry_after_s, failure.rejection, usage)


def short_line(text: str) -> str:
    """Return a text of a service as one short printable line without secrets."""
    return _shorten(hide_secrets(one_line(text)))


# Any: headers of httpx or httpx2, by the version of openai.
def _failure(what: str, status: int, body: object, headers: Any) -> RequestFailure:
    code = body.get("code") if isinstance(body, dict) else None
    reason = hide_secrets(one_line(message_of(body)))
    # Exhausted credit is reported as 429 too, but waiting does not help.
    retried = (status in _RETRIED or status >= 500) and str(code) not in NO_CREDIT
    retry_after_s = _retry_after_s(headers) if retried else None
    wait = ""
    if retry_after_s is not None and retry_after_s > _MAX_RETRY_AFTER_S:
        wait, retry_after_s = f" and asked to wait {retry_after_s:.0f} s", None
    detail = f": {_shorten(reason)}" if reason else ""
    end = "" if detail.endswith((".", "!", "?", "…")) else "."
    advice = _ADVICE.get(status, _SERVER_ADVICE if status >= 500 else "Check the options.")
    if 300 <= status < 400:
        advice = "Give the address that it redirects to as base_url, if you trust it."
    if status == 0:
        advice = "Try again, or look at the service's log."
    if code == "content_filter":
        advice = "Ask in other words."
    return RequestFailure(
        f"{what}{wait}{detail}{end} {advice}",
        retry_after_s,
        what_it_says(body) if status in _REJECTED else "",
    )


def _retry_after_s(headers: Any) -> float:  # httpx or httpx2 headers, by the version of openai
    value = str(headers.get("retry-after") or "").strip()[:100]
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
        with contextlib.suppress(ValueError, OverflowError, TypeError, IndexError):  # no such date
            date = email.utils.parsedate_tz(value)
            seconds = email.utils.mktime_tz(date) - time.time() if date else 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _shorten(line: str) -> str:
    return line if len(line) <= _MAX_DETAIL_CHARS else line[: _MAX_DETAIL_CHARS - 1] + "…"
