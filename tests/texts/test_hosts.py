"""Hosts of addresses and headers: what is not exactly one is none."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fakes.hosts import TRICKS
from viper.errors import ConfigError
from viper.settings.guard import check_found
from viper.texts.hosts import host_name, is_loopback, url_host

GOOD = {
    "127.0.0.1": "127.0.0.1",
    "127.0.0.1:8765": "127.0.0.1",
    "LOCALHOST:80": "localhost",
    "[::1]": "::1",
    "[::1]:8765": "::1",
    "[0:0:0:0:0:0:0:1]:1": "::1",
    "gpu_box-3.example.org:443": "gpu_box-3.example.org",
}


@pytest.mark.parametrize("text", TRICKS)
def test_what_is_not_exactly_a_host_is_none(text):
    assert host_name(text) is None
    assert url_host(f"http://{text}/v1") in (None, "localhost", "127.0.0.1")
    if url_host(f"http://{text}/v1") is not None:  # the rest is a path or a query for everybody
        assert text[len("localhost")] in "/?#"


@pytest.mark.parametrize(("text", "name"), GOOD.items())
def test_a_host_with_or_without_a_port_is_read(text, name):
    assert host_name(text) == name
    assert url_host(f"https://{text}/v1") == name
    assert url_host(f"http://{text}") == name


def test_the_control_a_lenient_parser_reads_another_host():
    assert urlsplit("http://127.0.0.1:80@evil/v1").hostname == "evil"
    assert "127.0.0.1:80@evil".partition(":")[0] == "127.0.0.1"
    assert "[::1].evil.com"[1:].partition("]")[0] == "::1"


@pytest.mark.parametrize("text", [t for t in TRICKS if t[9:10] not in "/?#"])
def test_a_settings_file_sends_nothing_to_a_host_that_looks_like_this_machine(text):
    value = f"openai:m?base_url=http://{text}/v1"
    with pytest.raises(ConfigError, match="to another machine"):
        check_found("generator", value, Path("viper.toml"), "VIPER_GENERATOR")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:8/v1"]
)
def test_a_settings_file_may_name_this_machine(url):
    check_found("generator", f"openai:m?base_url={url}", Path("viper.toml"), "VIPER_GENERATOR")


def test_loopback_is_an_address_of_this_machine():
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]")))
    assert not any(
        map(is_loopback, ("", "127.1", "0.0.0.0", "localhost.evil.com", "]::1[", "[[::1]]"))
    )
