"""Questions that are made to be read in very many ways: refused after a bounded amount of work."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
import threading
import time

import pytest

from viper.cli.output import StderrLog
from viper.errors import GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.grammar.generator import GrammarGenerator
from viper.generate.grammar.parse import parse
from viper.generate.grammar.reading import chart
from viper.generate.grammar.reading.chart import Chart
from viper.generate.grammar.vocabulary import tokens

HOSTILE = {
    "colors": ("red " * 119 + "car", "grounding"),
    "places": ("green right part " * 39, "grounding"),
    "quantities": ("many many big " * 39, "vqa"),
    "sizes": ("plush wide " * 59, "grounding"),
    "clothes": ("in red " * 59, "grounding"),
    "relations": ("size with " * 59, "grounding"),
    "nouns": ("player both " * 59, "grounding"),
    "others": ("color red other " * 39, "vqa"),
    "lists": ("man with hat and " * 29, "grounding"),
    "questions": ("is there a man and " * 23, "vqa"),
}
WORDS = (
    "red big many both man player hat on in with and or not other is there what color left right of the a "
    "part wide plush size wearing holding nearest second one who that same than more"
).split()


class Steps(Chart):
    """Counts the steps of all charts."""

    most = 0

    @classmethod
    def counting(cls, monkeypatch):
        step = Chart.step

        def counted(self):
            cls.most += 1
            step(self)

        cls.most = 0
        monkeypatch.setattr(Chart, "step", counted)
        return cls


@pytest.mark.parametrize("name", HOSTILE)
def test_the_steps_of_a_question_are_bounded(name, monkeypatch):
    question, task = HOSTILE[name]
    counted = Steps.counting(monkeypatch)
    with pytest.raises(GenerationError, match="too many ways"):
        parse(question.strip(), task)
    assert counted.most < 4 * chart._MOST_STEPS  # a question is read by a few charts


@pytest.mark.parametrize("name", ["colors", "places", "lists"])
def test_control_without_the_bound_there_are_many_more(name, monkeypatch):
    monkeypatch.setattr(chart, "_MOST_STEPS", 60_000)
    monkeypatch.setattr(chart, "_MOST_NESTED", 10_000)
    counted = Steps.counting(monkeypatch)
    with contextlib.suppress(GenerationError, RecursionError):
        parse(HOSTILE[name][0].strip(), HOSTILE[name][1])
    assert counted.most > 8 * 5_000


def test_control_without_the_bound_of_nesting_the_stack_overflows(monkeypatch):
    monkeypatch.setattr(chart, "_MOST_NESTED", 10_000)
    with pytest.raises(RecursionError):
        parse(HOSTILE["quantities"][0], "vqa")


def test_repeated_words_of_all_kinds_are_read_or_refused():
    random.seed(18)
    for length, task in itertools.product((1, 2, 3, 4), ("vqa", "grounding")):
        for _ in range(12):
            words = random.choices(WORDS, k=length)
            question = " ".join(words * (110 // length))
            with contextlib.suppress(GenerationError):
                parse(question, task)


def test_unknown_words_are_corrected_up_to_a_number(monkeypatch):
    """Each takes milliseconds; the control is a question with fewer."""
    asked = []
    monkeypatch.setattr(tokens, "correction", lambda word: asked.append(word))
    letters = "bcdfghjklmnpqrst"
    words = [f"{a}x{b}q{a}" for a, b in itertools.product(letters, repeat=2)]
    for most, corrected in ((tokens._MOST_CORRECTED + 1, False), (tokens._MOST_CORRECTED, True)):
        asked.clear()
        with pytest.raises(GenerationError):
            parse(f"is there a {' '.join(words[:most])}")
        assert bool(asked) is corrected


@pytest.mark.parametrize(
    ("question", "beside"),
    [("Is there a dog?", False), (f"Is there a dog{' ' * 200}?", True)],
    ids=["short", "long"],
)
def test_a_long_question_is_read_beside_the_loop(monkeypatch, question, beside):
    threads = []
    write = GrammarGenerator.write

    def noting(self, request):
        threads.append(threading.current_thread())
        return write(self, request)

    monkeypatch.setattr(GrammarGenerator, "write", noting)
    (program,) = asyncio.run(GrammarGenerator().generate([GenerationRequest(question)]))
    assert (threads[0] is not threading.current_thread()) is beside
    assert "dog" in program.source


def test_a_record_of_the_log_is_cut(capsys):
    log = logging.getLogger("viper.test_hostile_questions")
    handler = StderrLog(logging.WARNING)
    log.addHandler(handler)
    try:

        def fall(depth):
            if depth:
                fall(depth - 1)
            raise ValueError("the cause" + "." * 20_000)

        for depth in (1, 300):
            try:
                fall(depth)
            except ValueError:
                log.exception("It failed.")
            written = capsys.readouterr().err
            assert "It failed." in written
            assert "[…]" in written
            assert len(written) < 10_000
    finally:
        log.removeHandler(handler)


def test_a_hostile_question_takes_little_time():
    for question, task in HOSTILE.values():
        started = time.thread_time()
        with pytest.raises(GenerationError):
            parse(question.strip(), task)
        assert time.thread_time() - started < 1
