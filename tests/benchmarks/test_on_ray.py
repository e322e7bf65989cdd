"""A run on a Ray cluster of two workers on this machine gives the rows of a run in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from fakes import bench
from viper_benchmarks.run_folder import read_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

N = 120
WORKER = "ray::_RemoteEvaluator"


@pytest.fixture
def data(tmp_path):
    pytest.importorskip("ray")
    rows = [{**row, "id": f"{row['id']}-{i}"} for i in range(N // 6) for row in bench.ROWS]
    return bench.folder(tmp_path, rows)


def command(data, output, *more):
    # A path from the working directory, which workers must find too.
    return [sys.executable, "-m", "viper", "bench", "jsonl", "--data", data.name, "--models", "stub",
            "--baselines", "--output", str(output), "--json", *more]  # fmt: skip


def local_rows(data, tmp_path):
    # A run on Ray writes no pages of traces.
    subprocess.run(
        command(data, tmp_path / "local", "--traces", "none"),
        check=True, capture_output=True, cwd=data.parent,
    )  # fmt: skip
    return rows_of(tmp_path / "local")


def rows_of(output):
    """Return rows by id without what depends on who else was answered at the time."""
    rows = [row.to_json() for row in read_rows(output / "samples.jsonl")]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: {**row, "ms": None, "forwards": None} for row in rows}


def workers_of(process):
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if command_of(child).startswith(WORKER)
    ]


def command_of(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def test_a_worker_that_is_killed_in_the_middle_costs_no_sample(data, tmp_path):
    output = tmp_path / "ray"
    process = subprocess.Popen(
        command(data, output, "--engine", "ray", "--workers", "2", "--concurrency", "2"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=data.parent,
    )  # fmt: skip
    samples = output / "samples.jsonl"
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if samples.exists() and samples.read_bytes().count(b"\n") >= N // 4:
            break
        time.sleep(0.02)
    workers = workers_of(process)
    assert len(workers) == 2
    workers[0].kill()
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert rows_of(output) == local_rows(data, tmp_path)
    report = json.loads(stdout)
    assert report["n"] == N
    assert report["failures"] == {"runtime": N // 6, "input": N // 6}
    config = json.loads((output / "run.json").read_text())
    assert (config["engine"], config["workers"], config["workers_lost"]) == ("ray", 2, 1)
    assert "a worker on the Ray cluster was lost" in stderr
    assert not workers[1].is_running()


def test_a_worker_that_cannot_start_is_one_clear_line(data, tmp_path):
    done = subprocess.run(
        [*command(data, tmp_path / "out", "--engine", "ray"), "--backend", "detector=onnx:none.onnx",
         "--models", "none"],
        capture_output=True, text=True, cwd=data.parent,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot start" in done.stderr
    assert "none.onnx" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_long_folder_of_temporary_files_does_not_stop_it(data, tmp_path):
    folder = tmp_path / ("x" * 60) / ("y" * 60)
    folder.mkdir(parents=True)
    done = subprocess.run(
        command(data, tmp_path / "out", "--engine", "ray", "--workers", "1"),
        capture_output=True, text=True, cwd=data.parent, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(rows_of(tmp_path / "out")) == N
