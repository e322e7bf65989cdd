"""Every command on every page: its options are known, its pictures are there, and it runs.

`test_tutorial_pages.py`, `test_plugins_page.py` and others compare what is printed; here commands end well.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fakes.pages import GENERATED, PAGES, ROOT, Command, blocks, commands
from viper.cli import cli

COMMANDS = [command for page in PAGES for command in commands(page)]
_OMITTED = re.compile(r"…|\.\.\.")
_PLACEHOLDER = re.compile(r"\b[A-Z]{2,}[A-Z_/]*\b")
# What a fresh clone has not: weights, keys, servers, data sets, and what only a shell can do.
_NEEDS = re.compile(
    r"openai:|local:|onnx:|transformers:|limber|--models (?:small|base|large)|models (?:pull|path|remove)|"
    r"clevr_dev|^serve|CLEVR_v1|GQA|scenes/|sceneGraphs|--engine ray|VQA|forged\.json|symmetry|"
    r"streets?\b.*bench|pets"
)


_RUN_ELSEWHERE = {"docs/tutorial.md", "docs/plugins.md"}
"""By `test_tutorial_pages.py` and `test_plugins_page.py`, which make what these pages make."""


def needs_nothing(command: Command) -> bool:
    """Tell whether a command of a page can run in a fresh clone as it is printed."""
    if command.arguments[0] == "doctor":
        return command.page == "docs/doctor.md"  # once: it takes ten seconds
    return not (
        _OMITTED.search(command.text)
        or _PLACEHOLDER.search(re.sub(r'"[^"]*"', "", command.text))
        or _NEEDS.search(" ".join(command.arguments))
    )


def parsed(arguments: list[str]) -> None:
    """Let click read the arguments of a command, and run nothing.

    Raises:
        click.UsageError: An option, a verb or an argument is unknown or missing.
    """
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        name, *arguments = arguments or [""]
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"There is no verb {name!r}.")
        command, context = found, click.Context(found, info_name=name, parent=context)
    with command.make_context(context.info_name, arguments, parent=context.parent):
        pass


def test_there_are_commands_to_look_at():
    assert len(COMMANDS) > 90
    assert sum(map(needs_nothing, COMMANDS)) > 30


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.page}: {c.text}")
def test_every_command_on_a_page_is_one(command):
    given = [word for word in command.arguments if word != "[--json]"]
    if "--help" in given or given[:2] in (["bench", "pets"], ["modules", "check"]):
        return  # of a plugin that the page makes
    if given[-1] == "…":
        del given[-1]
    try:
        parsed(given)
    except click.MissingParameter:
        assert "…" in command.text  # it stands for what is missing


def test_the_examples_in_the_help_are_commands():
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert "docs/reference/cli.md" in GENERATED
    shown = re.findall(r"^(viper .*)$", page, re.MULTILINE)
    assert len(shown) > 40


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_that_a_command_asks_about_is_there(page):
    made = ("my_scenes/", "scenes/", "2354786.jpg")  # by a command before it, or of a data set
    for command in commands(page):
        for word in command.arguments:
            if re.search(r"\.(?:png|jpe?g)$", word) and not word.startswith(made):
                assert (ROOT / word).is_file(), command.text


# Python: every block is valid, and those that need nothing run.


PYTHON = [
    (page, number, text)
    for page in PAGES
    for number, (language, text) in enumerate(blocks(page))
    if language == "python" and page != "docs/security.md"  # an attack, for the sandbox
]


@pytest.mark.parametrize(("page", "number", "text"), PYTHON, ids=lambda v: str(v)[:30])
def test_python_on_a_page_is_python(page, number, text):
    try:
        compile(text, page, "exec")
    except SyntaxError:  # the body of a function
        compile(f"def body():\n{textwrap.indent(text, '    ')}", page, "exec")


# Running


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Make a folder with what a fresh clone has for commands: the examples, and a program."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    Path("program.py").write_text(
        "def execute_command(image):\n    return len(image.find('cube'))\n"
    )
    Path("questions.jsonl").write_text('{"query": "Is there a cube?"}\n')
    own = (ROOT / "docs" / "howto" / "own-benchmark.md").read_text(encoding="utf-8")
    Path("mine.jsonl").write_text(re.findall(r"^```json\n(.*?)^```$", own, re.M | re.S)[0])
    return tmp_path


def run(command: Command) -> None:
    """Run a command of a page, and check that it ends as the page says."""
    stdin = None if command.stdin is None else Path(command.stdin).read_bytes()
    given = [word for word in command.arguments if word != "[--json]"]
    result = CliRunner().invoke(cli, given, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if command.target is not None:
        Path(command.target).write_text(result.stdout, encoding="utf-8")
    shown = "\n".join(command.printed)
    verb = command.arguments[0]
    fails = "no answer (" in shown or "difference" in shown or verb in ("lint", "doctor", "trace")
    allowed = (0, 1) if fails else (0,)
    assert result.exit_code in allowed, f"{command.page}: {command.text}\n{result.output}"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if page == "docs/doctor.md" else [])
        for page in PAGES
        if any(map(needs_nothing, commands(page))) and page not in _RUN_ELSEWHERE
    ],
)
def test_what_needs_no_weights_and_no_network_runs_as_printed(page, clone, hub_cache):
    for command in filter(needs_nothing, commands(page)):
        if "--count" in command.text and "--count 2 " not in command.text:
            continue  # many pictures take a minute, two are drawn in the tutorial
        if "compare" in command.arguments and not Path(command.arguments[-1]).is_dir():
            continue  # runs of the reader
        for language, text in blocks(page):
            # Files that the page shows with `cat`.
            if language == "console" and (
                shown := re.match(r"\$ cat (\S+)\n((?:(?!\$ ).*\n)*)", text)
            ):
                Path(shown[1]).write_text(shown[2])
        run(command)


@pytest.mark.photos
@pytest.mark.parametrize(
    "command",
    [c for c in COMMANDS if "onnx:yolox_nano.onnx" in c.text and c.arguments[0] == "ask"
     and not re.search(r"…|openai|local:|--models small|unicorn", c.text)],
    ids=lambda c: f"{c.page}: {c.text}",
)  # fmt: skip
def test_what_needs_the_small_detector_runs_as_printed(command, clone, photos):
    Path("yolox_nano.onnx").symlink_to(photos / "weights" / "yolox_nano.onnx")
    run(command)


@pytest.mark.photos
def test_the_python_of_the_readme_runs_as_printed(clone, photos, capsys):
    Path("yolox_nano.onnx").symlink_to(photos / "weights" / "yolox_nano.onnx")
    (source,) = [text for language, text in blocks("README.md") if language == "python"]
    exec(compile(source, "README.md", "exec"), {})  # our own page
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "3 3"
