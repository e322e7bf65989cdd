"""A file is replaced as a whole: a full disk, a failed write or a kill leaves the old content or the new."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fakes.disks import FailingWrites, file_size_limit
from viper.errors import WriteError
from viper.storage.files import make_folder, replace_file, write_failure, write_file

OLD, NEW = b"old " * 9_000, b"new! " * 11_000


def in_parts(path):
    with replace_file(path) as file:
        for start in range(0, len(NEW), 1000):
            file.write(NEW[start : start + 1000])


def unguarded(path):
    """What a writer without the helper does."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        for start in range(0, len(NEW), 1000):
            os.write(descriptor, NEW[start : start + 1000])
    finally:
        os.close(descriptor)


def swallowing(path):
    """A library that hides the failure and goes on."""
    with replace_file(path) as file:
        for start in range(0, len(NEW), 1000):
            try:
                file.write(NEW[start : start + 1000])
            except OSError:
                continue


def translating(path):
    """A library that raises an exception of its own."""
    with replace_file(path) as file:
        try:
            in_file = [file.write(NEW[:50_000]), file.write(NEW[50_000:]), file.flush()]
        except OSError:
            raise RuntimeError("unexpected position") from None
        assert in_file


WRITERS = {
    "whole": lambda path: write_file(path, NEW),
    "in parts": in_parts,
    "failure hidden": swallowing,
    "failure renamed": translating,
    "not durable": lambda path: write_file(path, NEW, durable=False),
    "private": lambda path: write_file(path, NEW, private=True),
}


def states(write, folder, call, before):
    """Return the contents that each failing k-th call leaves, until none fails any more."""
    found = []
    for k in range(1, 200):
        path = folder / f"{k}" / "file"
        path.parent.mkdir()
        if before is not None:
            path.write_bytes(before)
        with FailingWrites(k, call) as failing, contextlib.suppress(WriteError, OSError):
            write(path)
        found.append(path.read_bytes() if path.exists() else None)
        assert [one.name for one in path.parent.iterdir()] in ([], ["file"]), "remains"
        if not failing.failed:
            assert found[-1] == NEW
            return found
    raise AssertionError("every call failed")


@pytest.mark.parametrize("before", [OLD, None], ids=["replaced", "new"])
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("name", WRITERS)
def test_whichever_call_fails_the_content_is_old_or_new(tmp_path, name, call, before):
    found = states(WRITERS[name], tmp_path, call, before)
    assert found[-1] == NEW
    assert set(found) <= {before, NEW}


def test_the_sweep_notices_a_writer_without_the_helper(tmp_path):
    found = states(unguarded, tmp_path, "write", OLD)
    assert len(found) > 20
    assert not set(found) <= {OLD, NEW}


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS]
)
def test_the_line_names_the_file_the_reason_and_what_to_do(tmp_path, number):
    with FailingWrites(1, number=number), pytest.raises(WriteError) as caught:
        write_file(tmp_path / "run.json", NEW, what="The trace")
    line = str(caught.value)
    assert "\n" not in line
    assert f"run.json' ({os.strerror(number)}). " in line
    assert line.startswith("The trace cannot be written to ")
    assert line.endswith(".")


def test_a_write_that_is_cut_short_is_continued(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, memoryview(data)[:7]))
    write_file(tmp_path / "file", b"0123456789" * 10)
    assert (tmp_path / "file").read_bytes() == b"0123456789" * 10


def test_a_disk_that_is_really_full_keeps_the_old_content(small_disk):
    path = small_disk / "file"
    path.write_bytes(OLD)
    with pytest.raises(WriteError, match=r"No space left on device\)\. Make room"):
        write_file(path, b"x" * 10_000_000)
    assert path.read_bytes() == OLD
    assert [one.name for one in small_disk.iterdir()] == ["file"]
    with pytest.raises(OSError, match="No space"):  # the control: without the helper it is gone
        path.write_bytes(b"x" * 10_000_000)
    assert path.read_bytes() != OLD


def test_a_disk_without_room_for_a_name_keeps_the_old_content(small_disk):
    (small_disk / "file").write_bytes(b"old")
    for number in range(100_000):
        try:
            (small_disk / f"{number}").write_bytes(b"x" * 5000)
        except OSError:
            break
    with pytest.raises(WriteError, match="No space left"):
        write_file(small_disk / "file", b"x" * 5000)
    assert (small_disk / "file").read_bytes() == b"old"


def test_the_limit_on_the_size_of_files_keeps_the_old_content(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    with file_size_limit(20_000), pytest.raises(WriteError, match=r"File too large.*ulimit -f"):
        write_file(path, NEW)
    assert path.read_bytes() == OLD
    write_file(path, NEW)  # the control
    assert path.read_bytes() == NEW


_KILLED = """
import os, signal, sys
calls, write, replace = int(sys.argv[2]), os.write, os.replace
def counted(call):
    def one(*arguments, **options):
        global calls
        calls -= 1
        if calls == 0: os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return one
os.write, os.replace = counted(write), counted(replace)
from viper.storage.files import replace_file
if sys.argv[3] == "guarded":
    with replace_file(sys.argv[1]) as file:
        for number in range(6): file.write(b"new " * 5000)
else:
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
    for number in range(6): os.write(descriptor, b"new " * 5000)
"""


def killed(path, k, how):
    """Write in a process that is killed at its k-th call; return whether it was."""
    command = [sys.executable, "-c", _KILLED, str(path), str(k), how]
    status = subprocess.run(command, timeout=60, check=False).returncode
    assert status in (0, -signal.SIGKILL)
    return status != 0


@pytest.mark.parametrize("k", [1, 7])
def test_a_kill_leaves_the_old_content_and_the_next_write_no_remains(tmp_path, k):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    assert killed(path, k, "guarded")
    assert path.read_bytes() == OLD
    write_file(path, NEW)
    assert path.read_bytes() == NEW
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_kill_cuts_off_what_is_written_without_the_helper(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    assert killed(path, 4, "unguarded")
    assert path.read_bytes() not in (OLD, b"new " * 30_000)


@pytest.mark.slow
def test_a_kill_at_any_call_leaves_the_old_content_or_the_new(tmp_path):
    path = tmp_path / "file"
    for k in range(1, 40):
        path.write_bytes(OLD)
        if not killed(path, k, "guarded"):
            assert path.read_bytes() == b"new " * 30_000
            return
        assert path.read_bytes() in (OLD, b"new " * 30_000)
    raise AssertionError("every call was a kill")


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path = tmp_path / "file"
    with replace_file(path) as first:
        first.write(b"1" * 50_000)
        with replace_file(path) as second:
            second.write(b"2" * 60_000)
        assert path.read_bytes() == b"2" * 60_000
    assert path.read_bytes() == b"1" * 50_000
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_reader_among_many_writers_sees_whole_contents_only(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([65 + n]) * 20_000 for n in range(4)]
    write_file(path, contents[0])

    def work(content):
        for _ in range(8):
            write_file(path, content, durable=False)

    writers = [threading.Thread(target=work, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_bytes() in contents
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "real").write_bytes(OLD)
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == NEW


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / ".file.part").symlink_to("victim")
    write_file(tmp_path / "file", NEW)
    assert (tmp_path / "victim").read_bytes() == b"precious"
    (tmp_path / ".other.part").hardlink_to(tmp_path / "victim")
    write_file(tmp_path / "other", NEW)
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_permissions_are_those_of_the_file_before(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o640)
    write_file(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write_file(tmp_path / "private", NEW, private=True)
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    (tmp_path / "plain").write_bytes(b"")
    write_file(tmp_path / "new", NEW)
    modes = [(tmp_path / name).stat().st_mode for name in ("new", "plain")]
    assert modes[0] == modes[1]


def test_a_pipe_and_a_device_are_written_directly(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_file(tmp_path / "pipe", b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    write_file("/dev/null", b"x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(WriteError, match="No space left"):
        write_file("/dev/full", b"x")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no/file", "Its folder does not exist"),
        ("taken/file", "is a file, not a folder"),
        ("folder", "It is a folder"),
        ("x" * 300, "Choose a shorter name"),
        ("null\0", "null"),
    ],
    ids=["no folder", "file as folder", "folder", "long", "null"],
)
def test_a_path_that_cannot_be_written_is_one_line(tmp_path, name, reason):
    (tmp_path / "taken").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match=reason) as caught:
        write_file(tmp_path / name, NEW)
    assert "\n" not in str(caught.value)


def test_the_longest_name_that_a_disk_takes_can_be_written(tmp_path):
    write_file(tmp_path / ("é" * 127), NEW)
    assert (tmp_path / ("é" * 127)).read_bytes() == NEW


def test_an_error_of_the_block_passes_and_leaves_the_file(tmp_path):
    (tmp_path / "file").write_bytes(OLD)

    def fail(error):
        with replace_file(tmp_path / "file") as file:
            file.write(NEW)
            raise error

    for error in (ValueError("mine"), FileNotFoundError(2, "another"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            fail(error)
        assert (tmp_path / "file").read_bytes() == OLD
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_lone_surrogate_is_kept_as_the_escape_of_json(tmp_path):
    write_file(tmp_path / "file", json.dumps("\udce9", ensure_ascii=False))
    assert json.loads((tmp_path / "file").read_bytes()) == "\udce9"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    make_folder(tmp_path / "a" / "b")
    with pytest.raises(WriteError, match="is a file, not a folder"):
        make_folder(tmp_path / "file" / "b")
    assert "Make room" in write_failure("x", OSError(errno.ENOSPC, "full"))
