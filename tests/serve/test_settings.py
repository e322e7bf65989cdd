"""Settings that cannot be, and in which words they are refused."""

from __future__ import annotations

import pytest

from viper.errors import ConfigError
from viper.serve import ServerSettings, is_loopback

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_token(host):
    assert is_loopback(host)
    assert not ServerSettings(host=host).is_reachable


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "gpu-box", "127.0.0.1.example", ""])
def test_elsewhere_a_token_is_needed(host):
    with pytest.raises(ConfigError) as refused:
        ServerSettings(host=host)
    assert str(refused.value).startswith(
        f"To listen on {host!r}, where others can reach it, the server needs a token, but "
        "VIPER_SERVE_TOKEN is not set."
    )
    assert ServerSettings(host=host, token=TOKEN).is_reachable


def test_behind_a_proxy_a_token_is_needed():
    with pytest.raises(ConfigError, match=r"To answer to the name 'viper\.example\.org'"):
        ServerSettings(allowed_hosts=("viper.example.org",))
    assert ServerSettings(allowed_hosts=("viper.example.org",), token=TOKEN).is_reachable


@pytest.mark.parametrize("token", ["short", "", "ä" * 20, "a" * 20 + "\n"])
def test_a_weak_token_is_refused_and_not_shown(token):
    with pytest.raises(ConfigError) as refused:
        ServerSettings(token=token)
    assert "must be at least 16 printable ASCII characters" in str(refused.value)
    assert token == "" or token not in str(refused.value)


def test_the_token_is_in_no_representation():
    assert TOKEN not in repr(ServerSettings(token=TOKEN))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 70_000}, "The port must be 0 to 65535, but got 70000."),
        ({"concurrency": 0}, "concurrency must be at least 1, but got 0."),
        ({"queue": -1}, "queue must be at least 0, but got -1."),
        ({"max_upload_mb": 0}, "max_upload_mb must be a number above 0, but got 0."),
        ({"timeout_s": float("nan")}, "timeout_s must be a number above 0, but got nan."),
        ({"grace_s": -1}, "grace_s must be at least 0, but got -1."),
    ],
)
def test_values_out_of_range_are_named(options, message):
    with pytest.raises(ConfigError) as refused:
        ServerSettings(**options)
    assert str(refused.value) == message
