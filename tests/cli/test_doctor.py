"""`viper doctor`: the level that was measured, reported to people and to scripts."""

from __future__ import annotations

import functools
import json
import platform
import time

import pytest
from click.testing import CliRunner

import viper_sandbox
from fakes.llm_server import LLMServer, raw_json, refuse
from viper.cli import cli
from viper.doctor import endpoint, report
from viper.doctor.torch_facts import Device, TorchFacts
from viper.engine.presets import load_presets
from viper.plugins import Plugin
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

KEY = "very-secret-0123456789"


@pytest.fixture(autouse=True)
def torch_says(monkeypatch):
    """Make torch say this, without a process; a machine without a GPU, as long as nothing else is said."""

    class Probe:
        facts = TorchFacts("2.11.0")

        def wait(self):
            return self.facts

        def cancel(self):
            pass

    monkeypatch.setattr(report, "TorchProbe", Probe)
    return functools.partial(setattr, Probe, "facts")


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "VIPER_LLM", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


def found(title, *arguments):
    """The findings of this title, from --json."""
    reported = json.loads(doctor("--json", *arguments).stdout)["findings"]
    return [finding for finding in reported if finding["title"] == title]


def doctor(*arguments):
    result = CliRunner().invoke(cli, ["doctor", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def measured(monkeypatch):
    """Make the sandbox report a level that this machine need not have."""

    def set_level(level_report):
        class Machine:
            async def __aenter__(self):
                return self

            async def __aexit__(self, *error):
                pass

            async def level(self):
                return level_report

        monkeypatch.setattr(viper_sandbox, "Jail", Machine)

    return set_level


def test_it_reports_what_the_sandbox_of_this_machine_measures():
    result = doctor("--json")
    reported = json.loads(result.stdout)
    assert set(reported) == {"sandbox", "python", "platform", "versions", "models", "findings"}
    sandbox = reported["sandbox"]
    refused = [act["refused"] for act in sandbox["acts"]]
    assert sandbox["level"] in ("full", "partial", "none")
    assert (sandbox["level"] == "full") == (bool(refused) and all(refused))
    assert result.exit_code == (0 if sandbox["level"] == "full" else 1)
    assert all(act["name"] in doctor().stdout for act in sandbox["acts"])
    assert platform.python_version() in reported["python"]
    assert set(reported["versions"]) == {"viper", "RestrictedPython"}


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
    assert f"How to fix it: {PARTIAL.remedy}" in text
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
    assert "How to fix it" not in text


def test_a_missing_mechanism_is_reported_even_where_the_level_is_full(measured):
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
        "fix": report.remedy or None,
        "remedy": report.remedy or None,
        "acts": [{"name": a.name, "refused": a.refused, "how": a.how} for a in report.acts],
        "missing": [{"mechanism": name, "reason": why} for name, why in report.missing],
        "trouble": report.trouble or None,
    }


def test_an_interpreter_that_cannot_start_is_reported_as_no_sandbox(monkeypatch):
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
    text = " ".join(doctor("--vram", "80").stdout.split())
    assert "small 3 of 4 models on disk; needs 3.3 GB: fits. fix: viper models pull small" in text
    # The depth model is the same in all three.
    assert "large 1 of 4 models on disk; needs 30.4 GB: fits. fix: viper models pull large" in text
    reported = json.loads(doctor("--json").stdout)["models"]
    assert list(reported) == ["small", "base", "large"]
    assert reported["small"] == "3 of 4 models on disk; viper models pull small"


def test_a_broken_file_of_presets_does_not_hide_the_rest(measured, monkeypatch):
    measured(FULL_BUT_POOR)
    monkeypatch.setenv("VIPER_PRESETS", "/no/such.toml")
    result = doctor()
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "problem presets The presets of VIPER_PRESETS='/no/such.toml' cannot be read" in text
    assert "fix: Correct the file, or unset VIPER_PRESETS." in text
    assert "Optional packages" in text
    reported = json.loads(doctor("--json").stdout)["models"]
    assert reported["error"].startswith("The presets of VIPER_PRESETS='/no/such.toml'")


def test_the_help_teaches_the_levels_and_the_exit_status():
    text = doctor("--help").output
    for word in (
        "full ",
        "partial ",
        "none ",
        "Exit status: 0 if the sandbox level is full, otherwise 1",
    ):
        assert word in text


@pytest.mark.parametrize(("vram", "chosen"), [("4", "small"), ("12", "base"), ("80", "large")])
def test_vram_says_which_preset_to_choose_for_another_gpu(measured, hub_cache, vram, chosen):
    measured(FULL_BUT_POOR)
    (choice,) = found("choice", "--vram", vram)
    assert choice["found"].startswith(f"For a GPU with {vram} GB: --models {chosen},")
    assert choice["fix"] == f"viper models pull {chosen}"


@pytest.mark.parametrize("vram", ["0", "-4", "much", "nan", "inf"])
def test_vram_must_be_a_number_above_zero(vram):
    result = doctor("--vram", vram)
    assert result.exit_code == 2
    assert "--vram" in result.stderr


def test_devices_are_reported_and_presets_are_measured_by_the_first(
    measured, torch_says, hub_cache
):
    measured(FULL_BUT_POOR)
    gpu = Device("cuda:0 NVIDIA \x1b[2JL4", 24_000_000_000, 23_000_000_000)
    torch_says(TorchFacts("2.11.0", "CUDA 12.8", (gpu,)))
    (device,) = found("device")
    assert device["found"].endswith("L4, 24.0 GB, 23.0 GB free")
    (choice,) = found("choice")
    assert "--models base, the largest that fits." in choice["found"]
    assert "\x1b" not in doctor().stdout


def test_a_sandbox_that_is_not_full_is_among_the_findings_with_its_fix(measured):
    measured(PARTIAL)
    (sandbox,) = found("sandbox")
    assert (sandbox["level"], sandbox["fix"]) == ("warning", PARTIAL.remedy)
    assert doctor().stdout.endswith("\n1 warning found.\n")


def test_an_endpoint_that_answers_is_reported(measured, monkeypatch):
    measured(FULL_BUT_POOR)
    with LLMServer([raw_json({"data": [{"id": "small\x1b[2J-model"}]})]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        text = doctor().stdout
    assert f"{server.url} answers. Models:" in " ".join(text.split())
    assert "\x1b" not in text


def test_an_endpoint_that_hangs_is_given_up_and_is_a_problem(measured, monkeypatch):
    measured(FULL_BUT_POOR)
    assert endpoint.request_models.__defaults__ == (
        3.0,
    )  # seconds; here it is not waited for so long
    monkeypatch.setattr(endpoint.request_models, "__defaults__", (0.3,))
    with LLMServer(lambda _: time.sleep(1.0) or refuse(500)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        started = time.monotonic()
        (reported,) = found("endpoint")
    assert reported["level"] == "problem"
    assert "no answer" in reported["found"]
    assert "--offline skips this" in reported["fix"]
    assert time.monotonic() - started < 10


def test_offline_asks_nobody(measured, monkeypatch):
    measured(FULL_BUT_POOR)
    with LLMServer([refuse(500)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        (reported,) = found("endpoint", "--offline")
    assert server.requests == []
    assert reported["found"] == f"No request was sent to {server.url}: --offline."


@pytest.mark.parametrize("status", [401, 500])
def test_the_key_is_sent_and_shown_nowhere(measured, monkeypatch, status):
    measured(FULL_BUT_POOR)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with LLMServer([refuse(status, f"wrong key {KEY}")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        results = [doctor(), doctor("--json"), doctor("--offline")]
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert all(KEY not in result.stdout + result.stderr for result in results)
    assert results[0].exit_code == 0  # the level is full: nothing else changes the status


def test_a_plugin_with_hostile_metadata_cannot_move_the_cursor(measured, monkeypatch):
    measured(FULL_BUT_POOR)
    one = Plugin("viper.backends", "x\x1b[2J", "a:b", "evil\x1b[1m\nok", "1\x07")
    monkeypatch.setattr("viper.doctor.report.installed", lambda path: (one,))
    text = doctor().stdout
    assert "evil" in text
    assert not {"\x1b", "\x07"} & set(text)


def test_no_line_is_wider_than_the_terminal(measured, torch_says, hub_cache):
    measured(PARTIAL)
    torch_says(TorchFacts("2.11.0", "CUDA 12.8", error="The driver is too old. " * 10))
    assert max(len(line) for line in doctor().stdout.splitlines()) <= 80


def test_nothing_goes_to_stderr_where_that_is_no_terminal(measured):
    measured(FULL_BUT_POOR)
    assert doctor().stderr == ""
