"""Traces of Viper 0.1 are read as what they mean; see also `tests/replay/test_recorded_0_1.py`."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from fakes.mutations import mutated
from viper.errors import InputError
from viper.trace.read import trace_of

FOLDER = Path(__file__).parents[1] / "replay" / "recorded_0_1"


def recorded(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def test_patches_and_objects_get_their_tags():
    trace = trace_of(recorded("boxes"))
    found = next(call.result for call in trace.calls if call.method == "ImagePatch.find")
    assert {patch["type"] for patch in found} == {"patch"}
    assert {patch["image"] for patch in (*found, *trace.patches)} == {0}
    (mask, *_) = (
        c.result
        for c in trace_of(recorded("module_objects")).calls
        if c.method == "ImagePatch.bright_mask"
    )
    assert (mask["type"], mask["class"]) == ("object", "Mask")


def test_a_dict_with_the_key_type_stays_a_dict():
    value = recorded("containers")
    value["attempts"][0]["returned"] = {"type": {"type": 1}}
    inner = {"type": "dict", "items": [["type", 1]]}
    assert trace_of(value).attempts[0].returned == {"type": "dict", "items": [["type", inner]]}


def test_numbers_of_requests_come_from_their_mean():
    value = recorded("builtin_counting")
    value |= {"forwards": {"matcher": 3}, "mean_batch": {"matcher": 2.67}}
    trace = trace_of(value)
    assert (trace.requests, trace.mean_batch) == ({"matcher": 8}, {"matcher": 2.67})


def test_what_was_tested_in_part_is_read_from_the_notes():
    value = recorded("builtin_counting")
    attempt = value["attempts"][0]
    call = attempt["calls"][0]
    call.pop("unverified", None)
    condition = "'woman' detected as 'person'"
    call["notes"] = [f"{condition} (narrower)", "'taxi' detected as 'car' (narrower)"]
    attempt["unverified"] = [condition]
    read = trace_of(value).attempts[0].calls[0]
    assert read.unverified == (condition,)


def test_unverified_conditions_are_doubts():
    value = recorded("builtin_counting")
    assert trace_of(value).outcome == "answered"
    trace = trace_of(value | {"unverified": ["red"]})
    assert (trace.outcome, [doubt.condition for doubt in trace.doubts]) == (
        "answered_with_doubts",
        ["red"],
    )
    assert trace_of(recorded("failed_runtime")).outcome == "no_answer"


@pytest.mark.parametrize(
    "name", ["containers", "votes_scripted", "builtin_with_picture", "module_objects"]
)
def test_whatever_was_changed_in_one_is_read_or_refused(name):
    dice = random.Random(3)
    refused = 0
    for _ in range(150):
        value = mutated(recorded(name), dice)
        try:
            trace_of(value)
        except InputError:
            refused += 1
    assert 30 < refused < 150


@pytest.mark.parametrize(
    "means",
    [
        {"matcher": 1e308},
        {"matcher": -1e308},
        {"matcher": True},
        {"matcher": "7"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "forwards", [{"matcher": 2**63 - 1}, {"matcher": True}, {"matcher": None}], ids=str
)
def test_a_mean_that_is_no_number_of_requests_is_refused(means, forwards):
    with pytest.raises(InputError):
        trace_of(recorded("builtin_counting") | {"forwards": forwards, "mean_batch": means})
