"""No item of a program's dict is lost where its keys become texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper.engine.answer import render
from viper.generate.observations import _bounded
from viper.images import values
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.images.values import dict_items, distinct, map_value, to_json_value
from viper.programs.program import Failure
from viper.scheduling.method_request import HostObject
from viper.trace.summary import _plain
from viper.trace.values import check_value
from viper_sandbox.program_session import NotAValueError, lower
from viper_sandbox.wire import WireError, pack, unpack

IMAGE = ImageRef("hash", (100, 80))
CUPS = [Patch(View(IMAGE, (float(x), 1.0, x + 8.0, 9.0)), "cup", 0.9) for x in range(1, 30, 9)]
MASKS = [HostObject("Mask", None, {}, token) for token in ("a", "b")]

ATTACKS = {
    "patches of one category": {cup: f"color {i}" for i, cup in enumerate(CUPS)},
    "a number and its text": {1: "number", "1": "text"},
    "a text and its number": {"1": "text", 1: "number"},
    "truth values": {True: "truth", "True": "word", False: 0, "False": "none"},
    "none": {None: 1, "None": 2},
    "floats": {1.5: 1, "1.5": 2},
    "tuples": {(1, "a"): 1, "[1, 'a']": 2},
    "tuples of patches": {(cup, 1): i for i, cup in enumerate(CUPS)},
    "a name that would be given": {CUPS[0]: 1, CUPS[1]: 2, "cup": 3, "cup (2)": 4, "cup (3)": 5},
    "objects of modules": {mask: mask.token for mask in MASKS},
    "nested": {"a": [{CUPS[0]: {1: 1, "1": 2}, CUPS[1]: 3}]},
}
KEPT = pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS)


def items_in(value):
    """Return how many items of dicts a value of a program has."""
    if isinstance(value, dict):
        return len(value) + sum(map(items_in, value.values()))
    return sum(map(items_in, value)) if isinstance(value, (list, tuple)) else 0


def items_written(value):
    """Return how many items of dicts a JSON value of a trace has."""
    match value:
        case {"type": "dict", "items": items}:
            return len(items) + sum(items_written(item) for _, item in items)
        case list():
            return sum(map(items_written, value))
        case _:
            return 0


@KEPT
def test_a_trace_has_every_item_under_a_name_of_its_own(value):
    written = to_json_value(value)
    assert items_written(written) == items_in(value)
    check_value(written, "returned")


@KEPT
def test_an_answer_has_every_item(value):
    if any(isinstance(key, HostObject) for key in value):
        return  # no answer
    text = render(value, "vqa")
    assert items_in(json.loads(text)) == items_in(value)


@KEPT
def test_a_repair_and_a_page_have_every_item(value):
    written = to_json_value(value)
    if "a" not in value:  # a repair shows no deeper ones
        assert items_in(_bounded(written, 80)) == items_in(value)
    assert items_in(_plain(written)) == items_in(value)


@KEPT
def test_without_names_of_their_own_some_would_be_lost(value, monkeypatch):
    monkeypatch.setattr(values, "distinct", lambda names, reserved=(): list(names))
    written = to_json_value(value)
    names = [key for key, _ in dict_items(written)]
    inner = json.dumps(values.by_category(value), default=str)
    assert len(set(names)) < len(names) or items_in(json.loads(inner)) < items_in(value)


def test_names_say_what_the_keys_are():
    colors = {CUPS[0]: "red", CUPS[1]: "blue", CUPS[2]: "red"}
    assert render(colors, "vqa") == '{"cup": "red", "cup (2)": "blue", "cup (3)": "red"}'


keys = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([*CUPS, "1", "cup", "cup (2)", "None"]),
    lambda inner: st.tuples(inner, inner),
    max_leaves=3,
)


@given(st.dictionaries(keys, st.dictionaries(keys, st.integers(), max_size=4), max_size=8))
def test_as_many_items_are_written_as_there_are(value):
    assert items_written(to_json_value(value)) == items_in(value)
    text = render(value, "vqa")
    if value:
        assert items_in(json.loads(text)) == items_in(value)
    else:  # it answers nothing
        assert isinstance(text, Failure)


def test_long_rows_of_equal_names_take_time_in_proportion():
    names = distinct(["cup"] * 20_000, (f"cup ({n})" for n in range(2, 20_000)))
    assert len(set(names)) == 20_000
    assert not {f"cup ({n})" for n in range(2, 20_000)} & set(names)


def test_shortened_texts_and_omitted_items_stay_apart():
    long = {"x" * 500 + str(n): n for n in range(3)}
    assert items_in(_bounded(to_json_value(long), 80)) == 3
    many = {n: n for n in range(100)}
    shown = _bounded(to_json_value(many), 80)
    assert list(shown)[-1] == f"… {100 - len(shown) + 1} more"
    odd = {f"… {left} more": left for left in range(100)}
    assert len(_plain(to_json_value(odd))) == len(_plain(to_json_value(many)))


SURROGATES = [chr(0xD800), r"\ud800"]


@pytest.mark.parametrize(
    "value",
    [
        dict.fromkeys(SURROGATES, 1),
        set(SURROGATES),
        [{(text,): 1 for text in SURROGATES}],
        {"a": set(SURROGATES)},
    ],
    ids=["keys", "members", "tuples as keys", "a set inside"],
)
def test_texts_that_are_sent_alike_are_no_keys_of_one_dict(value):
    with pytest.raises(NotAValueError, match="same when sent"):
        lower(value)
    assert lower(SURROGATES) == [r"\ud800", r"\ud800"]
    # The real channel without that check: the texts arrive as one.
    with pytest.raises(WireError, match="once"):
        unpack(pack(value, 1_000))


def test_two_parts_that_become_equal_are_refused():
    for value in ({1: "a", 2: "b"}, {1, 2}, [{"x": {1, 2}}]):
        with pytest.raises(ValueError, match="are the same"):
            map_value(value, lambda part: 0 if isinstance(part, int) else part)


@pytest.mark.parametrize(
    "payload", [b'{"dict":[["a",1],["a",2]]}', b'{"set":[1,1]}', b'[{"dict":[[1,1],[true,2]]}]'],
)  # fmt: skip
def test_a_child_cannot_send_a_key_twice(payload):
    with pytest.raises(WireError, match="once"):
        unpack(payload)
