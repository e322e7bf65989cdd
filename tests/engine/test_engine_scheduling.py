"""What answers share: forwards, results, guesses; and what they do not: each other's ends."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from fakes.backends import FakeAnswerer, FakeDepth, FakeDetector, FakeLanguage, FakeMatcher
from fakes.cups import CUPS, DOGS, picture
from viper import Engine
from viper.engine.query import Query
from viper.errors import ConfigError

COUNT_RED = """\
def execute_command(image):
    return sum(cup.verify_property('cup', 'red') for cup in image.find('cup'))
"""
TWO_FINDS = """\
def execute_command(image):
    cups = image.find('cup')
    dogs = image.find('dog')
    return len(cups) + len(dogs)
"""


def red_matcher():
    return FakeMatcher({"red cup": 0.9, "cup": 0.1})


@pytest.fixture
def roles():
    return {
        "detector": FakeDetector({**CUPS, **DOGS}),
        "matcher": red_matcher(),
        "depth": FakeDepth(),
    }


def test_siblings_in_a_loop_share_one_forward(fake_engine, roles):
    answer = fake_engine(**roles).run_program(COUNT_RED, picture())
    assert answer.text == "8"
    assert roles["matcher"].image_batches == [8]
    assert len(roles["matcher"].text_batches) == 1
    assert answer.trace.forwards == {"detector": 1, "matcher": 2}
    assert answer.trace.prefetch == {"items": 7, "hits": 7, "wasted": 0}
    assert [call.prefetched for call in answer.trace.calls] == [0, 0, *[1] * 7]
    assert answer.to_json()["lookahead"]["hits"] == 7


def test_literals_of_the_program_share_one_forward(fake_engine, roles):
    answer = fake_engine(**roles).run_program(TWO_FINDS, picture())
    assert answer.text == "11"
    assert [len(batch) for batch in roles["detector"].batches] == [2]
    assert answer.trace.calls[1].forwards == 0
    assert answer.trace.calls[1].prefetched == 1


def test_switched_off_nothing_is_asked_beforehand_and_the_answer_is_the_same(fake_engine, roles):
    engine = fake_engine(options={"lookahead": False}, **roles)
    for program, text in ((COUNT_RED, "8"), (TWO_FINDS, "11")):
        answer = engine.run_program(program, picture())
        assert answer.text == text
        assert answer.trace.prefetch == {"items": 0, "hits": 0, "wasted": 0}
    assert roles["matcher"].image_batches == [1] * 8


def test_guesses_that_nobody_asks_for_are_counted_as_waste(fake_engine, roles):
    program = (
        "def execute_command(image):\n"
        "    for cup in image.find('cup'):\n"
        "        if cup.verify_property('cup', 'red'):\n"
        "            return 'one is enough'\n"
    )
    answer = fake_engine(**roles).run_program(program, picture())
    assert answer.trace.prefetch == {"items": 7, "hits": 0, "wasted": 7}


def test_a_guess_that_fails_fails_nobody(fake_engine, roles):
    class Picky(FakeMatcher):
        def embed_images(self, views):
            if any(view.box_xyxy[0] == 70.0 for view in views):  # the last cup
                raise ValueError("poisoned crop")
            return super().embed_images(views)

    roles["matcher"] = Picky({"red cup": 0.9})
    program = (
        "def execute_command(image):\n"
        "    return sum(cup.verify_property('cup', 'red') for cup in image.find('cup')[:7])\n"
    )
    answer = fake_engine(**roles).run_program(program, picture())
    assert answer.text == "7"
    assert answer.failure is None


def test_remote_models_get_no_prefetches(roles):
    answerer = FakeAnswerer("blue")
    program = (
        "def execute_command(image):\n"
        "    for cup in image.find('cup'):\n"
        "        return cup.simple_query('What color is it?')\n"
    )
    backends = {**roles, "answerer": "openai:some-model"}
    with Engine("none", backends=backends, opener=lambda ref: answerer) as engine:
        assert engine.run_program(program, picture()).text == "blue"
        assert len(answerer.asked) == 1
        # Nor are results cached: the next one may differ.
        assert engine.run_program(program, picture()).trace.forwards["answerer"] == 1
    assert len(answerer.asked) == 2


def test_a_later_answer_on_the_same_picture_asks_no_model_again(fake_engine, roles):
    engine = fake_engine(**roles)
    first = engine.run_program(COUNT_RED, picture())
    second = engine.run_program(COUNT_RED, picture())
    assert second.text == first.text
    assert second.trace.forwards == {}
    assert second.to_json()["cache_hits"] == 9
    third = engine.run_program(COUNT_RED, picture(1))  # another picture, the same words
    assert third.trace.forwards == {"detector": 1, "matcher": 1}
    engine.forget()
    assert engine.run_program(COUNT_RED, picture()).trace.forwards == first.trace.forwards


def test_without_memory_each_answer_asks_anew(fake_engine, roles):
    engine = fake_engine(options={"cache_mb": 0}, **roles)
    for _ in range(2):
        assert engine.run_program(TWO_FINDS, picture()).trace.forwards["detector"] == 2


def test_memory_is_bounded(fake_engine, roles):
    engine = fake_engine(options={"cache_mb": 0.02}, **roles)
    for seed in range(30):  # of each, eight cups and three dogs: about 3 KB
        engine.run_program(TWO_FINDS, picture(seed))
    cache = engine.pool._cache
    assert 15_000 < cache.bytes_used <= 20_000
    assert engine.run_program(TWO_FINDS, picture(29)).trace.forwards == {}
    assert engine.run_program(TWO_FINDS, picture(0)).trace.forwards == {"detector": 1}


def test_what_the_child_says_of_itself_is_not_believed_without_end(fake_engine, roles):
    """Literals go to models as guesses, which no budget of the program is charged for."""
    long = "x" * 5_000
    options = [f"option {n}" for n in range(500)]
    program = (
        "def execute_command(image):\n"
        f"    image.best_text_match({options!r})\n"
        f"    return image.verify_property('cup', {long!r})\n"
    )
    asked = (
        "def execute_command(image):\n    image.best_text_match(['a'])\n"
        + program.split("\n", 1)[1]
    )
    matcher = FakeMatcher({"a": 0.5})
    answer = fake_engine(detector=roles["detector"], matcher=matcher).run_program(asked, picture())
    assert "attribute must have at most 200 characters" in answer.failure.message
    assert matcher.text_batches[0] == ["a"]


def test_one_depth_map_serves_all_patches_and_answers(fake_engine, roles):
    program = (
        "def execute_command(image):\n"
        "    return max(image.find('cup'), key=lambda cup: cup.compute_depth()).left\n"
    )
    engine = fake_engine(**roles)
    assert [engine.run_program(program, picture()).text for _ in range(2)] == ["70", "70"]
    assert roles["depth"].calls == 1


def test_results_outlive_the_process(fake_engine, roles, tmp_path):
    for expected in ({"detector": 1, "matcher": 2}, {}):
        engine = fake_engine(options={"cache": tmp_path / "cache"}, **roles)
        answer = engine.run_program(COUNT_RED, picture())
        assert (answer.text, answer.trace.forwards) == ("8", expected)
        assert engine.close(timeout_s=5)


def test_another_model_does_not_find_the_results_of_the_first(fake_engine, roles, tmp_path):
    for fingerprint in ("one", "two"):
        roles["detector"].fingerprint = fingerprint
        engine = fake_engine(options={"cache": tmp_path}, **roles)
        assert engine.run_program(TWO_FINDS, picture()).trace.forwards == {"detector": 1}
        assert engine.close(timeout_s=5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cache_mb": -1}, "cache_mb must be a number of megabytes"),
        ({"cache_mb": float("nan")}, "cache_mb must be"),
        ({"cache_mb": 0, "cache": "somewhere"}, "needs cache_mb above 0"),
        ({"max_batch": 0}, "max_batch must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Engine("stub", **options)


class Held(FakeAnswerer):
    """Answers when it is let."""

    def __init__(self):
        super().__init__("yes")
        self.entered = threading.Event()
        self.gate = threading.Event()

    def answer(self, requests):
        self.entered.set()
        self.gate.wait(10)
        return super().answer(requests)


def asking(question):
    return f"def execute_command(image):\n    return image.simple_query({question!r})\n"


def test_a_cancelled_answer_takes_back_what_it_asked(fake_engine):
    answerer = Held()
    engine = fake_engine(answerer=answerer)

    async def cancel_one_of_two():
        first = asyncio.ensure_future(engine.arun(Query(picture(), "", program=asking("one"))))
        await asyncio.to_thread(answerer.entered.wait, 5)
        second = asyncio.ensure_future(engine.arun(Query(picture(), "", program=asking("two"))))
        for _ in range(500):
            if engine.pending() == 2:
                break
            await asyncio.sleep(0.01)
        assert engine.pending() == 2
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        for _ in range(500):
            if engine.pending() == 1:
                break
            await asyncio.sleep(0.01)
        answerer.gate.set()
        return await first

    assert asyncio.run(cancel_one_of_two()).text == "yes"
    assert answerer.asked == ["one"]
    assert engine.pending() == 0


def test_programs_of_many_answers_share_forwards(fake_engine, roles):
    roles["detector"] = detector = FakeDetector({**CUPS, **DOGS})
    slow = detector.detect

    def detect(requests):
        time.sleep(0.05)
        return slow(requests)

    detector.detect = detect
    engine = fake_engine(**roles)
    queries = [Query(picture(seed), "", program=TWO_FINDS) for seed in range(12)]
    answers = engine.batch(queries, concurrency=12)
    assert [answer.text for answer in answers] == ["11"] * 12
    load = engine.load()["detector"]
    assert load.forwards == len(detector.batches) < 12
    assert load.requests == sum(map(len, detector.batches)) == 24
    assert load.busy_s >= 0.05 * load.forwards
    assert answers[-1].trace.mean_batch["detector"] > 1


def test_programs_are_written_while_others_run(fake_engine):
    """A generator that waits for the first answer to be under way can only end if they overlap."""
    from viper.programs.program import Program

    answerer = Held()

    class Writer:
        name = "openai:writer"
        can_repair = False

        async def generate(self, requests):
            if requests[0].question == "second":
                await asyncio.to_thread(answerer.entered.wait, 5)
                assert answerer.entered.is_set()  # the first program runs, and waits for its model
                answerer.gate.set()
            return [Program(asking(requests[0].question), self.name)]

        async def aclose(self):
            pass

    engine = fake_engine(Writer(), answerer=answerer, language=FakeLanguage())
    answers = engine.batch([Query(picture(), "first"), Query(picture(), "second")], concurrency=2)
    assert [answer.text for answer in answers] == ["yes", "yes"]


class SlowFile:
    """A connection whose reads wait, as where another process holds the file."""

    def __init__(self, connection):
        self._connection = connection
        self.entered, self.gate = threading.Event(), threading.Event()

    def execute(self, *statement):
        self.entered.set()
        self.gate.wait(10)
        return self._connection.execute(*statement)

    def close(self):
        self._connection.close()


@pytest.fixture
def slow_cache(fake_engine, roles, tmp_path):
    """An engine whose results of TWO_FINDS are on disk, where reading waits for a gate."""
    first = fake_engine(options={"cache": tmp_path}, **roles)
    assert first.run_program(TWO_FINDS, picture()).text == "11"
    assert first.close(timeout_s=5)
    engine = fake_engine(options={"cache": tmp_path}, **roles)
    engine.preload()
    store = engine.pool._cache._store
    store._reading = slow = SlowFile(store._reading)
    yield engine, slow
    slow.gate.set()


def test_a_cache_that_is_slow_to_read_does_not_hold_up_other_answers(slow_cache):
    """It is read on a thread: the loop that serves all answers goes on."""
    engine, slow = slow_cache

    async def ask_two():
        waiting = asyncio.ensure_future(engine.arun(Query(picture(), "", program=TWO_FINDS)))
        assert await asyncio.to_thread(slow.entered.wait, 5)
        async with asyncio.timeout(5):
            other = await engine.arun(Query(picture(), "", program="return 7"))
        assert not waiting.done()
        slow.gate.set()
        return await waiting, other

    waited, other = asyncio.run(ask_two())
    assert (waited.text, other.text) == ("11", "7")
    assert waited.trace.forwards == {}
    assert [call.cached for call in waited.trace.calls] == [True, True]


def test_an_answer_that_is_cancelled_while_it_reads_the_cache_asks_no_model(slow_cache, roles):
    engine, slow = slow_cache
    forwards = len(roles["detector"].batches)

    async def cancel():
        waiting = asyncio.ensure_future(engine.arun(Query(picture(1), "", program=TWO_FINDS)))
        assert await asyncio.to_thread(slow.entered.wait, 5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        slow.gate.set()

    asyncio.run(cancel())
    assert engine.run_program(TWO_FINDS, picture()).trace.forwards == {}
    assert engine.pending() == 0
    assert len(roles["detector"].batches) == forwards
