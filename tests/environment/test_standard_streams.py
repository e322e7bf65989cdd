"""A command whose output or remarks go nowhere says so once, and its status tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

IMAGE = "examples/shapes.png"
LIGHT = {
    "help": ["--help"],
    "settings": ["config", "show"],
}
HEAVY = {
    "json": ["config", "show", "--json"],
    "version": ["--version"],
    "modules": ["modules", "list", "--json"],
    "help of ask": ["ask", "--help"],
    "ask": ["ask", IMAGE, "How many cubes are there?"],
    "ask json": ["ask", IMAGE, "How many cubes are there?", "--json", "--stats"],
    "failed json": ["ask", "nothing.png", "How many?", "--json"],
    "generate": ["generate", "Is there a red cube?"],
    "models": ["models", "list"],
    "models json": ["models", "list", "--json"],
    "bench": ["bench", "list"],
    "bench help": ["bench", "gqa", "--help"],
    "doctor": ["doctor", "--offline"],
    "doctor json": ["doctor", "--offline", "--json"],
}
# The verbs without the guard: the control.
UNGUARDED = ["-c", "import sys; from viper.cli import cli; cli()"]
GUARDED = ["-m", "viper"]


def viper(arguments, how=GUARDED, **streams):
    """Run a command with streams as the shell makes them."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run([sys.executable, *how, *arguments], timeout=100, check=False, **streams)


def shell(script, *arguments):
    """Run a command in a shell, as `$V`, with its redirections; returns stdout and stderr as texts."""
    command = " ".join([sys.executable, *GUARDED])
    return subprocess.run(
        ["bash", "-c", script.replace("$V", command), "bash", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def full():
    with Path("/dev/full").open("wb") as device:
        yield device


def says_it_is_full(done):
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1
    # Remarks may come before it.
    assert "the output cannot be written: No space left on device" in lines[-1]
    assert all(line.startswith("viper: ") for line in lines)
    assert len(lines) <= 3


@pytest.mark.parametrize("name", LIGHT)
def test_a_full_stdout_is_one_line_and_a_failure(name, full):
    done = viper(LIGHT[name], stdout=full)
    says_it_is_full(done)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_a_full_stdout_is_one_line_and_a_failure_of_every_verb(name, full):
    says_it_is_full(viper(HEAVY[name], stdout=full))


def test_without_the_guard_a_full_stdout_is_a_traceback(full):
    assert b"Traceback" in viper(LIGHT["settings"], UNGUARDED, stdout=full).stderr


def test_a_full_stderr_keeps_the_answer_and_fails(full):
    done = viper(["no-such-verb"], stderr=full)
    assert (done.returncode, done.stdout) == (2, b"")
    done = viper(["program-cache", "list"], stderr=full)  # a remark, and success
    assert done.returncode == 1


@pytest.mark.slow
def test_a_full_stderr_does_not_cost_the_answer(full):
    done = viper(HEAVY["ask"], stderr=full)
    assert (done.returncode, done.stdout) == (1, b"4\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_two_full_streams_fail_in_silence(name, full):
    assert viper(HEAVY[name], stdout=full, stderr=full).returncode != 0


@pytest.mark.parametrize("name", ["help", "settings"])
def test_a_reader_that_has_gone_ends_it_quietly(name):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = viper(LIGHT[name], stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_a_reader_that_has_gone_ends_every_verb_quietly(name):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        both = viper(HEAVY[name], stdout=writer, stderr=writer)
        done = viper(HEAVY[name], stdout=writer)
    finally:
        os.close(writer)
    assert both.returncode in (1, 2)
    assert done.returncode in (1, 2)
    assert b"Broken pipe" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_remarks_that_nobody_reads_do_not_change_the_status():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = viper(["modules", "list"], stderr=writer)
    finally:
        os.close(writer)
    assert done.returncode == 0


def test_closed_streams_do_not_hide_that_the_output_is_lost():
    done = shell("$V config show >&-")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the output cannot be written: it is closed" in done.stderr
    done = shell("$V config show 2>&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert "models" in done.stdout


@pytest.mark.slow
def test_three_closed_streams_are_a_failure():
    assert shell("$V config show <&- >&- 2>&-").returncode == 1


def test_a_closed_stdin_is_one_line():
    done = shell("$V lint - <&-")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "viper: The standard input is closed. Send the program to it, or give a file."
    )


def test_a_file_opened_later_never_gets_the_number_of_a_closed_stream():
    code = (
        "import os; from viper.environment.standard_streams import guard_streams;{};"
        "os._exit(os.open('pyproject.toml', os.O_RDONLY))"
    )
    for guard, expected in (("guard_streams()", range(3, 250)), ("0", range(3))):
        script = f'{sys.executable} -c "$1" <&- >&- 2>&-'
        assert shell(script, code.format(guard)).returncode in expected


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "encoding",
    [
        "ascii",
        *(pytest.param(name, marks=SLOW) for name in ("latin-1", "utf-8", "cp437", "koi8-r")),
    ],
)
def test_json_can_be_read_back_in_any_encoding(encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = viper(["lint", "“no” ☃.py", "--json"], env=environment)
    assert json.loads(done.stdout.decode(encoding))["file"] == "“no” ☃.py", done.stderr


def test_a_name_that_is_not_utf8_is_json_all_the_same():
    done = viper([b"lint", b"/tmp/\xe9.py", b"--json"])
    assert done.returncode == 1
    assert json.loads(done.stdout)["file"] == "/tmp/\udce9.py"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COLUMNS", "0"),
        ("COLUMNS", "-5"),
        ("COLUMNS", "many"),
        ("TERM", "dumb"),
        ("TZ", "no/where"),
        ("LC_ALL", "xx_YY.nonsense"),
        ("NO_COLOR", "1"),
        ("PYTHONWARNINGS", "error"),
        ("PYTHONSAFEPATH", "1"),
        ("OMP_NUM_THREADS", "many"),
        ("PYTHONOPTIMIZE", "2"),
        ("TMPDIR", "/dev/null/x"),
    ],
)
@pytest.mark.slow
def test_an_odd_variable_changes_no_answer(name, value):
    done = viper(HEAVY["ask"], env=os.environ | {name: value})
    assert (done.returncode, done.stdout) == (0, b"4\n"), done.stderr


@pytest.mark.parametrize(
    "error", ["OSError(28, 'No space left on device', '/some/file')", "OSError('odd')"]
)
def test_a_fault_of_the_system_that_nobody_expected_is_one_line(error):
    code = (
        f"from viper.environment.standard_streams import run_command\ndef fail(): raise {error}\n"
    )
    guarded = viper([], ["-c", f"{code}run_command(fail)"])
    assert guarded.returncode == 1
    assert guarded.stderr.count(b"\n") == 1
    assert guarded.stderr.startswith(b"viper: ")
    assert b"Traceback" in viper([], ["-c", f"{code}fail()"]).stderr  # the control


def test_a_mistake_in_the_code_keeps_its_traceback():
    code = "from viper.environment.standard_streams import run_command\nrun_command(lambda: 1 / 0)"
    assert b"ZeroDivisionError" in viper([], ["-c", code]).stderr
