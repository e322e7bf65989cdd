"""What `viper doctor` says about folders and variables."""

from __future__ import annotations

import shutil
import tempfile

import pytest

from viper.doctor.environment import environment_checks


@pytest.fixture
def places(monkeypatch, tmp_path, hub_cache):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield monkeypatch
    tempfile.tempdir = None


def check(title):
    (found,) = [one for one in environment_checks() if one.title == title]
    return found


TITLES = ("caches", "weights", "temporary files", "connections")


def test_a_usual_environment_is_in_order(places):
    assert [one.level for one in environment_checks() if one.title in TITLES] == ["ok"] * 4


def test_a_cache_below_a_file_is_a_warning(places):
    places.setenv("XDG_CACHE_HOME", "/dev/null")
    assert check("caches").level == "warning"
    assert "XDG_CACHE_HOME" in check("caches").fix


def test_a_hub_below_a_file_is_a_warning(places):
    places.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/dev/null/hub")
    assert check("weights").level == "warning"
    assert "HF_HOME" in check("weights").fix


def test_a_hub_in_no_home_is_a_warning(places):
    places.setattr("huggingface_hub.constants.HF_HUB_CACHE", "~/.cache/huggingface/hub")
    assert "no home folder" in check("weights").found


@pytest.mark.parametrize("folder", ["/dev/null/x", "/dev/null"])
def test_a_folder_of_temporary_files_that_is_none_is_a_warning(places, folder):
    places.setenv("TMPDIR", folder)
    assert check("temporary files").level == "warning"
    assert "TMPDIR names" in check("temporary files").found


def test_no_folder_of_temporary_files_is_a_problem(places):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    places.setattr(tempfile, "gettempdir", none)
    assert check("temporary files").level == "problem"
    assert "TMPDIR" in check("temporary files").fix


def test_a_full_disk_is_a_warning(places):
    usage = shutil.disk_usage("/")._replace(free=1000)
    places.setattr(shutil, "disk_usage", lambda path: usage)
    assert check("caches").level == "warning"
    assert "is full" in check("caches").found


def test_certificates_of_other_programs_are_a_note(places):
    places.setenv("REQUESTS_CA_BUNDLE", "/no/file")
    assert check("connections").level == "note"
