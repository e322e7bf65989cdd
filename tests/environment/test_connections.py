"""Variables of proxies and certificates that name nothing are told by their name, before a connection."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys

import pytest

from viper.environment.connections import check_connections, connection_faults, unused_certificates
from viper.errors import ConfigError, ModelError

VARIABLES = (
    "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE "
    "REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"
).split()
WRONG = {
    "socks": ("ALL_PROXY", "socks://proxy:1080"),
    "lower case": ("all_proxy", "socks4://proxy:1080"),
    "ftp": ("HTTPS_PROXY", "ftp://proxy"),
    "no host": ("HTTP_PROXY", "http://"),
    "port": ("HTTPS_PROXY", "http://proxy:many"),
    "port too large": ("HTTPS_PROXY", "proxy:99999"),
    "open bracket": ("HTTPS_PROXY", "http://[::1"),
    "no proxy bracket": ("NO_PROXY", "localhost,[::1"),
    "no proxy port": ("no_proxy", "host:many"),
    "no file": ("SSL_CERT_FILE", "/no/such/file"),
    "folder as file": ("SSL_CERT_FILE", "/"),
    "no certificates": ("SSL_CERT_FILE", __file__),
    "no folder": ("SSL_CERT_DIR", "/no/such/folder"),
    "file as folder": ("SSL_CERT_DIR", __file__),
    "no log": ("SSLKEYLOGFILE", "/no/such/file"),
    "folder as log": ("SSLKEYLOGFILE", "/"),
}
# What the client itself does not raise for: it fails, if at all, when a connection is made.
LATE = {"no host", "port too large", "no folder", "file as folder"}


@pytest.fixture
def clean(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("attack", WRONG)
def test_a_variable_that_names_nothing_is_one_sentence_with_its_name(attack):
    name, value = WRONG[attack]
    (sentence,) = connection_faults({name: value})
    assert f"The variable {name} " in sentence
    assert "unset it" in sentence
    assert "\n" not in sentence
    with pytest.raises(ConfigError):
        check_connections({name: value})


@pytest.mark.parametrize("attack", ["socks", "no file", "no log", "no certificates", "ftp", "port"])
def test_without_the_check_the_client_fails_in_its_own_way(attack, clean):
    import httpx

    clean.setenv(*WRONG[attack])
    with pytest.raises((OSError, ValueError, httpx.InvalidURL)) as caught:
        httpx.Client()
    assert WRONG[attack][0] not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "proxy.example.com:3128"),
        ("HTTP_PROXY", "http://user:pass@proxy:3128/"),
        ("ALL_PROXY", "http://[::1]:3128"),
        ("HTTPS_PROXY", ""),
        ("NO_PROXY", "localhost,127.0.0.1,[::1],::1,.example.com,*.local,10.0.0.0/8,host:8080,*"),
        ("NO_PROXY", " , ,"),
        ("SSL_CERT_DIR", "/"),
        ("SSLKEYLOGFILE", "/dev/null"),
        ("SSL_CERT_FILE", ""),
    ],
)
def test_good_values_pass(name, value):
    assert list(connection_faults({name: value})) == []


def test_the_certificates_of_the_system_pass():
    file = ssl.get_default_verify_paths().cafile
    if file is None:
        certifi = pytest.importorskip("certifi")
        file = certifi.where()
    assert list(connection_faults({"SSL_CERT_FILE": file})) == []


def test_a_log_that_may_be_made_is_not_made_by_the_check(tmp_path):
    assert list(connection_faults({"SSLKEYLOGFILE": str(tmp_path / "keys")})) == []
    assert list(tmp_path.iterdir()) == []


def test_a_password_of_a_proxy_is_not_repeated():
    for url in ("socks://me:secret@proxy", "http://me:secret@proxy:port", "http://me:secret@"):
        assert "secret" not in "".join(connection_faults({"ALL_PROXY": url}))


def test_variables_of_other_programs_are_a_note_and_stop_nothing():
    environment = {"REQUESTS_CA_BUNDLE": "/no/file", "CURL_CA_BUNDLE": "/no/file"}
    assert len(list(unused_certificates(environment))) == 2
    assert list(connection_faults(environment)) == []


@pytest.mark.parametrize("attack", ["socks", "no file", "no log", "no proxy bracket"])
def test_a_pull_names_the_variable(attack, clean, hub_cache):
    from viper.weights.pull import plan_pull

    clean.setenv(*WRONG[attack])
    with pytest.raises(ConfigError, match=f"The variable {WRONG[attack][0]} "):
        plan_pull("owner/name")


@pytest.mark.parametrize("attack", ["socks", "no file", "no log", "no proxy bracket"])
def test_a_language_model_names_the_variable(attack, clean):
    from viper.llm.client import ChatModel, ChatSettings, Message

    clean.setenv(*WRONG[attack])
    model = ChatModel(ChatSettings.parse("m", {"base_url": "http://127.0.0.1:9/v1"}))
    with pytest.raises(ModelError, match=f"The variable {WRONG[attack][0]} ") as caught:
        model.chat_blocking([[Message("user", "?")]], [10])
    assert "\n" not in str(caught.value)


def test_a_proxy_that_is_not_there_is_named(clean):
    from viper.llm.client import ChatModel, ChatSettings, Message

    clean.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    settings = ChatSettings.parse(
        "m", {"base_url": "http://example.invalid/v1", "max_retries": "0"}
    )
    (error,) = ChatModel(settings).chat_blocking([[Message("user", "?")]], [10])
    assert isinstance(error, ModelError)
    assert "the proxy of HTTP_PROXY" in str(error)


@pytest.mark.parametrize("attack", ["socks", "no file", "no folder", "no log", "port"])
def test_doctor_names_the_variable_and_sends_nothing(attack, clean, monkeypatch):
    from viper.doctor import report
    from viper.doctor.environment import environment_checks

    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(report, "request_models", None)  # a request would be an error
    clean.setenv(*WRONG[attack])
    name = f"The variable {WRONG[attack][0]} "
    assert name in report._check_endpoint(False).found
    (check,) = [one for one in environment_checks() if one.title == "connections"]
    assert check.level == "problem"
    assert name in check.found


@pytest.mark.slow
@pytest.mark.parametrize("attack", WRONG)
def test_the_commands_say_one_line(attack, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k.upper() not in VARIABLES}
    environment |= dict([WRONG[attack]]) | {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    environment |= {"HF_HOME": str(tmp_path)}
    for arguments in (
        ["models", "pull", "owner/name"],
        ["ask", "examples/shapes.png", "How?", "--generator", "openai:m", "--no-program-cache"],
    ):
        command = [sys.executable, "-m", "viper", *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert WRONG[attack][0] in done.stderr.splitlines()[-1]
