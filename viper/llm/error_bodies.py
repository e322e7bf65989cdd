"""The JSON of an error, as services write it: its status, its message, its words.

The API defines `{"error": {"message": …, "type": …, "code": …}}`. Proxies and servers write many others: a
list with one such object, `{"detail": [{"loc": …, "msg": …}]}`, a bare text, or an error in a reply whose
status of HTTP says success.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["NO_CREDIT", "error_in", "message_of", "status_in", "what_it_says"]

NO_CREDIT = frozenset({"insufficient_quota", "quota_exceeded", "42902"})
"""Codes of exhausted credit that come with 429; waiting does not help."""

# The words that services write for a status, reduced to lower case without blanks, "_" and "-".
_STATUS_OF = {
    "invalidrequest": 400,
    "invalidrequesterror": 400,
    "badrequest": 400,
    "badrequesterror": 400,
    "invalidargument": 400,
    "contextlengthexceeded": 400,
    "contentfilter": 400,
    "invalidapikey": 401,
    "authenticationerror": 401,
    "unauthenticated": 401,
    "unauthorized": 401,
    "insufficientquota": 402,
    "insufficientbalance": 402,
    "insufficientcredits": 402,
    "billingerror": 402,
    "permissionerror": 403,
    "permissiondenied": 403,
    "forbidden": 403,
    "notfound": 404,
    "notfounderror": 404,
    "modelnotfound": 404,
    "timeout": 408,
    "timeouterror": 408,
    "requesttimeout": 408,
    "deadlineexceeded": 408,
    "requesttoolarge": 413,
    "ratelimit": 429,
    "ratelimited": 429,
    "ratelimiterror": 429,
    "ratelimitexceeded": 429,
    "toomanyrequests": 429,
    "resourceexhausted": 429,
    "servererror": 500,
    "internal": 500,
    "internalerror": 500,
    "internalservererror": 500,
    "apierror": 500,
    "badgateway": 502,
    "unavailable": 503,
    "serviceunavailable": 503,
    "overloaded": 503,
    "overloadederror": 503,
    "engineoverloaded": 503,
    "modelloading": 503,
}
_SEPARATORS = str.maketrans("", "", "_- ")
_SUCCESS = ("0", "200", "ok", "success")
_MESSAGES = ("message", "msg", "detail", "error", "errors", "error_msg", "status_msg", "reason")

_MOST_CHARS = 10_000
_MOST_VALUES = 500
_ECHOES = frozenset({"input", "body", "request", "messages", "prompt", "url"})
"""Fields in which services repeat the request, which may say anything."""


def error_in(reply: Mapping[str, Any]) -> object | None:
    """Return the error that a reply with a status of success holds; None if it holds none."""
    match reply.get("choices"):
        case [{"error": dict() | str() as error}, *_] if _says_something(error):
            return error
        case [{"finish_reason": "error"}, *_]:
            return reply.get("error") or {"message": "the completion ended with an error"}
    error = reply.get("error")
    if _says_something(error):
        return error
    # Without an `error`: {"object": "error", …}, or a code in the place of the choices.
    if reply.get("object") == "error" or (not reply.get("choices") and status_in(reply)):
        return dict(reply)
    return None


def status_in(error: object) -> int | None:
    """Return the status of HTTP that an error's own code or type stands for; None if it has none."""
    if not isinstance(error, Mapping):
        return None
    for field in ("code", "status", "status_code", "type", "error_type"):
        value = error.get(field)
        if isinstance(value, int | str) and not isinstance(value, bool):
            text = str(value)[:50].strip().lower()
            if text.isascii() and text.isdigit():
                # Some write 42901 for the first kind of 429.
                number = int(text) // 100 if len(text) == 5 else int(text)
                if 400 <= number < 600:
                    return number
            elif found := _STATUS_OF.get(text.translate(_SEPARATORS)):
                return found
    return None


def _says_something(error: object) -> bool:
    """Return whether an `error` field reports an error; some services send an empty one with success."""
    if isinstance(error, Mapping):
        code = error.get("code")
        if str(code).lower() in _SUCCESS:
            return False
        return bool(code) or any(error.get(name) for name in ("message", "msg", "type"))
    return bool(error)


def message_of(body: object) -> str:
    """Return the message in a body; the library has already unwrapped its `error` field."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    for _ in range(3):  # a message may be an object with the details
        if not isinstance(body, dict):
            break
        inner = next((body[name] for name in _MESSAGES if body.get(name)), None)
        if isinstance(inner, str):
            return inner
        if not isinstance(inner, dict):
            break
        body = inner
    if isinstance(body, dict | list):
        with contextlib.suppress(ValueError, RecursionError):  # too deep
            return json.dumps(body)
    # The HTML page of a proxy does not fit on one line.
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""


def what_it_says(body: object) -> str:
    """Return the words in the JSON of an error, in order and in lower case, without repeated requests."""
    words: list[str] = []
    pending: list[object] = [body]
    for _ in range(_MOST_VALUES):
        if not pending:
            break
        match pending.pop():
            case str() as text:
                words.append(text)
            case dict() as fields:
                for key, value in reversed(fields.items()):
                    if key not in _ECHOES:
                        # {"seed": ["unknown field"]}: some name the parameter by the key.
                        pending += [value, key] if isinstance(value, list) else [value]
            case list() as values:
                pending += values[::-1]
            case _:
                pass
    return " ".join(words)[:_MOST_CHARS].lower()
