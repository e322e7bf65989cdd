"""However much two files differ, the list of differences is short."""

from __future__ import annotations

import tracemalloc

import pytest

from viper.trace import differences as differences_module
from viper.trace.differences import differences, differences_of_all

N = 30_000


def dict_of_program(items):
    return {"type": "dict", "items": [list(item) for item in items]}


HOSTILE = {
    "other items": ([0] * N, [1] * N),
    "other types": ([0] * N, [False] * N),
    "lists of one": ([[0]] * N, [[1]] * N),
    "keys that one lacks": (dict_of_program((f"k{i}", 0) for i in range(N)), dict_of_program([])),
    "other values of keys": (
        dict_of_program((f"k{i}", 0) for i in range(N)), dict_of_program((f"k{i}", 1) for i in range(N))),
    "longer lists everywhere": ([[0, 0, 0]] * N, [[]] * N),
    "values below long keys": ({"k" * 60: {"\U00010300" * 60: [0] * N}},
                               {"k" * 60: {"\U00010300" * 60: [1] * N}}),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_the_list_is_bounded_whoever_asks_for_it(name, monkeypatch):
    first, second = HOSTILE[name]
    found = list(differences(first, second))
    assert len(found) == differences_module.MAX_DIFFERENCES + 1
    assert found[-1].path == "… more than 10000 differences; the rest is not listed"
    monkeypatch.setattr(differences_module, "MAX_DIFFERENCES", 10**9)  # the control
    assert len(list(differences(first, second))) == N


def test_the_bound_is_for_all_pairs_together():
    found = list(differences_of_all(([0] * 20, [1] * 20, f"turns[{i}]") for i in range(1_000)))
    assert len(found) == differences_module.MAX_DIFFERENCES + 1
    assert found[20].path == "turns[1][0]"


@pytest.mark.parametrize(
    ("first", "second", "reported"),
    [
        ([0] * 5, [], "[0:]: '5 more items' became null"),
        ([], [0] * 3_900_000, "[0:]: null became '3,900,000 more items'"),
        ({"a": [1, 2]}, {"a": [1, 2, 3, 4]}, "a[2:]: null became '2 more items'"),
        ({"a": [1, {"b": []}]}, {"a": [1, {"b": [[], []]}]}, "a[1].b[0:]: null became '2 more items'"),
        ([7], [], "[0]: 7 became null"),
        ([1, 2], [1, 2, [3, 4]], "[2]: null became an array of 2 items"),
    ],
)  # fmt: skip
def test_further_items_are_one_difference(first, second, reported):
    assert [str(difference) for difference in differences(first, second)] == [reported]


def test_memory_does_not_grow_with_the_files(monkeypatch):
    def peak(count):
        first, second = ({"\U00010300" * 60: {"x" * 60: [value] * count}} for value in (0, 1))
        tracemalloc.start()
        try:
            list(differences(first, second))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    bounded = peak(40_000)
    assert bounded < 1.5 * peak(10_001)
    monkeypatch.setattr(differences_module, "MAX_DIFFERENCES", 10**9)
    assert peak(40_000) > 3 * bounded


# Keys of roles and of attributes are a stranger's: what has the tag of a dict there need not be one.
LIKE_A_DICT = {
    "items that are no list": ({"type": "dict", "items": ""}, {"a": "b"}),
    "items that make no dict": ({"type": "dict", "items": "abc"}, {"a": "b"}),
    "no items": ({"type": "dict"}, {"a": "b"}),
    "items that are pairs of letters": ({"type": "dict", "items": ["ab", "cd"]}, {"a": "b"}),
    "the same key twice": ({"type": "dict", "items": [["a", 1], ["a", 2]]}, {"b": 2}),
    "further keys": ({"type": "dict", "items": [["a", 1]]}, {"detector": "another"}),
}


@pytest.mark.parametrize("name", LIKE_A_DICT)
def test_nothing_is_dropped_of_what_looks_like_a_dict_of_a_program(name):
    plain, more = LIKE_A_DICT[name]
    assert not list(differences(plain, dict(plain)))
    for other in ({**plain, **more}, more):
        assert list(differences(plain, other))
        assert list(differences(other, plain))
    twice = {"type": "dict", "items": [["a", 2], ["a", 2]]}
    assert list(differences({"type": "dict", "items": [["a", 1], ["a", 2]]}, twice))
