"""Settings that cannot be read are a problem; those that can are reported with where to see them."""

from __future__ import annotations

import pytest

from viper.doctor.settings import settings_check


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("VIPER_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def test_settings_that_can_be_read_are_fine():
    found = settings_check()
    assert (found.level, found.fix) == ("ok", "")
    assert "viper config show" in found.found


def test_a_wrong_file_is_a_problem_that_names_file_and_key(tmp_path):
    (tmp_path / "viper.toml").write_text('timeout_s = "soon"\n')
    found = settings_check()
    assert found.level == "problem"
    assert "viper.toml" in found.found
    assert "timeout_s" in found.found
    assert "docs/configuration.md" in found.fix


def test_a_wrong_variable_is_a_problem_that_names_it(monkeypatch):
    monkeypatch.setenv("VIPER_TIMEOUT_S", "soon")
    assert "VIPER_TIMEOUT_S" in settings_check().found


def test_a_key_in_the_file_is_not_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "very-secret-0123456789")
    (tmp_path / "viper.toml").write_text('timeout_s = "very-secret-0123456789"\n')
    found = settings_check()
    assert found.level == "problem"
    assert "very-secret" not in found.found
