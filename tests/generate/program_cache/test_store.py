from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sqlite3
import stat
import struct
import sys
import time
import tracemalloc

import pytest

from viper.generate.program_cache import store as module
from viper.generate.program_cache.store import Store, StoreError


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache" / "memo.sqlite")


def put(store, skeleton="how many ‹noun›", *, context="c", frame="how many _", template="{}"):
    store.put(context, frame, skeleton, "openai:x", template)


def test_what_is_put_is_found_by_context_and_frame(store):
    put(store, "a", template='{"source": "é"}')
    put(store, "b")
    put(store, "c", context="other")
    put(store, "d", frame="is _")
    found = store.find("c", "how many _")
    assert [entry.skeleton for entry in found] == ["b", "a"]  # the latest first
    assert (found[1].template, found[1].generator, found[1].uses) == (
        '{"source": "é"}', "openai:x", 0,
    )  # fmt: skip
    assert len(store.entries()) == 4


def test_a_later_program_of_the_same_skeleton_takes_the_place(store):
    put(store, template="1")
    put(store, template="2")
    (entry,) = store.entries()
    assert entry.template == "2"


def test_uses_are_counted_and_order_the_list(store):
    put(store, "a")
    put(store, "b")
    (first,) = [entry for entry in store.entries() if entry.skeleton == "a"]
    store.record_use(first.id)
    assert [(entry.skeleton, entry.uses) for entry in store.entries()] == [("a", 1), ("b", 0)]


def test_entries_are_deleted_and_cleared(store):
    assert store.clear() == 0
    for name in "abc":
        put(store, name)
    store.delete(store.entries()[0].id)
    store.delete(999)
    assert store.clear() == 2
    assert store.entries() == []


def test_reading_makes_no_file(store):
    assert store.find("c", "f") == store.entries() == []
    assert not store.path.parent.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_the_file_is_the_users_alone(store):
    put(store)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_the_file_does_not_grow_without_end(store, monkeypatch):
    monkeypatch.setattr(module, "_MAX_ENTRIES", 3)
    for name in "abcd":
        put(store, name)
    assert sorted(entry.skeleton for entry in store.entries()) == ["b", "c", "d"]


@pytest.mark.parametrize("content", [b"not a database at all " * 50, b"SQLite format 3\x00broken"])
def test_a_corrupt_file_is_an_error_that_names_it(store, content):
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    for work in (store.entries, lambda: put(store), lambda: store.find("c", "f"), store.clear):
        with pytest.raises(StoreError, match=r"memo\.sqlite' cannot be used: "):
            work()
    assert store.path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(store):
    store.path.parent.mkdir()
    with sqlite3.connect(store.path) as other:
        other.execute("CREATE TABLE entries (mine TEXT)")
    other.close()
    with pytest.raises(StoreError, match="database of another program"):
        put(store)


def test_what_another_version_remembered_is_dropped(store):
    put(store)
    with sqlite3.connect(store.path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    assert store.entries() == []
    put(store)
    assert len(store.entries()) == 1


def change(store, statement, *values):
    with contextlib.closing(sqlite3.connect(store.path)) as file:
        file.execute(statement, values)
        file.commit()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("template", "0" * 32 + '{"source": "left"}'),
        ("template", ""),
        ("skeleton", "is the ‹noun› right"),
        ("generator", "trusted"),
        ("frame", "how many _ "),
        ("made_s", 1e300),
        ("used_s", -1.0),
        ("uses", -5),
    ],
)
def test_a_row_that_was_changed_is_deleted(store, column, value):
    put(store, "a", template='{"source": "left"}')
    put(store, "b")
    assert len(store.entries()) == 2  # control
    change(store, f"UPDATE entries SET {column} = ? WHERE skeleton = 'a'", value)
    assert [entry.skeleton for entry in store.entries()] == ["b"]
    with contextlib.closing(sqlite3.connect(store.path)) as file:
        assert file.execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_a_template_with_one_other_word_is_deleted(store):
    put(store, "a", template='{"source": "left"}')
    change(store, "UPDATE entries SET template = replace(template, 'left', 'right')")
    assert store.entries() == []


def test_a_row_of_version_0_1_which_has_no_checksum_is_read(store):
    put(store, "a", template='{"source": "left"}')
    change(store, "UPDATE entries SET template = substr(template, 33)")
    assert [entry.template for entry in store.entries()] == ['{"source": "left"}']


def test_a_program_of_another_context_is_not_found(store):
    put(store, "a", context="of another program API")
    change(store, "UPDATE entries SET context = 'c'")
    assert store.find("c", "how many _") == []


def test_a_row_that_is_too_large_is_not_read(store):
    put(store, "a")
    change(store, "UPDATE entries SET template = ?", "x" * 3_000_000)
    with pytest.raises(StoreError, match="too big"):
        store.entries()


def test_an_endless_view_is_refused(store):
    store.path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(store.path)) as file:
        file.execute(
            "CREATE VIEW entries AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) "
            "SELECT id, 'c' AS context, 'f' AS frame, '' AS skeleton, '' AS generator, '' AS template, "
            "0 AS uses, 0 AS made_s, 0 AS used_s FROM n"
        )
        file.execute(f"PRAGMA application_id = {module._LAYOUT.application_id}")
        file.execute(f"PRAGMA user_version = {module._LAYOUT.version}")
        file.commit()
    for work in (store.entries, lambda: put(store), lambda: store.find("c", "f"), store.clear):
        with pytest.raises(StoreError, match="its tables are not those"):
            work()


def test_an_unwritable_place_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        put(Store(tmp_path / "file" / "memo.sqlite"))


def test_others_that_write_for_too_long_are_told_apart_from_a_broken_file(store, monkeypatch):
    put(store)
    monkeypatch.setattr(module, "_BUSY_TIMEOUT_S", 0.05)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(store.entries()) == 1  # reading goes on
        with pytest.raises(StoreError, match="database is locked") as caught:
            put(store)
        assert caught.value.busy
    put(store)


def _write(path, name, count):
    for number in range(count):
        put(Store(path), f"{name} {number}")


def test_processes_write_at_the_same_time(store):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(store.path, n, 20)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert len(store.entries()) == 80


@pytest.mark.slow
def test_a_process_that_is_killed_in_the_middle_leaves_a_sound_file(store):
    spawn = multiprocessing.get_context("spawn")
    for attempt in range(8):
        writer = spawn.Process(target=_write, args=(store.path, attempt, 100_000))
        writer.start()
        before = len(store.entries())
        deadline = time.monotonic() + 30
        while len(store.entries()) < before + 5 and time.monotonic() < deadline:
            time.sleep(0.01 * (attempt + 1))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(30)
        put(store, f"after {attempt}")  # the next one is not held up
        with sqlite3.connect(store.path) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        file.close()
    assert len(store.entries()) >= 8 * 6


PAGE = 4096
# Bytes of a row of the largest kind that stand in its leaf; the others are a chain of pages.
LOCAL = 489
PAYLOAD = LOCAL + (PAGE - 4) * 239


def _varint(data, at):
    value = 0
    while True:
        value = value << 7 | data[at] & 127
        at += 1
        if data[at - 1] < 128:
            return value, at


def _as_varint(value):
    digits = [value & 127]
    while value := value >> 7:
        digits.append(value & 127 | 128)
    return bytes(reversed(digits))


def _page(kind, cells, header=8):
    page, at, places = bytearray(PAGE), PAGE, []
    for cell in cells:
        at -= len(cell)
        page[at : at + len(cell)] = cell
        places.append(at)
    page[:8] = struct.pack(">BHHHB", kind, 0, len(cells), at, 0)
    for number, place in enumerate(places):
        page[header + 2 * number : header + 2 * number + 2] = struct.pack(">H", place)
    return page


def _file_of_one_row(store, letters):
    for path in store.path.parent.glob(f"{store.path.name}*"):
        path.unlink()
    put(store, template="x" * letters)
    with contextlib.closing(sqlite3.connect(store.path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = file.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'entries'"
        ).fetchone()
    content = bytearray(store.path.read_bytes())
    place = (root - 1) * PAGE
    cell = place + struct.unpack(">H", content[place + 8 : place + 10])[0]
    payload, at = _varint(content, cell)
    return content, root, payload, _varint(content, at)[1]


def with_shared_pages(store, leaves):
    """Make a file whose rows, eight to a leaf, share one chain of overflow pages of a megabyte."""
    store.path.parent.mkdir(exist_ok=True)
    _, _, payload, _ = _file_of_one_row(store, 970_000)
    content, root, payload, at = _file_of_one_row(store, 970_000 + PAYLOAD - payload)
    assert payload == PAYLOAD
    local = bytes(content[at : at + LOCAL + 4])
    last_page, children = len(content) // PAGE, []
    for leaf in range(leaves):
        ids = range(8 * leaf + 1, 8 * leaf + 9)
        content += _page(13, [_as_varint(payload) + _as_varint(id_) + local for id_ in ids])
        children.append((last_page + leaf + 1, ids[-1]))
    inner = [struct.pack(">I", page) + _as_varint(key) for page, key in children[:-1]]
    top = _page(5, inner, header=12)
    top[8:12] = struct.pack(">I", children[-1][0])
    content[(root - 1) * PAGE : root * PAGE] = top
    content[28:32] = struct.pack(">I", len(content) // PAGE)
    content[92:96] = content[24:28]
    store.path.write_bytes(content)


def test_a_small_file_whose_rows_share_pages_does_not_fill_the_memory(store, monkeypatch):
    def peak():
        tracemalloc.start()
        try:
            with contextlib.suppress(StoreError):
                store.entries()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with_shared_pages(store, leaves=3)
    assert store.path.stat().st_size < 1_100_000
    monkeypatch.setattr(module, "_MAX_READ_BYTES", 4_000_000)
    with pytest.raises(StoreError, match=r"its rows take more than 4,000,000 bytes"):
        store.entries()
    assert peak() < 10_000_000
    monkeypatch.setattr(module, "_MAX_READ_BYTES", 10**12)
    monkeypatch.setattr(module, "_checked", lambda context, frame, entry: entry)
    assert len(store.entries()) == 24  # the control: each row has its own copy of the megabyte
    assert peak() > 20_000_000


def test_damaged_rows_are_deleted_in_one_transaction(store, monkeypatch):
    for number in range(50):
        put(store, f"{number}")
    change(store, "UPDATE entries SET uses = -1 WHERE id > 10")
    kinds = []
    transaction = Store._transaction
    monkeypatch.setattr(
        Store,
        "_transaction",
        lambda self, kind, **more: kinds.append(kind) or transaction(self, kind, **more),
    )
    assert len(store.entries()) == 10
    assert kinds == ["DEFERRED", "IMMEDIATE"]
