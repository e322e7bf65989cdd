"""Reads what an OpenAI-compatible endpoint sent back: a completion, or trouble told in one line.

Nothing here trusts the other side. A body is taken apart by hand, because the client library builds
its typed objects without looking; a message is cut to one printable line and cleared of keys.
"""

from __future__ import annotations

import email.utils
import json
import math
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from viper.errors import ModelError
from viper.llm.prices import Prices
from viper.models.roles import Completion
from viper.usage import Usage

if TYPE_CHECKING:
    import openai

__all__ = ["KEY_VARIABLE", "Trouble", "read_completion", "scrub", "timed_out", "trouble_of"]

KEY_VARIABLE = "OPENAI_API_KEY"

_MAX_DETAIL_CHARS = 200
_MAX_WAIT_S = 20.0
# Longer than rate limits that count per second or per few seconds, and a third of the time that one
# model call may take, so that a wait never eats the call.

_KEY_LIKE = re.compile(r"(?i)\bbearer\s+\S+|\b(?:sk|pk|key)-[\w*.-]{6,}")
_THINKING = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)

_ADVICE = {
    400: "Check the model's name and the options.",
    401: f"Set {KEY_VARIABLE} to a key that this service accepts.",
    403: f"The key in {KEY_VARIABLE} has no access to this model; use another key or model.",
    404: "Check the model's name, and that base_url ends where the service's API begins (…/v1).",
    408: "Try again, or give a larger timeout.",
    413: "The request is too large for this service; ask about a smaller part of the image.",
    422: "Check the model's name and the options.",
    429: "Wait and try again, lower the concurrency, or look at the limits of the account.",
}
_ADVICE_SERVER = "The fault is on the side of the service; try again later."
_RETRIED = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call brought no reply."""

    message: str
    """One line for people: what was wrong, who said it, what to do. Holds no key."""
    wait_s: float | None = None
    """Seconds that the service wants to be left alone, 0 for "as you like", None for "give up"."""
    complaint: str = ""
    """What the service said about a refused request (HTTP 400 or 422), in lower case."""


def scrub(text: str) -> str:
    """Return a text of unknown origin as one printable line without anything that is a key."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key:
        line = line.replace(key, "[key]")
    return _KEY_LIKE.sub("[key]", line)


def trouble_of(error: openai.OpenAIError, who: str, timeout_s: float) -> Trouble:
    """Say what an error of the client library means.

    Args:
        error: Any error that the library raised for a request.
        who: The model and its address, as a sentence begins with it.
        timeout_s: How long the request was given.
    """
    import openai

    if isinstance(error, openai.APITimeoutError):
        return timed_out(who, timeout_s)
    if isinstance(error, openai.APIConnectionError):
        cause = scrub(str(error.__cause__ or error)) or type(error.__cause__).__name__
        return Trouble(
            f"{who} cannot be reached: {_shorten(cause)}. "
            "Check base_url, and that the service is running.",
            wait_s=0.0,
        )
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, who)
    return Trouble(f"{who} could not be asked: {_shorten(scrub(str(error)))}.")


def timed_out(who: str, timeout_s: float) -> Trouble:
    """Return the trouble of a service that does not answer in time; asking again takes as long."""
    return Trouble(
        f"{who} did not answer within {timeout_s:g} s. Give a larger timeout, or a faster model."
    )


def read_completion(body: str, who: str, prices: Prices | None) -> Completion:
    """Take the text and the usage out of the body of a successful reply.

    Args:
        body: The reply.
        who: The model and its address, as a sentence begins with it.
        prices: What its tokens cost; None where that is not known.

    Raises:
        ModelError: The body is not JSON of a chat completion, or it holds no text.
    """
    try:
        reply: Any = json.loads(body)  # any JSON: every step below checks what it finds
    except (ValueError, RecursionError):
        raise ModelError(
            f"{who} sent a reply that is not JSON: {_quote(body)}. Check that base_url is the "
            "address of an OpenAI-compatible API (…/v1)."
        ) from None
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list):
        raise ModelError(
            f"{who} sent JSON that is no chat completion: {_quote(body)}. Check that base_url is "
            "the address of an OpenAI-compatible API (…/v1)."
        )
    choice = choices[0] if choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ModelError(f"{who} sent a completion without a choice. Try again, or another model.")
    text = _without_key(_THINKING.sub("", _text_of(message.get("content"))))
    given = reply.get("usage")
    usage = _usage_of(given if isinstance(given, dict) else {}, prices)
    if not text.strip():
        empty = ModelError(_why_empty(choice, message, who))
        empty.usage = usage  # thinking that came to nothing is billed like any other
        raise empty
    return Completion(text, usage)


def _refusal(error: openai.APIStatusError, who: str) -> Trouble:
    status = error.status_code
    said = scrub(_message_of(error.body))
    # Exhausted credit comes as 429 too, but no wait helps.
    exhausted = error.code == "insufficient_quota"
    retried = (status in _RETRIED or status >= 500) and not exhausted
    wait_s = _wait_of(error.response.headers) if retried else None
    asked = ""
    if wait_s is not None and wait_s > _MAX_WAIT_S:
        asked, wait_s = f" and asked to wait {wait_s:.0f} s", None
    detail = f": {_shorten(said)}" if said else ""
    end = "" if detail.endswith((".", "!", "?", "…")) else "."
    advice = _ADVICE.get(status, _ADVICE_SERVER if status >= 500 else "Check the options.")
    if error.code == "content_filter":
        advice = "Ask in other words."
    return Trouble(
        f"{who} refused the request with HTTP {status}{asked}{detail}{end} {advice}",
        wait_s=wait_s,
        complaint=said.lower() if status in (400, 422) else "",
    )


def _message_of(body: object) -> str:
    """Return what the service said; the library has taken the body out of its `error` field."""
    if isinstance(body, dict):
        for field in ("message", "detail", "error"):
            said = body.get(field)
            if isinstance(said, str):
                return said
        return json.dumps(body)
    # A web page of a proxy says nothing to a reader of one line.
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""


def _wait_of(headers: Any) -> float:  # httpx or httpx2 headers, by the version of openai
    value = str(headers.get("retry-after") or "").strip()
    try:
        wait_s = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        wait_s = email.utils.mktime_tz(date) - time.time() if date else 0.0
    return max(0.0, wait_s) if math.isfinite(wait_s) else 0.0


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # some servers answer in parts, as they are asked
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _why_empty(choice: dict[str, Any], message: dict[str, Any], who: str) -> str:
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return f"{who} refused to answer: {_quote(refusal)}. Ask in other words, or another model."
    match choice.get("finish_reason"):
        case "content_filter":
            return f"{who} withheld its answer (content filter). Ask in other words."
        case "length":
            return (
                f"{who} used up its tokens before it wrote an answer (a model that thinks first "
                "does this). Give a larger max_tokens."
            )
        case _:
            return f"{who} sent an empty completion. Try again, or use another model."


def _usage_of(usage: dict[str, Any], prices: Prices | None) -> Usage:
    def count(field: str) -> int | None:
        value = usage.get(field)
        return value if isinstance(value, int) and value >= 0 else None

    prompt, completion = count("prompt_tokens"), count("completion_tokens")
    tokens = Usage(prompt or 0, completion or 0, cost_usd=None)
    if prices is None or prompt is None or completion is None:
        return tokens  # a server that does not count leaves the cost unknown
    return prices.priced(tokens)


def _without_key(text: str) -> str:
    """Return a text without the key, should a service send back what it was given."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    return text.replace(key, "[key]") if key else text


def _quote(text: str) -> str:
    return repr(_shorten(scrub(text)))


def _shorten(line: str) -> str:
    return line if len(line) <= _MAX_DETAIL_CHARS else line[: _MAX_DETAIL_CHARS - 1] + "…"
