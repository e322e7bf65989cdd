"""An engine that was used before `os.fork` belongs to the parent, and says so in the child at once."""

from __future__ import annotations

import asyncio
import os
import signal

import numpy as np
import pytest

from viper import Engine

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

PICTURE = np.zeros((80, 90, 3), dtype=np.uint8)
COUNT = "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n"


def in_fork(act):
    """Run something in a fork; return what it returned or raised, as text; "" if it hung."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        said = ""
        try:
            said = repr(act())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.close(writer)
    said = os.read(reader, 10_000).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    return said


@pytest.fixture(scope="module")
def used_engine():
    with Engine("stub") as engine:
        assert engine.run_program(COUNT, PICTURE).failure is None
        yield engine
        assert engine.run_program(COUNT, PICTURE).failure is None  # the parent's still works


@pytest.mark.parametrize(
    "use",
    [
        lambda engine: engine.ask(PICTURE, "Is there a cup?"),
        lambda engine: asyncio.run(engine.aask(PICTURE, "Is there a cup?")),
        lambda engine: engine.run_program(COUNT, PICTURE),
        lambda engine: engine.check(COUNT),
        lambda engine: engine.sandbox_level(),
    ],
    ids=["ask", "aask", "run_program", "check", "level"],
)
def test_every_use_in_the_child_is_an_error_at_once(used_engine, use):
    said = in_fork(lambda: use(used_engine))
    assert said.startswith("RuntimeError: This engine was used before os.fork().")


def test_closing_it_in_the_child_leaves_the_parents_alone(used_engine):
    assert in_fork(lambda: used_engine.close()) == "True"


def test_a_new_engine_works_in_the_child():
    """The control."""

    def run():
        with Engine("stub") as engine:
            return engine.run_program(COUNT, PICTURE).failure

    assert in_fork(run) == "None"
