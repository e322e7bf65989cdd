"""A folder from somebody else: whatever stands in place of a name that Viper writes, nothing outside changes.

Each writer runs once in an empty folder. Then each name that it wrote is planted in a new folder, before the
writer runs, as a link or as something else that is no file of Viper's.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path

import pytest

from viper.errors import ViperError
from viper.storage import below, part_file
from viper_benchmarks.row import SampleResult

pytestmark = pytest.mark.skipif(os.name == "nt", reason="its links need a privilege")

ROW = SampleResult(
    *("1", "vqa", "yes", None, True, None, None, None),
    *(0, {}, 1.0, (), None, ()),
)
SECRET = b"alias ll='ls -l'\nno line feed at the end"


def a_run(folder):
    from viper_benchmarks.run_folder import RunFolder

    with RunFolder(folder, {"task": "x"}, resume=True) as run:
        run.append(ROW)
        run.write_run({"n": 1})
        run.write_report({"accuracy": 1.0})
        run.write_page("<html>")


def a_world(folder):
    from viper.builtin.world.folder import render_set

    render_set(folder, 1, size=(96, 64), replace=True)


def a_scaffold(folder):
    from viper.modules.scaffold import new_module

    new_module("reading", folder)


def hashes(folder):
    from viper.backends import file_hashes

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setattr(file_hashes, "user_cache_folder", lambda: folder)
        file_hashes._write({"key": "0" * 64})


def training_images(folder):
    from viper.builtin.train.data import draw_images, read_image

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("viper.builtin.train.data.IMAGE_SIZE", (96, 64))
        draw_images(folder, 1, first_seed=0)
    read_image(folder, 0)


WRITERS = [a_run, a_world, a_scaffold, hashes, training_images]


def a_link(place, victim):
    place.symlink_to(victim)


def a_link_through_folders(place, victim):
    place.symlink_to(os.path.relpath(victim, place.parent))


def a_link_to_nothing(place, victim):
    place.symlink_to(victim.with_name("new"))


def a_second_name(place, victim):
    place.hardlink_to(victim)


def a_pipe(place, victim):
    os.mkfifo(place)


def a_link_to_a_folder(place, victim):
    place.symlink_to(victim.parent)


FILE_ATTACKS = [a_link, a_link_through_folders, a_link_to_nothing, a_second_name, a_pipe]


def state(folder):
    """Return everything below a folder with content, permissions and times of change."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns if path.is_file() else 0,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def names(write, folder):
    """Return the files and the folders that a writer makes, relative, with their temporary names."""
    folder.mkdir()
    write(folder)
    made = [path.relative_to(folder) for path in folder.rglob("*")]
    files = [one for one in made if (folder / one).is_file()]
    folders = [one for one in made if (folder / one).is_dir()]
    assert files
    return files + [one.with_name(f".{one.name}.part") for one in files], folders


def home(folder):
    folder.mkdir(parents=True)
    (folder / "bashrc").write_bytes(SECRET)
    return folder / "bashrc"


def attacked(write, tmp_path, where, attack, number):
    """Let a writer run in a folder with something planted in it; return whether something outside changed."""
    victim = home(tmp_path / f"home {number}")
    place = tmp_path / f"folder {number}" / where
    place.parent.mkdir(parents=True)
    attack(place, victim)
    before = state(victim.parent)
    with contextlib.suppress(ViperError, OSError):
        write(tmp_path / f"folder {number}")
    return state(victim.parent) != before


@pytest.mark.parametrize("attack", FILE_ATTACKS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("write", WRITERS, ids=lambda one: one.__name__)
def test_nothing_planted_in_place_of_a_file_changes_another(tmp_path, write, attack):
    files, _ = names(write, tmp_path / "clean")
    for number, where in enumerate(files):
        assert not attacked(write, tmp_path, where, attack, number), where


@pytest.mark.parametrize("write", WRITERS, ids=lambda one: one.__name__)
def test_no_link_in_place_of_a_folder_is_followed(tmp_path, write):
    files, folders = names(write, tmp_path / "clean")
    parts = [Path(f".{one.name}.part") for one in folders if len(one.parts) == 1]
    for number, where in enumerate([*folders, *parts, *files]):
        assert not attacked(write, tmp_path, where, a_link_to_a_folder, number), where


@pytest.fixture
def unguarded(monkeypatch):
    monkeypatch.setattr(below, "_NO_FOLLOW", 0)
    monkeypatch.setattr(below, "_FLAGS", 0)
    monkeypatch.setattr(below, "_is_link", lambda facts: False)
    monkeypatch.setattr(below, "check_is_ours", lambda facts, *, writes: None)
    monkeypatch.setattr(part_file, "check_is_ours", lambda facts, *, writes: None)


@pytest.mark.parametrize(
    ("write", "where", "attack"),
    [
        (a_run, "samples.jsonl", a_link_to_nothing),
        (a_run, "samples.jsonl", a_second_name),
        (a_world, "images", a_link_to_a_folder),
        (a_scaffold, ".viper-reading.part", a_link_to_a_folder),
        (training_images, "scenes", a_link_to_a_folder),
    ],
)
def test_the_control_without_the_guard_the_file_outside_changes(
    tmp_path, unguarded, monkeypatch, write, where, attack
):
    monkeypatch.setattr("viper_benchmarks.run_folder._check_rows", lambda path: None)
    monkeypatch.setattr("viper.modules.scaffold.remove_tree", lambda path, *, below: None)
    assert attacked(write, tmp_path, Path(where), attack, 0)


@pytest.mark.parametrize("content", [b"", b"A KEY", b"pages\nof a database", b'{"idea": 1}\n{'])
def test_nothing_is_cut_from_a_file_that_holds_no_rows(tmp_path, content):
    (tmp_path / "samples.jsonl").write_bytes(content)
    with contextlib.suppress(ViperError):
        a_run(tmp_path)
    assert (tmp_path / "samples.jsonl").read_bytes().startswith(content)
    assert bool(content) == (not (tmp_path / "report.json").exists())


def test_a_row_that_a_kill_cut_off_is_removed_wherever_it_was_cut(tmp_path):
    a_run(tmp_path)
    path = tmp_path / "samples.jsonl"
    row = path.read_bytes()
    for cut in (1, 4, 9, len(row) - 1):
        path.write_bytes(row[:cut])
        a_run(tmp_path)
        assert path.read_bytes() == row


@pytest.mark.parametrize("name", ["run.json", "report.json", "report.html", ".lock"])
def test_a_run_is_refused_before_it_begins_with_one_line_that_says_what_to_do(tmp_path, name):
    from viper_benchmarks.run_folder import RunFolder

    (tmp_path / name).symlink_to(tmp_path / "other")
    with pytest.raises(
        ViperError, match=rf"{name}' cannot be written \(it is a link\)\. .*remove it"
    ):
        RunFolder(tmp_path, {}, resume=False)


def test_a_path_that_the_user_typed_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    a_run(tmp_path / "run")
    assert json.loads((tmp_path / "disk" / "report.json").read_text()) == {"accuracy": 1.0}


def test_another_users_file_is_read_but_not_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    facts = (tmp_path / "file").lstat()
    below.check_is_ours(facts, writes=False)
    with pytest.raises(OSError, match="belongs to another user"):
        below.check_is_ours(facts, writes=True)


def test_a_path_outside_of_the_folder_is_an_error(tmp_path):
    for path in (tmp_path / "a" / ".." / ".." / "b", tmp_path.parent, tmp_path):
        with pytest.raises(ValueError, match="not"), below.place_of(path, tmp_path):
            pass


def test_a_tree_is_removed_without_what_its_links_lead_to(tmp_path):
    victim = home(tmp_path / "home")
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "inner" / "link").symlink_to(victim.parent)
    below.remove_tree(tmp_path / "tree", below=tmp_path)
    assert not (tmp_path / "tree").exists()
    assert victim.read_bytes() == SECRET
    assert stat.S_ISREG(victim.stat().st_mode)
