"""A run that is killed at any moment loses no sample and repeats none."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from fakes import bench
from viper_benchmarks.run_folder import read_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

N = 400


@pytest.fixture
def data(tmp_path):
    questions = ("How many cups are there?", "Is there a red cup?", "What color is the cup?")
    rows = [
        {"id": str(i), "image": "a.png", "query": questions[i % 3], "answer": "3"} for i in range(N)
    ]
    return bench.folder(tmp_path, rows)


def start(data, output, *more):
    return subprocess.Popen(
        [sys.executable, "-m", "viper", "bench", "jsonl", "--data", data, "--models", "stub",
         "--concurrency", "8", "--output", output, "--json", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def lines(samples):
    return samples.read_bytes().count(b"\n") if samples.exists() else 0


def test_a_run_that_is_killed_again_and_again_is_resumed_to_the_same_rows(data, tmp_path):
    output = tmp_path / "out"
    samples = output / "samples.jsonl"
    chance = random.Random(7)
    kept: dict[str, str] = {}
    kills = 0
    while kills < 5:
        process = start(data, output, *(["--resume"] if samples.exists() else []))
        # Somewhere within the next sixth of the rows, or while it starts.
        wanted = lines(samples) + chance.randrange(0, N // 6)
        until = time.monotonic() + 60
        while lines(samples) < wanted and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        assert process.poll() is None, process.communicate()[1]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        now = {
            row.id: json.dumps(row.to_json())
            for row in (read_rows(samples) if samples.exists() else ())
        }
        assert kept.items() <= now.items(), "a row that was there is gone, or was answered again"
        kept = now
    assert 0 < len(kept) < N
    process = start(data, output, "--resume")
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    rows = list(read_rows(samples))
    assert Counter(row.id for row in rows) == Counter(str(i) for i in range(N))
    assert kept.items() <= {row.id: json.dumps(row.to_json()) for row in rows}.items()
    report = json.loads(stdout)
    whole = json.loads(start(data, tmp_path / "whole").communicate(timeout=300)[0])
    for key in ("n", "accuracy", "accuracy_ci95", "metrics", "failures", "ids_sha256_sum", "calls"):
        assert report[key] == whole[key]


def test_nothing_of_a_killed_run_goes_on(data, tmp_path):
    samples = tmp_path / "out" / "samples.jsonl"
    process = start(data, tmp_path / "out")
    until = time.monotonic() + 60
    while lines(samples) < 20 and time.monotonic() < until:
        time.sleep(0.01)
    group = children_of(process.pid)
    assert group
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until = time.monotonic() + 10
    while any(map(alive, group)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in group if alive(pid)]


def children_of(pid):
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
