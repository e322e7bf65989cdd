"""SQLite cache files: ours are recognized, those of other programs are left alone."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys

import pytest

from viper.storage import sqlite as module
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


# Files of strangers. Each is marked as ours.

ENDLESS = "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
STATEMENTS = {
    "an endless view": f"CREATE VIEW objects AS {ENDLESS}",
    "a trigger": "CREATE TABLE objects (x); CREATE TABLE more (y); "
    f"CREATE TRIGGER t AFTER INSERT ON objects BEGIN INSERT INTO more {ENDLESS}; END",
    "a generated column": "CREATE TABLE objects (y, x AS (hex(zeroblob(400000000))))",
    "a computed default": "CREATE TABLE objects (x, y DEFAULT (hex(zeroblob(400000000))))",
    "a check": "CREATE TABLE objects (x CHECK (length(hex(zeroblob(400000000))) > x))",
    "an index of an expression": "CREATE TABLE objects (x); CREATE INDEX i ON objects (abs(x))",
    "a virtual table": "CREATE VIRTUAL TABLE objects USING rtree(x, a, b)",
    "one more table": "CREATE TABLE objects (x); CREATE TABLE more (y)",
    "another column": "CREATE TABLE objects (x, y)",
    "no table": "",
    "hundreds of tables": "".join(f"CREATE TABLE t{number} (x);" for number in range(300)),
}


def foreign(path, statements):
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.executescript(f"BEGIN; {statements}; COMMIT")
        file.execute(f"PRAGMA application_id = {LAYOUT.application_id}")
        file.execute(f"PRAGMA user_version = {LAYOUT.version}")
        file.commit()
    path.chmod(0o600)
    return path


def steps(connection, statement, most=2_000_000):
    """Return how many instructions a statement takes, up to a number."""
    done = 0

    def count():
        nonlocal done
        done += 10_000
        return done >= most

    connection.set_progress_handler(count, 10_000)
    with contextlib.suppress(sqlite3.Error):
        connection.execute(statement).fetchall()
    return done


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_file_with_other_tables_is_refused_and_not_changed(tmp_path, name):
    path = foreign(tmp_path / "a", STATEMENTS[name])
    before = path.read_bytes()
    with pytest.raises(sqlite3.DatabaseError, match="its tables are not those that Viper makes"):
        open_cache(path, LAYOUT, busy_timeout_s=1.0)
    assert path.read_bytes() == before


def test_control_without_the_check_a_view_is_endless(tmp_path, monkeypatch):
    path = foreign(tmp_path / "a", STATEMENTS["an endless view"])
    monkeypatch.setattr(module, "_expected_objects", lambda layout: module._objects(plain))
    with contextlib.closing(sqlite3.connect(path)) as plain, opened(path) as file:
        assert steps(file, "SELECT count(x) FROM objects") >= 2_000_000
    monkeypatch.undo()
    with opened(tmp_path / "b") as file:
        file.execute("INSERT INTO objects VALUES (1)")
        assert steps(file, "SELECT count(x) FROM objects") < 20_000


def test_control_without_the_check_a_trigger_is_endless(tmp_path, monkeypatch):
    path = foreign(tmp_path / "a", STATEMENTS["a trigger"])
    monkeypatch.setattr(module, "_expected_objects", lambda layout: module._objects(plain))
    with contextlib.closing(sqlite3.connect(path)) as plain, opened(path) as file:
        assert steps(file, "INSERT INTO objects VALUES (1)") >= 2_000_000


def test_each_connection_distrusts_what_the_file_defines(tmp_path):
    names = ("trusted_schema", "cell_size_check", "mmap_size")

    def values(connection):
        found = [connection.execute(f"PRAGMA {name}").fetchone() for name in names]
        return [row[0] if row else None for row in found]

    for _ in range(2):  # new, and opened again
        with opened(tmp_path / "a") as file:
            trusted, checked, mapped = values(file)
            assert (trusted, checked) == (0, 1)
            assert not mapped  # None where SQLite is built without
    with contextlib.closing(sqlite3.connect(tmp_path / "a")) as plain:
        plain.execute("PRAGMA trusted_schema = ON")
        plain.execute("PRAGMA mmap_size = 1000000")
        assert values(plain)[:2] == [1, 0]  # the control
        assert values(plain)[2] in (1_000_000, None)


def test_a_function_with_effects_is_not_called_by_a_view(tmp_path, monkeypatch):
    """Even past the check of the tables; of SQLite's own functions, none without an extension is such."""
    path = foreign(tmp_path / "a", "CREATE VIEW objects AS SELECT act(7) AS x")
    with contextlib.closing(sqlite3.connect(path)) as plain:
        monkeypatch.setattr(module, "_expected_objects", lambda layout: module._objects(plain))
        called = []
        with opened(path) as file:
            file.create_function("act", 1, called.append)
            with pytest.raises(sqlite3.OperationalError, match=r"unsafe use of act\(\)"):
                file.execute("SELECT x FROM objects").fetchall()
            file.execute("SELECT act(1)").fetchall()  # by the program itself
        assert called == [1]
        plain.execute("PRAGMA trusted_schema = ON")
        plain.create_function("act", 1, called.append)
        plain.execute("SELECT x FROM objects").fetchall()
        assert called == [1, 7]  # the control


def test_a_statement_has_a_clock(tmp_path):
    with contextlib.closing(
        open_cache(tmp_path / "a", LAYOUT, busy_timeout_s=1.0, statement_s=0.05)
    ) as file:
        for _ in range(3):  # each has its own time
            with pytest.raises(sqlite3.OperationalError, match="interrupted"):
                file.execute(f"SELECT count(*) FROM ({ENDLESS})").fetchone()
            assert file.execute("SELECT count(*) FROM objects").fetchone() == (0,)
        assert steps(file, f"SELECT count(*) FROM ({ENDLESS})") >= 2_000_000  # control


def test_a_tree_of_pages_that_share_one_page_is_endless_and_has_a_clock(tmp_path):
    """Interior pages whose children are all the same page: 250 to the power of 6 rows in 40 kB."""
    path = tmp_path / "a"
    with opened(path) as file:
        file.execute("PRAGMA page_size = 4096")
        file.execute("BEGIN")
        file.executemany("INSERT INTO objects VALUES (?)", [("x" * 3000,) for _ in range(40)])
        file.execute("COMMIT")
        (root,) = file.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'objects'"
        ).fetchone()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    pages = len(content) // size
    leaf = next(  # of a table, with one cell
        number for number in range(2, pages + 1) if content[(number - 1) * size] == 0x0D
    )
    chain = [root, *[number for number in range(2, pages + 1) if number not in (root, leaf)][:5]]
    for number, child in zip(chain, [*chain[1:], leaf], strict=True):
        cells = 250
        page = bytearray(size)
        page[0] = 0x05
        page[3:5] = cells.to_bytes(2, "big")
        start = size - 5 * cells
        page[5:7] = start.to_bytes(2, "big")
        page[8:12] = child.to_bytes(4, "big")
        for cell in range(cells):
            place = start + 5 * cell
            page[12 + 2 * cell : 14 + 2 * cell] = place.to_bytes(2, "big")
            page[place : place + 5] = child.to_bytes(4, "big") + b"\x01"
        content[(number - 1) * size : number * size] = page
    path.write_bytes(content)
    with contextlib.closing(open_cache(path, LAYOUT, busy_timeout_s=1.0, statement_s=0.1)) as file:
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            file.execute("SELECT sum(length(x)) FROM objects").fetchone()
        most = 200_000
        assert steps(file, "SELECT sum(length(x)) FROM objects", most) >= most  # control


def test_a_value_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "a"
    with opened(path) as file, pytest.raises(sqlite3.DataError, match="too big"):
        file.execute("INSERT INTO objects VALUES (zeroblob(3000000))")
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO objects VALUES (zeroblob(3000000))")
        other.commit()
        assert len(other.execute("SELECT x FROM objects").fetchone()[0]) == 3_000_000  # control
    with opened(path) as file, pytest.raises(sqlite3.DataError, match="too big"):
        file.execute("SELECT x FROM objects").fetchone()


def test_a_reader_cannot_write(tmp_path):
    with (
        contextlib.closing(
            open_cache(tmp_path / "a", LAYOUT, busy_timeout_s=1.0, reads_only=True)
        ) as file,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        file.execute("INSERT INTO objects VALUES (1)")


@pytest.mark.skipif(sys.platform == "win32", reason="kinds of files and modes are those of POSIX")
@pytest.mark.parametrize(
    ("kind", "suffix"),
    [(kind, "") for kind in ("link", "dangling link", "pipe", "folder", "device", "open to all")]
    + [("link", "-wal"), ("pipe", "-wal"), ("dangling link", "-shm"), ("device", "-journal")],
)
def test_a_cache_or_its_log_that_is_no_file_of_this_user_is_refused(tmp_path, kind, suffix):
    with opened(tmp_path / "theirs"):
        pass
    theirs = (tmp_path / "theirs").read_bytes()
    path = tmp_path / "a"
    place = tmp_path / f"a{suffix}"
    if suffix:
        with opened(path):
            pass
    if kind == "link":
        place.symlink_to(tmp_path / "theirs")
    elif kind == "dangling link":
        place.symlink_to(tmp_path / "made")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        place.write_bytes(b"")
        place.chmod(0o666)
    with pytest.raises(sqlite3.DatabaseError, match=r"link or no regular file|by every user"):
        open_cache(path, LAYOUT, busy_timeout_s=1.0)
    assert (tmp_path / "theirs").read_bytes() == theirs
    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="owners are those of POSIX")
def test_a_cache_of_another_user_is_refused(tmp_path, monkeypatch):
    with opened(tmp_path / "a"):
        pass
    if os.geteuid() == 0:
        os.chown(tmp_path / "a", 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(sqlite3.DatabaseError, match="belongs to another user"):
        open_cache(tmp_path / "a", LAYOUT, busy_timeout_s=1.0)
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / "a").stat().st_uid)
    with opened(tmp_path / "a"):  # control
        pass
