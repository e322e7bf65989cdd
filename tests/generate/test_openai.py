from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from fakes import llm_server
from fakes.llm_server import LLMServer
from viper.errors import ConfigError, GenerationError
from viper.generate.generator import Abilities, GenerationRequest, Rejected
from viper.generate.openai import OpenAIGenerator
from viper.llm import client as llm
from viper.programs.program import Failure, Program
from viper.usage import Usage

KEY = "sk-planted-7f3a9c51e2"
SOURCE = "Here it is:\n```python\ndef execute_command(image):\n    return 1\n```\nGood luck."


@pytest.fixture(autouse=True)
def _planted_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr(llm, "_BACKOFF_S", 0.01)


def generate(server, *requests, query=""):
    generator = OpenAIGenerator.parse(f"fake?base_url={server.url}{query}")

    async def run():
        try:
            return await generator.generate(requests)
        finally:
            await generator.aclose()

    return asyncio.run(run())


def test_what_the_model_writes_is_the_source_unparsed():
    with LLMServer([llm_server.text(SOURCE)]) as server:
        (program,) = generate(server, GenerationRequest("How many?"))
    assert program == Program(SOURCE, "openai:fake", usage=Usage(11, 7, cost_usd=None))
    assert not program.trusted
    sent = "\n\n".join(
        f"--- {message['role']}\n{message['content']}"
        for message in server.requests[0].body["messages"]
    )
    assert program.prompt == sent


def test_is_named_by_its_model_and_can_repair():
    generator = OpenAIGenerator.parse("org/model-1?base_url=http://h/v1&temperature=0.3")
    assert generator.name == "openai:org/model-1"
    assert Abilities.of(generator) == (True, False, True)


def test_programs_come_in_the_order_of_the_questions():
    def reply(request):
        return llm_server.text(request.body["messages"][-1]["content"])

    with LLMServer(reply) as server:
        programs = generate(server, *(GenerationRequest(f"q{index}") for index in range(10)))
    assert [program.source[-4:-1] for program in programs] == [f'"q{index}' for index in range(10)]


def test_no_question_makes_no_request():
    with LLMServer([llm_server.text(SOURCE)]) as server:
        assert generate(server) == []
    assert server.requests == []


def test_the_conversation_reaches_the_server_with_room_for_a_program():
    rejected = Rejected(Program("x", "openai:fake"), "x = 1", Failure("runtime", "no answer", 1))
    with LLMServer([llm_server.text(SOURCE)]) as server:
        generate(server, GenerationRequest("Who?", rejected=(rejected,)))
    body = server.requests[0].body
    assert body["temperature"] == 0
    assert body["max_tokens"] >= 1024
    assert body["messages"][0]["role"] == "system"
    assert body["messages"][-1]["content"].startswith("This program failed (runtime in line 1")


def test_samples_of_one_request_are_drawn_as_it_says():
    base = GenerationRequest("How many?")
    drawn = [replace(base, temperature=0.8, seed=seed) for seed in range(3)]
    with LLMServer([llm_server.text(SOURCE)] * 4) as server:
        generate(server, base, *drawn, query="&temperature=0.2")
    bodies = [request.body for request in server.requests]
    sent = sorted((body.get("seed", -1), body["temperature"]) for body in bodies)
    assert sent == [(-1, 0.2), (0, 0.8), (1, 0.8), (2, 0.8)]


def test_a_service_without_seeds_is_asked_without_one():
    replies = [llm_server.refuse(400, "Unsupported parameter: 'seed'"), llm_server.text(SOURCE)]
    with LLMServer(replies) as server:
        generate(server, GenerationRequest("How many?", temperature=0.8, seed=4))
    assert ["seed" in request.body for request in server.requests] == [True, False]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (llm_server.refuse(401, f"bad key {KEY}"), "HTTP 401: bad key [key]. Set OPENAI_API_KEY"),
        (llm_server.refuse(404, "no such model"), "HTTP 404: no such model. Check the model's"),
        (llm_server.refuse(429, "slow down"), "HTTP 429: slow down. Wait and try again"),
        (llm_server.refuse(500, "oops"), "HTTP 500: oops. The fault is on the side of"),
        (llm_server.raw(b'{"choices'), "sent a reply that is not JSON"),
        (llm_server.raw_json({"choices": []}), "sent a completion without a choice"),
        (llm_server.text(""), "sent an empty completion"),
        (llm_server.text("slow", delay_s=0.4), "did not answer within 0.2 s"),
        (llm_server.drop(), "cannot be reached"),
    ],
    ids=["401", "404", "429", "500", "malformed", "no choice", "empty", "slow", "dropped"],
)
def test_a_failure_of_the_model_is_one_line_without_the_key(reply, expected, caplog):
    caplog.set_level(logging.DEBUG)
    # Only where the clock is what is tested: on a busy machine any reply may take that long.
    timeout_s = 0.2 if "did not answer" in expected else 30
    with LLMServer([reply]) as server, pytest.raises(GenerationError) as caught:
        generate(
            server, GenerationRequest("How many?"), query=f"&timeout={timeout_s}&max_retries=1"
        )
    message = str(caught.value)
    assert expected in message
    assert message.startswith(f"The model 'fake' at {server.url} ")
    assert message.isprintable()
    assert "planted" not in message + repr(caught.value) + caplog.text


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("", r"The name of the model is missing\. Write openai:MODEL"),
        ("m?base_ur=x", r"Unknown option 'base_ur' of openai:m\. Did you mean 'base_url'"),
        ("m?api_key=sk-secretsecret", "A key was given as the option 'api_key'"),
    ],
)
def test_an_unusable_reference_is_refused(reference, expected):
    with pytest.raises(ConfigError, match=expected) as caught:
        OpenAIGenerator.parse(reference)
    assert "secret" not in str(caught.value)
