from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

import viper
from viper.backends import file_hashes
from viper.backends.file_hashes import hash_file

SOURCES = Path(viper.__file__).parent


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(file_hashes, "_SMALLEST_BYTES", 10)
    return tmp_path / "cache" / "viper" / "hashes.json"


@pytest.fixture
def digests(monkeypatch):
    """Names of the files that were read to the end."""
    read = []
    digest = file_hashes._digest
    monkeypatch.setattr(file_hashes, "_digest", lambda path: read.append(path.name) or digest(path))
    return read


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_large_file_is_read_once_until_it_changes(tmp_path, digests):
    weights = tmp_path / "weights"
    weights.write_text("a" * 20)
    assert [hash_file(weights) for _ in range(3)] == [sha("a" * 20)] * 3
    assert digests == ["weights"]
    weights.write_text("b" * 20)
    os.utime(weights, ns=(1, 1))
    assert hash_file(weights) == sha("b" * 20)
    (tmp_path / "new").write_text("c" * 20)
    os.utime(tmp_path / "new", ns=(1, 1))
    (tmp_path / "new").replace(weights)  # same size and time, another file
    assert hash_file(weights) == sha("c" * 20)
    assert digests == ["weights"] * 3


def test_a_small_file_is_not_remembered(tmp_path, digests, cache):
    (tmp_path / "small").write_text("a")
    assert hash_file(tmp_path / "small") == hash_file(tmp_path / "small") == sha("a")
    assert digests == ["small"] * 2
    assert not cache.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', "[" * 100_000])
def test_a_damaged_cache_is_rebuilt(tmp_path, cache, content):
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    (tmp_path / "weights").write_text("a" * 20)
    assert hash_file(tmp_path / "weights") == sha("a" * 20)
    assert [*json.loads(cache.read_text()).values()] == [sha("a" * 20)]
    assert [path.name for path in cache.parent.iterdir()] == ["hashes.json"]


def test_the_oldest_are_forgotten(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(file_hashes, "_MOST_FILES", 3)
    for number in range(5):
        (tmp_path / f"w{number}").write_text(str(number) * 20)
        hash_file(tmp_path / f"w{number}")
    assert [*json.loads(cache.read_text()).values()] == [sha(str(n) * 20) for n in (2, 3, 4)]


def test_without_a_folder_to_write_files_are_hashed_each_time(tmp_path, monkeypatch, digests):
    (tmp_path / "taken").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "taken"))
    (tmp_path / "weights").write_text("a" * 20)
    assert [hash_file(tmp_path / "weights") for _ in range(2)] == [sha("a" * 20)] * 2
    assert digests == ["weights"] * 2


def a_link(cache, other):
    cache.symlink_to(other)


def a_hidden_link(cache, other):
    cache.symlink_to(cache.with_name("second"))
    cache.with_name("second").symlink_to(other)


def writable_by_all(cache, other):
    cache.write_text(other.read_text())
    cache.chmod(0o666)


def of_another_user(cache, other):
    cache.write_text(other.read_text())
    os.chown(cache, 1234, 1234)


def a_pipe(cache, other):
    os.mkfifo(cache)


def a_device(cache, other):
    cache.symlink_to("/dev/zero")


def a_large_file(cache, other):
    cache.write_text(other.read_text() + " " * 2_000_000)


@pytest.mark.parametrize(
    "attack",
    [a_link, a_hidden_link, writable_by_all, of_another_user, a_pipe, a_device, a_large_file],
)
def test_hashes_that_others_can_change_are_not_used(tmp_path, cache, attack):
    if attack is of_another_user and os.geteuid() != 0:
        pytest.skip("needs the rights to give a file away")
    weights = tmp_path / "weights"
    weights.write_text("a" * 20)
    hash_file(weights)
    false = tmp_path / "false.json"
    false.write_text(json.dumps(dict.fromkeys(json.loads(cache.read_text()), "f" * 64)))
    cache.write_bytes(false.read_bytes())
    assert hash_file(weights) == "f" * 64  # the control: who can write as the user can do this
    cache.unlink()
    attack(cache, false)
    assert hash_file(weights) == sha("a" * 20)
    assert false.read_text().count("f" * 64) == 1  # not written through the link


def test_only_these_read_the_folder_of_caches():
    """Each has its own check: SQLite files in `storage.sqlite`, hashes with `read_own_file`."""
    found = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if "user_cache_folder" in path.read_text(encoding="utf-8")
    }
    assert found == {
        "backends/file_hashes.py",
        "generate/program_cache/location.py",
        "storage/user_cache.py",
        # These name the folder only.
        "cli/program_cache.py",
        "cli/settings.py",
        "doctor/environment.py",
        "serve/host_places.py",
    }
