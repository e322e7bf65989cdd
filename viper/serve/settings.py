"""What a server is set to, checked before it listens."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field

from viper.errors import ConfigError

__all__ = ["TOKEN_VARIABLE", "ServerSettings", "is_loopback"]

TOKEN_VARIABLE = "VIPER_SERVE_TOKEN"  # noqa: S105  (a name, not a secret)
"""Environment variable that holds the token; a command line would show it to every user."""

LEAST_TOKEN = 16
"""Characters of the shortest token that is accepted."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where a server listens and what it lets in.

    Raises:
        ConfigError: A value is out of its range, or others could reach the server without a token.
    """

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8765
    """0 for any free one."""
    token: str | None = field(default=None, repr=False)
    """What clients must know; None for no token, which only loopback may have."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names that requests may come to, such as that of a reverse proxy."""
    concurrency: int = 8
    """Answers that are worked on at once."""
    queue: int = 32
    """Requests that wait for them; the next one is turned away."""
    max_upload_mb: float = 20.0
    """Size of the largest picture file, in MB."""
    max_pixels: int = 40_000_000
    """Width times height of the largest picture."""
    timeout_s: float = 300.0
    """Longest time from a request to its answer, waiting included; a request may ask for less."""
    grace_s: float = 30.0
    """Longest time that running answers get when the server is told to end."""
    upload_s: float = 30.0
    """Longest time for a body to arrive."""
    send_s: float = 30.0
    """Longest wait for a client to take the next part of an answer."""
    head_s: float = 10.0
    """Longest time for the head of a request to arrive, and for a connection to be idle."""
    keep_alive_s: float = 10.0
    """Silence after which a stream gets a comment, so that proxies keep it open."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"The port must be 0 to 65535, but got {self.port!r}.")
        for name, least in (("concurrency", 1), ("queue", 0), ("max_pixels", 1)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"{name} must be at least {least}, but got {getattr(self, name)}."
                )
        for name in ("max_upload_mb", "timeout_s", "upload_s", "send_s", "head_s", "keep_alive_s"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ConfigError(
                    f"{name} must be a number above 0, but got {getattr(self, name)!r}."
                )
        if not (math.isfinite(self.grace_s) and self.grace_s >= 0):
            raise ConfigError(f"grace_s must be a number, 0 or more, but got {self.grace_s!r}.")
        if self.token is not None and (
            len(self.token) < LEAST_TOKEN or not (self.token.isascii() and self.token.isprintable())
        ):
            raise ConfigError(
                f"The token in {TOKEN_VARIABLE} must be at least {LEAST_TOKEN} printable ASCII "
                f"characters, but has {len(self.token)}. {_MAKE_ONE}"
            )
        if self.token is None and self.is_reachable:
            what = (
                f"listen on {self.host!r}"
                if not is_loopback(self.host)
                else f"answer to the name {self.allowed_hosts[0]!r}"
            )
            raise ConfigError(
                f"To {what}, where others can reach it, the server needs a token, but {TOKEN_VARIABLE} "
                f"is not set. {_MAKE_ONE}"
            )

    @property
    def is_reachable(self) -> bool:
        """True when others than the users of this machine can reach it."""
        return not is_loopback(self.host) or bool(self.allowed_hosts)

    @property
    def max_upload_bytes(self) -> int:
        """Size of the largest picture file, in bytes."""
        return int(self.max_upload_mb * 1e6)


_MAKE_ONE = (
    f"Set one: export {TOKEN_VARIABLE}="
    "$(python -c 'import secrets; print(secrets.token_urlsafe(32))')"
)


def is_loopback(host: str) -> bool:
    """Tell whether an address or name means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name, which may mean anything
        return False
