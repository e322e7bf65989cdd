"""Results on disk: they outlive the process, however it ends, and several processes may share them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from viper.errors import ConfigError
from viper.scheduling.result_cache import ResultCache
from viper.scheduling.result_store import ResultStore


def number_of_rows(store):
    with sqlite3.connect(store.path) as file:
        return file.execute("SELECT count(*) FROM results").fetchone()[0]


def test_a_later_process_finds_what_an_earlier_one_computed(tmp_path):
    vector = np.arange(8, dtype=np.float32)
    first = ResultCache(10**6, ResultStore(tmp_path / "cache"))
    first.put(b"key", vector)
    first.close()
    second = ResultCache(10**6, ResultStore(tmp_path / "cache"))
    assert np.array_equal(second.get(b"key"), vector)
    assert len(second) == 1  # in memory from now on
    assert second.get(b"other") is None
    second.close()


def test_the_file_is_its_owners_alone(tmp_path):
    store = ResultStore(tmp_path / "cache")
    assert store.path.stat().st_mode & 0o077 == 0
    assert store.path.parent.stat().st_mode & 0o077 == 0
    store.close()


def test_closing_twice_and_using_it_afterwards_does_nothing(tmp_path):
    store = ResultStore(tmp_path)
    store.close()
    store.close()
    store.put(b"key", 1.0)
    assert store.get(b"key") is None


def test_a_result_is_handed_in_while_a_read_waits(tmp_path):
    store = ResultStore(tmp_path)
    with store._reads:  # as a read that waits for another process
        handed_in = threading.Thread(target=store.put, args=(b"key", 1.0))
        handed_in.start()
        handed_in.join(5)
        assert not handed_in.is_alive()
    store.close()


def test_the_oldest_make_way_when_the_file_is_full(tmp_path):
    store = ResultStore(tmp_path, max_bytes=50_000)
    for number in range(100):
        store.put(number.to_bytes(2, "big"), np.zeros(1_000, dtype=np.float32))
    store.close()
    again = ResultStore(tmp_path, max_bytes=50_000)
    assert 0 < number_of_rows(again) <= 12
    assert again.get((99).to_bytes(2, "big")) is not None
    assert again.get((0).to_bytes(2, "big")) is None
    again.close()


def test_a_damaged_row_is_computed_again(tmp_path):
    store = ResultStore(tmp_path)
    store.put(b"key", 1.0)
    store.close()
    with sqlite3.connect(store.path) as file:
        file.execute("UPDATE results SET value = ?", (b"Jx",))
    store = ResultStore(tmp_path)
    assert store.get(b"key") is None
    store.close()


@pytest.mark.parametrize("content", [b"not a database at all" * 50, None])
def test_a_file_of_somebody_else_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "results.sqlite"
    if content is None:
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE mine (x)")
        file.close()
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"cache .* cannot be used: .*Give a folder"):
        ResultStore(tmp_path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        ResultStore(tmp_path / "file" / "cache")


WRITER = """
import sys, time
import numpy as np
from pathlib import Path
from viper.scheduling.result_store import ResultStore

folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = ResultStore(folder)
number = 0
while number < count or count == 0:
    store.put(f"{name} {number}".encode(), np.full(200, number, dtype=np.float32))
    number += 1
    if number == 300:
        print("running", flush=True)
    if count == 0:
        time.sleep(0.0002)
store.close()
"""


def writer(folder, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_write_at_the_same_time(tmp_path):
    children = [writer(tmp_path, name, 400) for name in ("one", "two")]
    assert [child.wait(60) for child in children] == [0, 0]
    for child in children:
        child.stdout.close()
    store = ResultStore(tmp_path)
    assert number_of_rows(store) == 800
    assert store.get(b"two 399")[0] == 399
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(5))
def test_a_process_that_is_killed_leaves_a_sound_file(tmp_path, attempt):
    child = writer(tmp_path, "killed", 0)
    assert child.stdout.readline() == "running\n"
    time.sleep(0.05 * attempt)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    child.stdout.close()
    store = ResultStore(tmp_path)
    with sqlite3.connect(store.path) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = file.execute("SELECT count(*) FROM results").fetchone()
        # Written in order: what is there is a beginning of what was put.
        last = file.execute("SELECT key FROM results ORDER BY number DESC LIMIT 1").fetchone()
    assert count > 0
    assert last == (f"killed {count - 1}".encode(),)
    assert store.get(b"killed 0")[0] == 0
    store.put(b"new", 1.0)
    store.close()
