"""No error of anybody leaves an engine but those that are documented."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from fakes.backends import FakeDetector
from viper import Engine, GenerationError, InputError, Query
from viper.generate.program_cache.store import Store
from viper.scheduling.result_store import ResultStore

PICTURE = np.zeros((80, 90, 3), dtype=np.uint8)
COUNT = "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n"


class Buggy:
    """A generator that fails for one question, in a way of its own."""

    name, billed, deterministic, repairs = "buggy", True, False, True

    def __init__(self, error=None):
        self.error = error or ZeroDivisionError("a bug")

    async def generate(self, requests):
        from viper.programs.program import Program

        if requests[0].question == "broken":
            raise self.error
        return [Program(COUNT, self.name)]

    async def aclose(self):
        pass


class Unreadable:
    def __fspath__(self):
        raise RuntimeError("gone")


def doors(engine, image, question):
    """Every way of asking."""
    query = Query(image, question)
    return {
        "ask": lambda: engine.ask(image, question),
        "aask": lambda: asyncio.run(engine.aask(image, question)),
        "arun": lambda: asyncio.run(engine.arun(query)),
        "batch": lambda: engine.batch([query])[0],
        "abatch": lambda: asyncio.run(engine.abatch([query]))[0],
    }


@pytest.mark.parametrize("door", ["ask", "aask", "arun", "batch", "abatch"])
@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), TimeoutError("not the clock")])
def test_a_bug_in_a_generator_is_a_failure_behind_every_door(fake_engine, caplog, door, error):
    engine = fake_engine(Buggy(error), detector=FakeDetector({}))
    answer = doors(engine, PICTURE, "broken")[door]()
    assert answer.failure.kind == "generator"
    assert f"'buggy' failed: {type(error).__name__}: {error}" in answer.failure.message
    assert "Traceback" in caplog.text


def test_a_bug_in_a_generator_is_its_failure_where_a_program_is_wanted(fake_engine):
    with pytest.raises(GenerationError, match="ZeroDivisionError: a bug"):
        fake_engine(Buggy(), detector=FakeDetector({})).generate("broken")


def test_a_batch_loses_no_answer_because_another_failed(fake_engine):
    engine = fake_engine(Buggy(), detector=FakeDetector({}))
    queries = [
        Query(PICTURE, "fine"),
        Query(PICTURE, "broken"),
        Query(Unreadable(), "fine"),
        Query(PICTURE, None),
        Query(PICTURE, "fine"),
    ]
    answers = engine.batch(queries)
    assert [answer.text for answer in answers] == ["0", None, None, None, "0"]
    kinds = [answer.failure.kind for answer in answers if answer.failure]
    assert kinds == ["generator", "input", "config"]


def test_an_image_that_fails_when_it_is_read_is_an_input_error(fake_engine, caplog):
    engine = fake_engine(Buggy(), detector=FakeDetector({}))
    with pytest.raises(InputError, match="RuntimeError: gone"):
        engine.ask(Unreadable(), "fine")
    with pytest.raises(InputError, match="RuntimeError: gone"):
        engine.run_program(COUNT, Unreadable())
    assert "Traceback" in caplog.text


def test_a_bug_of_the_engine_is_a_failure_with_its_traceback_in_the_log(
    fake_engine, caplog, monkeypatch
):
    engine = fake_engine(Buggy(), detector=FakeDetector({}))

    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(engine._solver._services.jail, "run", broken)
    monkeypatch.setattr(engine._solver._services.jail, "check", broken)
    answer = engine.run_program(COUNT, PICTURE)
    assert answer.failure.kind == "config"
    assert "No space left on device" in answer.failure.message
    assert "Traceback" in caplog.text
    (finding,) = engine.check(COUNT).findings
    assert finding.kind == "sandbox"


@pytest.mark.parametrize("what", ["get", "put"])
def test_a_cache_that_fails_costs_no_answer(monkeypatch, tmp_path, caplog, what):
    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ResultStore, what, broken)
    detector = FakeDetector({"cup": [((1, 2, 30, 40), 0.9)]})
    served = {"backends": {"detector": "builtin"}, "opener": lambda ref: detector}
    with Engine("none", cache=tmp_path, **served) as engine:
        assert engine.run_program(COUNT, PICTURE).text == "1"
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize("what", ["find", "put"])
def test_a_memo_that_fails_costs_no_answer(fake_engine, monkeypatch, tmp_path, caplog, what):
    def broken(*_):
        raise RuntimeError("a bug of the memo")

    monkeypatch.setattr(Store, what, broken)
    options = {"memo": tmp_path / "memo.sqlite"}
    engine = fake_engine(Buggy(), options=options, detector=FakeDetector({}))
    assert engine.ask(PICTURE, "How many cups are there?").text == "0"
    assert "a bug of the memo" in caplog.text


def test_a_backend_whose_loading_fails_is_a_failure():
    def opener(ref):
        raise RuntimeError("a bug in __init__")

    with Engine("none", backends={"detector": "builtin"}, opener=opener) as engine:
        answer = engine.run_program(COUNT, PICTURE)
        assert answer.failure.kind == "model"
        assert "RuntimeError: a bug in __init__" in answer.failure.message
        assert engine.ask(PICTURE, "How many cups are there?").failure.kind == "model"
