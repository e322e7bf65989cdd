"""Budgets: services that do not say what they were billed, and prompts that are longer than what is left."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

from fakes import llm_server
from fakes.llm_server import LLMServer
from fakes.processes import until, wait_until
from viper import Engine, Query

PICTURE = np.full((60, 80, 3), 200, dtype=np.uint8)
SOURCE = "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n"
PROMPT_TOKENS = 1500
"""Less than the prompt of any question has."""


def silent(source=SOURCE, delay_s=0.0):
    """A completion of a service that sends no usage."""
    body = json.dumps({"choices": [{"message": {"content": source}}]}).encode()
    return llm_server.Reply(200, body, {"Content-Type": "application/json"}, delay_s)


def engine_of(server, **options):
    return Engine("stub", f"openai:fake?base_url={server.url}", **options)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_a_service_that_says_nothing_of_tokens_still_spends_the_budget():
    with LLMServer([silent()]) as server:
        with engine_of(server, max_tokens=4 * PROMPT_TOKENS) as engine:
            answers = [engine.ask(PICTURE, "How many cups?") for _ in range(6)]
            assert engine.spent.is_estimated
        assert 1 <= len(server.requests) < 4
    assert answers[0].text == "3"
    assert answers[-1].failure.kind == "budget"
    assert answers[0].trace.usage.tokens > PROMPT_TOKENS


def test_a_prompt_that_does_not_fit_is_not_sent():
    with LLMServer([silent()]) as server:
        with engine_of(server, max_tokens=PROMPT_TOKENS) as engine:
            answer = engine.ask(PICTURE, "How many cups?")
        assert server.requests == []
    assert answer.failure.kind == "budget"
    assert f"only {PROMPT_TOKENS:,} of the budget of {PROMPT_TOKENS:,} are left" in (
        answer.failure.message
    )


def test_prompts_of_votes_count_together_before_any_is_sent():
    with LLMServer([silent()]) as server:
        with engine_of(server, max_tokens=4 * PROMPT_TOKENS, votes=5) as engine:
            answer = engine.ask(PICTURE, "How many cups?")
        assert server.requests == []
    assert answer.failure.kind == "budget"


def test_answers_at_the_same_time_do_not_send_more_prompts_than_fit():
    queries = [Query(PICTURE, f"How many cups are there{'?' * n}") for n in range(1, 9)]
    with LLMServer([silent(delay_s=0.5)]) as server:
        with engine_of(server, max_tokens=4 * PROMPT_TOKENS) as engine:
            answers = engine.batch(queries, concurrency=8)
        assert 1 <= len(server.requests) < 4
    kinds = [answer.failure.kind if answer.failure else "" for answer in answers]
    assert kinds.count("") == len(server.requests)
    assert set(kinds) == {"", "budget"}


def test_an_image_counts_before_it_is_sent():
    photo = np.zeros((1000, 1000, 3), dtype=np.uint8)
    source = "def execute_command(image):\n    return ImagePatch(image).simple_query('What?')\n"
    with LLMServer([llm_server.text("a cup")]) as server:
        backends = {"answerer": f"openai:fake?base_url={server.url}"}
        with Engine("none", "grammar", backends, max_tokens=1000) as engine:
            small = engine.run_program(source, PICTURE)
            assert (small.text, len(server.requests)) == ("a cup", 1)
            large = engine.run_program(source, photo)
        assert len(server.requests) == 1
    assert large.failure.kind == "budget"


@pytest.mark.parametrize("key", ["x", "anything", "ImagePatch", "execute_command"])
def test_a_key_is_not_looked_for_in_a_program(key, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    source = SOURCE.replace("'cup'", "'anything fox'")
    with LLMServer([llm_server.text(source)]) as server, engine_of(server) as engine:
        assert engine.generate("How many?").source == source
        answer = engine.ask(PICTURE, "How many?")
    assert (answer.text, answer.failure) == ("3", None)
    assert answer.program == source


def test_a_service_without_seeds_is_asked_for_votes_without_them():
    def reply(request):
        if "seed" in request.body:
            return llm_server.refuse(422, "Extra inputs are not permitted, field: 'seed', value: 1")
        return llm_server.text(SOURCE)

    with LLMServer(reply) as server:
        with engine_of(server, votes=3) as engine:
            answer = engine.ask(PICTURE, "How many cups?")
            again = engine.ask(PICTURE, "How many cups?")
        seeds = ["seed" in request.body for request in server.requests]
    assert (answer.text, again.text) == ("3", "3")
    assert seeds.count(True) <= 3
    assert seeds[-3:] == [False, False, False]


def test_asking_from_a_loop_leaves_nothing_held_when_it_is_cancelled():
    server = LLMServer([silent(delay_s=3.0)])
    with server, engine_of(server, max_tokens=2 * PROMPT_TOKENS) as engine:

        async def run():
            call = asyncio.create_task(engine.aask(PICTURE, "How many cups?"))
            await until(lambda: server.requests)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        asyncio.run(run())
        wait_until(lambda: engine._budget._reserved == 0)
