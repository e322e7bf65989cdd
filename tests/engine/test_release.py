"""The pixels of an answered query are freed, whatever its program did: no cycle holds them."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest

from fakes.serving import png
from viper import Engine
from viper.engine.query import Query
from viper.images.decoding import open_image
from viper_sandbox import Limits

FIND = "image.find('cup')\n    "
PROGRAMS = {
    "an answer": "return len(image.find('cup'))",
    "an error": f"{FIND}return 1 / 0",
    "a refused call": f"{FIND}return image.find('a' * 900)",
    "a caught one": f"{FIND}try:\n        image.find('a' * 900)\n    except ValueError:\n        return 1",
    "a finding": "import os",
    "too large a result": f"{FIND}return 'a' * 2_000_000",
    "too much memory": f"{FIND}return len('a' * 10**9)",
    "no end": f"{FIND}while True:\n        pass",
    "too many calls": "return [image.find('cup') for _ in range(30)]",
    "too late": f"{FIND}while True:\n        pass",
}


@pytest.fixture(scope="module")
def engine():
    with Engine("stub", limits=Limits(program_s=1.5, calls=20)) as engine:
        yield engine


def pixels_of_a_run(engine, program, timeout_s, *, keep=False):
    """Run a program on a new image; return a weak reference to its pixels."""

    async def ask():
        image = open_image(png(90, 60), max_pixels=10_000)
        pixels = weakref.ref(image.pixels())
        source = f"def execute_command(image):\n    {program}"
        await engine.arun(Query(image, "q", "vqa", (), source), timeout_s=timeout_s)
        if keep:
            cycle = [image]
            cycle.append(cycle)
        return pixels

    return asyncio.run(ask())


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_pixels_are_freed_without_the_garbage_collector(engine, name):
    timeout_s = 0.5 if name == "too late" else 20
    pixels_of_a_run(engine, PROGRAMS["an answer"], 20)  # what is made once is made
    gc.collect()
    gc.disable()
    try:
        pixels = pixels_of_a_run(engine, PROGRAMS[name], timeout_s)
        until_s = time.monotonic() + 5
        while pixels() is not None and time.monotonic() < until_s:
            time.sleep(0.01)  # the engine's thread is a little later than the answer
        assert pixels() is None
        # The control: a cycle keeps them until somebody looks.
        kept = pixels_of_a_run(engine, PROGRAMS["an answer"], 20, keep=True)
        assert kept() is not None
        gc.collect()
        assert kept() is None
    finally:
        gc.enable()
