"""Backends that do not come back, or raise what ends a process: an answer fails, the engine goes on."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from fakes.backends import FakeDetector, FakeMatcher
from viper import Engine
from viper.engine.loop import LoopThread
from viper.scheduling import model_pool, result_cache
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.result_store import ResultStore

PICTURE = np.zeros((40, 60, 3), np.uint8)
COUNT = "def execute_command(image):\n    return len(image.find('cup'))"
MATCH = "def execute_command(image):\n    return image.best_text_match(['a', 'b'])"
CUPS = {"cup": [((1, 1, 5, 5), 0.9), ((11, 11, 15, 15), 0.9)]}


class SlowOnce(FakeDetector):
    """Its first forward takes until `go` is set."""

    go = threading.Event()
    first = True

    def detect(self, requests):
        if self.first:
            self.first = False
            self.go.wait(20)
        return super().detect(requests)


@pytest.fixture
def slow():
    detector = SlowOnce(CUPS)
    detector.go = threading.Event()
    yield detector
    detector.go.set()


def until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 10 s")


def test_a_call_that_timed_out_keeps_its_late_result(slow):
    with Engine("none", backends={"detector": slow}, model_call_s=0.2) as engine:
        first = engine.run_program(COUNT, PICTURE)
        assert first.failure.kind in ("timeout", "model")
        until(lambda: engine.health()[0].stuck)
        assert engine.health()[0].stuck_s >= 0.2
        began = time.monotonic()
        refused = engine.run_program(COUNT, PICTURE)
        assert refused.failure.kind == "model"
        assert "has not come back" in refused.failure.message
        assert time.monotonic() - began < 3  # not model_call_s for each
        slow.go.set()
        until(lambda: not engine.health()[0].stuck)
        again = engine.run_program(COUNT, PICTURE)
        assert again.value == 2
        assert engine.load()["detector"].forwards == 1  # the late one


def test_control_without_a_cache_the_late_result_is_computed_again(slow):
    backends = {"detector": slow}
    with Engine("none", backends=backends, model_call_s=0.2, cache_mb=0) as engine:
        engine.run_program(COUNT, PICTURE)
        until(lambda: engine.health()[0].stuck)
        slow.go.set()
        until(lambda: not engine.health()[0].stuck)
        assert engine.run_program(COUNT, PICTURE).value == 2
        assert engine.load()["detector"].forwards == 2


class Ending:
    """Ends the process when one of its methods is called, until `done`."""

    def __init__(self, where, error):
        self.__dict__.update(where=where, error=error, done=False, inner=FakeMatcher({"a": 0.3}))

    def __getattr__(self, name):
        value = getattr(self.inner, name)
        return self._ending(value) if name == self.where else value

    def _ending(self, value):
        def ends(*arguments):
            if not self.done:
                raise self.error
            return value(*arguments)

        return ends

    def refusal(self, text):
        return self._ending(lambda _: None)(text) if self.where == "refusal" else None

    def doubt(self, image):
        return self._ending(lambda _: None)(image) if self.where == "doubt" else None


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["embed_images", "embed_texts", "refusal", "doubt"])
def test_a_backend_that_ends_the_process_fails_one_answer(where, error):
    matcher = Ending(where, error)
    with Engine("none", backends={"matcher": matcher}) as engine:
        failed = engine.run_program(MATCH, PICTURE)
        assert failed.failure is not None
        assert failed.failure.kind == "model"
        assert type(error).__name__ in failed.failure.message
        matcher.done = True
        assert engine.run_program(MATCH, PICTURE).value == "a"


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_a_task_that_ends_the_process_does_not_end_the_loop(error):
    loop = LoopThread("loop")

    async def ends():
        raise error

    async def works():
        return 3

    with pytest.raises(type(error)):
        loop.run(ends())
    assert loop.run(works()) == 3
    loop.close()


class Hanging:
    """A disk that does not answer until `go` is set."""

    def __init__(self, store):
        self._store, self.go, self.reads = store, threading.Event(), 0

    def get(self, key):
        self.reads += 1
        self.go.wait(20)
        return self._store.get(key)

    def __getattr__(self, name):
        return getattr(self._store, name)


def test_a_disk_that_does_not_answer_costs_one_wait(monkeypatch, tmp_path):
    monkeypatch.setattr(model_pool, "_DISK_S", 0.3)
    monkeypatch.setattr(result_cache, "_STALLED_S", 0.1)
    disk = Hanging(ResultStore(tmp_path))
    cache = ResultCache(10**6, disk)
    monkeypatch.setattr("viper.engine.engine.opened_cache", lambda config: cache)
    with Engine("none", backends={"detector": FakeDetector(CUPS)}) as engine:
        assert engine.run_program(COUNT, PICTURE).value == 2
        cache.clear()
        assert engine.run_program(COUNT, PICTURE).value == 2
        assert disk.reads <= 1
        disk.go.set()


def test_a_result_that_cannot_be_packed_costs_no_other(monkeypatch, tmp_path):
    from viper.scheduling import result_store

    pack = result_store.pack

    def picky(value):
        if isinstance(value, str):
            raise SystemExit(1)
        return pack(value)

    monkeypatch.setattr(result_store, "pack", picky)
    monkeypatch.setattr(result_store, "_PER_TRANSACTION", 1)
    store = ResultStore(tmp_path)
    store.put(b"1", "bad")
    store.put(b"2", np.ones(2, np.float32))
    store.close()
    again = ResultStore(tmp_path)
    assert again.get(b"2").tolist() == [1, 1]
    again.close()
