"""`startup`: the cost of one `viper ask` as a whole process, compared with the import of onnxruntime.

| figure | meaning |
|---|---|
| `import_s` | `python -c "import onnxruntime"`, which everything here is compared with |
| `ask_s`, `ask_ratio` | `viper ask` with the built-in models, from the start of the process to its end |
| `photo_s`, `photo_ratio` | the same with an ONNX detector (`--detector`) on a photograph (`--image`) |
| `resident_mb` | largest resident memory of the process of `viper ask`, built-in models |
| `modules` | modules that it has imported when it ends |
| `timeline_ms` | when each part of it was done, from the start of the process |

Commands alternate within a round, so that all see the same machine. Files are in the page cache: one run of
each comes first and is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from viper_benchmarks.perf.command import (
    BenchmarkError,
    Result,
    Row,
    benchmark,
    figure,
    machine_text,
    rounds_option,
    with_machine,
)
from viper_benchmarks.perf.samples import Samples, timed_ms

__all__ = ["GOALS", "measure", "startup", "table"]

GOALS = {"ask_ratio": 4.0, "photo_ratio": 4.0, "ask_s": 2.0, "resident_mb": 300.0}
"""Figure → its upper bound."""
_SIZE = (480, 320)
_SEED = 50_000_000
_QUESTION = "How many metal things are left of the brown cube?"

# Runs in a process of its own: `viper ask`, with a mark when a part has been done.
_TIMELINE = """
import atexit, functools, importlib, json, os, sys, time

def now_ms():
    with open("/proc/self/stat") as stat:
        started = int(stat.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - started) * 1000

marks = [("interpreter", now_ms())]

def mark(text):
    marks.append((text, now_ms()))

def after(module, name, text):
    owner = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    function = getattr(owner, last)
    if text in ("image opened", "detector loaded", "program written", "sandbox started"):
        @functools.wraps(function)
        async def wrapped(*args, **kwargs):
            try:
                return await function(*args, **kwargs)
            finally:
                mark(text)
    else:
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            finally:
                mark(text)
    setattr(owner, last, wrapped)

from viper.cli import main
mark("command line imported")
import viper.engine.engine
mark("engine imported")
after("viper.engine.engine", "Engine.__init__", "engine made")
after("viper.engine.solver", "_opened", "image opened")
after("viper.engine.query_run", "written", "program written")
after("viper.engine.solver", "Solver.capabilities", "detector loaded")
after("viper_sandbox.jail", "Jail._warm", "sandbox started")
after("viper.engine.engine", "Engine.ask", "answered")
after("viper.engine.engine", "Engine.close", "closed")
leave, os._exit = os._exit, lambda status: report(status)

def report(status):
    marks.append(("modules", len(sys.modules)))
    with open(os.environ["TIMELINE"], "w") as file:
        json.dump(marks, file)
    leave(status)

main()
"""


@with_machine("onnxruntime", "numpy", "pydantic")
def measure(rounds: int, detector: Path | None = None, image: Path | None = None) -> Result:
    """Run the commands in turn and return the figures as a JSON value."""
    from PIL import Image

    from viper.builtin.world import render, sample_scene

    if (detector is None) != (image is None):
        raise BenchmarkError("--detector and --image go together.")
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "image.png"
        Image.fromarray(render(sample_scene(_SEED, size=_SIZE, randomised=False)).pixels).save(
            drawn
        )
        ask = ["ask", str(drawn), _QUESTION, "--models", "builtin"]
        commands = {"import": ["-c", "import onnxruntime"], "ask": ["-m", "viper", *ask]}
        if detector is not None:
            photo = ["ask", str(image), "How many people are there?", "--models", "none"]
            commands["photo"] = ["-m", "viper", *photo, "--backend", f"detector=onnx:{detector}"]
        times = {name: Samples() for name in commands}
        for command in commands.values():
            _run(command)
        resident_mb = 0.0
        for _ in range(rounds):
            for name, command in commands.items():
                seconds, peak_mb = _timed(command)
                times[name].add_round([seconds])
                if name == "ask":
                    resident_mb = max(resident_mb, peak_mb)
        file = Path(folder) / "timeline.json"
        _run(["-c", _TIMELINE, *ask], TIMELINE=str(file))
        *timeline, (_, modules) = json.loads(file.read_text(encoding="utf-8"))
    result: Result = {}
    for name, samples in times.items():
        result[f"{name}_s"] = round(samples.median, 3)
        if name != "import":
            result[f"{name}_ratio"] = round(samples.median / times["import"].median, 2)
    return {
        **result,
        "resident_mb": round(resident_mb, 1),
        "modules": modules,
        "timeline_ms": {text: round(ms) for text, ms in timeline},
        "rounds": rounds,
    }


def table(result: Result) -> list[Row]:
    """Return the rows for people."""
    rows = [
        figure(result, name, meaning, at_most=GOALS.get(name))
        for name, meaning in (
            ("import_s", "import of onnxruntime alone"),
            ("ask_s", "viper ask with the built-in models"),
            ("ask_ratio", "over the import of onnxruntime"),
            ("photo_s", "viper ask with an ONNX detector"),
            ("photo_ratio", "over the import of onnxruntime"),
            ("resident_mb", "of viper ask, built-in models"),
            ("modules", "imported by viper ask"),
        )
        if name in result
    ]
    rows += [Row("", f"{ms} ms", "", text) for text, ms in result["timeline_ms"].items()]
    about = f"{machine_text(result)}, onnxruntime {result['versions']['onnxruntime']}"
    return [*rows, figure(result, "rounds", about)]


def _run(arguments: Sequence[str], **variables: str) -> None:
    """Run the interpreter of this process with arguments.

    Raises:
        BenchmarkError: It failed.
    """
    done = subprocess.run(  # noqa: S603 # this interpreter, and files of this benchmark
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**_environment(), **variables},
    )
    if done.returncode != 0:
        raise BenchmarkError(f"python {' '.join(arguments)[:200]} failed: {done.stderr.strip()}")


def _environment() -> dict[str, str]:
    """Return the variables of this process, without the one that makes Python compile at every start."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _timed(arguments: Sequence[str]) -> tuple[float, float]:
    """Return the seconds of a process and its largest resident memory in MB, without its children's."""
    usage = 0.0

    def run() -> None:
        nonlocal usage
        process = subprocess.Popen(  # noqa: S603 # as above
            [sys.executable, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        _, status, spent = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise BenchmarkError(f"python {' '.join(arguments)[:200]} failed.")
        usage = spent.ru_maxrss / 1024

    return timed_ms(run) / 1000, usage


@benchmark(table)
@rounds_option
@click.option(
    "--detector",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An ONNX detector, such as yolox_nano.onnx; with --image.",
)
@click.option(
    "--image",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A photograph with people.",
)
def startup(rounds: int, detector: Path | None, image: Path | None) -> Result:
    """Measure a whole process of `viper ask` against the import of onnxruntime.

    \b
    python -m viper_benchmarks.perf startup
    python -m viper_benchmarks.perf startup --detector yolox_nano.onnx --image street.jpg
    """
    return measure(rounds, detector, image)
