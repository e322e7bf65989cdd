"""What differs between two runs."""

from __future__ import annotations

import difflib
import json
import random
import time

import pytest

from fakes import runs
from viper.cli import trace_text as trace_text_module
from viper.trace import compare as compare_module
from viper.trace import differences as differences_module
from viper.trace.compare import compare
from viper.trace.differences import differences
from viper.trace.files import trace_text
from viper.trace.read import trace_of
from viper.trace.record import Trace
from viper.trace.turns import Attempt, CallRecord


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


def source(lines):
    return "".join(f"{line}\n" for line in lines)


SOURCES = {
    "nothing in common": (range(30_000), range(50_000, 80_000)),
    "backwards": (range(30_000), range(30_000, 0, -1)),
    "two lines in turn": ([0, 1] * 15_000, [1, 0, 0] * 10_000),
    "every second line": (range(30_000), [i if i % 2 else -i for i in range(30_000)]),
    "moved": (range(30_000), [*range(15_000, 30_000), *range(15_000)]),
    "one line": ([0] * 30_000, [1]),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_programs_of_thirty_thousand_lines_are_compared_at_once(value, name):
    before, after = map(source, SOURCES[name])
    value["turns"][0]["source"] = before
    started_s = time.process_time()
    (change,) = compared(value, lambda v: v["turns"][0].update(source=after)).programs
    assert time.process_time() - started_s < 5  # the best diff of two of them takes minutes
    lines = change.lines[3:]
    first = source(line[1:] for line in lines if line[0] in " -")
    second = source(line[1:] for line in lines if line[0] in " +")
    # Where the diff is one hunk, it turns the first program into the second.
    if sum(line.startswith("@@") for line in change.lines) == 1:
        assert first in before
        assert second in after


def test_the_best_diff_of_large_programs_takes_time_with_the_square_of_their_lines(monkeypatch):
    def seconds(lines):
        # Few lines are equal, but many are alike to the algorithm: each occurs under a hundredth of the time.
        before = [f"{i % (lines // 9)}" for i in range(lines)]
        after = [f"{(7 * i + 3) % (lines // 9)}" for i in range(lines)]
        started_s = time.process_time()
        most = compare_module._MOST_STEPS
        compare_module._diff(source(before), source(after), most)
        return time.process_time() - started_s

    bounded = seconds(4_000)
    monkeypatch.setattr(compare_module, "_MOST_STEPS", 10**12)
    best = seconds(4_000)
    assert best > 4 * bounded


def test_few_lines_that_equal_many_are_not_searched_again_for_each_block(monkeypatch):
    """Few enough pairs of lines, and below the 200 from which on `difflib` ignores frequent lines."""
    before, after = ["x" if i % 2 else f"v{i}" for i in range(4_900)], ["x"] * 199

    def seconds():
        started_s = time.process_time()
        compare_module._diff(source(before), source(after), compare_module._MOST_STEPS)
        return time.process_time() - started_s

    bounded = seconds()
    assert bounded < 2
    monkeypatch.setattr(compare_module, "_MOST_STEPS", 10**12)
    assert seconds() > 4 * bounded


def test_a_program_of_five_hundred_lines_is_compared_line_by_line():
    before = [f"x{i % 250} = {i % 250}" for i in range(500)]
    found, steps = compare_module._diff(
        source(before), source([f"y{i}" if i % 50 == 0 else x for i, x in enumerate(before)]),
        compare_module._MOST_STEPS,
    )  # fmt: skip
    assert steps > 0
    assert sum(line.startswith("@@") for line in found) == 10


def test_a_line_changed_in_a_large_program_is_the_whole_diff(value):
    lines = [f"x{i} = 1" for i in range(10_000)]
    value["turns"][0]["source"] = source(lines)
    other = [*lines[:5_000], "y = 2", *lines[5_001:]]
    (change,) = compared(value, lambda v: v["turns"][0].update(source=source(other))).programs
    assert change.lines == [
        "--- A", "+++ B", "@@ -4999,5 +4999,5 @@", " x4998 = 1", " x4999 = 1", "-x5000 = 1", "+y = 2",
        " x5001 = 1", " x5002 = 1",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_the_diff_is_that_of_the_whole_programs(seed):
    dice = random.Random(seed)
    before = [str(dice.randrange(9)) for _ in range(dice.randrange(30))]
    after = list(before)
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(after) + 1)
        after[at : at + dice.randrange(3)] = [f"n{dice.random()}"] * dice.randrange(2)
    found, _ = compare_module._diff(source(before), source(after), 1_000_000)
    whole = list(difflib.unified_diff(before, after, "A", "B", lineterm="", n=2))
    # Equal lines at both ends are left out first; which of equal lines counts as changed may differ.
    assert len(found) <= len(whole) + 4
    assert [line[1:] for line in found if line[0] == "+"].count("n") == 0
    removed, added = (sorted(line[1:] for line in found[2:] if line[0] == sign) for sign in "-+")
    assert sorted([*before, *added]) == sorted([*after, *removed])


def test_a_dict_of_a_program_is_compared_by_its_keys(value):
    value["turns"][0]["returned"] = {"type": "dict", "items": [["a", 1], ["b", [2]]]}
    found = compared(
        value,
        lambda v: v["turns"][0].update(returned={"type": "dict", "items": [["a", 1], ["b", [3]]]}),
    )
    assert [str(d) for d in found.fields] == ["turns[0].returned.b[0]: 2 became 3"]


@pytest.mark.parametrize("bound", [10, 100])
def test_the_list_of_differences_is_bounded_and_says_so(value, monkeypatch, bound):
    value["turns"][0]["returned"] = [1] * 1_000

    def change(other):
        other["turns"][0]["returned"] = [2] * 1_000

    assert len(compared(value, change).fields) == 1_000
    monkeypatch.setattr(differences_module, "MAX_DIFFERENCES", bound)
    *found, last = compared(value, change).fields
    assert len(found) == bound
    assert last.path == f"… more than {bound} differences; the rest is not listed"


def test_many_programs_are_compared_in_the_time_of_one(value, monkeypatch):
    def shuffled(seed):
        # Each line occurs nine times: below the hundredth that `difflib` would ignore.
        lines = [str(i % 100) for i in range(900)]
        random.Random(seed).shuffle(lines)
        return source(lines)

    def seconds(programs):
        turn = value["turns"][0]
        first, second = (
            {
                **value,
                "chosen": 0,
                "turns": [{**turn, "source": shuffled(2 * i + odd)} for i in range(programs)],
            }
            for odd in (0, 1)
        )
        first, second = trace_of(first), trace_of(second)
        started_s = time.process_time()
        assert len(compare(first, second).programs) == programs
        return time.process_time() - started_s

    bounded = seconds(8)
    monkeypatch.setattr(compare_module, "_MOST_STEPS", 10**12)
    assert seconds(8) > 3 * bounded


def altered(value):
    """Return another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case None:
            return "x"
        case list():
            return [*value, "x"]
        case dict():
            return {**value, "x": 1}
    raise AssertionError(value)


@pytest.fixture
def rich(fake_engine):
    """The JSON value of a run with two calls, as it is before it is a trace."""
    return runs.run_of(fake_engine, runs.PROGRAMS["caught ValueError"]).trace


class Altered:
    """Stands for a trace whose value was altered: a reader would refuse some of the values."""

    def __init__(self, value):
        self._value = value

    def to_json(self):
        return json.loads(json.dumps(self._value))


def apart(kind, left_out):
    return set(left_out) | set(compare_module.measures(kind))


PLACES = {
    "run": (Trace, compare_module._APART, lambda v: v),
    "program": (Attempt, compare_module._APART, lambda v: v["turns"][0]),
    "call": (CallRecord, {"line": ""}, lambda v: v["turns"][0]["calls"][1]),
}


@pytest.mark.parametrize("place", PLACES)
def test_each_field_that_no_reason_leaves_out_is_compared(rich, place):
    kind, left_out, find = PLACES[place]
    for name in find(rich.to_json()).keys() - {"turns", "calls"}:
        other = rich.to_json()
        find(other)[name] = altered(find(other)[name])
        same = compare(rich, Altered(other)).same
        is_left_out = name in apart(kind, left_out) - {"source", "call_sites"}
        assert same == is_left_out, name


@pytest.mark.parametrize(
    "change",
    [
        {"model": "openai:gpt-evil?base_url=http://evil"},
        {"role": "language"},
        {"model": "", "role": ""},
        {"notes": ["it was sure"]},
        {"unverified": ["the cup is red"]},
    ],
    ids=str,
)
def test_a_call_that_went_elsewhere_is_another_call(rich, change):
    other = rich.to_json()
    other["turns"][0]["calls"][1].update(change)
    found = compare(rich, Altered(other))
    assert [(c.first["line"], c.second["line"]) for c in found.calls] == [(7, 7)]
    assert "→" in str(trace_text_module._call_change(found.calls[0]))
    assert next(iter(change)) in str(trace_text_module._call_change(found.calls[0]))


def test_runs_with_other_models_differ_in_the_models_once(rich):
    other = json.loads(json.dumps(rich.to_json()).replace('"fake', '"other'))
    for call in other["turns"][0]["calls"]:
        other["models"][call["role"]] = call["model"] = f"other-{call['role']}"
    found = compare(rich, Altered(other))
    assert found.fields
    assert not found.same


def test_call_sites_and_embedded_images_are_compared_where_both_have_them(rich):
    value = rich.to_json()
    value["turns"][0]["call_sites"] = []
    assert [d.path for d in compare(rich, Altered(value)).fields] == ["turns[0].call_sites[0:]"]
    one, other = rich.to_json(), rich.to_json()
    one["embedded"] = {"images": ["data:image/png;base64," + "A" * 200], "crops": []}
    assert compare(Altered(one), Altered(other)).same
    other["embedded"] = {"images": ["data:image/png;base64," + "B" * 200], "crops": []}
    (found,) = compare(Altered(one), Altered(other)).fields
    assert found.path == "embedded.images[0]"
    assert len(str(found)) < 300
