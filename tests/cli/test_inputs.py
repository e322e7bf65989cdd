"""Where image and question of `viper ask` come from, and what is refused before anything is paid."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fakes import llm_server
from fakes.llm_server import LLMServer
from viper.cli import cli

COUNT = "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n"
QUESTION = "How many cups are there?"


@pytest.fixture
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((80, 90, 3), 200, dtype=np.uint8)).save("picture.png")
    Path("program.py").write_text(COUNT)
    return "picture.png"


def viper(*arguments, stdin=None):
    result = CliRunner().invoke(cli, [*arguments, "--models", "stub"], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["ask", QUESTION, "picture.png"], f"viper ask picture.png '{QUESTION}'"),
        (["ask", QUESTION, "elsewhere.JPG"], f"viper ask elsewhere.JPG '{QUESTION}'"),
        (["ask", "all cups", "picture.png", "--json"], "viper ask picture.png 'all cups'"),
        (
            ["ask", "dogs?", "program.py"],
            "viper ask program.py 'dogs?'",
        ),  # a file, whatever it holds
        (["run", "picture.png", "program.py"], "viper run program.py picture.png"),
    ],
    ids=" ".join,
)
def test_swapped_arguments_are_noticed(picture, arguments, hint):
    result = viper(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert hint in " ".join(result.stderr.split())


@pytest.mark.parametrize("question", ["what is in photo.png", "x" * 9000 + ".png?", "a\0b"])
def test_a_question_that_mentions_a_file_is_not_taken_for_one(picture, question):
    result = viper("ask", "missing.png", question)
    assert result.exit_code == 1
    assert "missing.png" in result.stderr or "characters" in result.stderr


def test_a_file_with_the_name_of_a_question_is_asked(picture):
    os.rename("picture.png", "how many?")  # noqa: PTH104
    result = viper("ask", "how many?", QUESTION)
    assert (result.exit_code, result.stdout) == (0, "3\n")


def test_the_image_may_come_from_stdin(picture):
    result = viper("ask", "-", QUESTION, "--json", stdin=Path(picture).read_bytes())
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["answer"], answer["image"]) == ("3", "image")


def test_the_question_may_come_from_stdin(picture):
    result = viper("ask", picture, "-", stdin=f"\n{QUESTION}\n".encode())
    assert (result.exit_code, result.stdout) == (0, "3\n")


def test_the_image_of_a_run_may_come_from_stdin(picture):
    result = viper("run", "program.py", "-", stdin=Path(picture).read_bytes())
    assert (result.exit_code, result.stdout) == (0, "3\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "-", "-"],
        ["ask", "-", QUESTION, "--program", "-"],
        ["ask", "picture.png", "-", "--program", "-"],
        ["run", "-", "-"],
    ],
    ids=" ".join,
)
def test_stdin_is_read_for_one_thing_only(picture, arguments):
    result = viper(*arguments, stdin=b"x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Only one of image, question and program" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "complaint"),
    [
        (["ask", "-", QUESTION], b"", "empty"),
        (["ask", "-", QUESTION], b"no picture at all", "image"),
        (["ask", "picture.png", "-"], b" \n", "The question is empty"),
        (["ask", "picture.png", "-"], b"\xff\xfe?", "is not UTF-8 text"),
        (["ask", "picture.png", "-"], b"why " * 3000, "characters"),
    ],
    ids=["no bytes", "no image", "blank", "no text", "long"],
)
def test_what_comes_from_stdin_is_checked_like_the_rest(picture, arguments, stdin, complaint):
    result = viper(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert json.loads(result.stdout)["failure"]["kind"] == "input"


@pytest.mark.parametrize(
    ("trace", "complaint"),
    [
        ("no/run.json", "Its folder does not exist"),
        ("picture.png/run.html", "A part of the path is a file"),
        ("/proc/run.json", "The trace cannot be written to '/proc/run.json'"),
        ("n" * 300 + ".json", "Choose a shorter name"),
    ],
    ids=["no folder", "below a file", "read-only", "long name"],
)
@pytest.mark.parametrize("verb", ["ask", "run"])
def test_a_place_for_the_trace_that_cannot_be_written_is_refused_before_anything_is_paid(
    picture, monkeypatch, verb, trace, complaint
):
    with LLMServer([llm_server.text(COUNT)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        arguments = [picture, QUESTION, "--generator", "openai:fake"]
        if verb == "run":
            arguments = ["program.py", picture, "--backend", "answerer=openai:fake"]
        result = viper(verb, *arguments, "--trace", trace, "--json")
    assert server.requests == []
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert json.loads(result.stdout)["answer"] is None


def test_a_folder_is_no_place_for_a_trace(picture):
    Path("run.json").mkdir()
    assert viper("ask", picture, QUESTION, "--trace", "run.json").exit_code == 2


def test_looking_whether_a_trace_can_be_written_leaves_the_one_before(picture):
    Path("run.json").write_text("the one before")
    result = viper("ask", "missing.png", QUESTION, "--trace", "run.json")
    assert result.exit_code == 1
    assert Path("run.json").read_text() == "the one before"
    assert sorted(path.name for path in Path().iterdir()) == [
        "picture.png",
        "program.py",
        "run.json",
    ]


def test_a_question_without_quotation_marks_is_told_so(picture):
    result = viper("ask", picture, "Is", "there", "a", "dog")
    assert result.exit_code == 2
    assert (
        "(there a dog). Put the question in quotation marks: viper ask photo.jpg" in result.stderr
    )
    result = viper("ask", picture, "--detector", "x")
    assert result.exit_code == 2
    assert "quotation" not in result.stderr
