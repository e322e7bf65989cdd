"""Measures each figure of the sandbox: one coroutine per figure, one list of values per round.

All of them use the public `Jail`, with the whole API and the default limits, as the engine does. Times are
taken on the host only: programs have no clock.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from viper.images.image import ImageRef
from viper.methods.dispatch import CallDispatcher
from viper.models.registry import BackendRef
from viper.models.roles import Answerer, AnswerRequest, Completion
from viper.programs.api_spec import load_spec
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper_benchmarks.perf.command import BenchmarkError
from viper_benchmarks.perf.memory import rss_mb
from viper_benchmarks.perf.programs import (
    EIGHT_CALLS,
    EIGHT_CALLS_VALUE,
    FIRST_STATEMENT_CALLS,
    IMAGE_BOX,
    IMAGE_SIZE,
    many_questions,
    stub_answer,
)
from viper_benchmarks.perf.samples import timed_ms
from viper_sandbox import Call, Handler, Jail, PatchRef, Request, WireValue

__all__ = [
    "IdleMemory",
    "SandboxFigures",
    "ScheduledCalls",
    "comparison_ms",
]

_HANDLE = 0
_MODEL_CALL_S = 60.0
# Calls at the beginning of a program that are not counted: program and host are not warm yet.
_WARM_UP_CALLS = 50


class ScheduledCalls(NamedTuple):
    """Calls through dispatcher, model pool and model thread, in microseconds, one value per call."""

    call_us: list[float]
    """From one call of the program to the next: everything."""
    session_us: list[float]
    """The share of dispatcher, vision client, model pool and model thread."""


class IdleMemory(NamedTuple):
    """Memory of the host per waiting session, in KB of 1,024 bytes."""

    resident: float
    """Growth of the process's resident memory."""
    traced: float
    """Growth of the memory that Python's allocators returned."""


class SandboxFigures:
    """Measures the figures of one jail, on the event loop of the jail.

    Args:
        jail: A jail at the level to measure.
    """

    def __init__(self, jail: Jail) -> None:
        self._jail = jail
        self._spec = load_spec()
        self._api = self._spec.to_wire()

    async def starts_ms(self, programs: int, *, pause_s: float = 0.0) -> list[float]:
        """Time from `Jail.run` to the arrival of a call that is the program's first statement.

        It includes everything in between: a confined child is made, the text is sent, parsed, checked and
        compiled, its first statement runs, and the frame of the call arrives. It is an upper bound of
        "request to first instruction", by the time of one frame.

        Args:
            programs: Programs to run, one after the other.
            pause_s: Pause before each, during which the jail may prepare the next child. Without it, a
                program starts as soon as the previous one has its result, so the exit of that one counts
                too.
        """
        started: list[float] = []
        arrived: list[float] = []

        async def serve(_: Call) -> WireValue:
            arrived.append(time.perf_counter())
            return True

        for _ in range(programs):
            if pause_s:
                await asyncio.sleep(pause_s)
            started.append(time.perf_counter())
            await self._run(FIRST_STATEMENT_CALLS, serve, expected=True)
        return [(b - a) * 1e3 for a, b in zip(started, arrived, strict=True)]

    async def calls_us(self, calls: int) -> list[float]:
        """Time from one call of a program to its next, where the handler answers at once."""
        arrived: list[float] = []

        async def serve(_: Call) -> WireValue:
            arrived.append(time.perf_counter())
            return "yes"

        await self._run(many_questions(calls + _WARM_UP_CALLS), serve)
        return _gaps_us(arrived)

    async def scheduled_calls(self, calls: int) -> ScheduledCalls:
        """Do the same through dispatcher, model pool and model thread, with a backend that costs nothing.

        The program is the same and repeats no question, so that every call is a forward.
        """
        ref = BackendRef("answerer", "instant", "")
        pool = ModelPool({"answerer": ref}, opener=lambda _: _InstantAnswerer())
        arrived: list[float] = []
        served: list[float] = []
        total = calls + _WARM_UP_CALLS
        try:
            image = ImageRef("0" * 64, IMAGE_SIZE)
            client = VisionClient(pool, model_call_s=_MODEL_CALL_S)
            dispatcher = CallDispatcher(self._spec, image, client, {"answerer": ref})

            async def serve(call: Call) -> WireValue:
                started = time.perf_counter()
                value = await dispatcher.handle(call)
                arrived.append(started)
                served.append((time.perf_counter() - started) * 1e6)
                return value

            await self._run(many_questions(total), serve, image=dispatcher.image_patch)
            forwards = len(client.metrics.forwards["answerer"])
            if forwards != total:
                raise BenchmarkError(
                    f"{total} different questions took {forwards} forwards: some "
                    "were answered without the model, so the figure would be meaningless."
                )
        finally:
            pool.close()
        return ScheduledCalls(_gaps_us(arrived), served[_WARM_UP_CALLS:])

    async def eight_call_programs_ms(self, programs: int) -> list[float]:
        """Time of a typical program from `Jail.run` to its result, end of the child included."""
        values = []
        for _ in range(programs):
            started = time.perf_counter()
            await self._run(EIGHT_CALLS, _serve_stub, expected=EIGHT_CALLS_VALUE)
            values.append((time.perf_counter() - started) * 1e3)
        return values

    async def programs_per_s(self, programs: int, in_flight: int) -> float:
        """Rate of typical programs, with this many at the same time."""
        waiting = iter(range(programs))

        async def work() -> None:
            for _ in waiting:
                await self._run(EIGHT_CALLS, _serve_stub, expected=EIGHT_CALLS_VALUE)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(work())
        return programs / (time.perf_counter() - started)

    async def idle_memory(self, sessions: int) -> IdleMemory:
        """Memory of the host per session whose program waits for the answer to a call.

        Measured twice: resident memory first, while no free memory of earlier sessions can be reused, then
        Python's own figure, whose bookkeeping would be part of the resident memory.
        """
        resident = await self._while_waiting(sessions, rss_mb)
        tracemalloc.start()
        try:
            traced = await self._while_waiting(sessions, lambda: tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        return IdleMemory(resident * 1e6 / 1024, traced / 1024)

    async def _while_waiting(self, sessions: int, measure: Callable[[], float]) -> float:
        """Return how much `measure` grows per session that waits in a call."""
        arrived = asyncio.Semaphore(0)
        released = asyncio.Event()

        async def serve(_: Call) -> WireValue:
            arrived.release()
            await released.wait()
            return True

        gc.collect()
        before = measure()
        async with asyncio.TaskGroup() as group:
            for _ in range(sessions):
                group.create_task(self._run(FIRST_STATEMENT_CALLS, serve, expected=True))
            for _ in range(sessions):
                await arrived.acquire()
            gc.collect()
            during = measure()
            released.set()
        return (during - before) / sessions

    async def _run(
        self,
        source: str,
        handler: Handler,
        *,
        expected: WireValue = None,
        image: PatchRef | None = None,
    ) -> None:
        """Run a program and check that it did its work.

        Raises:
            BenchmarkError: It failed, or returned another value than expected.
        """
        request = Request(source, self._api, image or PatchRef(_HANDLE, IMAGE_BOX), IMAGE_SIZE)
        result = await self._jail.run(request, handler, least_level="partial")
        if result.failure is not None:
            raise BenchmarkError(f"A program of the benchmark failed: {result.failure}")
        if expected is not None and result.value != expected:
            raise BenchmarkError(
                f"A program of the benchmark returned {result.value!r} instead of {expected!r}."
            )


def comparison_ms(run: Callable[[str], Any], programs: int) -> list[float]:
    """Time of the typical program, run in another way: see `unconfined`."""

    def check() -> None:
        if (value := run(EIGHT_CALLS)) != EIGHT_CALLS_VALUE:
            raise BenchmarkError(
                f"The comparison returned {value!r} instead of {EIGHT_CALLS_VALUE!r}."
            )

    return [timed_ms(check) for _ in range(programs)]


def _gaps_us(arrived: Sequence[float]) -> list[float]:
    warm = arrived[_WARM_UP_CALLS - 1 :]
    return [(after - before) * 1e6 for before, after in itertools.pairwise(warm)]


async def _serve_stub(call: Call) -> WireValue:
    box = IMAGE_BOX if call.receiver is None else call.receiver.box_xyxy
    method = call.name.rpartition(".")[2]
    answer = stub_answer(method, box, list(call.arguments))
    if method != "find":
        value: WireValue = answer
        return value
    return [PatchRef(_HANDLE, tuple(found), category, score) for found, category, score in answer]


class _InstantAnswerer(Answerer):
    """An answerer that costs nothing."""

    fingerprint = "instant"

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion]:
        return [Completion("yes") for _ in requests]
