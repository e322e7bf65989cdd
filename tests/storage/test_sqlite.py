"""Files that are caches of ours: ours are known again, strangers' are left alone."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from viper.storage.sqlite import Layout, claim

LAYOUT = Layout(application_id=77, version=1, table="things", schema="CREATE TABLE things (x);")


def claimed(path, layout=LAYOUT):
    file = sqlite3.connect(path, isolation_level=None)
    claim(file, layout)
    return contextlib.closing(file)


def test_an_empty_file_becomes_ours_and_is_known_again(tmp_path):
    with claimed(tmp_path / "a") as file:
        file.execute("INSERT INTO things VALUES (1)")
    with claimed(tmp_path / "a") as file:
        assert file.execute("SELECT x FROM things").fetchall() == [(1,)]


def test_what_another_version_held_is_dropped(tmp_path):
    with claimed(tmp_path / "a") as file:
        file.execute("INSERT INTO things VALUES (1)")
    newer = LAYOUT._replace(version=2, schema="CREATE TABLE things (x, y);")
    with claimed(tmp_path / "a", newer) as file:
        assert file.execute("SELECT y FROM things").fetchall() == []


def test_a_database_of_another_program_is_not_touched(tmp_path):
    path = tmp_path / "a"
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE things (theirs)")
    before = path.read_bytes()
    file = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.DatabaseError, match="of another program"):
        claim(file, LAYOUT)
    file.close()
    assert path.read_bytes() == before
