"""Replies with a status of success: errors in them, and what they say of tokens."""

from __future__ import annotations

import json

import pytest

from fakes import llm_server
from fakes.llm_server import LLMServer
from viper.errors import ModelError
from viper.llm import client as llm
from viper.llm.client import ChatModel, ChatSettings, Message
from viper.llm.prices import Prices
from viper.llm.replies import read_completion
from viper.usage import Usage


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(llm, "_BACKOFF_S", 0.01)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def ask(server, text="hello", **options):
    model = ChatModel(ChatSettings.parse("fake", {"base_url": server.url, **options}))
    (found,) = model.chat_blocking([[Message("user", text)]], [50])
    return found


ERRORS = {
    "a rate limit": ({"error": {"message": "slow down", "code": 429}}, 3),
    "a rate limit as text": ({"error": {"message": "slow down", "code": "429"}}, 3),
    "a rate limit by name": ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 3),
    "a rate limit by type": (
        {"error": {"message": "x", "type": "rate_limit_error", "code": None}},
        3,
    ),
    "of FastChat": ({"object": "error", "message": "busy", "code": 42903}, 3),
    "of a provider": (
        {"error": {"message": "x", "code": 502, "metadata": {"provider_name": "y"}}},
        3,
    ),
    "of Gemini": ([{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}], 3),
    "overloaded": ({"error": {"type": "overloaded_error", "message": "Overloaded"}}, 3),
    "in a choice": (
        {"choices": [{"error": {"code": 502, "message": "x"}, "message": {"content": "half of"}}]},
        3,
    ),
    "beside a text": (
        {"error": {"code": 500, "message": "x"}, "choices": [{"message": {"content": "half of"}}]},
        3,
    ),
    "a code without an error": ({"code": 429, "msg": "slow down"}, 3),
    "no such model": ({"error": {"message": "no such model", "code": "model_not_found"}}, 1),
    "a bad key": ({"error": {"message": "bad key", "type": "authentication_error"}}, 1),
    "no credit": ({"error": {"message": "pay", "code": "insufficient_quota"}}, 1),
    "no credit left": ({"object": "error", "message": "pay", "code": 42902}, 1),
    "a code of nobody": ({"error": {"message": "x", "code": "weird"}}, 1),
    "a text": ({"error": "model is loading"}, 1),
    "the end of a choice": (
        {"choices": [{"finish_reason": "error", "message": {"content": "half"}}]},
        1,
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_with_success_is_retried_or_fails_as_its_code_says(name):
    body, requests = ERRORS[name]
    with LLMServer([llm_server.raw_json(body)]) as server:
        found = ask(server)
    assert isinstance(found, ModelError)
    assert "with HTTP 200" in str(found)
    assert "half" not in str(found)
    assert len(server.requests) == requests


def test_an_answer_after_such_an_error_is_the_answer():
    busy = llm_server.raw_json({"error": {"message": "busy", "code": 503}})
    with LLMServer([busy, busy, llm_server.text("a cup")]) as server:
        assert ask(server).text == "a cup"


def test_the_wait_that_comes_with_such_an_error_is_kept():
    body = json.dumps({"error": {"message": "slow down", "code": 429}}).encode()
    late = llm_server.Reply(200, body, {"Retry-After": "3600"})
    with LLMServer([late]) as server:
        assert "asked to wait 3600 s" in str(ask(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "error", [None, "", {}, [], False, {"code": 0, "message": ""}, {"code": "0"}]
)
def test_an_empty_error_beside_an_answer_is_none(error):
    choice = {"message": {"content": "a cup"}, "finish_reason": "stop"}
    with LLMServer([llm_server.raw_json({"choices": [choice], "error": error})]) as server:
        assert ask(server).text == "a cup"


def test_what_an_error_was_billed_is_added_to_the_answer_that_follows():
    billed = {"prompt_tokens": 100, "completion_tokens": 3}
    busy = llm_server.raw_json({"error": {"message": "busy", "code": 503}, "usage": billed})
    with LLMServer([busy, llm_server.text("a cup")]) as server:
        assert ask(server).usage == Usage(111, 10, cost_usd=None)
    with LLMServer([busy]) as server:
        assert ask(server).usage == Usage(300, 9, cost_usd=None)


# -- tokens


def reply(usage, text="x" * 35, **message):
    body = {"choices": [{"message": {"content": text, **message}}]}
    return json.dumps(body | ({} if usage is ... else {"usage": usage})).encode()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (..., (100, 10)),
        (None, (100, 10)),
        ("free", (100, 10)),
        ({}, (100, 10)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (100, 10)),
        ({"prompt_tokens": -5, "completion_tokens": True}, (100, 10)),
        ({"prompt_tokens": 1.5, "completion_tokens": "7"}, (100, 10)),
        ({"prompt_tokens": 10**300, "completion_tokens": [7]}, (100, 10)),
        ({"prompt_tokens": 80}, (80, 10)),
        ({"completion_tokens": 7}, (100, 7)),
        ({"prompt_tokens": 80, "total_tokens": 95}, (80, 15)),
        ({"completion_tokens": 7, "total_tokens": 95}, (88, 7)),
        ({"total_tokens": 130}, (100, 30)),
        ({"input_tokens": 80, "output_tokens": 7}, (80, 7)),
    ],
    ids=str,
)
def test_tokens_that_a_service_does_not_count_are_estimated(usage, expected):
    found = read_completion(reply(usage), "The model", None, prompt_tokens=100).usage
    assert (found.prompt_tokens, found.completion_tokens) == expected
    assert found.is_estimated is (expected != (80, 7))
    assert found.cost_usd is None


def test_tokens_that_a_service_counts_are_no_estimate():
    counted = {"prompt_tokens": 80, "completion_tokens": 7}
    found = read_completion(reply(counted), "The model", None, prompt_tokens=100).usage
    assert found == Usage(80, 7, cost_usd=None)


def test_estimated_tokens_have_a_cost_where_there_are_prices():
    found = read_completion(reply(None), "The model", Prices(1.0, 10.0), prompt_tokens=100).usage
    assert found.cost_usd == pytest.approx(200e-6)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thoughts_are_estimated_too(field):
    body = reply(None, **{field: "y" * 350})
    assert read_completion(body, "The model", None).usage.completion_tokens == 110
    body = reply(None, "<think>" + "y" * 343 + "</think>" + "x" * 27)
    assert read_completion(body, "The model", None).usage.completion_tokens == 110


def test_a_reply_without_a_text_was_billed_as_estimated():
    with pytest.raises(ModelError) as caught:
        read_completion(reply(None, ""), "The model", None, prompt_tokens=100)
    assert caught.value.usage == Usage(100, 0, cost_usd=None, is_estimated=True)


def test_the_estimate_of_a_prompt_is_that_of_what_was_sent():
    body = {"choices": [{"message": {"content": "a cup"}}]}
    with LLMServer([llm_server.raw_json(body)]) as server:
        assert ask(server, "w" * 3500).usage == Usage(1000, 1, cost_usd=None, is_estimated=True)
