"""`viper config`, and what settings do to other verbs."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from viper.cli import cli
from viper.settings.schema import load_settings, names


@pytest.fixture
def viper(tmp_path, monkeypatch):
    """Runs the command in an empty folder with a picture."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((60, 90, 3), np.uint8)).save("a.png")
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "VIPER_SERVE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments, **variables: CliRunner().invoke(cli, arguments, env=variables)


def test_every_value_is_shown_with_its_origin(viper, tmp_path):
    (tmp_path / "viper.toml").write_text('timeout_s = 20\n[backends]\nmatcher = "colors"\n')
    result = viper("config", "show", VIPER_VOTES="2")
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert rows["models"] == ["auto", "default"]
    assert rows["timeout_s"] == ["20.0", "viper.toml"]
    assert rows["votes"] == ["2", "VIPER_VOTES"]
    assert rows["backends.matcher"] == ["colors", "viper.toml"]
    assert set(names()) < set(rows)


def test_secrets_are_shown_as_set_and_never_as_they_are(viper):
    for arguments in (["config", "show"], ["config", "show", "--json"]):
        result = viper(*arguments, OPENAI_API_KEY="hush-hush", VIPER_SERVE_TOKEN="hush-hush")
        assert "hush" not in result.output
        assert "OPENAI_API_KEY" in result.stdout
    assert json.loads(result.stdout)["secrets"] == {
        "OPENAI_API_KEY": "set", "HF_TOKEN": "not set", "VIPER_SERVE_TOKEN": "set",
    }  # fmt: skip


def test_json_tells_values_and_origins(viper):
    told = json.loads(viper("config", "show", "--json", VIPER_MODELS="stub").stdout)
    assert told["file"] is None
    assert told["settings"]["models"] == {
        "value": "stub",
        "origin": {"kind": "environment", "name": "VIPER_MODELS"},
    }
    assert told["settings"]["votes"]["origin"] == {"kind": "default", "name": None}


def test_init_writes_a_file_that_changes_nothing_and_is_never_written_over(viper, tmp_path):
    assert viper("config", "init").stdout == "viper.toml\n"
    assert load_settings({}, tmp_path).changed() == {}
    text = (tmp_path / "viper.toml").read_text()
    again = viper("config", "init")
    assert again.exit_code == 1
    assert "There is a file 'viper.toml' already" in again.stderr
    assert (tmp_path / "viper.toml").read_text() == text


def test_the_command_line_counts_before_variable_and_file(viper, tmp_path):
    (tmp_path / "viper.toml").write_text('models = "none"\n')
    ask = ("ask", "a.png", "How many cups are there?")
    assert "needs a detector" in viper(*ask).stderr
    assert viper(*ask, VIPER_MODELS="stub").stdout == "3\n"
    assert viper(*ask, "--models", "stub").stdout == "3\n"
    assert "needs a detector" in viper(*ask, "--models", "none", VIPER_MODELS="stub").stderr


def test_arguments_of_the_engine_that_have_no_option_can_be_set(viper):
    result = viper("ask", "a.png", "Is there a cup?", VIPER_MODELS="stub", VIPER_MAX_BATCH="0")
    assert "The setting max_batch (VIPER_MAX_BATCH) should be greater" in result.stderr
    arguments = {"VIPER_CACHE_MB": "0", "VIPER_CACHE": "folder", "VIPER_MODELS": "stub"}
    result = viper("ask", "a.png", "Is there a cup?", **arguments)
    assert "needs cache_mb above 0" in result.stderr


def test_a_backend_on_the_command_line_replaces_that_of_its_role_only(viper, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'models = "none"\n[backends]\ndetector = "onnx:none.onnx"\ndepth = "stub"\n'
    )
    replaced = ("--backend", "detector=stub", "--json")
    result = viper("run", "-", "a.png", *replaced, VIPER_CONFIG="mine.toml")
    assert json.loads(result.stdout)["models"] == {"detector": "stub", "depth": "stub"}


def test_drafts_are_written_for_the_whole_api_whatever_is_set(viper):
    result = viper(
        "generate", "Is there a red car?", VIPER_MODELS="none", VIPER_BACKENDS__DEPTH="stub"
    )
    assert "verify_property" in result.stdout


def test_a_wrong_setting_is_one_line_and_a_failure_of_kind_config(viper, tmp_path):
    (tmp_path / "viper.toml").write_text("votes = 0\n")
    result = viper("ask", "a.png", "Is it?", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failure"]["kind"] == "config"
    assert result.stderr.count("\n") == 1
    assert "The setting votes (viper.toml)" in result.stderr


def test_an_unknown_variable_is_told(viper):
    result = viper("ask", "a.png", "Is there a cup?", VIPER_MODLES="x", VIPER_MODELS="stub")
    assert (result.exit_code, result.stdout) == (0, "yes\n")
    assert "VIPER_MODLES is unknown and does nothing. Did you mean 'VIPER_MODELS'" in result.stderr


def test_help_reads_no_settings_and_imports_no_pydantic():
    code = (
        "import sys; sys.argv = ['viper', 'ask', '--help']\nimport viper.cli\n"
        "try:\n    viper.cli.main()\nexcept SystemExit:\n    pass\n"
        "assert 'pydantic' not in sys.modules and 'viper.settings.schema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_a_replay_takes_the_clock_from_settings_and_its_models_from_the_record(viper):
    answered = viper(
        "ask", "a.png", "How many cups are there?", "--models", "stub", "--trace", "r.json"
    )
    assert answered.stdout == "3\n"
    assert viper("replay", "r.json", VIPER_MODELS="none").stdout == "3\n"
    assert "longer than 1e-06 s" in viper("replay", "r.json", VIPER_TIMEOUT_S="0.000001").stderr
