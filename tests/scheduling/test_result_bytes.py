from __future__ import annotations

import base64
import json
import pickle
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from viper.models.roles import Completion, Detection
from viper.scheduling import result_bytes
from viper.scheduling.result_bytes import pack, unpack
from viper.usage import Usage

EDGES = st.floats(-1e6, 1e6)
DETECTIONS = st.builds(
    Detection,
    st.tuples(EDGES, EDGES, EDGES, EDGES),
    st.text(),
    st.floats(0, 1),
    st.none() | arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))),
)


@given(arrays(np.float32, array_shapes(max_dims=3), elements=st.floats(width=32)))
def test_arrays_come_back_bit_for_bit(array):
    again = unpack(pack(array))
    assert again.dtype == array.dtype
    assert again.tobytes() == array.tobytes()
    assert again.shape == array.shape


@given(st.lists(DETECTIONS, max_size=4))
def test_detections_come_back_with_their_masks(detections):
    again = unpack(pack(detections))
    assert again == detections
    for one, other in zip(again, detections, strict=True):
        assert (one.mask is None) == (other.mask is None)
        assert one.mask is None or np.array_equal(one.mask, other.mask)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_exactly(number):
    assert unpack(pack(number)) == number


def test_an_answer_comes_back_without_what_it_cost():
    assert unpack(pack(Completion("a \ud83d cat", Usage(5, 2)))) == Completion("a \ud83d cat")


@pytest.mark.parametrize(
    "value",
    [
        object(),
        np.array([object()]),
        float("nan"),
        ["text"],
        np.zeros(3, dtype=np.int64),
        [Detection((0, 0, 1, 1), "cup", None)],
        [Detection((0, 0, 1, 1), "cup", 0.5, np.array([[0.5]]))],
        [Detection((0, 0, 1, 1), object(), 0.5)],
    ],
)
def test_what_no_role_gives_is_not_packed(value):
    assert pack(value) is None


@given(st.binary(max_size=200))
def test_bytes_that_nobody_packed_are_nothing(packed):
    for first in (b"", b"A", b"J"):
        assert isinstance(unpack(first + packed), np.ndarray | float | Completion | list | None)


@given(st.integers(0, 300), st.binary(min_size=1, max_size=3))
def test_damaged_arrays_are_nothing_or_an_array(place, damage):
    packed = bytearray(pack(np.arange(40, dtype=np.float32)))
    packed[place : place + len(damage)] = damage
    again = unpack(bytes(packed))
    assert again is None or isinstance(again, np.ndarray)


@pytest.mark.parametrize(
    "head",
    [b'["O", 1]', b'["f4", 99999999999999999999]', b'["f4", -2, 4]', b'["f4", "1"]', b"[]", b"7"],
)
def test_arrays_that_claim_to_be_something_else_are_nothing(head):
    assert unpack(b"A" + head + b"\n" + bytes(8)) is None


def test_a_pickle_is_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    held = np.empty(1, dtype=object)
    held[0] = Trap()
    np.save(tmp_path / "trap.npy", held, allow_pickle=True)
    assert unpack(b"A" + (tmp_path / "trap.npy").read_bytes()) is None
    assert unpack(b"A" + pickle.dumps(Trap())) is None
    assert not (tmp_path / "sprung").exists()


def test_a_mask_that_claims_to_be_huge_is_nothing():
    packed = pack([Detection((0, 0, 1, 1), "a", 0.5, np.ones((2, 2), dtype=bool))])
    assert unpack(packed.replace(b"[2, 2,", b"[99999999, 99999999,")) is None


def row(*masks):
    """A packed result with one detection per mask."""
    one = {"box_xyxy": [0, 0, 1, 1], "phrase": "x", "score": 1.0}
    return b"J" + json.dumps({"detections": [{**one, "mask": mask} for mask in masks]}).encode()


def blank(height, width):
    bits = zlib.compress(bytes((height * width + 7) // 8), 9)
    return [height, width, base64.b64encode(bits).decode()]


def values(count, one):
    return b'J{"module": [' + b",".join([one] * count) + b"]}"


HUGE = {
    "many masks": lambda: row(*[blank(10_000, 10_000)] * 6),
    "many thin masks": lambda: row(*[blank(1, 90_000_000)] * 6),
    "one mask of texts": lambda: row(["a" * 1_000_000, 1_000_000, ""]),
    "one mask of lists": lambda: row([[0] * 1000, 1_000_000_000, ""]),
    "one mask that inflates": lambda: row([1, 8, blank(1, 800_000_000)[2]]),
    "many values": lambda: values(2_100_000, b"[]"),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_small_row_does_not_become_gigabytes(name):
    packed = HUGE[name]()
    tracemalloc.start()
    try:
        assert unpack(packed) is None
        assert tracemalloc.get_traced_memory()[1] < 300_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["many masks", "many thin masks", "many values", "many tables"])
def test_without_the_limits_it_does(monkeypatch, name):
    """The control; with fewer of them, as memory is short."""
    small = {
        "many masks": lambda: row(*[blank(5000, 5000)] * 5),
        "many thin masks": lambda: row(*[blank(1, 30_000_000)] * 4),
        "many values": lambda: values(200_000, b"[]"),
        "many tables": lambda: values(100_000, b'{"a":0}'),
    }[name]()
    tracemalloc.start()
    try:
        assert unpack(small) is not None
        assert tracemalloc.get_traced_memory()[1] > 10 * len(small)
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(result_bytes, "_MOST_PIXELS", 110_000_000)
    monkeypatch.setattr(result_bytes, "_MOST_VALUES", 90_000)
    assert unpack(small) is None


@pytest.mark.parametrize("missing", [1, 10])
def test_a_mask_with_fewer_pixels_than_its_shape_is_nothing(missing):
    height, width, _ = blank(10, 10)
    bits = base64.b64encode(zlib.compress(bytes(13 - missing), 9)).decode()
    assert unpack(row([height, width, bits])) is None
    assert unpack(row(blank(10, 10))) is not None  # control


def test_what_would_not_be_read_is_not_written(monkeypatch):
    masks = [Detection((0, 0, 1, 1), "a", 0.5, np.ones((10, 10), bool))] * 3
    assert unpack(pack(masks)) == masks  # control
    monkeypatch.setattr(result_bytes, "_MOST_PIXELS", 299)
    assert pack(masks) is None
