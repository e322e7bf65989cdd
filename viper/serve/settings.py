"""Settings of the server, validated before it listens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from viper.errors import ConfigError
from viper.texts.hosts import is_loopback

__all__ = ["TOKEN_VARIABLE", "ServerSettings"]

TOKEN_VARIABLE = "VIPER_SERVE_TOKEN"  # noqa: S105  (a name, not a secret)
"""Environment variable that holds the token; a command line is visible to every user."""

# Shortest accepted token.
_MIN_TOKEN_CHARS = 16


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where a server listens, and its limits.

    Raises:
        ConfigError: A value is out of range, or others could reach the server without a token.
    """

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8765
    """0 for any free port."""
    token: str | None = field(default=None, repr=False)
    """Token that clients must send; None for no token, which only loopback allows."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names that a Host header may contain, such as that of a reverse proxy."""
    concurrency: int = 8
    """Answers computed at the same time."""
    queue: int = 32
    """Requests that wait for a worker slot; further ones are rejected."""
    max_upload_mb: float = 20.0
    """Size of the largest image file, in MB."""
    max_pixels: int = 40_000_000
    """Width times height of the largest image."""
    timeout_s: float = 300.0
    """Timeout from a request to its answer, waiting included; a request may set a shorter one."""
    grace_s: float = 30.0
    """Time for running answers to finish at shutdown."""
    upload_s: float = 30.0
    """Timeout for a body to arrive."""
    send_s: float = 30.0
    """Timeout for a client to accept the next part of a response."""
    head_s: float = 10.0
    """Timeout for the head of a request to arrive, and for idle connections."""
    keep_alive_s: float = 10.0
    """Silence after which a stream gets a comment, so that proxies keep it open."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"The port must be 0 to 65535, but got {self.port!r}.")
        for name, least in (("concurrency", 1), ("queue", 0), ("max_pixels", 1), ("grace_s", 0)):
            if not least <= (value := getattr(self, name)) < math.inf:
                raise ConfigError(f"{name} must be at least {least}, but got {value!r}.")
        for name in ("max_upload_mb", "timeout_s", "upload_s", "send_s", "head_s", "keep_alive_s"):
            if not 0 < (value := getattr(self, name)) < math.inf:
                raise ConfigError(f"{name} must be a number above 0, but got {value!r}.")
        advice = (
            f"Set one: export {TOKEN_VARIABLE}="
            "$(python -c 'import secrets; print(secrets.token_urlsafe(32))')"
        )
        if self.token is None:
            if self.is_reachable:
                what = (
                    f"answer to the name {self.allowed_hosts[0]!r}"
                    if is_loopback(self.host)
                    else f"listen on {self.host!r}"
                )
                raise ConfigError(
                    f"To {what}, where others can reach it, the server needs a token, but {TOKEN_VARIABLE} "
                    f"is not set. {advice}"
                )
        elif len(self.token) < _MIN_TOKEN_CHARS or not (
            self.token.isascii() and self.token.isprintable()
        ):
            raise ConfigError(
                f"The token in {TOKEN_VARIABLE} must be at least {_MIN_TOKEN_CHARS} printable ASCII "
                f"characters, but has {len(self.token)}. {advice}"
            )

    @property
    def is_reachable(self) -> bool:
        """Whether other machines can reach the server."""
        return not is_loopback(self.host) or bool(self.allowed_hosts)

    @property
    def max_upload_bytes(self) -> int:
        """Size of the largest image file, in bytes."""
        return int(self.max_upload_mb * 1e6)
