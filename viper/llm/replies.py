"""Parse replies of an OpenAI-compatible endpoint: completions, and the reasons of failed requests.

The endpoint is untrusted. Bodies are validated here, because the client library builds its typed objects
without validation; messages are reduced to one printable line with secrets redacted.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import math
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from viper.environment.connections import PROXIES
from viper.errors import ModelError
from viper.llm.bounded_replies import MAX_REPLY_BYTES, UnacceptableReplyError
from viper.llm.prices import Prices
from viper.models.roles import Completion
from viper.storage.bounded_json import parse_json
from viper.texts.secrets import hide_secrets, hide_values
from viper.texts.terminal import one_line
from viper.usage import Usage
from viper_sandbox.thoughts import after_thoughts

if TYPE_CHECKING:
    import openai

__all__ = ["KEY_VARIABLE", "RequestFailure", "api_key", "is_sendable", "read_completion"]
__all__ += ["request_failure", "timeout_failure", "unacceptable_reply"]

KEY_VARIABLE = "OPENAI_API_KEY"

_MAX_DETAIL_CHARS = 200
# Enough for every detail, and little work.
_MAX_READ_CHARS = 10_000
_MAX_TOKENS = 10**9
"""Of one reply; a larger number is not a count."""
_MAX_RETRY_AFTER_S = 20.0
"""Enough for rate limits per second or per few seconds, and a third of the time that one model call may
take, so that waiting does not use up the call."""

_OPTIONS_ADVICE = "Check the model's name and the options."
_ADVICE = {
    400: _OPTIONS_ADVICE,
    401: f"Set {KEY_VARIABLE} to a key that this service accepts.",
    403: f"The key in {KEY_VARIABLE} has no access to this model; use another key or model.",
    404: "Check the model's name, and that base_url ends where the service's API begins (…/v1).",
    408: "Try again, or give a larger timeout.",
    413: "The request is too large for this service; ask about a smaller part of the image.",
    422: _OPTIONS_ADVICE,
    429: "Wait and try again, lower the concurrency, or look at the limits of the account.",
}
_SERVER_ADVICE = "The fault is on the side of the service; try again later."
_RETRIED = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """Why a request returned no completion."""

    message: str
    """One line: what failed, the reason that the service gave, what to do. Contains no key."""
    retry_after_s: float | None = None
    """Least seconds to wait before a retry; None if a retry is pointless."""
    rejection: str = ""
    """Message of the service about an invalid request (HTTP 400 or 422), in lower case."""


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
            f"{model} cannot be reached: {_detail(str(cause)) or type(cause).__name__}. "
            f"Check base_url, and that the service is running{through}.",
            retry_after_s=0.0,
        )
    if isinstance(error, openai.APIStatusError):
        return _status_failure(error, model)
    return RequestFailure(f"{model} cannot be called: {_detail(str(error))}.")


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


def read_completion(body: bytes, model: str, prices: Prices | None) -> Completion:
    """Return the text and the usage in the body of a successful reply.

    Args:
        body: Body of the reply.
        model: The model and its address, as the subject of a message.
        prices: Prices of the tokens; None if unknown.

    Raises:
        ModelError: The body is not JSON of a chat completion, or contains no text.
    """
    try:
        # Any JSON: every step below checks its type.
        reply: Any = parse_json(body, max_bytes=MAX_REPLY_BYTES)
    except ValueError:
        raise _not_a_completion(body, model, "a reply that is not JSON") from None
    match reply:
        case {"choices": [{"message": dict() as message, **choice}, *_]}:
            content = _text_of(message.get("content"))
            text = hide_values(content[after_thoughts(content) :])
        case {"choices": list()}:
            raise ModelError(
                f"{model} sent a completion without a choice. Try again, or another model."
            )
        case _:
            raise _not_a_completion(body, model, "JSON that is not a chat completion")
    usage = _usage_of(reply.get("usage"), prices)
    if not text.strip():
        error = ModelError(f"{model} {_empty_reason(choice.get('finish_reason'), message)}")
        error.usage = usage  # thinking without an answer is billed like any other output
        raise error
    return Completion(text, usage)


def _not_a_completion(body: bytes, model: str, what: str) -> ModelError:
    text = body[:_MAX_READ_CHARS].decode("utf-8", "replace")
    return ModelError(
        f"{model} sent {what}: {_detail(text)!r}. Check that base_url is the "
        "address of an OpenAI-compatible API (…/v1)."
    )


def _status_failure(error: openai.APIStatusError, model: str) -> RequestFailure:
    status = error.status_code
    reason = hide_secrets(one_line(_message_of(error.body)))
    # Exhausted credit is reported as 429 too, but waiting does not help.
    retried = (status in _RETRIED or status >= 500) and error.code != "insufficient_quota"
    retry_after_s = _retry_after_s(error.response.headers) if retried else None
    wait = ""
    if retry_after_s is not None and retry_after_s > _MAX_RETRY_AFTER_S:
        wait, retry_after_s = f" and asked to wait {retry_after_s:.0f} s", None
    detail = f": {_shorten(reason)}" if reason else ""
    end = "" if detail.endswith((".", "!", "?", "…")) else "."
    advice = _ADVICE.get(status, _SERVER_ADVICE if status >= 500 else "Check the options.")
    if 300 <= status < 400:
        advice = "Give the address that it redirects to as base_url, if you trust it."
    if error.code == "content_filter":
        advice = "Ask in other words."
    return RequestFailure(
        f"{model} refused the request with HTTP {status}{wait}{detail}{end} {advice}",
        retry_after_s,
        reason.lower() if status in (400, 422) else "",
    )


def _message_of(body: object) -> str:
    """Return the message in a body; the library has already unwrapped its `error` field."""
    if isinstance(body, dict):
        for field in ("message", "detail", "error"):
            if isinstance(message := body.get(field), str):
                return message
        with contextlib.suppress(ValueError, RecursionError):  # too deep
            return json.dumps(body)
    # The HTML page of a proxy does not fit on one line.
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""


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


def _text_of(content: object) -> str:
    parts = content if isinstance(content, list) else [{"text": content}]  # some servers send parts
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _empty_reason(finish_reason: object, message: dict[str, Any]) -> str:
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return f"refused to answer: {_detail(refusal)!r}. Ask in other words, or another model."
    if finish_reason == "content_filter":
        return "withheld its answer (content filter). Ask in other words."
    if finish_reason == "length":
        return (
            "used up its tokens before it wrote an answer (a model that thinks first does this). "
            "Give a larger max_tokens."
        )
    return "sent an empty completion. Try again, or use another model."


def _usage_of(usage: object, prices: Prices | None) -> Usage:
    fields = usage if isinstance(usage, dict) else {}
    prompt, completion = (
        count if type(count := fields.get(name)) is int and 0 <= count <= _MAX_TOKENS else None
        for name in ("prompt_tokens", "completion_tokens")
    )
    tokens = Usage(prompt or 0, completion or 0, cost_usd=None)
    if prices is None or prompt is None or completion is None:
        return tokens  # without counts the cost is unknown
    return prices.priced(tokens)


def _detail(text: str) -> str:
    return _shorten(hide_secrets(one_line(text)))


def _shorten(line: str) -> str:
    return line if len(line) <= _MAX_DETAIL_CHARS else line[: _MAX_DETAIL_CHARS - 1] + "…"
