"""SQLite cache files: ours are recognized, those of other programs are left alone."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import sys

import pytest

from viper.storage.sqlite import Layout, open_cache

LAYOUT = Layout(application_id=77, version=1, table="objects", schema="CREATE TABLE objects (x);")


def opened(path, layout=LAYOUT):
    return contextlib.closing(open_cache(path, layout, busy_timeout_s=1.0))


def test_a_new_file_gets_the_tables_and_is_recognized_later(tmp_path):
    with opened(tmp_path / "a") as file:
        file.execute("INSERT INTO objects VALUES (1)")
    with opened(tmp_path / "a") as file:
        assert file.execute("SELECT x FROM objects").fetchall() == [(1,)]


def test_the_content_of_another_version_is_dropped(tmp_path):
    with opened(tmp_path / "a") as file:
        file.execute("INSERT INTO objects VALUES (1)")
    newer = LAYOUT._replace(version=2, schema="CREATE TABLE objects (x, y);")
    with opened(tmp_path / "a", newer) as file:
        assert file.execute("SELECT y FROM objects").fetchall() == []


def test_a_database_of_another_program_is_not_changed(tmp_path):
    path = tmp_path / "a"
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE objects (theirs)")
    before = path.read_bytes()
    with pytest.raises(sqlite3.DatabaseError, match="of another program"):
        open_cache(path, LAYOUT, busy_timeout_s=1.0)
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_a_new_file_and_its_folder_belong_to_the_user_alone(tmp_path):
    path = tmp_path / "folder" / "a"
    with opened(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
