"""Each field of a trace is made anew by a replay, so that a change is a difference, or listed as copied."""

from __future__ import annotations

import copy
import json
from dataclasses import fields

import pytest

from fakes import runs
from viper.errors import InputError
from viper.replay import again, replay
from viper.replay.again import ALWAYS_FROM_RECORD
from viper.trace.files import trace_text
from viper.trace.read import trace_of
from viper.trace.record import Trace
from viper.trace.turns import Attempt, CallRecord, Votes
from viper_sandbox import JailFailure, Result

# Field → a word of the sentence that lists it. A new field is here, or in `CHANGES`.
COPIED = {
    "viper": "times", "question": "question", "task": "question", "choices": "choices", "images": "image",
    "best_effort": "question",
    "models": "models", "forwards": "forwards", "requests": "forwards", "prefetch": "forwards",
    "total_ms": "times", "embedded": "image",
    "turns.generator": "generators", "turns.from_program_cache": "generators", "turns.notes": "notes",
    "turns.usage": "tokens", "turns.started_ms": "times", "turns.generate_ms": "times",
    "turns.run_ms": "times",
    "turns.source": "programs", "turns.prompt": "programs", "turns.reply": "programs",
    "calls.model": "models", "calls.score": "scores", "calls.threshold": "scores",
    "calls.notes": "notes", "calls.result": "results",
    "calls.started_ms": "times", "calls.ms": "times", "calls.model_ms": "times", "calls.queue_ms": "times",
    "calls.forwards": "forwards", "calls.batch_size": "forwards", "calls.cached": "forwards",
    "calls.prefetched": "forwards", "calls.usage": "costs",
    "turns.doubts": "conditions",
}  # fmt: skip

PATCH = {
    "type": "patch",
    "image": 0,
    "box_xyxy": [0.0, 0.0, 9.0, 9.0],
    "score": 0.5,
    "category": "cup",
}
CHANGES = {
    "format": "viper", "version": 5, "regions": [{"image": 0, "box_xyxy": [0.0, 0.0, 5.0, 5.0]}],
    "generator": "grammar", "turns": [], "chosen": 2, "votes": {"n": 1, "answers": {"8": 1}, "failed": 0},
    "outcome": "answered_with_doubts", "doubts": [{"condition": "red", "why": "why"}], "answer": "9",
    "direct_answer": {"text": "9", "model": "openai:x", "why": "certain"},
    "patches": [{**PATCH, "evidence": "answer"}], "failure": {"kind": "runtime", "line": 1, "message": "m"},
    "unverified": ["red"],
    "turns.outcome": "failed", "turns.failure": {"kind": "runtime", "line": 1, "message": "m"},
    "turns.findings": [{"kind": "check", "line": 1, "message": "m"}], "turns.call_sites": [],
    "turns.calls": [], "turns.printed": "x", "turns.observations": [{"text": "It is red.", "value": "red"}],
    "turns.returned": 9, "turns.unverified": ["red"],
    "calls.line": 1, "calls.method": "ImagePatch.exists", "calls.role": "matcher", "calls.image": None,
    "calls.box_xyxy": [0.0, 0.0, 5.0, 5.0], "calls.arguments": ["dog"],
    "calls.scores": [{"text": "cup", "score": 0.9}], "calls.error": {"kind": "ValueError", "message": "m"},
    "calls.unverified": ["red"], "calls.doubts": [{"condition": "red", "why": "why"}],
    "votes.n": 7, "votes.answers": {"9": 1}, "votes.failed": 1,
}  # fmt: skip
OF_COPIED = {
    "viper": "0.0.1", "question": "Is it?", "best_effort": True, "task": "vqa", "choices": ["8", "9"],
    "models": {"detector": "x"},
    "forwards": {"depth": 9}, "requests": {"depth": 9}, "prefetch": {"items": 9}, "total_ms": 1e6,
    "turns.generator": None, "turns.from_program_cache": True, "turns.notes": ["n"],
    "turns.started_ms": 1e6, "turns.generate_ms": 1e6, "turns.run_ms": 1e6, "turns.doubts": None,
    "calls.model": "openai:x", "calls.score": 0.123, "calls.threshold": 0.1, "calls.notes": ["n"],
    "calls.started_ms": 1e6,
    "calls.ms": 1e6, "calls.model_ms": 1e6, "calls.queue_ms": 1e6, "calls.forwards": 9, "calls.batch_size": 9,
    "calls.cached": True, "calls.prefetched": 9,
}  # fmt: skip


@pytest.fixture
def value(fake_engine):
    """The JSON of a run with one call, which found eight cups."""
    return json.loads(trace_text(runs.run_of(fake_engine, runs.PROGRAMS["number"]).trace.to_json()))


def put(value, place, item):
    kind, _, name = place.rpartition(".")
    holder = {
        "": lambda: value,
        "votes": lambda: value["votes"],
        "turns": lambda: value["turns"][0],
        "calls": lambda: value["turns"][0]["calls"][0],
    }[kind]()
    assert name in holder or name == "embedded"
    holder[name] = copy.deepcopy(item)


def test_each_field_is_either_made_anew_or_copied():
    kinds = {"": Trace, "turns.": Attempt, "calls.": CallRecord, "votes.": Votes}
    named = {f"{prefix}{field.name}" for prefix, kind in kinds.items() for field in fields(kind)}
    assert named == {*COPIED, *CHANGES}
    assert not COPIED.keys() & CHANGES.keys()
    assert [word for word in COPIED.values() if word not in ALWAYS_FROM_RECORD] == []


@pytest.mark.parametrize("place", CHANGES)
def test_a_change_of_what_is_made_anew_is_a_difference(value, place):
    if place.startswith("votes.") or place == "chosen":
        value["turns"] *= 2
        value["votes"] = {"n": 2, "answers": {"8": 2}, "failed": 0}
    if place == "chosen":
        value["turns"] = [*value["turns"], {**value["turns"][0], "source": runs.PROGRAMS["prints"]}]
        value["votes"] = {"n": 3, "answers": {"8": 2, "x": 1}, "failed": 0}
    before = replay(trace_of(copy.deepcopy(value))) if place == "votes.n" else None
    assert before is None or before.identical  # the control
    put(value, place, CHANGES[place])
    try:
        trace = trace_of(value)
    except InputError:
        assert place in ("format", "version", "turns")
        return
    if place == "calls.method":
        with pytest.raises(InputError, match="result must be bool"):
            replay(trace)
        return
    assert not replay(trace).identical


def test_what_is_copied_is_no_difference_and_listed(value):
    for place, item in OF_COPIED.items():
        if item is not None:
            put(value, place, item)
    replayed = replay(trace_of(value))
    assert [str(difference) for difference in replayed.differences] == []
    assert replayed.from_record == (ALWAYS_FROM_RECORD,)


def test_a_doubt_of_a_call_cannot_be_taken_out_of_its_program_alone(value):
    conditions = ["'cup' detected as 'mug'"]
    doubts = [{"condition": conditions[0], "why": "the detector knows 'mug' only", "needs": ""}]
    for kind in ("calls", "turns"):
        put(value, f"{kind}.unverified", conditions)
        put(value, f"{kind}.doubts", doubts)
    value.update(unverified=conditions, outcome="answered_with_doubts", doubts=doubts)
    assert replay(trace_of(copy.deepcopy(value))).identical
    put(value, "turns.unverified", [])
    put(value, "turns.doubts", [])
    value.update(unverified=[], outcome="answered", doubts=[])
    found = replay(trace_of(value))
    assert "turns[0].unverified[0]" in {difference.path for difference in found.differences}
    assert found.answer.trace.outcome == "answered_with_doubts"


# -- a program that ended as "the sandbox itself failed"


SANDBOX = {"kind": "sandbox", "message": "The sandbox itself failed: WireError.", "line": None}


def ended_as_sandbox(fake_engine, source):
    """A trace that says of a program that the sandbox failed, and nothing of what it did."""
    value = runs.run_of(fake_engine, source).trace.to_json()
    value["turns"][0] |= {
        "outcome": "failed",
        "failure": SANDBOX,
        "returned": None,
        "calls": [],
        "printed": "",
    }
    value |= {"outcome": "no_answer", "answer": None, "failure": SANDBOX, "patches": []}
    return trace_of(value)


HIDDEN = {
    "an answer": "return 'yes'",
    "a print": "print('did it')\n    return 1",
    "a failure": "return [][1]",
    "a call": "return image.exists('cup')",
    "a deep result": "deep = 1\n    for i in range(30):\n        deep = {'': deep}\n    return deep",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_program_does_not_escape_a_replay_by_a_failure_of_the_sandbox(
    fake_engine, name, monkeypatch
):
    trace = ended_as_sandbox(fake_engine, f"def execute_command(image):\n    {HIDDEN[name]}\n")
    replayed = replay(trace)
    assert not replayed.identical
    assert not any("cannot be repeated" in sentence for sentence in replayed.from_record)
    monkeypatch.setattr(again, "_UNREPEATABLE", frozenset({"sandbox"}))  # the control
    assert replay(trace).identical


def test_a_failure_of_the_sandbox_that_comes_again_is_taken_from_the_record(
    fake_engine, monkeypatch
):
    async def broken(*_, **__):
        return Result(None, JailFailure("sandbox", "The child was killed."))

    trace = ended_as_sandbox(fake_engine, "def execute_command(image):\n    return 1\n")
    monkeypatch.setattr(again.Jail, "run", broken)
    replayed = replay(trace)
    assert replayed.identical
    assert "Program 1 (sandbox) fails here likewise" in replayed.from_record[0]
