"""What one program sends or returns holds up nobody: the engine's loop reads it in small pieces."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest

from fakes.backends import FakeMatcher
from fakes.generators import ScriptedGenerator
from viper_sandbox import Limits

PICTURE = np.zeros((80, 90, 3), dtype=np.uint8)
BEGIN = "def execute_command(image):\n    crops = [image.crop(0, 0, 1 + i / 64, 5) for i in range(900)]\n"
ATTACKS = {
    "nested lists": """
    values = []
    for n in range(165):
        value = [0]
        for i in range(28):
            value = [value]
        values.append(value)
    return values
""",
    "a flat list": "    return list(range(4_900))\n",
    "a patch again and again": "    return [image] * 4_900\n",
    "many patches": "    return crops * 5\n",
    "a dict": "    return {i: i for i in range(2_400)}\n",
    "patches as keys": "    return {crop: [crop] for crop in crops}\n",
    "a set": "    return [set(range(4_900))]\n",
    "texts": "    return ['x' * 190] * 4_900\n",
    "a comparison of patches": "    return best_image_match(crops, ['red cube'] * 900, True)\n",
    "a comparison of texts": "    return best_image_match([image] * 900, list(map(str, range(900))), True)\n",
    "options": "    return image.best_text_match([f'{\"x\" * 100} {i}' for i in range(900)])\n",
}  # fmt: skip
GUARDS = (
    "viper_sandbox.async_frame_socket.LARGE_BYTES",
    "viper_sandbox.program_protocol.LARGE_BYTES",
    "viper.engine.query_run.LARGE_VALUES",
    "viper.methods.dispatch.LARGE_VALUES",
    "viper.scheduling.vision_client._KEYS_AT_ONCE",
    "viper.methods.matching._TEXTS_AT_ONCE",
    "viper.methods.matching._MANY_PRODUCTS",
    "viper.methods.matching._SLICE",
)


@pytest.fixture
def longest_turn_s(fake_engine, monkeypatch):
    """Run a program, and return the processor time of the longest callback of the engine's loop."""
    run = asyncio.Handle._run
    spent: list[float] = []

    def timed(handle):
        if threading.current_thread().name != "viper-engine":
            return run(handle)
        started_s = time.thread_time()
        try:
            return run(handle)
        finally:
            spent.append(time.thread_time() - started_s)

    engine = fake_engine(ScriptedGenerator([]), matcher=FakeMatcher())
    engine.run_program("def execute_command(image):\n    return image.exists('x')\n", PICTURE)

    def measure(source):
        longest = []
        for _ in range(2):  # the second time, the models' results are cached
            spent.clear()
            with monkeypatch.context() as patched:
                patched.setattr(asyncio.Handle, "_run", timed)
                answer = engine.run_program(source, PICTURE)
            assert answer.failure is None, answer.failure
            longest.append(max(spent))
        return min(longest)

    return measure


SLOW = {"many patches", "texts", "a set", "a comparison of patches"}
PARAMETERS = [
    pytest.param(attack, id=name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name, attack in ATTACKS.items()
]


@pytest.mark.parametrize("attack", PARAMETERS)
def test_the_loop_is_not_held_up(longest_turn_s, attack, monkeypatch):
    guarded_s = longest_turn_s(BEGIN + attack)
    with monkeypatch.context() as patched:
        for guard in GUARDS:
            patched.setattr(guard, 10**9)
        unguarded_s = longest_turn_s(BEGIN + attack)
    assert guarded_s < unguarded_s / 2
    assert guarded_s < 0.05


TOO_MANY = {
    "a list": "list(range(5_001))",
    "a set": "set(range(5_001))",
    "lists": "[[i] for i in range(2_501)]",
    "dicts": "{i: i for i in range(2_501)}",
    "patches": "[image] * 5_001",
    "one list again and again": "[[0] * 100] * 51",
}


@pytest.mark.parametrize("value", TOO_MANY.values(), ids=TOO_MANY)
def test_a_result_of_more_values_than_anybody_reads_is_refused(fake_engine, value):
    source = f"def execute_command(image):\n    return {value}\n"
    failure = fake_engine().run_program(source, PICTURE).failure
    assert failure is not None
    assert failure.kind == "limit"
    assert (
        failure.message
        == "The result of execute_command cannot be used: More than 5,000 values at once."
    )
    raised = {"limits": Limits(result_values=20_000)}
    assert fake_engine(options=raised).run_program(source, PICTURE).failure is None  # the control
