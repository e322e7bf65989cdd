"""Check the language-model endpoint with one short request for its list of models.

    endpoint = configured_endpoint()          # an Endpoint, or a CheckResult that says why there is none
    endpoint_check(endpoint, request_models(endpoint, key))

The request carries the API key, as every call does. Redirects are not followed, so the key is sent to no
other address, and everything that comes back is scrubbed of keys before it is shown.
"""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qsl

from viper.doctor.check_result import CheckLevel, CheckResult
from viper.errors import ConfigError
from viper.generate.auto import LLM_VARIABLE
from viper.llm.failures import KEY_VARIABLE, api_key, is_sendable
from viper.storage.bounded_json import parse_json
from viper.texts.secrets import hide_secrets
from viper.texts.terminal import one_line

__all__ = ["Endpoint", "Reply", "configured_endpoint", "endpoint_check", "request_models"]

_URL_VARIABLE = "OPENAI_BASE_URL"
_TIMEOUT_S = 3.0
# Enough for services that list thousands of models.
_MAX_REPLY_BYTES = 4_000_000
_MAX_NAMES = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The configured endpoint."""

    url: str
    """The base of `/models` and `/chat/completions`; contains no secret."""
    model: str | None = None
    """The model that VIPER_LLM names for this endpoint."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of the request."""

    status: int | None
    """HTTP status; None if there was no answer."""
    models: tuple[str, ...] | None = None
    """Names of the models; None if the answer is not a list of models."""
    error: str = ""
    """Why there was no answer; contains no key."""


def configured_endpoint() -> Endpoint | CheckResult:
    """Return the endpoint that language-model calls would use, or a result that says why there is none.

    The address is the option base_url of VIPER_LLM, else OPENAI_BASE_URL, else OpenAI's own if a key or a
    model in VIPER_LLM implies it.
    """
    from viper.llm.client import ChatSettings

    kind, _, reference = os.environ.get(LLM_VARIABLE, "").strip().partition(":")
    model, _, query = reference.partition("?") if kind.strip() == "openai" else ("", "", "")
    model = model.strip()
    base_url = dict(parse_qsl(query)).get("base_url")
    if not (model or base_url or api_key() or os.environ.get(_URL_VARIABLE)):
        return _check(
            "note",
            "None is configured. The grammar works without one.",
            f"For programs of a language model set {_URL_VARIABLE}=http://HOST:PORT/v1, or "
            f"{KEY_VARIABLE} for OpenAI; or use --generator local:MODEL.",
        )
    try:
        settings = ChatSettings.parse(model or "MODEL", {"base_url": base_url} if base_url else {})
    except ConfigError as error:
        fix = f"Correct {LLM_VARIABLE}, {_URL_VARIABLE} or {KEY_VARIABLE}."
        return _check("problem", _clean(str(error)), fix)
    return Endpoint(settings.base_url, model or None)


def request_models(endpoint: Endpoint, key: str, timeout_s: float = _TIMEOUT_S) -> Reply:
    """Ask an endpoint for its list of models; never takes longer than `timeout_s`.

    Args:
        endpoint: Which endpoint.
        key: API key; "" to send none.
        timeout_s: Seconds for name resolution, connecting and reading together.
    """
    if not is_sendable(key):
        return Reply(None, error=f"{KEY_VARIABLE} contains characters that no key has")
    replies: list[Reply] = []
    # In a thread that can be abandoned: name resolution has no timeout, and a server may be endlessly slow.
    thread = threading.Thread(
        target=lambda: replies.append(_request(endpoint.url, key, timeout_s)), daemon=True
    )
    thread.start()
    thread.join(timeout_s)
    return replies[0] if replies else Reply(None, error=f"no answer within {timeout_s:g} s")


def endpoint_check(endpoint: Endpoint, reply: Reply) -> CheckResult:
    """Check the reply of an endpoint."""
    url = _clean(endpoint.url)
    if reply.status is None:
        fix = (
            f"Copy the key again into {KEY_VARIABLE}."
            if KEY_VARIABLE in reply.error
            else f"Check that the server runs and that {_URL_VARIABLE} is its address; --offline skips this."
        )
        return _check("problem", f"{url} does not answer: {_clean(reply.error)}.", fix)
    if reply.status in (401, 403):
        return _check(
            "problem",
            f"{url} answers, but refuses the key (HTTP {reply.status}).",
            f"Set {KEY_VARIABLE} to a key that this service accepts.",
        )
    if reply.status >= 500:
        fix = "The error is on the server's side; look at its log, or try again later."
        return _check("problem", f"{url} answers with HTTP {reply.status}.", fix)
    if reply.models is None:
        return _check(
            "warning",
            f"{url} answers with HTTP {reply.status}, but not with a list of models. Some services "
            "have none, and work.",
            f"Check that {_URL_VARIABLE} ends where the service's API begins (…/v1), without a redirect.",
        )
    names = ", ".join(_clean(name)[:60] for name in reply.models[:_MAX_NAMES])
    more = len(reply.models) - _MAX_NAMES
    if more > 0:
        names += f" and {more} more"
    listed = f"Models: {names}." if names else "It lists no model."
    if endpoint.model and reply.models and endpoint.model not in reply.models:
        return _check(
            "warning",
            f"{url} answers, but does not list {_clean(endpoint.model)}. {listed}",
            f"Set {LLM_VARIABLE} to openai: and one of its models, or load this one there.",
        )
    return _check("ok", f"{url} answers. {listed}")


def _clean(text: str) -> str:
    """Return a text of the service as one printable line without keys."""
    return hide_secrets(one_line(text))


def _check(level: CheckLevel, found: str, fix: str = "") -> CheckResult:
    return CheckResult("endpoint", level, "endpoint", found, fix)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Returns a redirect as an error: the key must not be sent to another address."""

    def redirect_request(self, *arguments: object, **_: object) -> None:
        return None


def _request(url: str, key: str, timeout_s: float) -> Reply:
    headers = {"Accept": "application/json", "User-Agent": "viper-doctor"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{url}/models", headers=headers)  # noqa: S310 # http(s) was checked
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return Reply(response.status, _model_names(response.read(_MAX_REPLY_BYTES)))
    except urllib.error.HTTPError as error:
        error.close()  # its body is not read: a service may send the key back
        return Reply(error.code)
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, TimeoutError):
            return Reply(None, error="no answer in time")
        text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        return Reply(None, error=_clean(text)[:200].rstrip("."))


def _model_names(body: bytes) -> tuple[str, ...] | None:
    try:
        # Any JSON: every step below checks its value.
        reply: Any = parse_json(body, max_bytes=_MAX_REPLY_BYTES)
    except ValueError:
        return None
    models = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(models, list):
        return None
    names = [model.get("id") for model in models if isinstance(model, dict)]
    return tuple(name for name in names if isinstance(name, str))
