"""`viper doctor`: the level that was measured, told to people and to scripts."""

from __future__ import annotations

import functools
import json
import platform

import pytest
from click.testing import CliRunner

import viper_sandbox
from viper.cli import cli
from viper.presets import load_presets
from viper.weights.cache import repository_folder
from viper_sandbox import Act, Jail, LevelReport

PARTIAL = LevelReport(
    "partial",
    (
        Act("open a file", True, "EACCES"),
        Act("run another program", False, "got through"),
    ),
    (("seccomp", "seccomp is a feature of Linux, and this is plan9"),),
)
NONE = LevelReport("none", (), trouble="plan9 has no processes that it could confine")
FULL_BUT_POOR = LevelReport(
    "full",
    (Act("open a file", True, "killed by SIGSYS"),),
    (("Landlock", "this kernel has none"),),
)


def doctor(*arguments):
    result = CliRunner().invoke(cli, ["doctor", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def measured(monkeypatch):
    """Make the sandbox report a level that this machine need not have."""

    def report(level_report):
        class Machine:
            async def __aenter__(self):
                return self

            async def __aexit__(self, *error):
                pass

            async def level(self):
                return level_report

        monkeypatch.setattr(viper_sandbox, "Jail", Machine)

    return report


def test_it_reports_what_the_sandbox_of_this_machine_measures():
    result = doctor("--json")
    told = json.loads(result.stdout)
    assert set(told) == {"sandbox", "python", "platform", "versions", "models"}
    sandbox = told["sandbox"]
    refused = [act["refused"] for act in sandbox["acts"]]
    assert sandbox["level"] in ("full", "partial", "none")
    assert (sandbox["level"] == "full") == (bool(refused) and all(refused))
    assert result.exit_code == (0 if sandbox["level"] == "full" else 1)
    assert all(act["name"] in doctor().stdout for act in sandbox["acts"])
    assert platform.python_version() in told["python"]
    assert set(told["versions"]) == {"viper", "RestrictedPython"}


def test_an_act_that_gets_through_stands_out_with_what_would_close_it(measured):
    measured(PARTIAL)
    result = doctor()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "sandbox   partial"
    assert "  open a file          refused: EACCES" in lines
    assert "  run another program  NOT REFUSED: got through" in lines
    assert "  seccomp  seccomp is a feature of Linux, and this is plan9" in lines
    text = " ".join(result.stdout.split())
    assert PARTIAL.remedy
    assert f"What would close it: {PARTIAL.remedy}" in text
    assert "refused unless you accept the risk with --sandbox partial" in text


def test_without_a_sandbox_it_says_why_and_that_no_program_runs(measured):
    measured(NONE)
    result = doctor()
    assert result.exit_code == 1
    assert result.stdout.startswith("sandbox   none\n")
    text = " ".join(result.stdout.split())
    assert "plan9 has no processes that it could confine" in text
    assert "No program runs here" in text
    assert "What a confined process attempted" not in text  # nothing was
    assert "What would close it" not in text


def test_a_missing_mechanism_is_told_even_where_the_level_is_full(measured):
    measured(FULL_BUT_POOR)
    result = doctor()
    assert result.exit_code == 0
    assert "Mechanisms that are not in force:\n  Landlock  this kernel has none\n" in result.stdout


@pytest.mark.parametrize(
    ("report", "status"),
    [(FULL_BUT_POOR, 0), (PARTIAL, 1), (NONE, 1)],
    ids=["full", "partial", "none"],
)
def test_json_says_the_same_as_the_report(measured, report, status):
    measured(report)
    result = doctor("--json")
    assert result.exit_code == status
    assert json.loads(result.stdout)["sandbox"] == {
        "level": report.level,
        "sentence": report.sentence,
        "remedy": report.remedy or None,
        "acts": [{"name": a.name, "refused": a.refused, "how": a.how} for a in report.acts],
        "missing": [{"mechanism": name, "reason": why} for name, why in report.missing],
        "trouble": report.trouble or None,
    }


def test_an_interpreter_that_cannot_start_is_told_as_no_sandbox(monkeypatch):
    broken = functools.partial(Jail, python="/nonexistent/python")
    monkeypatch.setattr(viper_sandbox, "Jail", broken)
    result = doctor()
    assert result.exit_code == 1
    assert result.stdout.startswith("sandbox   none\n  There is no sandbox on this machine: ")


def test_what_the_machine_says_of_itself_cannot_move_the_cursor(measured):
    measured(LevelReport("none", (), trouble="a kernel called \x1b[2J\nfull"))
    assert "\x1b" not in doctor().stdout


def test_it_tells_a_line_for_each_preset(measured, hub_cache):
    measured(FULL_BUT_POOR)
    for model in load_presets()["small"].models[:3]:
        folder = repository_folder(model.repository) / "snapshots" / model.revision
        folder.mkdir(parents=True)
        for name in (
            "config.json",
            "preprocessor_config.json",
            "tokenizer.json",
            "model.safetensors",
        ):
            (folder / name).write_text("{}")
    result = doctor()
    assert "  small   3 of 4 models on disk; viper models pull small\n" in result.stdout
    # The depth model is the same in all three.
    assert "  large   1 of 4 models on disk; viper models pull large\n" in result.stdout
    told = json.loads(doctor("--json").stdout)["models"]
    assert list(told) == ["small", "base", "large"]


def test_a_broken_file_of_presets_does_not_hide_the_rest(measured, monkeypatch):
    measured(FULL_BUT_POOR)
    monkeypatch.setenv("VIPER_PRESETS", "/no/such.toml")
    result = doctor()
    assert result.exit_code == 0
    assert "  error   The presets of VIPER_PRESETS='/no/such.toml' cannot be read" in result.stdout


def test_the_help_teaches_the_levels_and_the_exit_status():
    text = doctor("--help").output
    for word in (
        "full ",
        "partial ",
        "none ",
        "Exit status: 0 when the level is full, 1 otherwise",
    ):
        assert word in text
