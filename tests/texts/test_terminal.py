"""What a stranger's text does to a terminal: nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from viper.texts.terminal import escaped_line, json_text, one_line, printable

ROOT = Path(__file__).parents[2]
CONTROLS = {
    "escape": "\x1b[31mred\x1b[0m",
    "C1 sequence introducer": "\x9b31mred",
    "C1 operating system command": "\x9d0;title\x9c",
    "next line": "a\x85b",
    "delete": "a\x7fb",
    "bell": "\x07",
    "backspace": "rm\x08\x08ok",
    "return": "long line\rshort",
    "right-to-left override": "\u202egnp.exe",
    "isolates": "\u2066a\u2067b\u2068c\u2069",
    "embedding": "\u202aa\u202bb\u202cc\u202d",
    "marks": "\u200e\u200f\u061c",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "zero width": "a\u200bb\ufeffc\u2060d",
    "tag": "a\U000e0041b",
    "surrogate": "a\ud800b",
    "null": "a\x00b",
    "form feed": "a\x0cb\x0bc\x1cd",
    "private use": "\ue000\U0010ffff",
}


@pytest.mark.parametrize("text", CONTROLS.values(), ids=CONTROLS)
def test_control_characters_are_replaced_in_text_and_escaped_in_json(text):
    assert not text.isprintable()
    assert one_line(f"before {text} after").isprintable()
    assert all(line.isprintable() for line in printable(f"one\n{text}\nthree").split("\n"))
    value = {text: [text, {"deep": text}]}
    for options in ({}, {"compact": True}, {"indent": 1}):
        shown = json_text(value, **options)
        assert shown.replace("\n", "").isprintable()
        assert json.loads(shown) == value
        shown.encode()  # also a lone surrogate
    # The control: JSON as it was written before has such characters raw, but for C0.
    raw = json.dumps(value, ensure_ascii=False)
    assert raw.isprintable() == all(c < " " for c in text if not c.isprintable())


@pytest.mark.parametrize("text", CONTROLS.values(), ids=CONTROLS)
def test_an_escaped_line_differs_from_that_of_every_other_text(text):
    line = escaped_line(text)
    assert line.isprintable()
    assert line.encode().decode("unicode_escape" if line.isascii() else "utf-8") != line
    others = [
        f"{text} ",
        f"{text}\t",
        f"{text}\\",
        text.replace(text[0], "\x02"),
        f"\\{text}",
        line,
    ]
    assert line not in map(escaped_line, others[:-1])
    assert escaped_line(f"{line}\x01") != escaped_line(f"{text}\x01")
    # The control: texts in which such characters are replaced look the same.
    assert printable("a\x01b") == printable("a\x02b")


def test_ordinary_text_stays_as_it_is():
    for text in ("naïve café", "日本語", "Ελλάδα", "🙂", "a\tb"):
        assert printable(text) == text
        assert json_text(text) == json.dumps(text, ensure_ascii=False)
    assert printable("one\n  two\r\nthree\n") == "one\n  two\nthree"
    assert one_line(" a\n b\t c ") == "a b c"


def by_character(value):
    """JSON of a value, with each character looked at and escaped on its own."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


LONG = {
    "one long text": ["\x86" * 50_000],
    "phrases of many patches": ["object" + "\x85\x86" * 95] * 250,
    "every other character": ["a\xad" * 25_000],
    "beside escapes": ['"\\\n\u2028' * 12_000],
    "outside of the first plane": ["\U000e0041" * 50_000],
    "many keys": {f"\x85{n}": "\u202e" * 40 for n in range(1_500)},
}


@pytest.mark.parametrize("name", LONG)
def test_what_is_not_printable_takes_no_longer_than_what_is(name):
    value = LONG[name]

    def seconds(write, value):
        times = []
        for _ in range(3):
            began = time.thread_time()
            write(value)
            times.append(time.thread_time() - began)
        return min(times)

    shown = json_text(value)
    assert shown.isprintable()
    assert json.loads(shown) == value
    took_s = seconds(json_text, value)
    assert took_s < 0.5 * seconds(by_character, value)  # the control


def test_a_text_with_one_such_character_is_escaped_as_a_whole_and_its_neighbours_are_not():
    assert json_text(["é\xad", "é"], compact=True) == r'["\u00e9\u00ad","é"]'
    assert json_text({"\x7fé": '"\\'}, compact=True) == r'{"\u007f\u00e9":"\"\\"}'


def test_only_line_feeds_end_a_line_of_a_program():
    assert len(printable("a = 'x\u2028y'\nb = '\x85'\n").split("\n")) == 2


def test_nothing_of_the_commands_is_printed_past_the_one_module():
    """Every verb prints through `viper.cli.output`, which replaces or escapes control characters."""
    own_numbers = {  # these print no text of a stranger
        "benchmarks/viper_benchmarks/perf/command.py",
        "benchmarks/viper_benchmarks/perf/fresh_child.py",
        "benchmarks/viper_benchmarks/perf/attacks.py",
        "benchmarks/viper_benchmarks/perf/hostile.py",
        "viper/__main__.py",
        "viper/backends/_template_child.py",  # to its parent, as JSON
        "viper/builtin/train/__main__.py",
        "viper/doctor/_torch_probe.py",
    }
    found = set()
    for folder in ("viper", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            source = path.read_text(encoding="utf-8")
            if not any(word in source for word in ("print(", "echo(", ".write(", "StreamHandler")):
                continue  # parsing every module takes seconds
            if name != "viper/cli/output.py" and _prints(source):
                found.add(name)
    # It prints what goes wrong when the commands cannot even be imported.
    assert found <= own_numbers | {"viper/environment/standard_streams.py"}


def _prints(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in (
                "print",
                "click.echo",
                "click.secho",
                "sys.stdout.write",
                "sys.stderr.write",
            ):
                return True
            if called == "logging.StreamHandler":
                return True
    return False


def test_a_print_is_noticed():
    assert _prints("def f(text):\n    click.echo(text)")
    assert not _prints("def f(text):\n    echo(text)")


PROGRAM = "def execute_command(image):\n    print(TEXT)\n    return TEXT"
VERBS = {
    "ask --json": ["ask", "IMAGE", "what?", "--program", "FILE", "--json", "--models", "stub"],
    "ask": ["ask", "IMAGE", "what?", "--program", "FILE", "--models", "stub", "--show-program"],
    "lint": ["lint", "FILE"],
    "lint --json": ["lint", "FILE", "--json"],
    "lint of a name": ["lint", "\x9b31m\u202efile.py"],
    "an unknown verb": ["\x9b31m\u202e\x7f"],
    "an unknown option": ["ask", "--\x9b31m\u202e"],
    "a wrong choice": ["ask", "IMAGE", "what?", "--task", "\x9b31m\u202e"],
    "an unknown preset": ["ask", "IMAGE", "what?", "--models", "\x9b31m\u202e"],
    "a missing repository": ["models", "path", "a/\x9b31m\u202e"],
    "a question to confirm": ["models", "remove", "a/\x9b31m\u202e"],
    "a trace that is none": ["trace", "show", "FILE"],
}


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_prints_no_control_character(name, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from fakes.serving import PNG
    from viper.cli import cli

    text = "".join(CONTROLS.values()).replace("\ud800", "").replace("\x00", "")
    image, program = tmp_path / "a.png", tmp_path / "program.py"
    image.write_bytes(PNG)
    source = PROGRAM.replace("TEXT", repr(text))
    if name == "lint":
        source = "def execute_command(image):\n    return image.\x9b31m\u202e"
    program.write_text(source, encoding="utf-8")
    given = [{"IMAGE": str(image), "FILE": str(program)}.get(a, a) for a in VERBS[name]]
    monkeypatch.setattr("viper.cli.process.leave", lambda status: sys.exit(status))
    result = CliRunner().invoke(cli, given)
    assert result.output
    for shown in (result.stdout, result.stderr):
        assert shown.replace("\n", "").replace("\t", "").isprintable(), name
    if "--json" in given:
        assert json.loads(result.stdout)
    if name == "ask --json":
        assert json.loads(result.stdout)["answer"]


@pytest.mark.slow
def test_a_whole_process_prints_no_control_character(tmp_path):
    from fakes.serving import PNG

    (tmp_path / "a.png").write_bytes(PNG)
    source = PROGRAM.replace("TEXT", repr("\x9b31m\u202e\x7f\x85"))
    (tmp_path / "p.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "viper", "ask", "a.png", "?", "--program", "p.py", "--json"]
    done = subprocess.run(
        [*command, "--models", "stub"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout)["answer"]
    assert (done.stdout + done.stderr).replace("\n", "").isprintable()


def test_the_log_and_tracebacks_are_printable_and_hold_no_key(capsys, monkeypatch):
    import logging

    from viper.cli.output import StderrLog, notice, print_error
    from viper.errors import ModelError

    monkeypatch.setenv("OPENAI_API_KEY", "planted-key-0123456789")
    text = "\x9b31m\u202e planted-key-0123456789 Bearer abcdefghijkl"
    log = logging.Logger("viper.test")
    log.addHandler(StderrLog(logging.INFO))
    log.addHandler(StderrLog(logging.INFO, names=True))
    notice(text)
    log.warning("%s", text)
    try:
        raise ValueError(text)
    except ValueError as cause:
        log.exception("failed: %s", text)
        error = ModelError(text)
        error.__cause__ = cause
        print_error(error, debug=True)
        print_error(error, debug=False)
    shown = capsys.readouterr().err
    assert shown.replace("\n", "").isprintable()
    assert "planted" not in shown
    assert "abcdefghijkl" not in shown
    assert "Traceback" in shown


@pytest.mark.parametrize("animated", [True, False], ids=["terminal", "pipe"])
def test_a_progress_bar_shows_a_name_printable_and_without_markup(animated, capsys, monkeypatch):
    import viper.progress_bars as bars

    monkeypatch.setattr(bars, "can_animate", lambda: animated)
    with bars.StepBars() as progress:
        progress.update("samples: \x9b31m\u202e[/red] [bold", 1, 2)
        progress.update("samples: \x9b31m\u202e[/red] [bold", 2, 2)
        column = bars.description_column()
        task = progress._progress.tasks[0]
        assert column.render(task).plain == "samples: \ufffd31m\ufffd[/red] [bold"
    shown = capsys.readouterr().err
    assert "\x9b" not in shown
    assert "\u202e" not in shown
