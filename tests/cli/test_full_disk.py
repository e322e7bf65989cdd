"""Whole commands on a full disk: one line, nothing half written, and they go on when there is room."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes import bench

pytestmark = pytest.mark.slow

IMAGE = "examples/shapes.png"
QUESTION = "How many cubes are there?"


def viper(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "viper", *map(str, arguments)],
        env=os.environ | variables, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip


def fill(disk, leave_bytes=0):
    """Fill a disk but for some bytes; return the file that does it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            file.truncate(max(0, file.tell() - leave_bytes))
    return filler


def is_one_line(done):
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
    assert "Make room" in done.stderr


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.name != "filler")


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_a_trace_keeps_the_answer_and_the_file_before(small_disk, suffix):
    trace = small_disk / f"run.{suffix}"
    trace.write_text("the one before")
    fill(small_disk)
    done = viper("ask", IMAGE, QUESTION, "--trace", trace, "--embed", "picture")
    assert done.stdout == "4\n"
    is_one_line(done)
    assert trace.read_text() == "the one before"
    assert names(small_disk) == [trace.name]


def test_images_that_are_finished_stay_whole(small_disk):
    from PIL import Image

    fill(small_disk, 120_000)
    done = viper("world", "render", small_disk / "out", "--count", "20", "--size", "96x64")
    is_one_line(done)
    images = list((small_disk / "out").rglob("*.png"))
    assert images
    for path in images:
        Image.open(path).load()
    assert not list(small_disk.rglob("*scenes.json"))
    assert not list(small_disk.rglob("*.part"))


def test_settings_and_a_scaffold_are_not_half_written(small_disk):
    fill(small_disk)
    is_one_line(viper("config", "init", small_disk / "viper.toml"))
    is_one_line(viper("modules", "new", "reading", "--into", small_disk))
    assert names(small_disk) == []


def test_caches_on_a_full_disk_cost_no_answer(small_disk):
    fill(small_disk)
    done = viper("ask", IMAGE, QUESTION, XDG_CACHE_HOME=str(small_disk), VIPER_MEMO="")
    assert (done.returncode, done.stdout) == (0, "4\n")
    done = viper("ask", IMAGE, QUESTION, "--cache", small_disk / "results")
    assert "Traceback" not in done.stderr
    assert done.stdout in ("4\n", "")
    assert viper("program-cache", "list", VIPER_MEMO=str(small_disk / "x")).returncode == 0


def test_a_benchmark_goes_on_with_the_rows_that_were_finished(small_disk, tmp_path):
    rows = [
        {"id": str(n), "image": "a.png", "query": "How many cups are there?", "answer": "3"}
        for n in range(120)
    ]
    data = bench.folder(tmp_path, rows)
    filler = fill(small_disk, 60_000)
    command = ["bench", "jsonl", "--data", data, "--models", "stub", "--json"]
    output = ["--output", small_disk / "run"]
    done = viper(*command, *output)
    is_one_line(done)
    assert "--resume" in done.stderr
    samples = small_disk / "run" / "samples.jsonl"
    kept = samples.read_bytes()
    assert kept.endswith(b"\n")
    assert 0 < kept.count(b"\n") < len(rows)
    json.loads((small_disk / "run" / "run.json").read_text())
    again = viper(*command, *output, "--resume")  # still full
    is_one_line(again)
    assert samples.read_bytes().startswith(kept)
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    done = viper(*command, *output, "--resume")
    assert done.returncode == 0, done.stderr
    assert samples.read_bytes().startswith(kept)
    assert json.loads(done.stdout)["n"] == len(rows)
    assert {"report.json", "report.html", "run.json"} <= set(names(small_disk))


_KILLED = """
import os, signal, sys
left, write = int(sys.argv.pop(1)), os.write
def counted(descriptor, data):
    global left
    if b'"id"' in bytes(data[:400]) and descriptor > 2:
        left -= 1
        if left == 0:
            write(descriptor, memoryview(data)[:len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
    return write(descriptor, data)
os.write = counted
from viper.cli import main
main()
"""


def test_a_kill_in_the_middle_of_a_row_costs_that_row_only(tmp_path):
    rows = [
        {"id": str(n), "image": "a.png", "query": "How many cups are there?", "answer": "3"}
        for n in range(12)
    ]
    command = ["bench", "jsonl", "--data", str(bench.folder(tmp_path, rows)), "--models", "stub",
               "--output", str(tmp_path / "run"), "--json"]  # fmt: skip
    samples = tmp_path / "run" / "samples.jsonl"
    kept = b""
    for k, resume in ((4, []), (3, ["--resume"]), (1, ["--resume"])):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(k), *command, *resume], capture_output=True, check=False
        )  # fmt: skip
        assert done.returncode == -9, done.stderr
        torn = samples.read_bytes()
        assert not torn.endswith(b"\n")
        assert torn.startswith(kept)
        kept = torn[: torn.rindex(b"\n") + 1]
    done = viper(*command, "--resume")
    assert done.returncode == 0, done.stderr
    assert samples.read_bytes().startswith(kept)
    found = [json.loads(line)["id"] for line in samples.read_text().splitlines()]
    assert sorted(found, key=int) == [str(n) for n in range(12)]


def test_a_pull_on_a_full_disk_goes_on_when_there_is_room(small_disk, hub, hub_cache):
    from viper.errors import DownloadError
    from viper.weights import pull as pulling

    weights = os.urandom(150_000)
    hub.add("owner/name", {"config.json": b"{}", "model.safetensors": weights})
    cache = Path(small_disk) / "hub"
    plan = pulling.plan_pull("owner/name")
    plan = type(plan)(plan.listing, plan.files, cache)
    filler = fill(small_disk, 80_000)
    with pytest.raises(DownloadError, match=r"No space left on device\. Make room"):
        pulling.execute_pull(plan, lambda progress: None)
    (part,) = cache.rglob("*.incomplete")
    assert weights.startswith(part.read_bytes())
    assert part.stat().st_size > 0
    assert not list(cache.rglob("snapshots"))
    filler.unlink()
    pulled = pulling.execute_pull(plan, lambda progress: None)
    assert (pulled.folder / "model.safetensors").read_bytes() == weights
