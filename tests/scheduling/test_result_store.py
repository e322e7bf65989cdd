"""Results on disk: they outlive the process, however it ends, and several processes may share them."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from viper.errors import ConfigError
from viper.scheduling import result_store
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


def stored(folder, count=4):
    """Write vectors of 300 numbers; return the file."""
    store = ResultStore(folder)
    for number in range(count):
        store.put(f"key {number}".encode(), np.full(300, number, dtype=np.float32))
    store.close()
    return store.path


def test_a_value_in_the_place_of_another_is_not_used(tmp_path):
    with sqlite3.connect(stored(tmp_path)) as file:
        file.execute(
            "UPDATE results SET value = (SELECT value FROM results WHERE key = ?) WHERE key = ?",
            (b"key 1", b"key 2"),
        )
    store = ResultStore(tmp_path)
    assert store.get(b"key 2") is None
    assert store.get(b"key 1")[0] == 1  # control
    store.close()


@pytest.mark.parametrize("at", [0, 5, 40, 700, -17, -1])
def test_a_value_with_one_wrong_bit_is_not_used(tmp_path, at):
    with sqlite3.connect(stored(tmp_path, 1)) as file:
        value = bytearray(file.execute("SELECT value FROM results").fetchone()[0])
        value[at] ^= 4
        file.execute("UPDATE results SET value = ?", (bytes(value),))
    store = ResultStore(tmp_path)
    assert store.get(b"key 0") is None
    store.close()


def test_a_value_of_version_0_1_which_has_no_checksum_is_read(tmp_path):
    with sqlite3.connect(stored(tmp_path, 1)) as file:
        file.execute("UPDATE results SET value = substr(value, 18)")
    store = ResultStore(tmp_path)
    assert store.get(b"key 0") is not None
    store.close()


def test_control_without_the_checksum_a_wrong_bit_is_another_number(tmp_path, monkeypatch):
    monkeypatch.setattr(result_store, "_checksum", lambda key, value: bytes(16))
    with sqlite3.connect(stored(tmp_path, 1)) as file:
        value = bytearray(file.execute("SELECT value FROM results").fetchone()[0])
        value[702] ^= 0x40
        file.execute("UPDATE results SET value = ?", (bytes(value),))
    store = ResultStore(tmp_path)
    assert set(store.get(b"key 0").tolist()) != {0.0}
    store.close()


@pytest.mark.parametrize("value", ["a text", 7, None, b"", b"J", bytes(16)])
def test_a_row_of_another_type_is_not_used(tmp_path, value):
    path = stored(tmp_path, 1)
    with sqlite3.connect(path) as file:
        # As in a damaged file, where the rule of the table did not apply.
        file.execute("PRAGMA writable_schema = ON")
        file.execute(
            "UPDATE sqlite_master SET sql = replace(replace(sql, 'STRICT', ''), "
            "'value BLOB NOT NULL', 'value') WHERE name = 'results'"
        )
    with sqlite3.connect(path) as file:
        file.execute("UPDATE results SET value = ?", (value,))
        file.execute("PRAGMA writable_schema = ON")
        file.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'results'", (TABLE,))
    store = ResultStore(tmp_path)
    assert store.get(b"key 0") is None
    store.close()


TABLE = result_store._LAYOUT.schema.strip().removesuffix(";")


def test_bytes_changed_at_random_never_change_a_result(tmp_path, caplog):
    sound = stored(tmp_path / "sound", 30).read_bytes()
    dice, right, refused = random.Random(7), 0, 0
    for attempt in range(40):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        content = bytearray(sound)
        for _ in range(dice.choice([1, 3, 30, 300])):
            content[dice.randrange(len(content))] = dice.randrange(256)
        (folder / "results.sqlite").write_bytes(content[: dice.choice([None, None, 9000])])
        (folder / "results.sqlite").chmod(0o600)
        try:
            store = ResultStore(folder)
        except ConfigError:
            refused += 1
            continue
        for number in range(30):
            value = store.get(f"key {number}".encode())
            assert value is None or value.tolist() == [number] * 300
            right += value is not None
        store.put(b"new", 1.0)
        store.close()
    assert right > 300  # most damage leaves most results
    assert refused
    assert "Traceback" not in caplog.text


def test_a_damaged_file_is_reported_once(tmp_path, caplog):
    path = stored(tmp_path, 30)
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    store = ResultStore(tmp_path)
    for number in range(30):
        assert store.get(f"key {number}".encode()) is None
    store.close()
    assert sum("cannot be read" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("kind", ["an endless view", "a pipe"])
def test_a_hostile_file_is_refused_in_one_line(tmp_path, kind):
    path = tmp_path / "results.sqlite"
    if kind == "a pipe":
        os.mkfifo(path)
    else:
        with sqlite3.connect(path) as file:
            file.execute(
                "CREATE VIEW results AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 "
                "FROM n) SELECT key AS number, key, key AS size, key AS value FROM n"
            )
            file.execute(f"PRAGMA application_id = {result_store._LAYOUT.application_id}")
            file.execute(f"PRAGMA user_version = {result_store._LAYOUT.version}")
    with pytest.raises(ConfigError, match=r"cannot be used: .*Give a folder") as refused:
        ResultStore(tmp_path)
    assert "\n" not in str(refused.value)


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
