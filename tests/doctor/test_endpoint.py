"""The endpoint of language models: which one is asked, what its reply means, and that no key leaks."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time

import pytest

from fakes.llm_server import LLMServer, drop, raw, raw_json, refuse
from fakes.llm_server import Reply as Sent
from viper.doctor import CheckResult
from viper.doctor.endpoint import (
    Endpoint,
    Reply,
    configured_endpoint,
    endpoint_check,
    request_models,
)

KEY = "very-secret-0123456789"
HERE = Endpoint("http://127.0.0.1:8000/v1")


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "VIPER_LLM"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def models(*names):
    return raw_json({"object": "list", "data": [{"id": name} for name in names]})


def asked(reply, *, key="", model=None):
    """What is said of a server that sends this reply, and what it received."""
    with LLMServer([reply]) as server:
        endpoint = Endpoint(server.url, model)
        check = endpoint_check(endpoint, request_models(endpoint, key))
    return check, server


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({"OPENAI_BASE_URL": "http://a:1/v1/"}, Endpoint("http://a:1/v1")),
        ({"OPENAI_API_KEY": KEY}, Endpoint("https://api.openai.com/v1")),
        ({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://a/v1"}, Endpoint("http://a/v1")),
        ({"VIPER_LLM": "openai:m?base_url=http://b/v1&shots=2"}, Endpoint("http://b/v1", "m")),
        ({"VIPER_LLM": "openai:m", "OPENAI_BASE_URL": "http://a/v1"}, Endpoint("http://a/v1", "m")),
    ],
    ids=["url", "key", "both", "address of the model", "model and url"],
)
def test_the_endpoint_that_calls_would_go_to_is_found(monkeypatch, variables, endpoint):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert configured_endpoint() == endpoint


@pytest.mark.parametrize("variables", [{}, {"VIPER_LLM": "local:m"}], ids=["nothing", "local"])
def test_without_an_endpoint_nothing_is_asked_and_the_variables_are_named(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = configured_endpoint()
    assert isinstance(found, CheckResult)
    assert (found.level, found.found) == (
        "note",
        "None is configured. The grammar works without one.",
    )
    assert "OPENAI_BASE_URL=http://HOST:PORT/v1" in found.fix
    assert "OPENAI_API_KEY" in found.fix


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        (f"http://me:{KEY}@host/v1", "base_url holds a user name, a password or a query"),
        ("ftp://host/v1", "base_url 'ftp://host/v1' is not an http address"),
        ("https://api.openai.com/v1", "needs an API key"),
    ],
    ids=["credentials", "no http", "no key"],
)
def test_an_unusable_address_is_a_problem_that_shows_no_secret(monkeypatch, url, reported):
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    found = configured_endpoint()
    assert isinstance(found, CheckResult)
    assert found.level == "problem"
    assert reported in found.found
    assert "OPENAI_BASE_URL" in found.fix
    assert KEY not in str(found)


def test_a_key_pasted_as_the_address_is_not_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", KEY)
    assert KEY not in str(configured_endpoint())


def test_an_endpoint_that_answers_names_some_of_its_models():
    found, server = asked(models("a", "b", "c", "d", "e", "f"), key=KEY)
    assert (found.level, found.fix) == ("ok", "")
    assert found.found == f"{server.url} answers. Models: a, b, c, d and 2 more."
    (request,) = server.requests
    assert request.path == "/v1/models"
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_without_a_key_none_is_sent():
    found, server = asked(models())
    assert found.found == f"{server.url} answers. It lists no model."
    assert "authorization" not in server.requests[0].headers


def test_the_model_of_viper_llm_must_be_among_them():
    assert asked(models("a", "b"), model="b")[0].level == "ok"
    found, server = asked(models("a", "b"), model="c")
    assert found.level == "warning"
    assert found.found == f"{server.url} answers, but does not list c. Models: a, b."
    assert "VIPER_LLM" in found.fix


@pytest.mark.parametrize(
    ("reply", "level", "found", "fix"),
    [
        (refuse(401, "no"), "problem", "refuses the key (HTTP 401)", "Set OPENAI_API_KEY to a key"),
        (refuse(403, "no"), "problem", "refuses the key (HTTP 403)", "Set OPENAI_API_KEY to a key"),
        (refuse(500, "no"), "problem", "answers with HTTP 500", "the server's side"),
        (refuse(404, "no"), "warning", "HTTP 404, but not with a list of models", "…/v1"),
        (raw(b"<html>"), "warning", "HTTP 200, but not with a list of models", "…/v1"),
        (raw(b"[" * 100_000), "warning", "not with a list of models", "…/v1"),
        (raw_json({"data": "x"}), "warning", "not with a list of models", "…/v1"),
        (drop(), "problem", "does not answer: ", "Check that the server runs"),
    ],
    ids=["401", "403", "500", "404", "page", "deep JSON", "other JSON", "no word"],
)
def test_every_other_answer_comes_with_its_fix(reply, level, found, fix):
    check, _ = asked(reply, key=KEY)
    assert check.level == level
    assert found in check.found
    assert fix in check.fix
    assert KEY not in str(check)


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else():
    with LLMServer([models("a")]) as other:
        to_other = Sent(302, headers={"Location": f"{other.url}/models"})
        check, _ = asked(to_other, key=KEY)
    assert other.requests == []
    assert check.level == "warning"
    assert "HTTP 302" in check.found
    assert "without a redirect" in check.fix


def test_a_server_that_does_not_run_is_a_problem():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = Endpoint(f"http://127.0.0.1:{free.getsockname()[1]}/v1")
        reply = request_models(endpoint, KEY)
    found = endpoint_check(endpoint, reply)
    assert found.level == "problem"
    assert found.found == f"{endpoint.url} does not answer: Connection refused."
    assert "--offline skips this" in found.fix


def test_a_server_that_hangs_is_given_up():
    late = dataclasses.replace(models("a"), delay_s=2.0)
    with LLMServer([late]) as server:
        started = time.monotonic()
        reply = request_models(Endpoint(server.url), KEY, timeout_s=0.2)
        took_s = time.monotonic() - started
    assert reply.status is None
    assert reply.error.startswith("no answer ")
    assert took_s < 1.9  # the server would have answered


def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch):
    over = threading.Event()

    def look_up(*_, **__):
        over.wait(10)
        raise socket.gaierror("at last")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    started = time.monotonic()
    reply = request_models(Endpoint("http://nowhere.invalid/v1"), "", timeout_s=0.2)
    assert reply == Reply(None, error="no answer within 0.2 s")
    assert time.monotonic() - started < 5
    over.set()


def test_a_service_that_sends_the_key_back_cannot_show_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found, _ = asked(models(f"x{KEY}", f"Bearer {KEY}", "sk-abcdefgh"), key=KEY)
    assert KEY not in str(found)
    assert "sk-abcdefgh" not in str(found)
    assert "[key]" in found.found
    assert KEY not in str(asked(refuse(500, KEY), key=KEY)[0])


def test_a_key_that_cannot_be_one_is_not_sent():
    key = "“typographic quotes”"
    reply = request_models(HERE, key)
    found = endpoint_check(HERE, reply)
    assert found.level == "problem"
    assert "OPENAI_API_KEY contains characters that no key has" in found.found
    assert found.fix == "Copy the key again into OPENAI_API_KEY."
    assert key not in str(found)
