"""Every reader of traces holds against hostile files: one clear line, or a correct display."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from fakes import hostile_traces
from fakes.hostile_traces import KINDS, PARTS, SECRET, hostile
from fakes.peak_memory import run_measured
from fakes.watched_files import watching
from viper.cli import cli, trace_text
from viper.errors import InputError, ViperError
from viper.images.values import json_patches, to_json_value
from viper.replay import again
from viper.replay.changed import find_image, trusted_backends
from viper.replay.recorded import RecordedWorld
from viper.trace import read
from viper.trace.model import adapter
from viper.trace.page import trace_page
from viper.trace.read import read_trace, trace_of
from viper.trace.record import Trace
from viper.trace.stats import RunStats
from viper.trace.summary import summary_html
from viper.trace.values import check_value

ORIGINAL = hostile_traces.FOLDER / "containers.json"
SMALL = hostile_traces.FOLDER / "floats.json"
SLOW_KINDS = (hostile_traces.text_of_a_megabyte, hostile_traces.many_of_one)
_MOST_OUTPUT = 2_000_000
_LONGEST_ERROR = 2_000


def viper(*arguments):
    """Run a command in this process; an exception other than an exit is a traceback to its user."""
    result = CliRunner().invoke(
        cli, [str(argument) for argument in arguments], env={"COLUMNS": "120"}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def read_by_all(path):
    """Let each reader of traces that runs no program read a file; return whether it is a trace."""
    result = viper("trace", "show", path)
    assert len(result.output) < _MOST_OUTPUT
    trace = refused_in_one_line(read_trace, path)
    if trace is None:
        assert result.exit_code != 0
        assert result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.startswith("viper: ")
        return False
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        trace_of(trace.to_json()).to_json() == trace.to_json()
    )  # times are rounded where they are written
    json.loads(viper("trace", "show", path, "--json").stdout)
    for options in (["--times"], ["--json"]):
        assert viper("trace", "diff", path, SMALL, *options).stderr == ""
    assert len(summary_html(trace.to_json(), None)) < _MOST_OUTPUT
    assert trace_page(trace, None).count("<script") == 3
    RunStats().add(trace)
    refused_in_one_line(trusted_backends, trace.models)
    refused_in_one_line(find_image, trace, folders=(path.parent,))
    image, spec = again.image_of(trace), again.spec_of(trace)
    refused_in_one_line(RecordedWorld, trace, spec, image, lambda entry, call: None)
    return True


def refused_in_one_line(function, *arguments, **options):
    """Call a function; None where it refuses the file as Viper's own errors do."""
    try:
        return function(*arguments, **options)
    except ViperError as error:
        told = str(error)
    assert len(told) < _LONGEST_ERROR
    return None


@pytest.fixture
def touched():
    """Paths that were opened or looked for, of those that hostile traces name."""
    with watching(SECRET) as seen:
        yield seen


# Looked up by name where they are called, as by those who are watched.
WAYS = {
    "os.stat": lambda path: os.stat(path),  # noqa: PTH116
    "os.lstat": lambda path: os.lstat(path),
    "os.access": lambda path: os.access(path, os.R_OK),
    "os.readlink": lambda path: os.readlink(path),  # noqa: PTH115
    "os.open": lambda path: os.open(path, os.O_RDONLY),
    "os.listdir": os.listdir,
    "os.scandir": os.scandir,
    "os.path.exists": os.path.exists,
    "os.path.realpath": os.path.realpath,
    "open": open,
    "io.open_code": lambda path: io.open_code(str(path)),  # noqa: SIM115
    "Path.exists": Path.exists,
    "Path.is_file": Path.is_file,
    "Path.read_text": Path.read_text,
    "Path.open": Path.open,
    "Path.resolve": Path.resolve,
    "glob": lambda path: list(path.glob("*")),
    "PIL": Image.open,
    "numpy": np.fromfile,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "path", [f"/etc/{SECRET}", f"etc/{SECRET}/x"], ids=["absolute", "relative"]
)
def test_control_a_file_that_is_touched_is_noticed(touched, way, path):
    with contextlib.suppress(OSError):
        WAYS[way](Path(path))
    assert touched
    touched.clear()
    with contextlib.suppress(OSError):
        WAYS[way](Path("/etc/another"))
    assert touched == []


def attack(kind, seeds, tmp_path, touched):
    """Let all readers read hostile files; return how many are traces all the same."""
    path, accepted = tmp_path / "run.json", 0
    for seed in seeds:
        path.write_bytes(hostile(kind, seed))
        try:
            accepted += read_by_all(path)
        except Exception as error:
            error.add_note(f"{kind.__name__}, seed {seed}")
            raise
        # A server looks whether a model that its own configuration names is a file; nothing else is.
        assert touched == [], f"{kind.__name__}, seed {seed}"
    return accepted


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_hostile_file_is_displayed_or_refused_in_one_line(kind, tmp_path, touched):
    attack(kind, range(2 if kind in SLOW_KINDS else 10), tmp_path, touched)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_hundreds_of_hostile_files_of_each_kind(kind, tmp_path, touched):
    attack(kind, range(100, 300), tmp_path, touched)


def replayed(path, tmp_path):
    """Replay a file, also with a changed program; nothing but single lines may come of it."""
    program = tmp_path / "changed.py"
    program.write_text("def execute_command(image):\n    return image.exists('cup')\n")
    for options in ([], ["--json"], ["--edit", program, "--models", "none"]):
        result = viper("replay", path, "--timeout", "20", *options)
        assert result.exit_code in (0, 1)
        assert all(line.startswith("viper: ") for line in result.stderr.splitlines()), result.stderr


@pytest.mark.parametrize("kind", ["value_that_looks_like_the_hosts", "count_that_is_gigantic"])
def test_a_hostile_file_is_replayed_or_refused(kind, tmp_path, touched):
    path = tmp_path / "run.json"
    path.write_bytes(hostile(getattr(hostile_traces, kind), 1))
    replayed(path, tmp_path)
    assert touched == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_hostile_files_of_each_kind_are_replayed_or_refused(kind, tmp_path, touched):
    path = tmp_path / "run.json"
    for seed in range(300, 312):
        path.write_bytes(hostile(kind, seed))
        replayed(path, tmp_path)
        assert touched == [], f"{kind.__name__}, seed {seed}"


def changed(change, name="containers"):
    value = trace_of(json.loads((hostile_traces.FOLDER / f"{name}.json").read_text())).to_json()
    change(value)
    return value


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_a_dict_of_a_program_is_one_whatever_it_holds(part, tmp_path):
    written = to_json_value(part)
    check_value(written, "returned")
    assert list(json_patches(written)) == []
    path = tmp_path / "run.json"
    path.write_text(json.dumps(changed(lambda value: value["turns"][0].update(returned=written))))
    assert read_by_all(path)


MALFORMED = [
    {"type": "patch"},
    {"type": "patch", "image": 0, "box_xyxy": "abcd", "score": 1, "category": "x"},
    {"type": "dict"},
    {"type": "dict", "items": 7},
    {"type": "dict", "items": [["a"]]},
    {"type": "object", "class": 1, "attributes": [], "id": None},
]


@pytest.mark.parametrize("part", MALFORMED, ids=str)
def test_an_object_that_viper_did_not_write_is_refused_and_would_break_a_reader(
    part, tmp_path, monkeypatch
):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(changed(lambda value: value["turns"][0].update(returned=[part]))))
    assert not read_by_all(path)
    monkeypatch.setattr(read, "check_value", lambda value, path: None)
    monkeypatch.setattr(read, "json_patches", lambda value: [])
    monkeypatch.setattr(trace_text, "tag_of", lambda value: value.get("type"))
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        read_by_all(path)


@dataclass
class _Unguarded:
    turns: tuple[int, ...]


def test_a_million_wrong_items_make_one_error():
    value = changed(lambda value: value.update(turns=[1] * 10_000, unverified=[2] * 10_000))
    with pytest.raises(ValidationError) as caught:
        adapter(Trace).validate_json(json.dumps(value))
    assert caught.value.error_count() <= 3
    with pytest.raises(ValidationError) as control:
        TypeAdapter(_Unguarded).validate_json(json.dumps({"turns": ["a"] * 10_000}))
    assert control.value.error_count() == 10_000


@pytest.mark.parametrize("place", ["models", "forwards", "requests", "prefetch"])
def test_an_object_of_many_keys_is_refused(place, monkeypatch):
    value = changed(lambda value: value.update({place: {f"k{i}": "x" for i in range(5_000)}}))
    with pytest.raises(
        InputError, match=r"It holds an object of 5,000 keys; Viper writes at most 1,000"
    ):
        trace_of(copy.deepcopy(value))
    monkeypatch.setattr(read, "_MAX_KEYS", 10_000)
    if place == "models":
        assert len(trace_of(value).models) == 5_000
    else:
        with pytest.raises(InputError, match=f"{place}.k0 must be a valid integer"):
            trace_of(value)


CAPS = {
    "programs": ("_MOST_PROGRAMS", lambda value: value.update(turns=value["turns"] * 400)),
    "lines": ("_MOST_LINES", lambda value: value["turns"][0].update(source="x = 1\n" * 9_000)),
    "notes": ("_MOST_NOTES", lambda value: value["turns"][0].update(notes=["note " * 9] * 5_000)),
    "choices": ("_MOST_NOTES", lambda value: value.update(choices=["choice"] * 5_000)),
    "line": ("_LONGEST_LINE", lambda value: value["turns"][0].update(source="#" + "x" * 400_000)),
    "row": ("_LONGEST_ROW", lambda value: value.update(question="why " * 100_000)),
    "printed": ("_LONGEST_ROW", lambda value: value["turns"][0].update(printed="so " * 100_000)),
}


@pytest.mark.parametrize("name", CAPS)
def test_what_is_displayed_of_a_large_trace_is_bounded(name, monkeypatch):
    cap, change = CAPS[name]
    trace = trace_of(changed(change, "floats"))
    monkeypatch.setattr(
        trace_text, "_MOST_PROGRAMS", 10
    )  # enough to see; laying out more takes seconds
    monkeypatch.setattr(trace_text, "_MOST_LINES", 50)

    def letters():
        return sum(len(text.plain) for text, _ in trace_text._trace_lines(trace, 8))

    bounded = letters()
    assert bounded < 20_000
    monkeypatch.setattr(trace_text, cap, 10**9)
    assert letters() > 3 * bounded


def repeated(**more):
    """Return the change to a hundred programs, of which the last one answers."""

    def change(value):
        turns = [{**value["turns"][0], "calls": [], "call_sites": [], **more}] * 100
        value.update(turns=turns, chosen=99)

    return change


FLOODS = {
    "lines": ("_MOST_LINES", {"source": "x = 1\n" * 5_000}),
    "long lines": ("_MOST_LINES", {"source": ("#" + "x" * 900 + "\n") * 100}),
    "notes": ("_MOST_BELOW", {"notes": ["so " * 1_500] * 50}),
}


@pytest.mark.parametrize("name", FLOODS)
def test_what_is_displayed_of_many_programs_is_bounded_together(name, monkeypatch):
    bound, more = FLOODS[name]
    trace = trace_of(changed(repeated(**more), "floats"))

    def displayed():
        return [(text.plain, len(text)) for text, _ in trace_text._trace_lines(trace, 8)]

    def letters():
        return sum(length for _, length in displayed())

    monkeypatch.setattr(trace_text, bound, 200)
    bounded = letters()
    assert bounded < 100_000
    lines = [text.strip() for text, _ in displayed()]
    what = "lines" if bound == "_MOST_LINES" else "notes"
    assert any(line.startswith("… ") and line.endswith(f" more {what}") for line in lines)
    monkeypatch.setattr(trace_text, bound, 10**9)
    assert letters() > 20 * bounded


def test_the_program_that_answered_has_its_lines_first(monkeypatch):
    monkeypatch.setattr(trace_text, "_MOST_LINES", 150)
    trace = trace_of(changed(repeated(source="x = 1\n" * 120), "floats"))
    lines = [text.plain for text, _ in trace_text._trace_lines(trace, 8)]
    last = lines.index(next(line for line in lines if line.startswith("program 100 of 100")))
    assert sum("x = 1" in line for line in lines[last:]) == 120
    assert sum("x = 1" in line for line in lines[:last]) == 30
    assert lines.count("      … 120 more lines") == 98


DEEP = """
import json, sys
from viper.trace.read import read_trace
from viper.errors import InputError
try:
    read_trace(sys.argv[1])
except InputError as error:
    assert len(str(error)) < 2000
    status = open("/proc/self/status").read()  # ru_maxrss starts at what the parent held
    print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""

# Files that cost gigabytes where each value has its path, or each wrong item an error.
LARGE: dict[str, Any] = {
    "wrong items": lambda: ("[" + "1," * 1_300_000 + "1]", "turns"),
    "empty lists below long keys": lambda: (
        f'{{"{"k" * 60}":' * 99 + "[" + "[]," * 700_000 + "[]]" + "}" * 99, "turns"),
    "keys": lambda: ("{" + ",".join(f'"{i}":1' for i in range(1_300_000)) + "}", "models"),
    "values": lambda: ("[" + "[1]," * 700_000 + "1]", "choices"),
    "texts": lambda: ("[" + '"x",' * 1_300_000 + "1]", "unverified"),
}  # fmt: skip


def read_in_another_process(path, most_bytes):
    """Return the most megabytes that reading a file took."""
    made = subprocess.run(
        [sys.executable, "-c", DEEP, str(path)], capture_output=True, text=True, timeout=100, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes)),
    )  # fmt: skip
    return int(made.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_memory_is_bounded(name, tmp_path):
    text, key = LARGE[name]()
    value = changed(lambda value: value.update({key: "@@"}))
    path = tmp_path / "run.json"
    path.write_text(json.dumps(value).replace('"@@"', text))
    assert read_in_another_process(path, most_bytes=4 << 30) < 1_000


VERB = """
sys.argv[0] = "viper"
runpy.run_module("viper", run_name="__main__")
"""
KEY = "\U00010300" * 60  # a letter that takes four bytes of memory


VERBS = [
    ["trace", "show"],
    ["trace", "show", "--json"],
    ["trace", "diff", SMALL],
    ["trace", "diff", "--json", SMALL],
    ["trace", "diff", "--times", SMALL],
    ["replay"],
    ["replay", "--json"],
]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("verb", VERBS, ids=range(len(VERBS)))
def test_every_verb_takes_bounded_memory_for_the_largest_files(verb, tmp_path):
    values: Any = [0] * 1_450_000
    for _ in range(3):
        values = {"type": "dict", "items": [[KEY, values]]}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(changed(lambda value: value["turns"][0].update(returned=values))))
    with (tmp_path / "out").open("wb") as out, (tmp_path / "messages").open("wb") as messages:
        status, megabytes = run_measured(VERB, [*verb, path], stdout=out, stderr=messages)
    text = (tmp_path / "messages").read_text(encoding="utf-8")
    assert status in (0, 1), text[-1_000:]
    assert "Traceback" not in text
    assert len(text) < 20_000
    assert megabytes < 1_000


@pytest.mark.slow
def test_the_measure_of_memory_notices_what_does_not_fit(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(changed(lambda value: value.update(choices=[["x"]] * 700_000))))
    with pytest.raises(subprocess.CalledProcessError):
        read_in_another_process(path, most_bytes=200 << 20)
