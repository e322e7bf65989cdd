"""What was recorded happens again, without any model, to the last byte."""

from __future__ import annotations

import json
import threading

import pytest

from fakes import runs
from fakes.cups import picture
from viper import Engine
from viper.engine.config import LoadedBackend
from viper.errors import InputError, TimeoutExceededError
from viper.replay import replay
from viper.replay.again import ALWAYS_FROM_RECORD
from viper.scheduling import model_pool as pool
from viper.trace.files import trace_json, trace_text
from viper.trace.read import trace_of


@pytest.fixture(autouse=True)
def no_model(monkeypatch):
    """A replay that loads a model fails; the backends of fake engines are loaded already."""

    def refuse(ref):
        if isinstance(ref.loader, LoadedBackend):
            return ref.loader(ref.reference, {})
        raise AssertionError(f"A replay loads {ref}.")

    monkeypatch.setattr(pool, "open_backend", refuse)


def stored(trace):
    """What a reader gets of the trace's file."""
    return json.loads(trace_text(trace.to_json()))


def repeats(trace):
    """Make sure that a trace is repeated to the last byte; return what came of it."""
    value = stored(trace)
    replayed = replay(trace_of(value))
    assert [str(difference) for difference in replayed.differences] == []
    assert trace_text(replayed.answer.trace.to_json()) == trace_text(trace.to_json())
    assert replayed.answer.failure == trace.failure
    return replayed


@pytest.mark.parametrize("name", runs.PROGRAMS)
def test_each_kind_of_program_repeats_itself(fake_engine, name):
    answer = runs.run_of(fake_engine, runs.PROGRAMS[name], question="Red?", choices=("yes", "NO"))
    replayed = repeats(answer.trace)
    assert (replayed.answer.value, replayed.answer.text) == (answer.value, answer.text)
    assert replayed.from_record == (ALWAYS_FROM_RECORD,)


def test_boxes_of_a_grounding_answer_come_again(fake_engine):
    answer = runs.run_of(fake_engine, runs.FIND, task="grounding")
    assert repeats(answer.trace).answer.patches == answer.patches
    assert len(answer.patches) == 8
    nothing = runs.run_of(fake_engine, "return None", task="grounding")
    assert repeats(nothing.trace).answer.text == "no such object"


def test_repairs_are_repeated(fake_engine):
    answer = runs.repaired(fake_engine)
    replayed = repeats(answer.trace)
    assert (replayed.answer.text, len(replayed.answer.trace.attempts)) == ("8", 2)


def test_a_failure_of_the_whole_answer_is_taken_from_the_record(fake_engine):
    replayed = repeats(runs.never_mended(fake_engine).trace)
    assert replayed.answer.failure.kind == "generator"
    assert replayed.from_record == (
        "The failure of the whole answer (generator) is taken from the record.",
        ALWAYS_FROM_RECORD,
    )


def test_votes_are_repeated(fake_engine):
    answer = runs.voted(fake_engine)
    assert answer.trace.votes.answers == {"8": 2, "3": 1}
    replayed = repeats(answer.trace)
    assert any("(generator) cannot be repeated" in taken for taken in replayed.from_record)


def test_forged_votes_are_seen(fake_engine):
    value = stored(runs.voted(fake_engine).trace)
    value["votes"]["answers"] = {"8": 3, "3": 1}
    assert not replay(trace_of(value)).identical


def test_a_program_that_ran_out_of_its_clock_is_taken_from_the_record(fake_engine):
    from viper_sandbox import Limits

    source = "def execute_command(image):\n    image.find('cup')\n    while True:\n        pass\n"
    answer = runs.run_of(fake_engine, source, options={"limits": Limits(program_s=0.2)})
    assert answer.failure.kind == "timeout"
    assert repeats(answer.trace).from_record == (
        "Program 1 (timeout) cannot be repeated and is taken from the record.",
        ALWAYS_FROM_RECORD,
    )


def test_a_program_that_used_up_its_calls_does_so_again(fake_engine):
    from viper_sandbox import Limits

    limits = Limits(calls=5)
    answer = runs.run_of(fake_engine, runs.PROGRAMS["a hundred calls"], options={"limits": limits})
    assert answer.failure.kind == "limit"
    assert replay(trace_of(stored(answer.trace)), limits=limits).identical


def test_a_call_that_ran_out_of_its_clock_ends_the_program_again(fake_engine):
    class Slow:
        fingerprint, vocabulary = "slow", None
        go_on = threading.Event()

        def detect(self, requests):
            self.go_on.wait(10)
            return [[] for _ in requests]

    slow = Slow()
    engine = fake_engine(detector=slow, options={"model_call_s": 0.05})
    answer = engine.run_program(runs.FIND, picture())
    slow.go_on.set()
    assert answer.failure.kind == "timeout"
    assert repeats(answer.trace).from_record == (ALWAYS_FROM_RECORD,)


def test_a_picture_that_could_not_be_read_has_nothing_to_repeat(fake_engine):
    from viper import Query

    (answer,) = fake_engine(**runs.fakes()).batch([Query("no such.png", "Is it?")])
    assert repeats(answer.trace).answer.failure.kind == "input"


def test_stub_results_are_repeated():
    with Engine("stub") as engine:
        repeats(engine.ask(picture(), "Is the cup left of the dog red?").trace)


def test_embedded_pictures_change_nothing(fake_engine):
    answer = runs.run_of(fake_engine, runs.FIND)
    value = json.loads(trace_text(trace_json(answer.trace, answer.image, embed="picture")))
    assert replay(trace_of(value)).identical


# -- what was changed


def changed(trace, change):
    """Return what a replay says of a record that somebody has changed."""
    value = stored(trace)
    change(value)
    return replay(trace_of(value))


def paths(replayed):
    return [difference.path for difference in replayed.differences]


def test_a_changed_result_leads_to_another_answer(fake_engine):
    def change(value):
        del value["turns"][0]["calls"][0]["result"][2]

    replayed = changed(runs.run_of(fake_engine, runs.PROGRAMS["number"]).trace, change)
    assert replayed.answer.text == "7"
    assert paths(replayed)[0] == "turns[0].returned"
    assert "answer: '8' became '7'" in map(str, replayed.differences)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda v: v.update(answer="9"), "answer"),
        (lambda v: v["turns"][0].update(printed="x"), "turns[0].printed"),
        (lambda v: v["turns"][0].update(returned=8.0), "turns[0].returned"),
        (lambda v: v["turns"][0]["call_sites"].clear(), "turns[0].call_sites[0]"),
        (lambda v: v["turns"][0]["calls"][0].update(line=1), "turns[0].calls[0].line"),
        (lambda v: v["patches"].pop(), "patches[7]"),
        (lambda v: v.update(generator="grammar"), "generator"),
        (lambda v: v.update(question=""), None),
        (lambda v: v["turns"][0]["calls"][0]["arguments"].append(1), "turns[0].failure"),
        (lambda v: v["turns"][0]["calls"].clear(), "turns[0].failure"),
    ],
    ids=range(10),
)
def test_a_changed_record_is_seen(fake_engine, change, path):
    replayed = changed(runs.run_of(fake_engine, runs.PROGRAMS["number"]).trace, change)
    assert (path in paths(replayed)) if path else replayed.identical


def test_a_call_that_the_record_lacks_says_what_was_asked(fake_engine):
    replayed = changed(
        runs.run_of(fake_engine, runs.FIND).trace, lambda v: v["turns"][0]["calls"].clear()
    )
    assert replayed.answer.failure.kind == "model"
    assert replayed.answer.failure.message == (
        "The record holds no call find('cup') on (0, 0, 100, 80). A changed program is run with --edit."
    )


@pytest.mark.parametrize(
    "result",
    [3, None, [1], "cup",
     [{"type": "patch", "image": 0, "box_xyxy": [0, 0, 500, 5], "score": 1.0, "category": "cup"}],
     [{"type": "patch", "image": 0, "box_xyxy": [5, 0, 1, 5], "score": 1.0, "category": "cup"}]],
    ids=["number", "null", "numbers", "text", "outside", "inverted"],
)  # fmt: skip
def test_a_result_of_another_type_is_refused_with_its_place(fake_engine, result):
    def change(value):
        value["turns"][0]["calls"][0]["result"] = result

    with pytest.raises(
        InputError, match=r"turns\[0\].calls\[0\].result must be list\[ImagePatch\]"
    ):
        changed(runs.run_of(fake_engine, runs.FIND).trace, change)


HOSTILE = """def execute_command(image):
    while True:
        try:
            open("/etc/passwd").read()
        except Exception:
            pass
"""


@pytest.mark.parametrize(
    ("source", "kind"),
    [("import os\nos.system('true')", "check"), (HOSTILE, "policy"),
     ("def execute_command(image):\n    return [0] * 10**10\n", "memory"),
     ("def execute_command(image):\n    return image.__class__.__mro__\n", "policy")],
    ids=["import", "file", "memory", "dunder"],
)  # fmt: skip
def test_a_program_that_was_made_hostile_is_confined(fake_engine, source, kind):
    replayed = changed(
        runs.run_of(fake_engine, runs.FIND).trace,
        lambda v: v["turns"][0].update(source=source),
    )
    assert replayed.answer.failure.kind == kind
    assert not replayed.identical


def test_a_replay_has_a_clock(fake_engine):
    trace = runs.run_of(fake_engine, runs.FIND).trace
    value = stored(trace)
    value["turns"][0]["source"] = "def execute_command(image):\n    while True:\n        pass\n"
    with pytest.raises(TimeoutExceededError, match=r"longer than 0\.3 s\. .*--timeout"):
        replay(trace_of(value), timeout_s=0.3)
