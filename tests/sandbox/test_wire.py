import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper_sandbox.wire import (
    MAX_INTEGER,
    FrameBuffer,
    PatchRef,
    WireError,
    frame,
    pack,
    unpack,
)

ROOM = 10_000_000
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
patches = st.builds(
    PatchRef,
    st.integers(-MAX_INTEGER, MAX_INTEGER),
    st.tuples(finite, finite, finite, finite),
    texts,
    finite,
)
scalars = (
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | finite | texts | patches
)
keys = scalars | st.tuples(scalars, scalars)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner) | st.sets(keys)
    ),
    max_leaves=20,
)
json_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["patch", "tuple", "dict", "set", "x"]), inner)
    ),
    max_leaves=20,
)


def typed(value):
    """Tell 1, 1.0 and True apart, which compare equal."""
    if isinstance(value, (list, tuple)):
        return (type(value), [typed(item) for item in value])
    if isinstance(value, dict):
        return (dict, [(typed(k), typed(v)) for k, v in value.items()])
    return (type(value), repr(value) if isinstance(value, float) else value)


@given(values)
def test_every_wire_value_comes_back_as_it_went(value):
    assert typed(unpack(pack(value, ROOM))) == typed(value)


@given(st.binary())
def test_no_bytes_raise_anything_but_a_wire_error(data):
    with contextlib.suppress(WireError):
        unpack(data)


@given(json_trees)
def test_no_json_raises_anything_but_a_wire_error(tree):
    with contextlib.suppress(WireError):
        unpack(json.dumps(tree).encode())


@given(st.lists(values, max_size=4), st.data())
def test_frames_survive_any_cutting_of_the_stream(sent, data):
    stream = b"".join(frame(pack(value, ROOM)) for value in sent)
    buffer = FrameBuffer(ROOM)
    received = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        buffer.feed(stream[:cut])
        stream = stream[cut:]
        while (payload := buffer.take()) is not None:
            received.append(unpack(payload))
    assert [typed(value) for value in received] == [typed(value) for value in sent]
    assert len(buffer) == 0


def test_a_dict_with_magic_keys_stays_a_dict():
    magic = {"__class__": "os.system", "py/object": "x", "patch": [1], "tuple": [2]}
    assert unpack(pack(magic, ROOM)) == magic


def test_numbers_of_other_libraries_become_plain():
    class Fancy(float):
        pass

    assert type(unpack(pack(Fancy(1.5), ROOM))) is float


@pytest.mark.parametrize("before", ["", "a", "\\", "\\\\", '"', "\n", "é"])
def test_lone_surrogates_become_visible_escapes(before):
    text = f"{before}\ud800b\udfff"
    assert unpack(pack(text, ROOM)) == before + "\\ud800b\\udfff"
    assert unpack(pack({text: 1}, ROOM)) == {before + "\\ud800b\\udfff": 1}
    plain = f"{before}\U0001f642b"  # the control: a whole character stays
    assert unpack(pack(plain, ROOM)) == plain


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[1,]", "not valid JSON"),
        (b"NaN", "must be finite, got NaN"),
        (b"[Infinity]", "must be finite, got Infinity"),
        (b"1e999", "must be finite, got inf"),
        (b"9223372036854775808", "must fit into 64 bits"),
        (b"1" * 5000, "not valid JSON"),
        (b"{}", "must have one key, got 0"),
        (b'{"tuple":[],"set":[]}', "must have one key, got 2"),
        (b'{"tuple":[],"tuple":[]}', "must have one key, got 2"),
        (b'{"object":[]}', "Unknown tag 'object'"),
        (b'{"tuple":{"tuple":[]}}', "must hold a list"),
        (b'{"tuple":3}', "must hold a list"),
        (b'{"dict":[[1]]}', r"\[key, value\] pairs"),
        (b'{"dict":[[[],1]]}', "cannot be a list"),
        (b'{"set":[{"dict":[]}]}', "cannot be a dict"),
        (b'{"patch":[1,2,3,4,5]}', "A patch must be"),
        (b'{"patch":[true,0,0,1,1,"x",1]}', "A patch must be"),
        (b'{"patch":[1,"0",0,1,1,"x",1]}', "Expected a number"),
        (b'{"patch":[1,1e999,0,1,1,"x",1]}', "must be finite"),
        (b'"\\ud800"', "lone surrogates"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper"),
        (b"[" + b"0," * 300_000 + b"0]", "More than 200,000 values"),
    ],
)
def test_refuses_payload(payload, message):
    with pytest.raises(WireError, match=message):
        unpack(payload)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "type object cannot cross"),
        (b"bytes", "type bytes cannot cross"),
        (lambda: 1, "type function cannot cross"),
        (float("nan"), "must be finite"),
        (float("inf"), "must be finite"),
        (2**63, "must fit into 64 bits"),
        ([0] * 300_000, "More than 200,000"),
    ],
    ids=["object", "bytes", "function", "nan", "inf", "big", "many"],
)
def test_does_not_send(value, message):
    with pytest.raises(WireError, match=message):
        pack(value, ROOM)


def test_does_not_send_a_list_that_contains_itself():
    loop = []
    loop.append(loop)
    with pytest.raises(WireError, match="nested deeper than 32"):
        pack(loop, ROOM)


def test_does_not_send_more_than_the_limit():
    with pytest.raises(WireError, match="needs 12 bytes; 11 are allowed"):
        pack("x" * 10, 11)


@pytest.mark.parametrize("length", [0, 101, 2**32 - 1])
def test_refuses_a_frame_by_its_header_before_its_body(length):
    buffer = FrameBuffer(100)
    buffer.feed(length.to_bytes(4, "big"))
    with pytest.raises(WireError, match="1 to 100 are allowed"):
        buffer.take()
