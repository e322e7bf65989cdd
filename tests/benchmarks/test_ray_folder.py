"""Ray's sockets lie in a folder whose path is short enough for them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from viper.errors import ConfigError
from viper_benchmarks import on_ray

# As Ray makes them, with the longest numbers.
SOCKET = "ray/session_2026-12-31_23-59-59_123456_4194304/sockets/plasma_store"


def bind(folder):
    path = Path(folder) / SOCKET
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


@pytest.fixture
def named(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)

    def name(folder, variable="TMPDIR"):
        monkeypatch.setenv(variable, str(folder))
        return Path(folder)

    return name


def long_folder(tmp_path):
    folder = tmp_path / ("x" * 50) / ("y" * 50)
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
def test_a_long_folder_is_replaced_by_a_short_one(named, tmp_path, variable):
    folder = named(long_folder(tmp_path), variable)
    with pytest.raises(OSError, match="too long"):  # the control
        bind(folder)
    with on_ray._short_folder() as short:
        bind(short or "")
    assert short is not None
    assert not Path(short).exists()


def test_the_longest_folder_that_is_kept_has_room_for_a_socket():
    longest = "/tmp/" + "x" * (on_ray._MAX_FOLDER_BYTES - 5)
    assert len(f"{longest}/{SOCKET}") <= 107


@pytest.mark.parametrize("folder", ["/dev/null", "/dev/null/x", ""])
def test_a_folder_that_is_none_is_replaced(named, folder):
    named(folder)
    with on_ray._short_folder() as short:
        assert short is None if not folder else Path(short or "/none").is_dir()


def test_a_short_folder_is_left_to_ray(named):
    named("/tmp")
    with on_ray._short_folder() as short:
        assert short is None


def test_without_any_folder_the_variable_is_named(named, tmp_path, monkeypatch):
    named(long_folder(tmp_path))
    monkeypatch.setattr(on_ray, "_PLACES", ("/dev/null", "/dev/null/x"))
    with pytest.raises(ConfigError, match="Set TMPDIR to a short folder"), on_ray._short_folder():
        pass
