"""Repairs, votes, budgets and the order of generators, through an engine."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from fakes.backends import FakeAnswerer, FakeDepth, FakeDetector
from fakes.generators import ScriptedGenerator
from fakes.llm_server import LLMServer, completion, refuse, text
from viper import BudgetError, ConfigError, Engine, GenerationError, Query
from viper.engine import query_run
from viper.engine.config_checks import _is_zero
from viper.generate.grammar import GrammarGenerator
from viper.programs.program import Program
from viper.usage import Usage

PICTURE = np.zeros((80, 90, 3), dtype=np.uint8)
CUP = (10, 5, 30, 25)


LOOK = "image_patch.exists('cup'); "
"""An answer of a program that looked at nothing does not count."""


def program(body):
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{lines}\n"


@dataclass
class SamplingGenerator:
    """Writes the program of the request's seed; a string that is no program is a refusal."""

    sources: list[str]
    name: str = "sampling"
    can_repair: bool = True
    usage: Usage = field(default_factory=lambda: Usage(7, 3))
    requests: list = field(default_factory=list)

    async def generate(self, requests):
        self.requests += requests
        (request,) = requests
        source = self.sources[request.seed]
        if not source:
            raise GenerationError("The model is silent.")
        return [Program(source, self.name, usage=self.usage)]

    async def aclose(self):
        pass


# -- repair


def test_the_generator_is_told_what_the_program_saw(fake_engine):
    generator = ScriptedGenerator([program("return image_patch.find('cup')[3]"), LOOK + "return 1"])
    engine = fake_engine(generator, detector=FakeDetector({"cup": [(CUP, 0.875)]}))
    assert engine.ask(PICTURE, "Which cup?").value == 1
    (rejected,) = generator.requests[1].rejected
    (seen,) = map(json.loads, rejected.observations)
    assert (seen["line"], seen["call"], seen["arguments"]) == (3, "ImagePatch.find", ["cup"])
    assert seen["result"] == [
        {"category": "cup", "score": 0.875, "left": 10, "lower": 55, "right": 30, "upper": 75}
    ]


def test_a_role_that_nobody_serves_is_not_repaired(fake_engine):
    generator = ScriptedGenerator([program("return image_patch.simple_query('What?')")] * 3)
    answer = fake_engine(generator, detector=FakeDetector({})).ask(PICTURE, "What is it?")
    assert answer.failure is not None
    assert answer.failure.kind == "model"
    assert len(generator.requests) == 1


def test_a_phrase_that_the_detector_does_not_know_is_repaired(fake_engine):
    generator = ScriptedGenerator(
        [program(f"return len(image_patch.find('{word}'))") for word in ("unicorn", "cup")]
    )
    engine = fake_engine(generator, detector=FakeDetector({}, vocabulary=("cup",)))
    answer = engine.ask(PICTURE, "How many?")
    assert (answer.value, len(answer.trace.attempts)) == (0, 2)
    (seen,) = map(json.loads, generator.requests[1].rejected[0].observations)
    assert "cannot detect 'unicorn'" in seen["error"]


def test_as_many_programs_are_tried_as_was_allowed():
    generator = ScriptedGenerator(["return [][0]"] * 9)
    with Engine("stub", generator, max_attempts=5) as engine:
        engine.ask(PICTURE, "How many?")
    assert len(generator.requests) == 5
    with pytest.raises(ConfigError, match="max_attempts must be at least 1, but got 0"):
        Engine("stub", max_attempts=0)


# -- votes


def vote(engine_of, sources, *, task="vqa", question="How many cups?", **backends):
    looking = [
        source if not source or "image_patch" in source else LOOK + source for source in sources
    ]
    generator = SamplingGenerator([program(source) if source else "" for source in looking])
    backends = {"detector": FakeDetector({})} | backends
    engine = engine_of(generator, options={"votes": len(sources)}, **backends)
    return engine.ask(PICTURE, question, task=task), generator


def test_the_majority_of_the_programs_answers(fake_engine):
    answer, generator = vote(
        fake_engine,
        ["return 1", "return [][0]", "return len(image_patch.find('cup'))", "", "return 2"],
        detector=FakeDetector({"cup": [(CUP, 0.9), ((50, 5, 70, 25), 0.8)]}),
    )
    assert (answer.text, answer.confidence) == ("2", 0.4)
    made = answer.to_json()
    assert made["votes"] == {"n": 5, "answers": {"2": 2, "1": 1}, "failed": 2}
    assert made["confidence"] == 0.4
    assert "find('cup')" in answer.program
    assert len(answer.patches) == 2
    assert len(answer.trace.attempts) == 5
    assert {request.seed for request in generator.requests} == {0, 1, 2, 3, 4}
    assert all(request.temperature > 0 for request in generator.requests)
    assert answer.trace.usage == Usage(28, 12)  # the one that was not written cost nothing


def test_the_trace_says_which_program_was_chosen(fake_engine):
    answer, _ = vote(fake_engine, ["return 'a'", "return 'b'", "return 'b'"])
    trace = answer.trace.to_json()
    assert trace["turns"][trace["chosen"]]["source"] == answer.program
    assert trace["votes"] == {"n": 3, "answers": {"b": 2, "a": 1}, "failed": 0}


def test_boxes_vote_too(fake_engine):
    answer, _ = vote(
        fake_engine,
        ["return None", "return image_patch.find('cup')[0]", "return image_patch.find('cup')"],
        task="grounding",
        detector=FakeDetector({"cup": [(CUP, 0.9)]}),
    )
    assert [patch.box_xyxy for patch in answer.patches] == [CUP]
    assert answer.trace.votes.answers == {"cup at (10, 5, 30, 25)": 2, "no such object": 1}


def test_programs_that_vote_ask_no_model_twice(fake_engine):
    class Counting(FakeAnswerer):
        def answer(self, requests):
            time.sleep(0.2)  # the others ask while it is busy, and after it is done
            return super().answer(requests)

    answerer = Counting("blue")
    slow = "return image_patch.simple_query('Colour?')"
    late = "[sum(range(1000)) for i in range(20000)]\n" + slow
    answer, _ = vote(fake_engine, [slow, late, slow, late], answerer=answerer)
    assert answerer.asked == ["Colour?"]
    assert answer.trace.votes.answers == {"blue": 4}
    assert answer.trace.usage == Usage(28 + 5, 12 + 2)
    assert answer.trace.forwards == {"answerer": 1}
    assert sorted(call.cached for call in answer.trace.calls) == [False, True, True, True]


def test_when_every_program_fails_the_first_failure_is_told(fake_engine):
    answer, _ = vote(fake_engine, ["return [][0]", "", "return None"])
    assert (answer.failure.kind, answer.failure.line) == ("runtime", 3)
    assert answer.confidence is None
    assert answer.to_json()["votes"] == {"n": 3, "answers": {}, "failed": 3}


def test_programs_vote_at_the_same_time(fake_engine):
    arrived = threading.Barrier(3, timeout=10)

    class Waiting(SamplingGenerator):
        async def generate(self, requests):
            await asyncio.to_thread(arrived.wait)  # breaks unless all three are being written
            return await super().generate(requests)

    generator = Waiting([LOOK + "return 1"] * 3)
    engine = fake_engine(generator, options={"votes": 3}, detector=FakeDetector({}))
    assert engine.ask(PICTURE, "How many?").confidence == 1.0


@pytest.mark.parametrize("name", ["grammar", "auto"])
def test_a_generator_that_always_writes_the_same_cannot_vote(name, monkeypatch):
    monkeypatch.delenv("VIPER_LLM", raising=False)
    with pytest.raises(ConfigError, match="3 votes need programs that differ, but the generator"):
        Engine("stub", name, votes=3)


def test_a_temperature_of_zero_cannot_vote():
    name = "openai:x?base_url=http://127.0.0.1:9/v1&temperature=0"
    with pytest.raises(ConfigError, match="at temperature=0 'openai:x' always writes the same one"):
        Engine("stub", name, votes=3)


def test_only_a_number_is_a_temperature_of_zero():
    assert _is_zero("0.0")
    assert not any(map(_is_zero, (None, "0.1", "high")))


@pytest.mark.parametrize(("option", "sent"), [("", 0.7), ("&temperature=1.2", 1.2)])
def test_votes_are_sampled_at_the_users_temperature_or_a_usual_one(option, sent):
    with LLMServer([text(program(LOOK + "return 1"))]) as server:
        name = f"openai:fake?base_url={server.url}{option}"
        with Engine("stub", name, votes=2) as engine:
            assert engine.ask(PICTURE, "How many?").confidence == 1.0
    assert [request.body["temperature"] for request in server.requests] == [sent, sent]
    assert {request.body["seed"] for request in server.requests} == {0, 1}


def counted_votes(fake_engine, monkeypatch, wait_s, **options):
    """Ask with votes whose counting waits for the loop; return if that came, and the answer."""
    of, served, came = query_run.tally, threading.Event(), []

    async def serve():
        served.set()

    def counted(*given):
        engine._loop.submit(serve())
        came.append(served.wait(wait_s))
        time.sleep(options.get("timeout_s", 0.0))
        return of(*given)

    monkeypatch.setattr(query_run, "tally", counted)
    generator = SamplingGenerator([f"{LOOK}return {name!r}" for name in "abb"])
    engine = fake_engine(generator, options={"votes": 3, **options}, detector=FakeDetector({}))
    return came, engine.ask(PICTURE, "Which one?")


def test_votes_are_counted_beside_the_loop_that_serves_the_others(fake_engine, monkeypatch):
    came, answer = counted_votes(fake_engine, monkeypatch, wait_s=30)
    assert (came, answer.text) == ([True], "b")


def test_control_a_vote_on_the_loop_holds_up_the_others(fake_engine, monkeypatch):
    async def on_the_loop(work):
        return work()

    monkeypatch.setattr(query_run, "beside_loop", on_the_loop)
    came, answer = counted_votes(fake_engine, monkeypatch, wait_s=0.3)
    assert (came, answer.text) == ([False], "b")


def test_votes_are_counted_within_the_timeout_of_the_answer(fake_engine, monkeypatch):
    failure = counted_votes(fake_engine, monkeypatch, wait_s=30, timeout_s=2.0)[1].failure
    assert (failure.kind, failure.message) == ("timeout", "There was no answer within 2 s.")


# -- budgets


def priced(server):
    return f"openai:fake?base_url={server.url}&input_usd=1000&output_usd=2000"


def test_an_answer_says_what_it_cost():
    with (
        LLMServer([text(program(LOOK + "return 1"))]) as server,
        Engine("stub", priced(server)) as engine,
    ):
        answer = engine.ask(PICTURE, "How many?")
        assert engine.spent == answer.trace.usage
    usage = answer.to_json()["usage"]
    assert usage == {"prompt_tokens": 11, "completion_tokens": 7, "cost_usd": 0.025}


def test_what_a_server_does_not_count_is_estimated_and_priced():
    silent = completion({"content": program(LOOK + "return 1")})
    body = json.loads(silent.body)
    del body["usage"]["completion_tokens"], body["usage"]["total_tokens"]
    reply = type(silent)(silent.status, json.dumps(body).encode(), silent.headers)
    with LLMServer([reply]) as server, Engine("stub", priced(server)) as engine:
        answer = engine.ask(PICTURE, "How many?")
    assert answer.text == "1"
    written = round(len(program(LOOK + "return 1")) / 3.5)
    assert answer.trace.usage == Usage(11, written, 0.011 + 0.002 * written, is_estimated=True)


def test_a_budget_stops_the_next_call_and_no_call_in_flight():
    with LLMServer([text(program(LOOK + "return 1"))]) as server:
        with Engine("stub", priced(server), max_cost_usd=0.04) as engine:
            answers = [engine.ask(PICTURE, "How many?") for _ in range(4)]
        assert len(server.requests) == 2
    assert [a.failure.kind if a.failure else a.text for a in answers] == [
        "1", "1", "budget", "budget",
    ]  # fmt: skip
    assert "budget of 0.04 USD is spent (0.05 USD were used)" in answers[2].failure.message


def test_a_budget_of_tokens_holds_for_repairs():
    generator = ScriptedGenerator(["return [][0]"] * 3)
    with Engine("stub", generator, max_tokens=15) as engine:
        answer = engine.ask(PICTURE, "How many?")
    assert len(generator.requests) == 2
    assert answer.failure.kind == "budget"
    assert len(answer.trace.attempts) == 2


def test_a_program_cannot_catch_the_end_of_the_budget(fake_engine):
    engine = fake_engine(answerer=FakeAnswerer("blue"), options={"max_tokens": 10})
    body = """seen = []
for question in ('a?', 'b?', 'c?'):
    try:
        seen.append(image_patch.simple_query(question))
    except Exception:
        return 'hidden'
return len(seen)"""
    failure = engine.run_program(program(body), PICTURE).failure
    assert (failure.kind, failure.line) == ("budget", 6)


def test_the_grammar_goes_on_when_the_budget_is_spent(fake_engine):
    engine = fake_engine(
        answerer=FakeAnswerer(), detector=FakeDetector({}), options={"max_tokens": 1}
    )
    engine.run_program(program("return image_patch.simple_query('a?')"), PICTURE)
    assert engine.ask(PICTURE, "Is there a cup?").text == "no"


@pytest.mark.parametrize(
    ("generator", "backends", "missing"),
    [
        ("openai:x?base_url=http://127.0.0.1:9/v1", {}, "openai:x"),
        ("auto:openai:x?base_url=http://127.0.0.1:9/v1", {}, "openai:x"),
        ("grammar", {"language": "openai:y"}, "language=openai:y"),
        ("grammar", {"answerer": "openai:y?input_usd=1"}, "answerer=openai:y"),
    ],
)
def test_a_budget_in_dollars_needs_prices(generator, backends, missing):
    with pytest.raises(ConfigError, match=f"5 USD needs the prices of {missing}"):
        Engine("none", generator, backends, max_cost_usd=5)


@pytest.mark.parametrize(
    "options", [{"max_cost_usd": 0.0}, {"max_cost_usd": -1.0}, {"max_tokens": 0}, {"votes": 0}]
)
def test_a_budget_or_a_vote_of_nothing_is_refused(options):
    (name,) = options
    with pytest.raises(ConfigError, match=f"{name} must be"):
        Engine("stub", **options)


def test_the_budget_error_is_public():
    assert BudgetError.kind == "budget"


# -- auto: the grammar, then a language model


def auto(server):
    return f"auto:openai:fake?base_url={server.url}"


def test_auto_asks_the_grammar_first():
    with LLMServer([text(program(LOOK + "return 'model'"))]) as server:
        with Engine("stub", auto(server)) as engine:
            answer = engine.ask(PICTURE, "How many cups are there?")
        assert server.requests == []
    assert (answer.text, answer.to_json()["generator"]) == ("3", "grammar")


def test_auto_asks_the_model_where_the_grammar_refuses():
    with (
        LLMServer([text(program(LOOK + "return 'model'"))]) as server,
        Engine("stub", auto(server)) as engine,
    ):
        answer = engine.ask(PICTURE, "xyzzy plugh qwfp")
        written = engine.generate("xyzzy plugh qwfp")
    assert (answer.text, answer.to_json()["generator"]) == ("model", "openai:fake")
    assert answer.to_json()["attempts"] == 1
    assert written.generator == "openai:fake"


def test_auto_asks_the_model_where_the_grammars_program_fails(fake_engine):
    class Broken(FakeDetector):
        def detect(self, requests):
            raise RuntimeError("device on fire")

    with LLMServer([text(program("image_patch.compute_depth(); return 'model'"))]) as server:
        engine = fake_engine(auto(server), detector=Broken({}), depth=FakeDepth())
        answer = engine.ask(PICTURE, "How many cups?")
        told = server.requests[0].body["messages"][-1]["content"]
    assert [attempt.generator for attempt in answer.trace.attempts] == ["grammar", "openai:fake"]
    assert (answer.text, answer.to_json()["generator"]) == ("model", "openai:fake")
    assert "This program failed (model in line" in told
    assert "device on fire" in told


def test_auto_takes_the_model_from_the_environment(monkeypatch):
    with LLMServer([text(program(LOOK + "return 'model'"))]) as server:
        monkeypatch.setenv("VIPER_LLM", f"openai:fake?base_url={server.url}")
        with Engine("stub", "auto") as engine:
            assert engine.config.generator == auto(server)
            assert engine.ask(PICTURE, "xyzzy plugh qwfp").text == "model"


def test_auto_without_a_model_is_the_grammar_whose_refusal_says_what_to_add(monkeypatch):
    monkeypatch.delenv("VIPER_LLM", raising=False)
    with Engine("stub", "auto") as engine:
        assert engine.ask(PICTURE, "How many cups are there?").text == "3"
        failure = engine.ask(PICTURE, "xyzzy plugh qwfp").failure
    assert failure.kind == "generator"
    assert "--generator auto:openai:MODEL, or set VIPER_LLM=openai:MODEL" in failure.message


@pytest.mark.parametrize("name", ["auto:auto", "auto:grammar"])
def test_what_follows_the_grammar_must_be_a_model(name):
    with pytest.raises(ConfigError, match="does not name a language model"):
        Engine("stub", name)


def test_a_model_in_trouble_ends_auto_with_its_failure():
    with LLMServer([refuse(401, "no")]) as server, Engine("stub", auto(server)) as engine:
        failure = engine.ask(PICTURE, "xyzzy plugh qwfp").failure
    assert failure.kind == "generator"
    assert "401" in failure.message


def test_auto_lets_the_model_vote_where_the_grammar_refuses():
    with LLMServer([text(program(LOOK + "return 'model'"))]) as server:
        with Engine("stub", auto(server), votes=3) as engine:
            assert engine.ask(PICTURE, "How many cups are there?").confidence is None
            assert engine.ask(PICTURE, "xyzzy plugh qwfp").confidence == 1.0
        assert len(server.requests) == 3


def test_many_questions_share_one_budget():
    generator = ScriptedGenerator([LOOK + "return 1"] * 6)
    with Engine("stub", generator, max_tokens=25) as engine:
        answers = engine.batch([Query(PICTURE, "How many?") for _ in range(6)], concurrency=1)
    assert [a.failure is None for a in answers] == [True] * 3 + [False] * 3


class Pretender(GrammarGenerator):
    """A stranger's, which inherits from the grammar and writes what it likes."""

    async def generate(self, requests):
        return [Program(LOOK + "return 1", "grammar", trusted=True) for _ in requests]


@pytest.mark.parametrize(
    ("generator", "value", "level"),
    [
        (ScriptedGenerator([LOOK + "return 1"], trusted=True), 1, "full"),
        (Pretender(), 1, "full"),
        (GrammarGenerator(), 0, "full"),  # an object is an object
        ("grammar", 0, "partial"),  # the control
        ("auto", 0, "partial"),
    ],
)
def test_only_the_grammar_that_was_asked_for_by_name_is_trusted(
    fake_engine, monkeypatch, generator, value, level
):
    levels = []
    engine = fake_engine(generator, detector=FakeDetector({}))
    jail = engine._solver._services.jail
    run = jail.run

    async def watched(*arguments, least_level, **options):
        levels.append(least_level)
        return await run(*arguments, least_level=least_level, **options)

    monkeypatch.setattr(jail, "run", watched)
    assert engine.ask(PICTURE, "How many cups are there?").value == value
    assert levels == [level]


def test_patches_of_one_category_are_keys_of_an_answer(fake_engine):
    source = (
        "def execute_command(image):\n"
        "    halves = [image.crop(0, 0, 5, 5), image.crop(5, 0, 10, 5)]\n"
        "    return {half: half.left for half in halves}\n"
    )
    answer = fake_engine().run_program(source, PICTURE)
    assert answer.failure is None
    assert answer.text == '{"image": 0, "image (2)": 5}'
    (turn,) = answer.trace.turns
    assert turn.returned == {"type": "dict", "items": [["image", 0.0], ["image (2)", 5.0]]}
