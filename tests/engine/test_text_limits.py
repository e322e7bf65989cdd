"""Texts of users, programs and models that are too long end at once, and are nowhere kept in full."""

import json

import pytest

from fakes.backends import (
    FakeAnswerer,
    FakeDepth,
    FakeDetector,
    FakeLanguage,
    FakeMatcher,
    blank_image,
)
from fakes.generators import ScriptedGenerator
from fakes.llm_server import LLMServer, text
from viper import Engine
from viper.engine.query import Query
from viper.errors import GenerationError, InputError, ModelError
from viper.generate.openai import OpenAIGenerator
from viper.models.request_limits import MOST_CHOICES

IMAGE = blank_image()


def program(body):
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{lines}\n"


LONG = {
    "a question of one megabyte": {"question": "why " * 250_000},
    "a question of one word": {"question": "x" * 4_001},
    "many answers to choose from": {"question": "Which?", "choices": ["a"] * (MOST_CHOICES + 1)},
    "a long answer to choose from": {"question": "Which?", "choices": ["a", "b" * 201]},
    "a statement": {"question": "There is a " + "very " * 5_000 + "red cube."},
}


@pytest.mark.parametrize("asked", LONG.values(), ids=LONG)
def test_a_long_question_is_refused_before_anything_is_loaded(fake_engine, asked):
    generator = ScriptedGenerator(["return 1"])
    engine = fake_engine(generator, detector=FakeDetector({}))
    question, choices = asked["question"], tuple(asked.get("choices", ()))
    with pytest.raises(InputError, match="accepted") as refused:
        engine.generate(question, choices=choices)
    assert len(str(refused.value)) < 200
    for answer in (
        engine.ask("no/such/file.png", question, choices=choices),
        engine.batch([Query("no/such/file.png", question, choices=choices)])[0],
        engine.run_program("return 1", "no/such/file.png", question=question, choices=choices),
    ):
        assert answer.failure.kind == "input"
        assert "accepted" in answer.failure.message  # not because of the image, which is not opened
        assert len(json.dumps(answer.trace.to_json())) < 6_000
    assert generator.requests == []


def test_control_a_question_that_is_not_too_long_is_asked(fake_engine):
    generator = ScriptedGenerator([SEES_ONE] * 2)
    engine = fake_engine(generator, depth=FakeDepth())
    assert engine.ask(IMAGE, "x" * 4_000, choices=["a" * 200] * MOST_CHOICES).text == "1"
    assert engine.ask(IMAGE, " x  " * 2_000).text == "1"  # blanks do not count


SEES_ONE = "image_patch.compute_depth(); return 1"
"""The answer of a program that looked at nothing does not count."""

ENDLESS = "x" * 1_280_000


class Broken:
    """Models whose errors have endless messages."""

    fingerprint = name = "broken"
    vocabulary = None

    def detect(self, requests):
        raise ModelError(ENDLESS)

    def answer(self, requests):
        return [ModelError(ENDLESS + "\nsecond line") for _ in requests]

    def complete(self, requests):
        raise ValueError(ENDLESS)


FAILING = {
    "an exception of the program": "raise ValueError('x' * 1_280_000)",
    "an exception of a model": "return image_patch.find('cup')",
    "an error in the place of an answer": "return image_patch.simple_query('what?')",
    "a bug of a model": "return llm_query('what?')",
    "a name of the program": "return " + "n" * 100_000,
    "many findings": "\n".join(f"import module_{n}" for n in range(900)),
}


def test_no_endless_message_enters_a_trace_or_a_request_for_a_repair(fake_engine):
    sources = [program(part) for body in FAILING.values() for part in (body, SEES_ONE)]
    generator = ScriptedGenerator(sources)
    engine = fake_engine(
        generator,
        detector=Broken(),
        answerer=Broken(),
        language=Broken(),
        depth=FakeDepth(),
        options={"max_attempts": 2},
    )
    for name in FAILING:
        answer = engine.ask(IMAGE, "How many?")
        assert answer.text == "1", name
        (rejected,) = generator.requests[-1].rejected
        assert len(rejected.failure.message) <= 2_000, name
        assert len("".join(rejected.observations)) <= 6 * 700, name
        first = answer.trace.turns[0].to_json()
        first["source"] = ""
        assert len(json.dumps(first)) < 80_000, name


def test_the_prompt_of_a_repair_is_short_whatever_failed(fake_engine):
    bodies = [FAILING["an exception of a model"], "return nothing  # " + "x" * 190_000]
    replies = [text(program(part)) for body in bodies for part in (body, SEES_ONE)]
    with LLMServer(replies) as server:
        engine = fake_engine(
            OpenAIGenerator.parse(f"m?base_url={server.url}"),
            detector=Broken(),
            answerer=Broken(),
            language=Broken(),
            depth=FakeDepth(),
            options={"max_attempts": 2},
        )
        for body in bodies:
            assert engine.ask(IMAGE, "How many?").text == "1", body[:80]
        sizes = [len(json.dumps(request.body)) for request in server.requests]
    assert (
        max(second - first for first, second in zip(sizes[::2], sizes[1::2], strict=True)) < 30_000
    )


def test_control_the_messages_would_fill_the_prompt(fake_engine, monkeypatch):
    monkeypatch.setattr("viper_sandbox.findings._MAX_MESSAGE", 10**9)
    generator = ScriptedGenerator([program("return image_patch.find('cup')"), program(SEES_ONE)])
    engine = fake_engine(generator, detector=Broken(), options={"max_attempts": 2})
    engine.ask(IMAGE, "How many?")
    assert len(generator.requests[1].rejected[0].failure.message) >= 1_280_000


def test_a_message_of_a_generator_is_capped(monkeypatch):
    class Failing(ScriptedGenerator):
        async def generate(self, requests):
            raise GenerationError(ENDLESS)

    with Engine("stub", Failing([])) as engine:
        assert len(engine.ask(IMAGE, "How many?").failure.message) <= 700
    with Engine("stub", Failing([]), votes=2) as engine:
        trace = engine.ask(IMAGE, "How many?").trace
        assert max(len(turn.failure.message) for turn in trace.turns) <= 700
    monkeypatch.setattr("viper.programs.program.capped", lambda text: text)
    with Engine("stub", Failing([])) as engine:
        assert len(engine.ask(IMAGE, "How many?").failure.message) > 700  # the control


# -- no prompt is sent that the budget does not cover


def generators(server):
    return OpenAIGenerator.parse(f"m?base_url={server.url}&examples=0&api=brief")


@pytest.mark.parametrize("options", [{}, {"votes": 3}], ids=["one", "votes"])
@pytest.mark.parametrize(("budget", "sent"), [(500, False), (1_000_000, True)])
def test_a_prompt_is_measured_before_it_is_sent(options, budget, sent):
    with LLMServer([text(program(SEES_ONE))]) as server:
        with Engine("stub", generators(server), max_tokens=budget, **options) as engine:
            answer = engine.ask(IMAGE, "why " * 900)
        assert bool(server.requests) is sent
    if not sent:
        assert answer.failure.kind == "budget"
        assert "The next prompt has about" in answer.failure.message


@pytest.mark.parametrize(("budget", "sent"), [(500, 0), (1_000_000, 1)])
def test_a_prompt_is_measured_when_a_program_is_only_written(budget, sent):
    with LLMServer([text(program(SEES_ONE))]) as server:
        with Engine("stub", generators(server), max_tokens=budget) as engine:
            if sent:
                engine.generate("why " * 900)
            else:
                with pytest.raises(Exception, match="The next prompt has about"):
                    engine.generate("why " * 900)
        assert len(server.requests) == sent


@pytest.mark.parametrize(("budget", "requests"), [(4_000, 1), (1_000_000, 2)])
def test_the_prompt_of_a_repair_is_measured(budget, requests):
    failing = program("return nothing  # " + "x" * 19_000)
    with LLMServer([text(failing), text(program(SEES_ONE))]) as server:
        options = {"max_tokens": budget, "max_attempts": 2}
        with Engine("stub", generators(server), **options) as engine:
            answer = engine.ask(IMAGE, "How many?")
        assert len(server.requests) == requests
    assert (answer.failure is None) is (requests == 2)


@pytest.mark.parametrize("is_covered", [False, True])
def test_the_question_of_a_program_is_measured(fake_engine, is_covered):
    answerer, language = FakeAnswerer(), FakeLanguage(reply="no")
    engine = fake_engine(
        ScriptedGenerator([]),
        answerer=answerer,
        language=language,
        options={"max_tokens": 10**6 if is_covered else 800},
    )
    for body in (
        "return image_patch.simple_query('why ' * 900)",
        "return llm_query('why ' * 900)",
        "return image_patch.llm_query('why ' * 900, False)",
        "return process_guesses('which?', 'a' * 2_000, 'b' * 2_000)",
        "return [image_patch.simple_query(str(n) + ' why' * 900) for n in range(9)]",
    ):
        failure = engine.run_program(program(body), IMAGE).failure
        assert (None if failure is None else failure.kind) == (None if is_covered else "budget")
    assert bool(answerer.asked + language.prompts) is is_covered


def test_many_references_in_a_loop_end_the_program(fake_engine):
    matcher = FakeMatcher()
    engine = fake_engine(ScriptedGenerator([]), matcher=matcher)
    body = "for n in range(1_000):\n    best_image_match([image] * 999, 'dog')\nreturn 1"
    answer = engine.run_program(program(body), IMAGE)
    assert answer.failure.kind == "limit"
    assert answer.failure.message == "The program sent more than 10,000 values to models."
    assert len(answer.trace.calls) == 9
    assert sum(matcher.image_batches) == 1
