"""What a name of a revision can have opened, and what a reference in the cache of the hub may be."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from viper.errors import DownloadError
from viper.weights.cache import find_on_disk
from viper.weights.hub import list_repository

COMMIT = "a" * 40
opened: list[str] = []
watching = threading.local()


def _watch(event, arguments):
    if event == "open" and getattr(watching, "on", False):
        opened.append(str(arguments[0]))


sys.addaudithook(_watch)


@pytest.fixture
def root(tmp_path):
    """A repository with one commit, to which `main` and `pr/1` lead, beside a secret."""
    root = tmp_path / "models--a--b"
    (root / "snapshots" / COMMIT).mkdir(parents=True)
    (root / "refs/pr").mkdir(parents=True)
    (root / "refs/main").write_text(COMMIT)
    (root / "refs/pr/1").write_text(f"{COMMIT}\n")
    (tmp_path / "secret").write_text(COMMIT)
    return root


def opened_for(root, revision):
    opened.clear()
    watching.on = True
    try:
        found = find_on_disk("a/b", revision, cache=root.parent)
    finally:
        watching.on = False
    return found.folder, [name for name in opened if "/" in name and "snapshots" not in name]


HOSTILE = ["{0}/secret", "../../secret", "pr/../../../secret", "./main", "pr//1", "/dev/zero", "..", "",
           "main\0", "pr/", "~/secret", "..\\..\\secret", "pr/.hidden", "a" * 300]  # fmt: skip


@pytest.mark.parametrize("revision", HOSTILE)
def test_a_name_that_leaves_the_folder_opens_nothing(root, revision):
    text = revision.format(root.parent)
    folder, names = opened_for(root, text)
    assert names == ([] if text else [str(root / "refs/main")])  # none is main
    assert folder is None or not text
    if text:
        with pytest.raises(DownloadError, match="is no name of a branch"):
            list_repository("a/b", text)


@pytest.mark.parametrize("revision", HOSTILE[:3])
def test_control_such_a_name_leads_to_another_file(root, revision):
    assert (root / "refs" / revision.format(root.parent)).read_text() == COMMIT


@pytest.mark.parametrize("revision", ["main", "pr/1", COMMIT])
def test_usual_names_are_found(root, revision):
    assert opened_for(root, revision)[0] == root / "snapshots" / COMMIT


def a_pipe(path):
    os.mkfifo(path)


def a_link_to_a_device(path):
    path.symlink_to("/dev/zero")


def a_link_outside(path):
    path.symlink_to(path.parents[2] / "secret")


def a_large_file(path):
    path.write_text(COMMIT + " " * 1_000)


def a_folder(path):
    path.mkdir()


def no_text(path):
    path.write_bytes(b"\xff" * 40)


@pytest.mark.parametrize(
    "attack", [a_pipe, a_link_to_a_device, a_link_outside, a_large_file, a_folder, no_text]
)
def test_a_reference_that_is_no_small_file_of_the_cache_is_absent(root, attack):
    attack(root / "refs/other")
    assert opened_for(root, "other")[0] is None
