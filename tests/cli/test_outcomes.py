"""What the verbs print, and how they exit, for each of the three outcomes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from viper.cli import cli

COLOR = """
elephants = image_patch.find('elephant')[3:]
elephant = elephants[0] if elephants else absent('elephant')
return elephant.simple_query('What color is it?')
"""
BLIND = "def execute_command(image):\n    return 'red'\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory with a picture and programs."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((80, 90, 3), 200, dtype=np.uint8)).save("a.png")
    (tmp_path / "color.py").write_text(COLOR)
    (tmp_path / "blind.py").write_text(BLIND)
    (tmp_path / "unsure.py").write_text("return unsure('It is too dark\\nto tell.')")
    return tmp_path


def viper(*arguments, **env):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run(*arguments, program="color.py", **env):
    return viper("run", program, "a.png", "--models", "stub", *arguments, **env)


def lines(result):
    return [line for line in result.stderr.splitlines() if "stub results" not in line]


def test_no_answer_exits_with_1_and_prints_nothing_on_stdout():
    result = run()
    assert (result.exit_code, result.stdout) == (1, "")
    assert lines(result) == [
        "viper: no answer (absent at line 4 of the program): No elephant was found, so nothing can be said "
        "of it."
    ]
    result = run(program="unsure.py")
    assert (result.exit_code, result.stdout) == (1, "")
    assert lines(result) == [
        "viper: no answer (unsure at line 2 of the program): It is too dark to tell."
    ]


def test_an_answer_with_doubts_names_them_and_exits_with_3():
    result = run("--best-effort")
    assert (result.exit_code, result.stdout) == (3, "stub (not verified: elephant)\n")
    assert lines(result) == [
        "viper: not verified: elephant: no elephant was found, so the answer does without it"
    ]


def test_json_tells_the_answer_and_the_doubts_apart():
    result = run("--best-effort", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (answer["answer"], answer["outcome"]) == ("stub", "answered_with_doubts")
    (doubt,) = answer["doubts"]
    assert (doubt["condition"], doubt["needs"]) == ("elephant", "")
    assert (answer["best_effort"], answer["unverified"]) == (True, ["elephant"])


@pytest.mark.parametrize(
    ("variables", "file", "flags", "status"),
    [
        ({}, "", [], 1),
        ({"VIPER_BEST_EFFORT": "true"}, "", [], 3),
        ({}, "best_effort = true\n", [], 3),
        ({"VIPER_BEST_EFFORT": "false"}, "best_effort = true\n", [], 1),
        ({"VIPER_BEST_EFFORT": "true"}, "", ["--no-best-effort"], 1),
        ({"VIPER_BEST_EFFORT": "false"}, "", ["--best-effort"], 3),
    ],
)
def test_settings_decide_unless_the_command_line_does(folder, variables, file, flags, status):
    (folder / "viper.toml").write_text(file)
    assert run(*flags, **variables).exit_code == status


def test_one_models_word_is_said_to_be_that(folder):
    (folder / "ask.py").write_text("return image_patch.simple_query('What is it?')")
    result = run(program="ask.py")
    assert (result.exit_code, result.stdout) == (0, "stub (answered by one model, not checked)\n")
    answer = json.loads(run("--json", program="ask.py").stdout)
    assert (answer["answer"], answer["how"]) == ("stub", "direct")
    assert answer["direct_answer"]["model"] == "stub"


def test_a_program_of_ones_own_may_look_at_nothing():
    result = run(program="blind.py")
    assert (result.exit_code, result.stdout) == (0, "red\n")
    result = viper("ask", "a.png", "?", "--program", "blind.py", "--models", "stub")
    assert (result.exit_code, result.stdout) == (0, "red\n")


def test_a_trace_that_cannot_be_written_is_no_answer_with_doubts(folder):
    result = run("--best-effort", "--trace", folder / "no" / "run.json")
    assert result.exit_code == 1


@pytest.mark.parametrize("verb", ["ask", "run"])
def test_the_help_tells_the_exit_status(verb):
    text = " ".join(viper(verb, "--help").stdout.split())
    assert "--best-effort / --no-best-effort" in text
    assert "Exit status" in text
    assert verb == "run" or "3 answered with doubts" in text


@pytest.mark.parametrize("flag", ["--best-effort", "--no-best-effort"])
def test_the_json_of_an_error_before_a_run_has_every_key(flag):
    complete = json.loads(run("--json").stdout)
    for arguments in (["ask", "no.png", "Is it?"], ["run", "no.py", "a.png"]):
        result = viper(*arguments, "--models", "stub", flag, "--json")
        failed = json.loads(result.stdout)
        assert result.exit_code == 1
        assert failed.keys() == complete.keys()
        assert (failed["outcome"], failed["how"], failed["weakest"]) == ("no_answer", None, None)
        assert failed["best_effort"] is (flag == "--best-effort")


# -- recorded runs


def test_a_recorded_run_shows_and_repeats_its_doubts():
    assert run("--best-effort", "--trace", "run.json").exit_code == 3
    result = viper("replay", "run.json")
    assert (result.exit_code, result.stdout) == (0, "stub (not verified: elephant)\n")
    assert "identical" in result.stderr
    shown = viper("trace", "show", "run.json", COLUMNS="200").stdout.splitlines()
    assert "answer       stub" in shown
    assert "outcome      answered with doubts" in shown
    why = "no elephant was found, so the answer does without it"
    assert f"not verified elephant ({why})" in shown


def test_a_recorded_refusal_is_repeated_and_shown():
    assert run("--trace", "run.json").exit_code == 1
    result = viper("replay", "run.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "identical" in result.stderr
    shown = viper("trace", "show", "run.json", COLUMNS="200").stdout
    assert "answer       none (absent): No elephant was found" in shown
    assert "outcome      no answer" in shown


def test_a_changed_program_has_the_mode_of_the_record(folder):
    (folder / "other.py").write_text("return absent('dog').simple_query('What color is it?')")
    for flag, status in (("--best-effort", 3), ("--no-best-effort", 1)):
        run(flag, "--trace", "run.json")
        edit = "replay", "run.json", "--edit", "other.py", "--models", "stub", "--image", "a.png"
        result = viper(*edit)
        assert result.exit_code == status
        assert ("not verified: dog" in result.stdout) == (status == 3)


def test_two_modes_of_one_question_differ_in_outcome_and_doubts():
    run("--best-effort", "--trace", "one.json")
    run("--trace", "two.json")
    result = viper("trace", "diff", "one.json", "two.json", COLUMNS="200")
    assert result.exit_code == 1
    assert "outcome: 'answered_with_doubts' → 'no_answer'" in result.stdout
    assert "best_effort: True → False" in result.stdout


def test_the_static_page_says_its_doubts_where_scripts_are_off():
    run("--best-effort", "--trace", "run.html")
    page = Path("run.html").read_text(encoding="utf-8")
    assert "<title>stub (not verified: elephant) –" in page
    assert "Not verified: elephant (no elephant was found" in page
