"""`viper replay`, in process, with the models that ship and with none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from viper.cli import cli
from viper.replay.again import ALWAYS_FROM_RECORD
from viper.scheduling import model_pool as pool

EXAMPLES = Path(__file__).parents[2] / "examples"
COLOR = "What color is the large cube?"


def viper(*arguments, stdin=None):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Traces of questions about the examples, made once."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copy(EXAMPLES / "shapes.png", folder)
    for name, question, *more in (
        ("color", COLOR, "--embed", "crops"),
        ("boxes", "the leftmost metal cube", "--task", "grounding", "--embed", "picture"),
        ("count", "How many metal things are left of the purple cube?"),
        ("failed", "Is there a dog?"),
    ):
        options = ["--models", "builtin", "--trace", folder / f"{name}.json", *more]
        result = viper("ask", folder / "shapes.png", question, *options)
        assert result.exit_code == (name == "failed")
        (folder / f"{name}.txt").write_text(result.stdout)
    return folder


@pytest.fixture
def no_model(monkeypatch):
    """Loading a model fails."""

    def refuse(ref):
        raise AssertionError(f"A replay loads {ref}.")

    monkeypatch.setattr(pool, "open_backend", refuse)
    defaults = dict(pool.ModelPool.__init__.__kwdefaults__)
    monkeypatch.setattr(pool.ModelPool.__init__, "__kwdefaults__", defaults | {"opener": refuse})


@pytest.mark.parametrize("name", ["color", "boxes", "count"])
def test_a_run_of_the_built_in_models_is_repeated_byte_by_byte(folder, tmp_path, no_model, name):
    result = viper("replay", folder / f"{name}.json", "--trace", tmp_path / "again.json")
    assert result.exit_code == 0
    assert result.stdout == (folder / f"{name}.txt").read_text()
    assert result.stderr.startswith(f"viper: {ALWAYS_FROM_RECORD}\nviper: identical: 1 program, ")
    assert result.stderr.endswith("; no model was asked.\n")
    assert (tmp_path / "again.json").read_bytes() == (folder / f"{name}.json").read_bytes()


def test_a_failure_is_repeated_and_its_status_is_that_of_a_failure(folder, tmp_path, no_model):
    result = viper("replay", folder / "failed.json", "--trace", tmp_path / "again.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "viper: no answer (model at line 3 of the program): " in result.stderr
    assert "viper: identical: 1 program, 1 call; no model was asked." in result.stderr
    assert (tmp_path / "again.json").read_bytes() == (folder / "failed.json").read_bytes()


def test_a_changed_answer_is_told_and_fails(folder, tmp_path, no_model):
    value = json.loads((folder / "color.json").read_text())
    value["answer"] = "red\x1b[31m"
    (tmp_path / "run.json").write_text(json.dumps(value))
    result = viper("replay", tmp_path / "run.json")
    assert (result.exit_code, result.stdout) == (1, "purple\n")
    assert result.stderr == (
        f"viper: {ALWAYS_FROM_RECORD}\n"
        "viper: 1 difference from the record:\nviper: answer: 'red\\x1b[31m' became 'purple'\n"
    )


def test_json_tells_differences(folder, tmp_path, no_model):
    value = json.loads((folder / "color.json").read_text())
    value["answer"] = "red"
    (tmp_path / "run.json").write_text(json.dumps(value))
    assert json.loads(viper("replay", tmp_path / "run.json", "--json").stdout) == {
        "identical": False,
        "differences": [{"path": "answer", "recorded": "red", "replayed": "purple"}],
        "from_record": [ALWAYS_FROM_RECORD],
        "programs": 1,
        "calls": 6,
        "answer": "purple",
        "failure": None,
    }


def test_a_file_that_is_no_trace_is_one_line(tmp_path):
    (tmp_path / "run.json").write_text("[]")
    result = viper("replay", tmp_path / "run.json", "--json")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("viper: '")
    assert "It is not a Viper trace" in line
    assert json.loads(result.stdout)["failure"]["kind"] == "input"


def test_options_of_new_calls_need_a_changed_program(folder):
    result = viper("replay", folder / "color.json", "--models", "builtin")
    assert result.exit_code == 2
    assert "give it with --edit FILE" in result.stderr


KNOWN = """def execute_command(image):
    cubes = image.find('cube')
    return len([c for c in reversed(cubes) if c.verify_property('cube', 'large')])
"""


def test_a_changed_program_that_asks_nothing_new_needs_no_model(folder, no_model):
    result = viper("replay", folder / "color.json", "--edit", "-", stdin=KNOWN)
    assert (result.exit_code, result.stdout) == (0, "1\n")
    assert result.stderr == "viper: 5 calls answered from the record, 0 sent to models.\n"


def test_a_changed_program_asks_the_recorded_models_for_what_is_new(folder, tmp_path):
    (tmp_path / "program.py").write_text(KNOWN.replace("'large'", "'small'"))
    options = ["--edit", tmp_path / "program.py", "--json", "--trace", tmp_path / "new.json"]
    result = viper("replay", folder / "color.json", *options)
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["answer"]) == (0, "3")
    assert (answer["recalled"], answer["asked"]) == (1, 4)
    again = viper("replay", tmp_path / "new.json")
    assert (again.exit_code, again.stdout) == (0, "3\n")


def test_the_embedded_picture_is_enough(folder, tmp_path):
    shutil.copy(folder / "boxes.json", tmp_path)
    source = "return len(image_patch.find('sphere'))"
    result = viper("replay", tmp_path / "boxes.json", "--edit", "-", stdin=source)
    direct = viper("run", "-", folder / "shapes.png", "--models", "builtin", stdin=source)
    assert result.exit_code == 1  # the task is grounding, and this is a number
    assert "0 calls answered from the record, 1 sent to models" in result.stderr
    source = "return image_patch.find('sphere')"
    result = viper("replay", tmp_path / "boxes.json", "--edit", "-", stdin=source)
    assert result.exit_code == 0
    assert len(result.stdout.split(", ")) == int(direct.stdout)


def test_without_the_picture_a_new_call_says_what_to_give(folder, tmp_path, no_model):
    shutil.copy(folder / "color.json", tmp_path)
    source = "return len(image_patch.find('sphere'))"
    result = viper("replay", tmp_path / "color.json", "--edit", "-", "--json", stdin=source)
    assert result.exit_code == 1
    failure = json.loads(result.stdout)["failure"]
    assert failure["kind"] == "input"
    assert failure["message"].startswith(
        "The program calls find('sphere') on (0, 0, 480, 320), which"
    )
    assert failure["message"].endswith(
        "there is no file 'shapes.png' beside it. Give it with --image FILE."
    )


def test_another_picture_is_refused(folder):
    cubes = EXAMPLES / "cubes.png"
    result = viper(
        "replay", folder / "color.json", "--edit", "-", "--image", cubes, stdin="return 1"
    )
    assert result.exit_code == 1
    assert "is not the image of the trace" in result.stderr


def test_a_page_of_a_replay_shows_the_picture_where_it_is_found(folder, tmp_path, no_model):
    result = viper("replay", folder / "boxes.json", "--trace", tmp_path / "again.html")
    assert result.exit_code == 0
    assert "data:image/" in (tmp_path / "again.html").read_text()


def test_the_help_teaches_with_examples():
    text = viper("replay", "--help").stdout
    assert "viper replay run.json --edit program.py" in text
    assert "Exit status: 0 identical and answered" in text
