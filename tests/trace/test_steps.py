"""Steps are told while they happen, and make up the trace."""

from __future__ import annotations

import asyncio
import logging

import pytest

from fakes.backends import FakeDetector
from fakes.cups import CUPS, picture
from fakes.generators import ScriptedGenerator
from viper import GenerationError, Query
from viper.trace import AttemptStep, CallStep, ProgramStep

PROGRAM = """def execute_command(image):
    cups = ImagePatch(image).find("cup")
    return cups[0].exists("cup")
"""


def test_a_program_its_calls_and_its_end_are_told_in_order(fake_engine):
    steps = []
    answer = fake_engine(ScriptedGenerator([PROGRAM]), detector=FakeDetector(CUPS)).ask(
        picture(), "Is there a cup?", on_step=steps.append
    )
    program, find, exists, end = steps
    (attempt,) = answer.trace.attempts
    assert program == ProgramStep(0, "scripted", attempt.source)
    assert (find, exists) == tuple(CallStep(0, call) for call in attempt.calls)
    assert end == AttemptStep(0, attempt)


def test_a_repair_is_an_attempt_of_its_own(fake_engine):
    steps = []
    generator = ScriptedGenerator(
        ["return image_patch.find('cup')[20]", "image_patch.exists('cup'); return 1"]
    )
    fake_engine(generator, detector=FakeDetector(CUPS)).ask(
        picture(), "Which?", on_step=steps.append
    )
    told = [(step.to_json()["step"], step.attempt) for step in steps]
    assert told == [
        ("program", 0), ("call", 0), ("attempt", 0), ("program", 1), ("call", 1), ("attempt", 1),
    ]  # fmt: skip


def test_a_program_with_findings_ends_without_having_begun(fake_engine):
    steps = []

    async def run(engine):
        await engine.arun(Query(picture(), "", program="return 1 +"), on_step=steps.append)

    asyncio.run(run(fake_engine(detector=FakeDetector(CUPS))))
    (end,) = steps
    assert end.record.failure.kind == "syntax"


def test_a_watcher_that_fails_changes_no_answer(fake_engine, caplog):
    def broken(step):
        raise RuntimeError("no screen")

    with caplog.at_level(logging.ERROR, logger="viper.trace.steps"):
        engine = fake_engine(ScriptedGenerator([PROGRAM]), detector=FakeDetector(CUPS))
        assert engine.ask(picture(), "Is there a cup?", on_step=broken).text == "yes"
    assert "A watcher of steps failed." in caplog.text


def test_times_count_from_the_beginning_of_the_answer(fake_engine):
    answer = fake_engine(ScriptedGenerator([PROGRAM]), detector=FakeDetector(CUPS)).ask(
        picture(), "Is there a cup?"
    )
    (attempt,) = answer.trace.attempts
    first, second = attempt.calls
    assert 0 <= attempt.started_ms <= first.started_ms
    assert first.started_ms + first.ms <= second.started_ms
    assert second.started_ms + second.ms <= answer.trace.total_ms


def test_no_program_is_no_step_where_nobody_votes(fake_engine):
    class Silent:
        name, can_repair = "silent", False

        async def generate(self, requests):
            raise GenerationError("The model is silent.")

        async def aclose(self):
            pass

    steps = []
    answer = fake_engine(Silent(), detector=FakeDetector(CUPS)).ask(
        picture(), "Is it?", on_step=steps.append
    )
    assert answer.failure.kind == "generator"
    assert steps == []


@pytest.mark.parametrize("method", ["ImagePatch.find", "ImagePatch.exists"])
def test_a_call_tells_role_and_model(fake_engine, method):
    answer = fake_engine(ScriptedGenerator([PROGRAM]), detector=FakeDetector(CUPS)).ask(
        picture(), "Is there a cup?"
    )
    (call,) = [c for c in answer.trace.calls if c.method == method]
    assert (call.role, call.model) == ("detector", "fake:detector")
