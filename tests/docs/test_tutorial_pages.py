"""What the tutorial and the how-to pages show is what comes out."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fakes.plugins import plug
from viper.cli import cli
from viper.plugins import BENCHMARKS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text(encoding="utf-8")
OWN_BENCHMARK = (DOCS / "howto" / "own-benchmark.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """Return the contents of the code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def steps(page: str) -> list[tuple[str, str]]:
    """Return each command that a page shows, with what it prints."""
    return [
        (command, printed)
        for block in blocks(page, "console")
        for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that holds the examples the working directory."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str) -> tuple[str, str]:
    """Run a `viper` command as a shell would; returns what a terminal shows, and stdout."""
    arguments, _, target = command.partition(" > ")
    result = CliRunner().invoke(cli, shlex.split(arguments)[1:])
    assert result.exit_code in (0, 1), (command, result.output)
    if target:
        Path(target).write_text(result.stdout, encoding="utf-8")
        return result.stderr, ""
    return result.output, result.stdout


def test_the_tutorial_prints_what_it_says(workplace):
    ran = 0
    for command, printed in steps(TUTORIAL):
        if command.startswith("cat "):
            Path(command.removeprefix("cat ")).write_text(printed, encoding="utf-8")
        elif command.startswith("viper "):
            shown, stdout = run(command)
            # Where a page shows the answer alone, notices are left out.
            assert printed in (shown, stdout), command
            ran += 1
    assert ran == 14
    assert Path("run.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    trace = json.loads(Path("run.json").read_text(encoding="utf-8"))
    assert trace["answer"] == "5"
    assert len(trace["turns"][0]["calls"]) == 14
    assert sum(trace["forwards"].values()) == 3


def test_the_json_of_the_tutorial_is_part_of_what_comes_out(workplace):
    (shown,) = blocks(TUTORIAL, "json")
    _, stdout = run(
        'viper ask examples/shapes.png "the leftmost metal cube" --models builtin --task grounding --json'
    )
    assert json.loads(shown).items() <= json.loads(stdout).items()


def test_the_python_of_the_tutorial_prints_what_it_says(workplace, capsys):
    (source,) = blocks(TUTORIAL, "python")
    exec(compile(source, "tutorial.md", "exec"), {})  # our own page
    assert capsys.readouterr().out in blocks(TUTORIAL, "text")


def test_the_file_of_questions_is_scored_as_shown(workplace):
    Path("mine.jsonl").write_text(blocks(OWN_BENCHMARK, "json")[0], encoding="utf-8")
    ((command, printed),) = steps(OWN_BENCHMARK)
    shown, _ = run(command)
    lines = [line for line in printed.splitlines() if not line.startswith("programs/s")]
    assert [line for line in lines if line not in shown.splitlines()] == []
    assert all(
        Path("runs/mine", name).is_file()
        for name in ("samples.jsonl", "report.json", "report.html")
    )


def test_the_runs_of_the_page_can_be_compared_and_explained(workplace):
    Path("mine.jsonl").write_text(blocks(OWN_BENCHMARK, "json")[0], encoding="utf-8")
    ((first, _),) = steps(OWN_BENCHMARK)
    run(first)
    shown = [line for block in blocks(OWN_BENCHMARK, "text") for line in block.splitlines()]
    second, compare, explain = [line for line in shown if "mine" in line]
    for command in (second, compare, explain):
        result = CliRunner().invoke(cli, shlex.split(command)[1:])
        assert result.exit_code == 0, (command, result.output)


@pytest.fixture
def pets(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the plugin of the page as far as entry points go; returns the folder of its data."""
    module: Any = types.ModuleType("pets_bench")
    (source,) = blocks(OWN_BENCHMARK, "python")
    exec(compile(source, "pets_bench.py", "exec"), module.__dict__)  # our own page
    monkeypatch.setitem(sys.modules, "pets_bench", module)
    (declared,) = re.findall(r'^pets = "(.+)"$', OWN_BENCHMARK, re.MULTILINE)
    plug(monkeypatch, (BENCHMARKS, "pets", declared, "pets-bench"))
    (table,) = [block for block in blocks(OWN_BENCHMARK, "text") if block.startswith("file,")]
    (workplace / "examples" / "pets.csv").write_text(table, encoding="utf-8")
    return workplace / "examples"


def test_the_plugin_of_the_page_is_a_benchmark(pets):
    (shown,) = re.findall(r"^(viper bench pets --data .*)$", OWN_BENCHMARK, re.MULTILINE)
    _, stdout = run(f"{shown} --json")
    report = json.loads(stdout)
    assert (report["n"], report["accuracy"]) == (3, 1.0)
    assert set(report["by_tag"]) == {"how", "is", "what"}


def test_the_plugin_of_the_page_says_what_is_missing(pets):
    (pets / "pets.csv").write_text("file,question,answer\nshapes.png,,4\n", encoding="utf-8")
    shown, _ = run(f"viper bench pets --data {pets} --models stub")
    assert "pets.csv:2 lacks one of file, question, answer." in shown
    (pets / "pets.csv").unlink()
    shown, _ = run(f"viper bench pets --data {pets} --models stub")
    assert "pets.csv'. It should hold a table" in shown
