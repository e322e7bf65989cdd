"""What a sealed block forbids, also to other threads of a library and to functions that it kept."""

from __future__ import annotations

import _ctypes
import _pickle
import asyncio
import ctypes
import importlib.util
import io
import os
import pickle
import runpy
import shutil
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from viper.backends.sealed_loading import NoCodeError, sealed

LOADS, CONNECT = pickle.loads, socket.socket.connect
"""As a library keeps them: `from pickle import loads`."""


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def raw(tmp_path):
    return pickle.dumps(Payload(tmp_path / "ran"))


@pytest.fixture
def folder(tmp_path):
    """A model folder with a Python file and a library that leave a mark when they are run."""
    made = tmp_path / "model"
    made.mkdir()
    code = f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n"
    (made / "mine.py").write_text(code)
    (made / "sentencepiece_of_a_stranger.py").write_text(code)
    return made


def in_a_thread(work):
    errors = []

    def run():
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def in_a_new_pool(work):
    with ThreadPoolExecutor(2) as pool:
        pool.submit(work).result()


def in_a_map(work):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: work(), [1]))


def in_a_thread_of_a_thread(work):
    in_a_thread(lambda: in_a_thread(work))


def in_asyncio(work):
    asyncio.run(asyncio.to_thread(work))


OLD_POOL = ThreadPoolExecutor(1)


def in_an_old_pool(work):
    OLD_POOL.submit(work).result()


def here(work):
    work()


WAYS = (
    here,
    in_a_thread,
    in_a_new_pool,
    in_a_map,
    in_a_thread_of_a_thread,
    in_asyncio,
    in_an_old_pool,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_threads_of_a_library_run_no_pickle(tmp_path, raw, way):
    OLD_POOL.submit(int).result()  # its thread is there
    with sealed(), pytest.raises(NoCodeError):
        way(lambda: pickle.loads(raw))
    assert not (tmp_path / "ran").exists()
    way(lambda: pickle.loads(raw))  # control, also for the old pool after the block
    assert (tmp_path / "ran").exists()


def load_by_numpy(raw):
    file = io.BytesIO()
    np.save(file, np.array([None], dtype=object), allow_pickle=True)
    head = file.getvalue()
    np.load(io.BytesIO(head[: head.index(b"\n") + 1] + raw), allow_pickle=True)


READERS = {
    "the function that was kept": LOADS,
    "the class": lambda raw: pickle.Unpickler(io.BytesIO(raw)).load(),
    "the class in Python": lambda raw: pickle._Unpickler(io.BytesIO(raw)).load(),
    "a class of its own": lambda raw: type("Mine", (pickle.Unpickler,), {})(io.BytesIO(raw)).load(),
    "the module in C": _pickle.loads,
    "numpy": load_by_numpy,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("way", [here, in_an_old_pool], ids=lambda way: way.__name__)
def test_no_reader_of_pickles_gets_around_the_block(tmp_path, raw, name, way):
    read = READERS[name]
    with sealed(), pytest.raises(NoCodeError):
        way(lambda: read(raw))
    assert not (tmp_path / "ran").exists()
    way(lambda: read(raw))  # control
    assert (tmp_path / "ran").exists()


PROCESSES = {
    "subprocess": lambda mark: subprocess.run(["mkdir", mark], check=True),
    "a shell": lambda mark: os.system(f"mkdir {mark}"),
    "popen": lambda mark: os.popen(f"mkdir {mark}").close(),
    "posix_spawn": lambda mark: os.waitpid(
        os.posix_spawnp("mkdir", ["mkdir", mark], os.environ), 0
    ),
    "spawn": lambda mark: os.spawnvp(os.P_WAIT, "mkdir", ["mkdir", mark]),
}


@pytest.mark.skipif(sys.platform == "win32", reason="processes are those of POSIX")
@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("way", [here, in_a_thread], ids=lambda way: way.__name__)
def test_no_process_is_started(tmp_path, name, way):
    start, mark = PROCESSES[name], str(tmp_path / "ran")
    with sealed(), pytest.raises(PermissionError, match="a process to be started"):
        way(lambda: start(mark))
    assert not (tmp_path / "ran").exists()
    way(lambda: start(mark))  # control
    assert (tmp_path / "ran").exists()


def import_file(folder):
    spec = importlib.util.spec_from_file_location("mine", folder / "mine.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def import_by_path(folder):
    sys.path.insert(0, str(folder))
    try:
        importlib.import_module("sentencepiece_of_a_stranger")
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("sentencepiece_of_a_stranger", None)


def run_compiled(folder):
    path = folder / "mine.py"
    exec(compile(path.read_text(), str(path), "exec"))


def through_a_link(folder):
    link = folder.parent / "link"
    if not link.exists():
        link.symlink_to(folder)
    runpy.run_path(str(link / "mine.py"))


def by_a_relative_name(folder):
    before = Path.cwd()
    os.chdir(folder)
    try:
        runpy.run_path("mine.py")
    finally:
        os.chdir(before)


CODE = {
    "by its place": import_file,
    "as a library that is missing": import_by_path,
    "as a script": lambda folder: runpy.run_path(str(folder / "mine.py")),
    "compiled": run_compiled,
    "through a link": through_a_link,
    "by a relative name": by_a_relative_name,
}


@pytest.mark.parametrize("name", CODE)
@pytest.mark.parametrize("way", [here, in_a_new_pool], ids=lambda way: way.__name__)
def test_no_file_of_the_folder_is_run(tmp_path, folder, name, way):
    run = CODE[name]
    with sealed(folder), pytest.raises(NoCodeError, match="a Python file in its folder"):
        way(lambda: run(folder))
    assert not (tmp_path / "ran").exists()
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    way(lambda: run(folder))  # control
    assert (tmp_path / "ran").exists()


def test_no_library_of_the_folder_is_opened(folder):
    library = folder / "evil.so"
    shutil.copy(_ctypes.__file__, library)
    with sealed(folder), pytest.raises(NoCodeError, match="a library in its folder"):
        ctypes.CDLL(str(library))
    ctypes.CDLL(str(library))  # control


def test_a_folder_that_holds_the_program_itself_is_no_reason_to_refuse_it():
    with sealed(Path(np.__file__).parents[1]):
        runpy.run_module("this", run_name="not main")


@pytest.mark.parametrize("way", [here, in_a_thread], ids=lambda way: way.__name__)
def test_a_kept_function_connects_to_nothing(way):
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = server.getsockname()

        def connect():
            with socket.socket() as mine:
                CONNECT(mine, where)

        with sealed(), pytest.raises(ConnectionError, match="request network access"):
            way(connect)
        way(connect)  # control
        with sealed(network=True):
            way(connect)


def test_the_rules_end_with_the_block(raw, tmp_path):
    go, done = threading.Event(), []

    def outlive():
        go.wait(10)
        done.append(pickle.loads(pickle.dumps([1])))

    thread = threading.Thread(target=outlive)
    with sealed():
        thread.start()
        with sealed():
            pass
        with pytest.raises(NoCodeError):
            pickle.loads(raw)  # an inner block does not end the outer one
    go.set()
    thread.join()
    assert done == [[1]]
    assert "connect" not in vars(socket.socket)
    assert "submit" in vars(ThreadPoolExecutor)
