"""The host side of the sandbox: runs programs in children and serves their calls.

The host never parses, compiles or evaluates anything of a program. It moves the text into a frame, and
takes frames that are checked against the contract, the budgets and the clock. Whatever goes wrong in a
child is a `JailFailure` in the `Result`; exceptions that leave `run` are the caller's own: those of the
handler, and cancellation, which kills the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from types import TracebackType
from typing import Any, TypeVar

from viper_sandbox.call_log import CallLog
from viper_sandbox.confine import Confinement
from viper_sandbox.exchange import Call, Handler, JailFailure, Request, Result
from viper_sandbox.findings import CheckReport, Finding
from viper_sandbox.level import Act, Level, LevelReport
from viper_sandbox.limits import Limits
from viper_sandbox.process import (
    ChildGoneError,
    ChildProcess,
    NotConfinedError,
    OutOfMemoryCount,
    describe_death,
)
from viper_sandbox.program_protocol import ProgramProtocol
from viper_sandbox.wire import PatchRef, WireError, WireValue
from viper_sandbox.zygote_client import ApiTable, UnbornError, ZygoteClient, ZygoteGoneError

__all__ = ["Jail"]

_T = TypeVar("_T")
_CHECK_ARGUMENTS = ("query", "possible_answers")
_NO_IMAGE = PatchRef(0, (0.0, 0.0, 1.0, 1.0))
_MAX_CONTRACTS = 8


class _RefusedError(Exception):
    """No child may serve: none can be started, or not at the level that is asked for."""


class Jail:
    """Runs programs, each in a process of its own; any number at the same time.

    The first use starts one zygote, which all programs are forks of. A jail belongs to one event loop, whose
    thread must live as long as the jail: its processes die with it.

    Args:
        limits: What each program may use.
        confinement: Mechanisms to use; all unless a test takes one away.
        python: Interpreter of the children; the running one if None.
        spare: Keep one confined child waiting for the next program, which then starts 2 ms sooner.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        confinement: Confinement | None = None,
        python: str | None = None,
        spare: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self._confinement = confinement or Confinement()
        self._python = python
        self._spare = spare
        self._report: LevelReport | None = None
        self._probing = asyncio.Lock()
        self._zygote_client: ZygoteClient | None = None
        self._contracts: list[ApiTable] = []
        self._out_of_memory = OutOfMemoryCount()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def run(
        self,
        request: Request,
        handler: Handler,
        *,
        least_level: Level = "full",
        on_checked: Callable[[CheckReport], None] | None = None,
    ) -> Result:
        """Run a program; cancelling kills it.

        If the zygote dies, the program runs once more, and calls that were served are answered from what was
        answered then: the handler never serves the same call of a program twice.

        Args:
            request: The program and what it is given.
            handler: Serves its vision and language calls, one at a time; see `Handler`. It answers in
                plain Python types, patches with the handle of the request's image.
            least_level: Weakest level of the sandbox at which the program may run.
            on_checked: Told what the child says about a good program, before it runs; twice where the
                program runs twice.

        Returns:
            The value or the failure; what a program does is never an exception.

        Raises:
            ValueError: The contract of the request cannot be read, or the handler gave a foreign patch.
            TypeError: The handler gave a value that the contract does not promise.
            RuntimeError: The jail is closed.
        """
        size = len(request.source.encode("utf-8", "replace"))
        if size > self.limits.source_bytes:
            return Result(failure=JailFailure("limit", self._too_large(size)))
        contract = self._contract(request.api)
        replay = CallLog(handler)

        async def once() -> Result:
            replay.rewind()
            async with self._child(least_level, contract) as (child, number):
                conversation = ProgramProtocol(
                    child, request, (number, contract.api), replay, self.limits, on_checked
                )
                try:
                    result = await conversation.run()
                except ChildGoneError:
                    return conversation.failed(JailFailure(*await self._death(child)))
                if result.failure is None:  # else it must be seen to end
                    child.dismiss()
                return result

        try:
            return await self._twice(once)
        except _RefusedError as error:
            return Result(failure=JailFailure("sandbox", str(error)))

    async def check(
        self,
        source: str,
        api: Mapping[str, Any],
        arguments: Sequence[str] = _CHECK_ARGUMENTS,
    ) -> CheckReport:
        """Examine a program without running it.

        Args:
            source: Text as the generator wrote it.
            api: The contract as plain data.
            arguments: Names of the parameters besides `image` that a run would give.

        Returns:
            The normalised source and everything that is wrong with it. A child that dies over it is a
            finding as well.

        Raises:
            ValueError: The contract cannot be read.
            RuntimeError: The jail is closed.
        """
        size = len(source.encode("utf-8", "replace"))
        if size > self.limits.source_bytes:
            return _lone_finding("limit", self._too_large(size))
        request = Request(source, api, _NO_IMAGE, (1, 1))
        contract = self._contract(api)

        async def once() -> CheckReport:
            async with self._child("partial", contract) as (child, number):
                conversation = ProgramProtocol(
                    child, request, (number, contract.api), _serve_nothing, self.limits
                )
                try:
                    checked = await conversation.check(list(arguments))
                except ChildGoneError:
                    return _lone_finding(*await self._death(child))
                child.dismiss()
                return checked

        try:
            return await self._twice(once)
        except _RefusedError as error:
            return _lone_finding("sandbox", str(error))

    async def level(self) -> LevelReport:
        """Return how strong the sandbox of this machine is; measured once, by trying.

        Raises:
            RuntimeError: The jail is closed.
        """
        async with self._probing:
            if self._report is None:
                self._report = await self._probe()
            return self._report

    async def close(self) -> None:
        """Kill all programs, wait until their processes are gone, and refuse new ones."""
        self._closed = True
        zygote_client, self._zygote_client = self._zygote_client, None
        if zygote_client is not None:
            await zygote_client.close()
        await self._idle.wait()

    async def __aenter__(self) -> Jail:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _twice(self, once: Callable[[], Awaitable[_T]]) -> _T:
        """Do something in a child; if the zygote dies meanwhile, do it once more under another."""
        for _ in range(2):
            try:
                return await once()
            except ZygoteGoneError:
                if self._closed:
                    raise _RefusedError("The jail was closed while the program ran.") from None
        raise _RefusedError(
            "The sandbox died twice while the program ran. Find out what kills the processes of this user, "
            "then run the program again."
        )

    @asynccontextmanager
    async def _child(
        self, least_level: Level, contract: ApiTable
    ) -> AsyncIterator[tuple[ChildProcess, int]]:
        """Give a child for a program, and the number of its contract."""
        report = await self.level()
        if not report.reaches(least_level):
            raise _RefusedError(
                f"The program needs a sandbox of level {least_level!r}. {report.sentence}"
            )
        zygote_client = await self._awake()
        child, number = _born(lambda: zygote_client.child_for(contract))
        async with self._watched(child):
            yield child, number

    @asynccontextmanager
    async def _watched(self, child: ChildProcess) -> AsyncIterator[None]:
        """See to it that a child is gone afterwards, come what may, or about to go if it was dismissed."""
        self._running += 1
        self._idle.clear()
        try:
            yield
        except NotConfinedError as error:
            raise _RefusedError(str(error)) from error
        finally:
            try:
                if not child.dismissed:
                    await self._bury(child)
            finally:
                self._running -= 1
                if not self._running:
                    self._idle.set()

    async def _bury(self, child: ChildProcess) -> None:
        """Wait for the end of a child; why it ended was asked before, if anybody wanted to know."""
        with contextlib.suppress(ZygoteGoneError, UnbornError):
            await child.bury()

    async def _awake(self) -> ZygoteClient:
        """Return the zygote that serves this loop; start one if there is none, or it is dead.

        Raises:
            RuntimeError: The jail is closed.
        """
        if self._closed:
            raise RuntimeError("The jail is closed; make a new one.")
        old = self._zygote_client
        if old is not None and old.usable:
            return old
        setup = (self.limits.to_wire(), asdict(self._confinement))
        try:
            zygote_client = ZygoteClient(setup, self.limits, self._python, spare=self._spare)
        except OSError as error:
            raise _RefusedError(f"No sandbox process can be started: {error}") from error
        self._zygote_client = zygote_client
        if self._report is not None:
            zygote_client.accept([name for name, _ in self._report.missing])
        if old is not None:
            await old.close()
        return zygote_client

    def _contract(self, wire: Mapping[str, Any]) -> ApiTable:
        """Return what was read of an equal contract before, or read it now."""
        for known in self._contracts:
            if known.wire == wire:
                return known
        contract = ApiTable.read(wire)
        self._contracts = [*self._contracts[1 - _MAX_CONTRACTS :], contract]
        return contract

    async def _probe(self) -> LevelReport:
        if not hasattr(os, "fork") or not hasattr(socket, "socketpair"):
            return LevelReport(
                "none", (), trouble=f"{os.name} has no processes that it could confine"
            )
        try:
            message = await self._twice(self._probe_once)
        except (ChildGoneError, WireError, TimeoutError, UnbornError, _RefusedError) as error:
            reason = str(error) or "the process that measures its level died"
            return LevelReport("none", (), trouble=reason)
        match message:
            case ["probed", list(attempts), dict(mechanisms)]:
                acts = tuple(_act(attempt) for attempt in attempts)
                missing = tuple((str(n), str(why)) for n, why in mechanisms.items() if why)
                zygote_client = await self._awake()
                zygote_client.accept([name for name, _ in missing])
                full = all(act.refused for act in acts)
                return LevelReport("full" if full else "partial", acts, missing)
            case _:
                return LevelReport(
                    "none", (), trouble="the process that measures it spoke nonsense"
                )

    async def _probe_once(self) -> WireValue:
        zygote_client = await self._awake()
        child = _born(lambda: zygote_client.make_child("probe"))
        async with self._watched(child), asyncio.timeout(self.limits.start_s):
            try:
                message, _ = await child.receive()
            except ChildGoneError:
                await child.bury()
                raise
        return message

    async def _death(self, child: ChildProcess) -> tuple[str, str]:
        """Return the kind and message of the failure of a child that died without an answer.

        Raises:
            ZygoteGoneError: It died with the zygote.
        """
        try:
            status = await child.bury()
        except UnbornError as error:
            raise _RefusedError(f"No sandbox process can be started: {error}") from error
        kind, why = describe_death(
            status,
            self.limits.cpu_s,
            self.limits.memory_mb,
            out_of_memory=status == -signal.SIGKILL and self._out_of_memory.rose(),
        )
        if not child.confined:
            raise _RefusedError(f"The sandbox process did not start. {why}")
        return kind, why

    def _too_large(self, size: int) -> str:
        return f"The program has {size:,} bytes; {self.limits.source_bytes:,} are allowed."


def _born(make: Callable[[], _T]) -> _T:
    try:
        return make()
    except OSError as error:
        raise _RefusedError(f"No sandbox process can be started: {error}") from error


async def _serve_nothing(call: Call) -> WireValue:
    raise AssertionError(f"a check makes no calls, not even {call.name}")


def _lone_finding(kind: str, message: str) -> CheckReport:
    return CheckReport("", (Finding(kind, 1, message),))


def _act(attempt: WireValue) -> Act:
    match attempt:
        case (str(name), bool(refused), str(how)):
            return Act(name, refused, how)
        case _:
            raise AssertionError("our own probe sends (name, refused, how)")
