"""Adapters of records: made once, however many threads ask for one at the same time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pydantic
import pytest

from viper.trace import model

THREADS = 8


@pytest.fixture
def making(monkeypatch):
    """How many adapters are being made whenever one is begun."""
    at_once, now, lock = [], [0], threading.Lock()

    class Adapter:
        def __init__(self, kind):
            with lock:
                now[0] += 1
                at_once.append(now[0])
            time.sleep(0.02)
            with lock:
                now[0] -= 1

    monkeypatch.setattr(pydantic, "TypeAdapter", Adapter)
    monkeypatch.setattr(model, "_adapters", {})
    return at_once


def ask(kinds):
    start = threading.Barrier(THREADS)

    def one(kind):
        start.wait()
        return model.adapter(kind)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, kinds))


def test_an_adapter_is_made_once_for_all_threads(making):
    made = ask([model.Record] * THREADS)
    assert len(set(made)) == len(making) == 1


def test_adapters_are_made_one_after_the_other(making):
    ask([int, str, float, bytes] * (THREADS // 4))
    assert making == [1] * 4


def test_control_without_the_lock_they_are_made_at_once(making, monkeypatch):
    class NoLock:
        def __enter__(self):
            pass

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(model, "_making", NoLock())
    ask([model.Record] * THREADS)
    assert max(making) > 1
