"""Whether the endpoint of language models answers: one short request for its list of models.

    endpoint = endpoint_of()                  # which one is configured: an Endpoint, or a Finding
    endpoint_finding(endpoint, ask_endpoint(endpoint, key))

The request carries the key, as every call does; it follows no redirect, so that the key goes nowhere
else, and nothing that comes back is shown without being cleared of keys.
"""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qsl

from viper.doctor.check_result import CheckResult
from viper.errors import ConfigError
from viper.generate.auto import LLM_VARIABLE
from viper.llm.replies import KEY_VARIABLE, redact

__all__ = ["Endpoint", "Reply", "ask_endpoint", "endpoint_finding", "endpoint_of"]

_URL_VARIABLE = "OPENAI_BASE_URL"
_TIMEOUT_S = 3.0
_MOST_BYTES = 4_000_000
# Room for the lists of services that offer thousands of models.
_MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint that is configured."""

    url: str
    """Ends where `/models` and `/chat/completions` begin; holds no secret."""
    model: str | None = None
    """The model that VIPER_LLM names there."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of the request."""

    status: int | None
    """HTTP status, None where there was no answer."""
    models: tuple[str, ...] | None = None
    """Names of the models, None where no list of models came back."""
    trouble: str = ""
    """Why there was no answer; holds no key."""


def endpoint_of() -> Endpoint | CheckResult:
    """Return the endpoint that calls of language models would go to, or a finding why there is none.

    The address is the option base_url of VIPER_LLM, else OPENAI_BASE_URL, else OpenAI's own where a key
    or a model of VIPER_LLM asks for it.
    """
    from viper.llm.client import ChatSettings

    kind, _, reference = os.environ.get(LLM_VARIABLE, "").strip().partition(":")
    model, _, query = reference.partition("?") if kind.strip() == "openai" else ("", "", "")
    model = model.strip()
    own = dict(parse_qsl(query)).get("base_url")
    has_key = bool(os.environ.get(KEY_VARIABLE, "").strip())
    if not (model or own or has_key or os.environ.get(_URL_VARIABLE)):
        return CheckResult(
            "endpoint",
            "note",
            "endpoint",
            "None is configured. The grammar works without one.",
            f"For programs of a language model set {_URL_VARIABLE}=http://HOST:PORT/v1, or "
            f"{KEY_VARIABLE} for OpenAI; or use --generator local:MODEL.",
        )
    try:
        settings = ChatSettings.parse(model or "MODEL", {"base_url": own} if own else {})
    except ConfigError as error:
        cure = f"Correct {LLM_VARIABLE}, {_URL_VARIABLE} or {KEY_VARIABLE}."
        return _problem(redact(str(error)), cure)
    return Endpoint(settings.base_url, model or None)


def ask_endpoint(endpoint: Endpoint, key: str, timeout_s: float = _TIMEOUT_S) -> Reply:
    """Ask an endpoint for its list of models; never takes longer than `timeout_s` in all.

    Args:
        endpoint: Which one.
        key: Sent as the service wants it; "" sends none.
        timeout_s: Seconds for all of it: looking up the name, connecting, reading.
    """
    if not key.isascii() or not key.isprintable() or " " in key:
        return Reply(None, trouble=f"{KEY_VARIABLE} holds characters that no key has")
    replies: list[Reply] = []
    # Looking up a name knows no timeout, and a server may send a byte a second: a thread can be left.
    thread = threading.Thread(
        target=lambda: replies.append(_ask(endpoint.url, key, timeout_s)), daemon=True
    )
    thread.start()
    thread.join(timeout_s)
    return replies[0] if replies else Reply(None, trouble=f"no answer within {timeout_s:g} s")


def endpoint_finding(endpoint: Endpoint, reply: Reply) -> CheckResult:
    """Return what a reply says of an endpoint."""
    where = redact(endpoint.url)
    if reply.status is None:
        cure = (
            f"See that the server runs and that {_URL_VARIABLE} is its address; --offline skips this."
            if KEY_VARIABLE not in reply.trouble
            else f"Copy the key again into {KEY_VARIABLE}."
        )
        return _problem(f"{where} cannot be asked: {redact(reply.trouble)}.", cure)
    if reply.status in (401, 403):
        return _problem(
            f"{where} answers, but refuses the key (HTTP {reply.status}).",
            f"Set {KEY_VARIABLE} to a key that this service accepts.",
        )
    if reply.status >= 500:
        cure = "The fault is on the side of the service; look at its log, or try again later."
        return _problem(f"{where} answers with HTTP {reply.status}.", cure)
    if reply.models is None:
        found = (
            f"{where} answers with HTTP {reply.status}, but not with a list of models. Some services "
            "have none, and work."
        )
        cure = f"See that {_URL_VARIABLE} ends where the service's API begins (…/v1), without a redirect."
        return CheckResult("endpoint", "warning", "endpoint", found, cure)
    if endpoint.model and reply.models and endpoint.model not in reply.models:
        found = (
            f"{where} answers, but does not list {redact(endpoint.model)}. {_named(reply.models)}"
        )
        cure = f"Set {LLM_VARIABLE} to openai: and one of its models, or load this one there."
        return CheckResult("endpoint", "warning", "endpoint", found, cure)
    return CheckResult("endpoint", "ok", "endpoint", f"{where} answers. {_named(reply.models)}")


def _problem(found: str, cure: str) -> CheckResult:
    return CheckResult("endpoint", "problem", "endpoint", found, cure)


def _named(models: tuple[str, ...]) -> str:
    shown = ", ".join(redact(name)[:60] for name in models[:_MOST_NAMES])
    more = f" and {len(models) - _MOST_NAMES} more" if len(models) > _MOST_NAMES else ""
    return f"Models: {shown}{more}." if models else "It lists no model."


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Gives a redirect back as an error: the key must not go on to another address."""

    def redirect_request(self, *arguments: object, **_: object) -> None:
        return None


def _ask(url: str, key: str, timeout_s: float) -> Reply:
    headers = {"Accept": "application/json", "User-Agent": "viper-doctor"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{url}/models", headers=headers)  # noqa: S310 # http(s) was checked
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return Reply(response.status, _names_in(response.read(_MOST_BYTES)))
    except urllib.error.HTTPError as error:
        error.close()  # what it says is not read: a service may send the key back
        return Reply(error.code)
    except urllib.error.URLError as error:
        return Reply(None, trouble=_cause(error.reason))
    except (OSError, HTTPException, ValueError) as error:
        return Reply(None, trouble=_cause(error))


def _cause(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return redact(text)[:200].rstrip(".")


def _names_in(body: bytes) -> tuple[str, ...] | None:
    try:
        said: Any = json.loads(body)  # any JSON: every step below checks what it finds
    except (ValueError, RecursionError):
        return None
    models = said.get("data") if isinstance(said, dict) else None
    if not isinstance(models, list):
        return None
    names = [model.get("id") for model in models if isinstance(model, dict)]
    return tuple(name for name in names if isinstance(name, str))
