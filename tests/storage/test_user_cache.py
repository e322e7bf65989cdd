"""A user without a home folder has no caches, and everything else."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from viper.errors import ConfigError
from viper.storage.user_cache import expand_user, user_cache_folder

# Runs the command line as a user without an entry in the list of users.
_NOBODY = """
import pwd, sys
def nobody(*_): raise KeyError("no such user")
pwd.getpwuid = pwd.getpwnam = nobody
from viper.cli import main
main()
"""


@pytest.fixture
def nobody(monkeypatch):
    def missing(*_):
        raise KeyError("no such user")

    monkeypatch.setattr(pwd, "getpwuid", missing)
    monkeypatch.setattr(pwd, "getpwnam", missing)
    for name in ("HOME", "XDG_CACHE_HOME", "VIPER_MEMO"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def viper(*arguments, cwd=None, **variables):
    hidden = ("HOME", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "VIPER_MEMO")
    kept = {name: text for name, text in os.environ.items() if name not in hidden}
    paths = os.pathsep.join(sys.path)
    return subprocess.run(
        [sys.executable, "-c", _NOBODY, *arguments],
        env=kept | {"PYTHONPATH": paths} | variables,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=cwd,
    )


def test_without_a_home_there_is_no_cache(nobody):
    with pytest.raises(RuntimeError):  # the control: what the standard library does
        Path.home()
    assert user_cache_folder() is None


@pytest.mark.parametrize("home", ["", "relative", "./x", "~"])
def test_a_home_that_names_no_fixed_place_is_none(nobody, home):
    nobody.setenv("HOME", home)
    assert user_cache_folder() is None


def test_a_folder_for_caches_is_enough(nobody):
    nobody.setenv("XDG_CACHE_HOME", "/caches")
    assert user_cache_folder() == Path("/caches/viper")
    nobody.setenv("XDG_CACHE_HOME", "caches")  # relative: ignored
    assert user_cache_folder() is None
    nobody.setenv("HOME", "/home/me")
    assert user_cache_folder() == Path("/home/me/.cache/viper")


def test_a_path_in_a_home_that_is_not_there_is_one_line(nobody):
    for path in ("~", "~/x"):
        with pytest.raises(RuntimeError):  # the control
            Path(path).expanduser()
        with pytest.raises(ConfigError, match=r"no home folder .*Set HOME, or give a full path"):
            expand_user(path)
    with pytest.raises(ConfigError, match="there is no user 'stranger'"):
        expand_user("~stranger/x")
    assert expand_user("a/~/b") == Path("a/~/b")
    nobody.setenv("HOME", "/home/me")
    assert expand_user("~/x") == Path("/home/me/x")


def test_nothing_is_remembered_and_nothing_fails(nobody, tmp_path, monkeypatch):
    from viper.backends import file_hashes
    from viper.cli.settings import program_cache_file, text_cache_folder

    monkeypatch.setattr(file_hashes, "_SMALLEST_BYTES", 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").write_bytes(b"abc")
    assert len(file_hashes.hash_file(tmp_path / "weights")) == 64
    assert text_cache_folder() is None
    assert program_cache_file() is None
    assert [one.name for one in tmp_path.iterdir()] == ["weights"], "a folder named ~"


def test_the_hubs_cache_is_never_a_folder_named_after_the_home(nobody, tmp_path, monkeypatch):
    from viper.weights.cache import has_no_home

    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    assert has_no_home(Path("~/.cache/huggingface/hub"))
    assert has_no_home(Path("relative/.cache/huggingface/hub"))
    assert not has_no_home(Path("/cache/huggingface/hub"))
    monkeypatch.setenv("HF_HOME", "mine")
    assert not has_no_home(Path("mine/hub"))


def test_a_verb_says_that_there_is_no_place(tmp_path):
    done = viper("program-cache", "list", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no home folder" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_folder_for_caches_is_a_place(tmp_path):
    done = viper("program-cache", "list", cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "caches"))
    assert "there is no program in" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("home", "arguments", "status"),
    [
        (home, arguments, status)
        for home in (None, "", "relative", "/dev/null", "/dev/null/x", "/proc")
        for arguments, status in (
            (["ask", "IMAGE", "How many cubes are there?"], 0),
            (["config", "show"], 0),
            (["models", "list"], 0),
            (["models", "path", "small"], 1),
            (["models", "pull", "owner/name"], 1),
            (["program-cache", "clear"], 0),
            (["lint", "~/program.py"], 1),
        )
    ],
)
def test_every_verb_works_or_says_one_line_without_a_home(home, arguments, status, tmp_path):
    image = str(Path("examples/shapes.png").resolve())
    variables = {"HTTPS_PROXY": "http://127.0.0.1:9", "HF_TOKEN": "hf_x"}
    variables |= {} if home is None else {"HOME": home}
    done = viper(
        *(image if one == "IMAGE" else one for one in arguments), cwd=tmp_path, **variables
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_doctor_says_that_there_is_no_place(tmp_path):
    done = viper("doctor", "--offline", cwd=tmp_path)
    assert " ".join(done.stdout.split()).count("no home folder") == 2
