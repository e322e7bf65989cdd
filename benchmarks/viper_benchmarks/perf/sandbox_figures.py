"""How each figure of the sandbox is taken: one coroutine per figure, one list of values per round.

All of them go through the public `Jail`, with the whole contract and the default limits, as the engine
does. Clocks are read on the host only: a program has none.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from viper.images.image import ImageRef
from viper.methods.dispatch import CallDispatcher
from viper.models.registry import BackendRef
from viper.models.roles import Answerer, AnswerRequest, Backend, Completion
from viper.programs.api_spec import load_spec
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper_benchmarks.perf.baselines import run_in_fresh_interpreter, run_in_process
from viper_benchmarks.perf.programs import (
    EIGHT_CALLS,
    EIGHT_CALLS_VALUE,
    FIRST_STATEMENT_CALLS,
    IMAGE_BOX,
    IMAGE_SIZE,
    many_questions,
    stub_answer,
)
from viper_benchmarks.perf.publish import BenchmarkError
from viper_sandbox import Call, Handler, Jail, PatchRef, Request, WireValue

__all__ = [
    "IdleMemory",
    "SandboxFigures",
    "ScheduledCalls",
    "fresh_interpreters_ms",
    "in_process_ms",
]

_HANDLE = 0
_MODEL_CALL_S = 60.0
_WARM_UP_CALLS = 50
# Calls at the beginning of a program that are not counted: its code and the host's are not warm yet.


class ScheduledCalls(NamedTuple):
    """Calls through session, scheduler and model thread, in microseconds, one value per call."""

    call_us: list[float]
    """From one call of the program to the next: everything."""
    session_us: list[float]
    """The part of it that session, run, scheduler and model thread take."""


class IdleMemory(NamedTuple):
    """What one session that waits costs the host, in KB of 1,024 bytes."""

    resident_kb: float | None
    """Growth of the process's resident memory; None where the system does not tell."""
    traced_kb: float
    """Growth of the memory that Python's allocators gave out."""


class SandboxFigures:
    """Takes the figures of one jail; belongs to the event loop that the jail belongs to.

    Args:
        jail: A jail at the level that is to be measured.
    """

    def __init__(self, jail: Jail) -> None:
        self._jail = jail
        self._spec = load_spec()
        self._api = self._spec.to_wire()

    async def starts_ms(self, programs: int, *, pause_s: float = 0.0) -> list[float]:
        """Time from `Jail.run` to the arrival of a call that is the program's first statement.

        It holds all that happens in between: a confined child is made, the text goes there, is parsed,
        checked and compiled, its first statement runs, and the frame of the call comes back. It is so
        an upper bound of "request to first instruction", by the way of one frame.

        Args:
            programs: Programs that are run, one after the other.
            pause_s: Rest before each, in which the jail may prepare for the next. Without it, a program
                starts as soon as the one before has its result, and the last of that one's end is paid too.
        """
        values = []
        for _ in range(programs):
            arrived: list[float] = []

            async def serve(call: Call, arrived: list[float] = arrived) -> WireValue:
                arrived.append(time.perf_counter())
                return _stub(call)

            if pause_s:
                await asyncio.sleep(pause_s)
            started = time.perf_counter()
            await self._run(FIRST_STATEMENT_CALLS, serve, expected=True)
            values.append((arrived[0] - started) * 1e3)
        return values

    async def calls_us(self, calls: int) -> list[float]:
        """Time from one call of a program to its next, where the handler answers at once."""
        arrived: list[float] = []

        async def serve(_: Call) -> WireValue:
            arrived.append(time.perf_counter())
            return "yes"

        await self._run(many_questions(calls + _WARM_UP_CALLS), serve)
        return _gaps_us(arrived)

    async def scheduled_calls(self, calls: int) -> ScheduledCalls:
        """Do the same through session, scheduler and model thread, with a backend that costs nothing.

        The program is the same too. It asks nothing twice, so that every call is a forward.
        """
        ref = BackendRef("answerer", "free", "")
        pool = ModelPool({"answerer": ref}, opener=_open_free_answerer)
        arrived: list[float] = []
        served: list[float] = []
        try:
            image = ImageRef("0" * 64, IMAGE_SIZE)
            run = VisionClient(pool, model_call_s=_MODEL_CALL_S)
            session = CallDispatcher(self._spec, image, run, {"answerer": ref})

            async def serve(call: Call) -> WireValue:
                started = time.perf_counter()
                value = await session.handle(call)
                arrived.append(started)
                served.append((time.perf_counter() - started) * 1e6)
                return value

            await self._run(
                many_questions(calls + _WARM_UP_CALLS), serve, image=session.image_patch
            )
            forwards = len(run.account.forwards["answerer"])
            if forwards != calls + _WARM_UP_CALLS:
                raise BenchmarkError(
                    f"{calls + _WARM_UP_CALLS} different questions took {forwards} forwards: some "
                    "were answered without the model, and the figure would mean nothing."
                )
        finally:
            pool.close()
        return ScheduledCalls(_gaps_us(arrived), served[_WARM_UP_CALLS:])

    async def eight_call_programs_ms(self, programs: int) -> list[float]:
        """Time of a typical program from `Jail.run` to its result, children gone included."""
        values = []
        for _ in range(programs):
            started = time.perf_counter()
            await self._run(EIGHT_CALLS, _serve_stub, expected=EIGHT_CALLS_VALUE)
            values.append((time.perf_counter() - started) * 1e3)
        return values

    async def programs_per_s(self, programs: int, in_flight: int) -> float:
        """Rate of typical programs, with so many at the same time."""
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
        """Memory of the host per session whose program waits for the answer of a call.

        Taken twice: with the system's eyes first, while no memory of earlier sessions lies about that
        could be used again, then with Python's, whose bookkeeping would be part of what the system sees.
        """
        resident = await self._while_waiting(sessions, _resident_bytes)
        tracemalloc.start()
        try:
            traced = await self._while_waiting(sessions, lambda: tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert traced is not None, "Python always knows its own"
        return IdleMemory(None if resident is None else resident / 1024, traced / 1024)

    async def _while_waiting(
        self, sessions: int, measure: Callable[[], int | None]
    ) -> float | None:
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
        if before is None or during is None:
            return None
        return (during - before) / sessions

    async def _run(
        self,
        source: str,
        handler: Handler,
        *,
        expected: WireValue = None,
        image: PatchRef | None = None,
    ) -> None:
        """Run a program and make sure that it did what it was to do.

        Raises:
            BenchmarkError: It failed, or gave something else than expected.
        """
        request = Request(source, self._api, image or PatchRef(_HANDLE, IMAGE_BOX), IMAGE_SIZE)
        result = await self._jail.run(request, handler, least_level="partial")
        if result.failure is not None:
            raise BenchmarkError(f"A program of the benchmark failed: {result.failure}")
        if expected is not None and result.value != expected:
            raise BenchmarkError(
                f"A program of the benchmark gave {result.value!r} instead of {expected!r}."
            )


def in_process_ms(programs: int) -> list[float]:
    """Time of the typical program with nothing around it: compiled and run in this process."""
    return [_timed_ms(run_in_process) for _ in range(programs)]


def fresh_interpreters_ms(programs: int) -> list[float]:
    """Time of the typical program in an interpreter that is started for it and ends with it."""
    return [_timed_ms(run_in_fresh_interpreter) for _ in range(programs)]


def _timed_ms(way: Callable[[str], Any]) -> float:
    started = time.perf_counter()
    value = way(EIGHT_CALLS)
    took_s = time.perf_counter() - started
    if value != EIGHT_CALLS_VALUE:
        raise BenchmarkError(f"The comparison gave {value!r} instead of {EIGHT_CALLS_VALUE!r}.")
    return took_s * 1e3


def _gaps_us(arrived: Sequence[float]) -> list[float]:
    warm = arrived[_WARM_UP_CALLS - 1 :]
    return [(after - before) * 1e6 for before, after in itertools.pairwise(warm)]


def _stub(call: Call) -> WireValue:
    box = IMAGE_BOX if call.receiver is None else call.receiver.box_xyxy
    method = call.name.rpartition(".")[2]
    answer = stub_answer(method, box, list(call.arguments))
    if method != "find":
        value: WireValue = answer
        return value
    return [PatchRef(_HANDLE, tuple(found), category, score) for found, category, score in answer]


async def _serve_stub(call: Call) -> WireValue:
    return _stub(call)


class _FreeAnswerer(Answerer):
    """An answerer that answers at once."""

    fingerprint = "free"

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion]:
        return [Completion("yes") for _ in requests]


def _open_free_answerer(ref: BackendRef) -> Backend:
    return _FreeAnswerer()


def _resident_bytes() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
