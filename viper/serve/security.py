"""Who may ask: checks of host, origin and token, and the headers that every response has.

Browsers run pages of strangers, and such a page may send requests to 127.0.0.1. Against that stand: the
host that a request names (a foreign name that was made to point here is refused), the origin that a browser
tells (a foreign page cannot post), no CORS header anywhere (a foreign page cannot read), and, where it is
set, a token that no page is given.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from viper.serve.api_error import ApiError
from viper.serve.settings import ServerSettings, is_loopback

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
"""Of every response: pages run our own scripts only, and are shown in no foreign frame."""

_OPEN = frozenset({"/", "/healthz", "/openapi.json"})
_SAFE = frozenset({"GET", "HEAD"})


def is_open(path: str) -> bool:
    """Tell whether a path is served without a token: nothing of it says what anybody asked."""
    return path in _OPEN or path.startswith("/static/")


def check_host(headers: Mapping[str, str], settings: ServerSettings) -> None:
    """Refuse a request that came to a foreign name.

    Raises:
        Problem: It did (403).
    """
    name = host_name(headers.get("host", ""))
    known = {allowed.lower() for allowed in settings.allowed_hosts}
    if name in known:
        return
    if is_loopback(settings.host):
        if is_loopback(name):
            return
    elif not known:
        return  # it has many names, and a token
    raise ApiError(
        403,
        "forbidden",
        f"The server does not answer to the name {name[:80]!r}. Whoever runs it can allow it with "
        "--allow-host.",
    )


def check_origin(method: str, headers: Mapping[str, str]) -> None:
    """Refuse what the page of somebody else makes a browser send.

    Raises:
        Problem: It came from another page (403).
    """
    if method in _SAFE:
        return
    origin = headers.get("origin")
    foreign = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if origin is not None:
        # Without the scheme: behind a proxy that does TLS it is not the one that arrives here.
        foreign = foreign or origin.lower().partition("://")[2] != headers.get("host", "").lower()
    if foreign:
        raise ApiError(403, "forbidden", "Pages of other sites may not use this server.")


def check_token(headers: Mapping[str, str], settings: ServerSettings) -> None:
    """Refuse a request that does not know the token, where there is one.

    Raises:
        Problem: It does not (401).
    """
    if settings.token is None:
        return
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Encoded: compare_digest takes no other characters than ASCII as text.
    known = hmac.compare_digest(given.strip().encode(), settings.token.encode())
    if scheme.lower() != "bearer" or not known:
        raise ApiError(
            401,
            "unauthorized",
            "The server needs its token: send the header 'Authorization: Bearer TOKEN'.",
            headers={"WWW-Authenticate": "Bearer"},
        )


def host_name(host: str) -> str:
    """Return the name in a Host header: without port, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
