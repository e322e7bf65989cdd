"""What differs between two runs."""

from __future__ import annotations

import json

import pytest

from fakes import runs
from viper.trace.compare import compare
from viper.trace.differences import differences
from viper.trace.files import trace_text
from viper.trace.read import trace_of


@pytest.fixture
def value(fake_engine):
    """The JSON value of a run with two calls."""
    answer = runs.run_of(fake_engine, runs.PROGRAMS["caught ValueError"])
    return json.loads(trace_text(answer.trace.to_json()))


def compared(value, change, **options):
    other = json.loads(json.dumps(value))
    change(other)
    return compare(trace_of(value), trace_of(other), **options)


def test_a_run_is_the_same_as_itself_and_as_one_that_took_longer(value):
    assert compare(trace_of(value), trace_of(value), times=True).same

    def slower(other):
        other["total_ms"] += 1
        other["turns"][0]["calls"][1]["ms"] += 1
        other["turns"][0]["calls"][1]["cached"] = True

    assert compared(value, slower).same
    found = compared(value, slower, times=True)
    assert [d.path for d in found.measures] == [
        "total_ms", "turns[0].line 7 ImagePatch.exists.ms",
        "turns[0].line 7 ImagePatch.exists.cached",
    ]  # fmt: skip


def test_another_answer_is_told_with_both(value):
    found = compared(value, lambda v: v.update(answer="no", question="Is it?"))
    assert [str(d) for d in found.fields] == [
        "question: '' became 'Is it?'", "answer: 'yes' became 'no'",
    ]  # fmt: skip


def test_calls_are_matched_by_what_was_asked(value):
    calls = value["turns"][0]["calls"]
    assert compared(value, lambda v: v["turns"][0]["calls"].reverse()).same

    def change(other):
        left = other["turns"][0]["calls"]
        left[0]["arguments"] = ["cup and saucer"]
        left[1]["result"] = False

    found = compared(value, change)
    assert [(c.first and c.first["arguments"], c.second and c.second["arguments"])
            for c in found.calls] == [
        ([""], None), (["cup"], ["cup"]), (None, ["cup and saucer"]),
    ]  # fmt: skip
    assert found.calls[1].first == calls[1]


def test_programs_are_compared_line_by_line(value):
    def change(other):
        source = other["turns"][0]["source"]
        other["turns"][0]["source"] = source.replace("print(error)", "pass")

    (program,) = compared(value, change).programs
    assert "-        print(error)" in program.lines
    assert "+        pass" in program.lines


def test_an_attempt_that_only_one_has_is_a_difference(value):
    found = compared(value, lambda v: (v["turns"].append(v["turns"][0]), v.update(chosen=1)))
    assert [d.path for d in found.fields] == ["chosen", "turns[1]"]
    assert len(found.calls) == 2
    assert not found.same


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (1, 1.0, ["the trace: 1 became 1.0"]),
        (1, True, ["the trace: 1 became true"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a[1]: 2 became null"]),
        ({"a b": 1}, {}, ["['a b']: 1 became null"]),
        ({"a": {"b": None}}, {"a": {"b": None}}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1},
         ["the trace (order of keys): an array of 2 items became an array of 2 items"]),
    ],
)  # fmt: skip
def test_differences_are_told_with_their_place(first, second, told):
    assert [str(difference) for difference in differences(first, second)] == told
