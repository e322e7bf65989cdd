"""Traces of version 3, in which dicts of programs were plain objects, are read as what they mean."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from fakes import cups, runs
from fakes.backends import FakeAnswerer, FakeDetector
from viper.errors import InputError
from viper.images.values import json_patches
from viper.replay import replay
from viper.trace.files import trace_text
from viper.trace.read import trace_of

FOLDER = Path(__file__).parents[1] / "replay" / "recorded_0_1"
PATCH = {"type": "patch", "image": 0, "box_xyxy": [0, 0, 5, 5], "score": 1, "category": "cup"}


def as_version_3(value):
    """Return a trace of version 4 as version 3 had it: a dict was tagged only if it had the key "type"."""

    def plain(item):
        match item:
            case list():
                return [plain(part) for part in item]
            case {"type": "dict", "items": items}:
                pairs = [[key, plain(part)] for key, part in items]
                made = dict(pairs)
                return {"type": "dict", "items": pairs} if "type" in made else made
            case _:
                return item

    value = copy.deepcopy(value)
    for turn in value["turns"]:
        turn["returned"] = plain(turn["returned"])
        for call in turn["calls"]:
            call |= {"arguments": plain(call["arguments"]), "result": plain(call["result"])}
    return value | {"version": 3}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_trace_of_version_3_is_the_same_run(path):
    trace = trace_of(json.loads(path.read_text(encoding="utf-8")))
    value = json.loads(trace_text(trace.to_json()))
    assert value["version"] == 4
    assert trace_of(as_version_3(value)) == trace


@pytest.mark.parametrize(
    "returned",
    ["{'red': image.find('cup'), 'n': {1, 2}}", "[{'type': 'patch'}, {'a': {'type': 1, 'items': []}}]",
     "{'type': 'dict', 'items': [['a', 1]]}", "{1: {2: {3: {}}}}", "({}, {'model': 'x'})"],
)  # fmt: skip
def test_a_trace_of_version_3_is_replayed_with_the_same_results(fake_engine, returned):
    answer = runs.run_of(fake_engine, f"def execute_command(image):\n    return {returned}\n")
    value = json.loads(trace_text(answer.trace.to_json()))
    old = as_version_3(value)
    assert old["version"] == 3
    replayed = replay(trace_of(old))
    assert [str(difference) for difference in replayed.differences] == []
    assert trace_text(replayed.answer.trace.to_json()) == trace_text(value)


@pytest.mark.parametrize(
    "item",
    [
        {"a": 1},
        {"box_xyxy": [1, 2]},
        {"model": "x"},
        {"image": 0, "score": 1, "category": "cup"},
        {},
    ],
    ids=str,
)
def test_an_object_without_a_tag_is_a_dict_and_in_version_4_nothing(fake_engine, item):
    value = trace_of(json.loads((FOLDER / "containers.json").read_text())).to_json()
    value["turns"][0]["returned"] = [item, PATCH]
    trace = trace_of(value | {"version": 3})
    assert trace.turns[0].returned[0]["type"] == "dict"
    assert list(json_patches(trace.turns[0].returned)) == [PATCH]
    with pytest.raises(InputError, match='whose objects have the "type" patch, object or dict'):
        trace_of(value)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "patch"},
        {"type": "dict"},
        {"type": "x"},
        {"type": None},
        {"type": "dict", "items": [1]},
    ],
    ids=str,
)
def test_a_tag_that_version_3_did_not_write_is_refused(item):
    value = trace_of(json.loads((FOLDER / "containers.json").read_text())).to_json()
    value["turns"][0]["returned"] = {"a": [item]}
    with pytest.raises(InputError, match=r"turns\[0\].returned.items\[0\]"):
        trace_of(value | {"version": 3})


def before_the_contract(value):
    """Return a trace of version 3 as it was before doubts had reasons and an answer had to be seen."""
    value = as_version_3(value)
    del value["best_effort"]
    for turn in value["turns"]:
        del turn["doubts"]
        for call in turn["calls"]:
            del call["doubts"], call["threshold"]
    value["direct_answer"] = None
    value["doubts"] = [
        {"condition": condition, "why": "not tested, or only in part"}
        for condition in value["unverified"]
    ]
    return value


BLIND = "return 'red'"
NARROWER = "return [image_patch.exists('woman'), image_patch.exists('girl')]"
DIRECT = "return image_patch.simple_query('What is it?')"


@pytest.mark.parametrize("source", [BLIND, NARROWER, DIRECT], ids=["blind", "narrower", "direct"])
@pytest.mark.parametrize("generator", ["openai:x", "file"])
def test_what_was_answered_before_an_answer_had_to_be_seen_is_replayed(
    fake_engine, source, generator
):
    detector = FakeDetector({"person": [((1.0, 2.0, 30.0, 40.0), 0.9)]}, vocabulary=("person",))
    engine = fake_engine(detector=detector, answerer=FakeAnswerer("A cat."))
    answer = engine.run_program(source, cups.picture(), best_effort=True)
    value = before_the_contract(json.loads(trace_text(answer.trace.to_json())))
    value["turns"][0]["generator"] = value["generator"] = generator
    trace = trace_of(value)
    assert (trace.best_effort, trace.outcome) == (True, answer.outcome)
    assert trace.unverified == tuple(doubt.condition for doubt in trace.turns[0].doubts)
    assert trace.how == answer.how
    replayed = replay(trace)
    assert [str(difference) for difference in replayed.differences] == []
    assert replayed.answer.text == answer.text
    assert replayed.answer.trace.doubts == trace.doubts
