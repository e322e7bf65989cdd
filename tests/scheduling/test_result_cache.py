"""Laws of the cache: it gives back what was put, holds no more than its bytes, and drops the oldest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import TimeoutError as NotDone

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from viper.models.roles import Completion, Detection
from viper.scheduling import result_cache
from viper.scheduling.result_bytes import size_in_memory
from viper.scheduling.result_cache import ResultCache

MOST = 4_000


class Machine(RuleBasedStateMachine):
    """Every order of putting, getting and clearing, against a plain model."""

    @initialize()
    def start(self):
        self.cache = ResultCache(MOST)
        self.model: OrderedDict[bytes, np.ndarray] = OrderedDict()

    keys = st.integers(0, 9).map(lambda n: bytes([n]))

    @rule(key=keys, count=st.integers(0, 1_500))
    def put(self, key, count):
        value = np.full(count, key[0], dtype=np.float32)
        self.cache.put(key, value)
        if size_in_memory(value) > MOST:
            return
        self.model.pop(key, None)
        self.model[key] = value
        while sum(map(size_in_memory, self.model.values())) > MOST:
            self.model.popitem(last=False)

    @rule(key=keys)
    def get(self, key):
        found = self.cache.get(key)
        assert (found is None) == (key not in self.model)
        if found is not None:
            self.model.move_to_end(key)
            assert np.array_equal(found, self.model[key])

    @rule()
    def clear(self):
        self.cache.clear()
        self.model.clear()

    @invariant()
    def it_holds_what_the_model_holds(self):
        assert len(self.cache) == len(self.model)
        assert self.cache.bytes_used == sum(map(size_in_memory, self.model.values())) <= MOST


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLaws = Machine.TestCase


def test_what_is_remembered_cannot_be_written_into():
    cache = ResultCache(10_000)
    cache.put(b"a", np.zeros(3, dtype=np.float32))
    assert not cache.get(b"a").flags.writeable


def test_a_result_that_is_larger_than_the_cache_drives_nothing_out():
    cache = ResultCache(2_000)
    cache.put(b"small", 1.0)
    cache.put(b"large", np.zeros(10_000, dtype=np.float32))
    assert cache.get(b"large") is None
    assert cache.get(b"small") == 1.0


def test_a_row_of_a_batch_counts_as_a_row_and_keeps_no_batch_alive():
    whole = np.arange(64_000, dtype=np.float32).reshape(1_000, 64)
    cache = ResultCache(1_000)
    cache.put(b"row", whole[1])
    row = cache.get(b"row")
    assert cache.bytes_used == size_in_memory(row) < 1_000
    assert not np.shares_memory(row, whole)
    assert np.array_equal(row, whole[1])


def test_an_array_of_its_own_is_not_copied_and_stays_writable_for_its_backend():
    own = np.zeros(64, dtype=np.float32)
    cache = ResultCache(1_000)
    cache.put(b"own", own)
    assert np.shares_memory(cache.get(b"own"), own)
    assert own.flags.writeable


def test_every_kind_of_result_has_a_size():
    mask = np.ones((40, 50), dtype=bool)
    detection = Detection((0, 0, 1, 1), "cup", 0.5, mask)
    assert size_in_memory([detection, detection]) > 2 * mask.nbytes
    assert size_in_memory(Completion("x" * 1_000)) > 1_000
    assert size_in_memory([]) > 0
    assert size_in_memory(0.5) > 0


@pytest.mark.parametrize("readers", [result_cache._READERS, 1])
def test_a_row_that_takes_long_does_not_hold_up_others(monkeypatch, readers):
    monkeypatch.setattr(result_cache, "_READERS", readers)
    go_on = threading.Event()

    class Store:
        def get(self, key):
            if key == b"slow":
                go_on.wait(30)
            return 1.0

        def close(self):
            pass

    cache = ResultCache(MOST, Store())
    slow, other = cache.from_disk([b"slow"]), cache.from_disk([b"other"])
    try:
        if readers == 1:  # the control
            with pytest.raises(NotDone):
                other.result(0.2)
        else:
            assert other.result(20) == {b"other": 1.0}
        assert not slow.done()
    finally:
        go_on.set()
        cache.close()
