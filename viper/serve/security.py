"""Checks of host, origin and token for every request, and security headers for every response.

A page of another site in the user's browser can send requests to 127.0.0.1. Four measures prevent misuse:
the Host header is checked (against DNS rebinding), the Origin header is checked (a foreign page cannot
post), no CORS header is sent (a foreign page cannot read), and a token may be required.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from viper.serve.api_error import ApiError
from viper.serve.settings import ServerSettings
from viper.texts.hosts import host_name, is_loopback

__all__ = ["RESPONSE_HEADERS", "check_host", "check_origin", "check_token", "is_open"]

RESPONSE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
"""Headers of every response: the page runs only its own scripts and cannot be framed."""

_OPEN = frozenset({"/", "/healthz", "/openapi.json"})
_SAFE = frozenset({"GET", "HEAD"})


def is_open(path: str) -> bool:
    """Return whether a path is served without a token: it reveals nothing about requests."""
    return path in _OPEN or path.startswith("/static/")


def check_host(headers: Mapping[str, str], settings: ServerSettings) -> None:
    """Refuse a request whose Host header names another server, or is malformed.

    Raises:
        ApiError: It does (403).
    """
    given = headers.get("host", "")
    name = host_name(given)
    allowed = {host_name(allowed) or allowed.lower() for allowed in settings.allowed_hosts}
    if name in allowed:
        return
    if is_loopback(settings.host):
        if name is not None and is_loopback(name):
            return
    elif not allowed and (name is not None or not given):
        return  # the server may have any name, and requires a token
    raise ApiError(
        403,
        "forbidden",
        f"The server does not answer to the name {(name or given)[:80]!r}. Its operator can allow the name "
        "with --allow-host.",
    )


def check_origin(method: str, headers: Mapping[str, str]) -> None:
    """Refuse a request that a page of another site makes a browser send.

    Raises:
        ApiError: It comes from another site (403).
    """
    if method in _SAFE and headers.get("sec-fetch-mode", "navigate") == "navigate":
        return  # a link to this server
    origin = headers.get("origin")
    foreign = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if origin is not None:
        # Without the scheme: it differs behind a proxy that terminates TLS.
        foreign = foreign or origin.lower().partition("://")[2] != headers.get("host", "").lower()
    if foreign:
        raise ApiError(403, "forbidden", "Pages of other sites may not use this server.")


def check_token(headers: Mapping[str, str], settings: ServerSettings) -> None:
    """Refuse a request without the token, if the server has one.

    Raises:
        ApiError: The token is missing or wrong (401).
    """
    if settings.token is None:
        return
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Encoded, because compare_digest accepts only ASCII strings.
    matches = hmac.compare_digest(given.strip().encode(), settings.token.encode())
    if scheme.lower() != "bearer" or not matches:
        raise ApiError(
            401,
            "unauthorized",
            "The server requires its token: send the header 'Authorization: Bearer TOKEN'.",
            headers={"WWW-Authenticate": "Bearer"},
        )
