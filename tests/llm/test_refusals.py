"""Services that refuse a part of a request, each in its own words, over real HTTP."""

from __future__ import annotations

import json

import pytest

from fakes import llm_server
from fakes.llm_server import LLMServer, Reply
from fakes.service_errors import (
    REFUSED_VALUE,
    SYSTEM_REFUSALS,
    UNKNOWN_PARAMETER,
    openai_error,
)
from viper.errors import ModelError
from viper.llm import client as llm
from viper.llm.client import ChatModel, ChatSettings, Message, Sampling
from viper.llm.error_bodies import what_it_says
from viper.llm.refusals import SYSTEM_ROLE, refused_part

CONVERSATION = [
    Message("system", "Be brief."),
    Message("user", "What is it?"),
    Message("assistant", "A cup."),
    Message("user", "Sure?"),
]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(llm, "_BACKOFF_S", 0.01)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def model_of(server, name="fake", **options):
    return ChatModel(ChatSettings.parse(name, {"base_url": server.url, **options}))


def ask(model, sampling=None):
    """Send the conversation; returns its completion, or the error."""
    import asyncio

    async def run():
        try:
            (found,) = await model.chat([CONVERSATION], [50], [sampling or Sampling(None, 7)])
        finally:
            await model.aclose()
        return found.text

    return asyncio.run(run())


def refusal(status, body):
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def filled(value, name):
    return json.loads(json.dumps(value).replace("{}", name))


@pytest.mark.parametrize("parameter", ["seed", "temperature", "max_tokens"])
@pytest.mark.parametrize("service", UNKNOWN_PARAMETER)
def test_a_parameter_that_a_service_refuses_is_left_out_from_then_on(service, parameter):
    status, body = UNKNOWN_PARAMETER[service]

    def reply(request):
        if parameter in request.body:
            return refusal(status, filled(body, parameter))
        return llm_server.text("a cup")

    with LLMServer(reply) as server:
        model = model_of(server)
        assert [ask(model), ask(model)] == ["a cup", "a cup"]
    sent = [request.body for request in server.requests]
    assert [parameter in one for one in sent] == [True, False, False]
    others = {"seed", "temperature", "max_tokens"} - {parameter}
    assert all(others <= set(one) for one in sent)
    assert all(one["messages"][0]["role"] == "system" for one in sent)


@pytest.mark.parametrize(
    "name", ["top_p", "response_format", "stop", "frequency_penalty", "max_completion_tokens"]
)
@pytest.mark.parametrize("service", UNKNOWN_PARAMETER)
def test_any_optional_parameter_that_was_sent_is_recognized(service, name):
    said = what_it_says(filled(UNKNOWN_PARAMETER[service][1], name))
    assert refused_part(said, {"temperature": 1, name: 1}, {"user"}) == name


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("service", REFUSED_VALUE)
def test_a_temperature_of_zero_that_a_service_refuses_is_left_out(service, status):
    def reply(request):
        if request.body.get("temperature") == 0:
            return refusal(status, REFUSED_VALUE[service])
        return llm_server.text("a cup")

    with LLMServer(reply) as server:
        assert ask(model_of(server)) == "a cup"
    assert ["temperature" in request.body for request in server.requests] == [True, False]


def test_the_limit_of_tokens_is_sent_under_its_other_name():
    def reply(request):
        if "max_tokens" in request.body:
            message = (
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead."
            )
            return llm_server.refuse(400, message)
        if "temperature" in request.body:
            message = "Unsupported value: 'temperature' does not support 0 with this model."
            return llm_server.refuse(400, message)
        return llm_server.text("ok")

    with LLMServer(reply) as server:
        model = model_of(server)
        assert [ask(model), ask(model)] == ["ok", "ok"]
    assert len(server.requests) == 4  # two refusals, then it is known
    assert server.requests[-1].body["max_completion_tokens"] == 50


@pytest.mark.parametrize("service", SYSTEM_REFUSALS)
def test_a_system_message_that_a_service_refuses_goes_into_the_turn_of_the_user(service):
    status, body = SYSTEM_REFUSALS[service]

    def reply(request):
        if any(message["role"] == "system" for message in request.body["messages"]):
            return refusal(status, body)
        return llm_server.text("a cup")

    with LLMServer(reply) as server:
        model = model_of(server)
        assert [ask(model), ask(model)] == ["a cup", "a cup"]
    assert len(server.requests) == 3
    assert server.requests[-1].body["messages"] == [
        {"role": "user", "content": "Be brief.\n\nWhat is it?"},
        {"role": "assistant", "content": "A cup."},
        {"role": "user", "content": "Sure?"},
    ]
    assert {"seed", "temperature", "max_tokens"} <= set(server.requests[-1].body)


def test_a_folded_system_message_keeps_the_image_of_the_turn():
    def reply(request):
        if request.body["messages"][0]["role"] == "system":
            return llm_server.refuse(400, "System role not supported")
        return llm_server.text("a cup")

    asked = [
        Message("system", "Be brief."),
        Message("user", "What?", ("data:image/png;base64,AA==",)),
    ]
    with LLMServer(reply) as server:
        (found,) = model_of(server).chat_blocking([asked], [9])
    assert found.text == "a cup"
    (turn,) = server.requests[-1].body["messages"]
    assert [part["type"] for part in turn["content"]] == ["image_url", "text"]
    assert turn["content"][1]["text"] == "Be brief.\n\nWhat?"


def test_a_service_that_refuses_everything_is_asked_once_for_each_part():
    def reply(request):
        for part in ("seed", "temperature", "max_tokens", "max_completion_tokens"):
            if part in request.body:
                return llm_server.refuse(422, f"unknown field `{part}`")
        if request.body["messages"][0]["role"] == "system":
            return llm_server.refuse(400, "System role not supported")
        return llm_server.text("a cup")

    with LLMServer(reply) as server:
        assert ask(model_of(server)) == "a cup"
    assert len(server.requests) == 6
    assert set(server.requests[-1].body) == {"model", "messages"}


def test_a_service_that_refuses_what_is_left_out_already_fails():
    refusing = LLMServer([llm_server.refuse(400, "Unsupported parameter: 'seed'")])
    with refusing as server, pytest.raises(ModelError, match="Unsupported parameter: 'seed'"):
        ask(model_of(server))
    assert ["seed" in request.body for request in server.requests] == [True, False]


def test_what_a_model_refuses_is_known_to_its_other_clients_and_to_no_other_model():
    def reply(request):
        if "seed" in request.body and request.body["model"] == "one":
            return llm_server.refuse(400, "Unsupported parameter: 'seed'")
        return llm_server.text("a cup")

    with LLMServer(reply) as server:
        first, second, other = (model_of(server, name) for name in ("one", "one", "two"))
        for model in (first, second, other):
            ask(model)
    assert [(r.body["model"], "seed" in r.body) for r in server.requests] == [
        ("one", True),
        ("one", False),
        ("one", False),
        ("two", True),
    ]


# Errors that name a parameter or a role, and refuse something else: nothing is left out.
OTHERS = {
    "too many tokens": openai_error(
        "max_tokens is too large: 5000. This model supports at most 4096 completion tokens.",
        param="max_tokens",
    ),
    "a long prompt": openai_error(
        "This model's maximum context length is 2048 tokens. However, your messages resulted in 9000 tokens.",
        code="context_length_exceeded",
    ),
    "an unknown model": openai_error("Unknown model 'doubao-seed-1.6'"),
    "no images": openai_error("This model does not support image input."),
    "a temperature of 9": openai_error(
        "Invalid 'temperature': 9 is not allowed, it must be between 0 and 2."
    ),
    "an echoed request": {
        "detail": [
            {
                "type": "missing",
                "loc": ["body", "prompt"],
                "msg": "Field required",
                "input": {
                    "seed": 7,
                    "messages": "unsupported parameter: seed, system role not supported",
                },
            }
        ]
    },
    "no words": {},
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_error_fails_at_once(name):
    with (
        LLMServer([refusal(400, OTHERS[name])]) as server,
        pytest.raises(ModelError, match="HTTP 400"),
    ):
        ask(model_of(server, temperature="9" if "of 9" in name else "0"))
    assert len(server.requests) == 1


def test_the_words_of_a_huge_error_are_bounded():
    deep = "x"
    for _ in range(10_000):
        deep = [deep]
    assert len(what_it_says([{"message": "a" * 10**6}, deep, ["b"] * 10**5])) <= 10_000


def test_a_role_is_refused_only_where_it_was_sent():
    assert refused_part("system role not supported", {}, {"user"}) is None
    assert refused_part("system role not supported", {}, {"user", "system"}) == SYSTEM_ROLE
