"""The host side of the sandbox: runs programs in children and serves their calls.

The host never parses, compiles or evaluates anything of a program. It moves the text into a frame, and
takes frames that are checked against the contract, the budgets and the clock. Whatever goes wrong in a
child is a `JailFailure` in the `Result`; exceptions that leave `run` are the caller's own: those of the
handler, and cancellation, which kills the child.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from types import TracebackType
from typing import Any

from viper_sandbox.confine import Confinement
from viper_sandbox.conversation import Conversation
from viper_sandbox.exchange import Call, Checked, Handler, JailFailure, Request, Result
from viper_sandbox.findings import Finding
from viper_sandbox.level import Act, Level, LevelReport
from viper_sandbox.limits import Limits
from viper_sandbox.process import ChildGoneError, ChildProcess, describe_death
from viper_sandbox.wire import PatchRef, WireError, WireValue

__all__ = ["Jail"]

_CHECK_ARGUMENTS = ("query", "possible_answers")
_NO_IMAGE = PatchRef(0, (0.0, 0.0, 1.0, 1.0))


class _RefusedError(Exception):
    """No child may serve: none can be started, or not at the level that is asked for."""


class Jail:
    """Runs programs, each in a process of its own; any number at the same time.

    A jail belongs to one event loop, whose thread must live as long as the jail: children die with it.

    Args:
        limits: What each program may use.
        confinement: Mechanisms to use; all unless a test takes one away.
        python: Interpreter of the children; the running one if None.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        confinement: Confinement | None = None,
        python: str | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._confinement = confinement or Confinement()
        self._python = python
        self._report: LevelReport | None = None
        self._probing = asyncio.Lock()
        self._live: set[ChildProcess] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def run(
        self, request: Request, handler: Handler, *, least_level: Level = "full"
    ) -> Result:
        """Run a program; cancelling kills it.

        Args:
            request: The program and what it is given.
            handler: Serves its vision and language calls, one at a time; see `Handler`. It answers in
                plain Python types, patches with the handle of the request's image.
            least_level: Weakest level of the sandbox at which the program may run.

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
        try:
            async with self._child(least_level) as child:
                conversation = Conversation(child, request, handler, self.limits)
                try:
                    return await conversation.run()
                except ChildGoneError:
                    return conversation.failed(JailFailure(*await self._death(child)))
        except _RefusedError as error:
            return Result(failure=JailFailure("sandbox", str(error)))

    async def check(
        self,
        source: str,
        api: Mapping[str, Any],
        arguments: Sequence[str] = _CHECK_ARGUMENTS,
    ) -> Checked:
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
        try:
            async with self._child("partial") as child:
                conversation = Conversation(child, request, _serve_nothing, self.limits)
                try:
                    return await conversation.check(list(arguments))
                except ChildGoneError:
                    return _lone_finding(*await self._death(child))
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
        for child in self._live:
            child.kill()
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

    @asynccontextmanager
    async def _child(self, least_level: Level) -> AsyncIterator[ChildProcess]:
        """Give a child that is confined as the level demands; it is gone afterwards, come what may."""
        report = await self.level()
        if not report.reaches(least_level):
            raise _RefusedError(
                f"The program needs a sandbox of level {least_level!r}. {report.sentence}"
            )
        async with self._process("child") as child:
            try:
                async with asyncio.timeout(self.limits.start_s):
                    await child.send(self._setup())
                    message, _ = await child.receive()
            except (ChildGoneError, WireError, TimeoutError) as error:
                _, why = await self._death(child)
                raise _RefusedError(f"The sandbox process did not start. {why}") from error
            lost = _missing(message, default="no report") - {name for name, _ in report.missing}
            if lost:
                raise _RefusedError(
                    f"The sandbox process is confined less than when the level was measured: "
                    f"{', '.join(sorted(lost))} not in force."
                )
            yield child

    @asynccontextmanager
    async def _process(self, module: str) -> AsyncIterator[ChildProcess]:
        if self._closed:
            raise RuntimeError("The jail is closed; make a new one.")
        try:
            child = ChildProcess(module, self.limits.frame_bytes, self._python)
        except OSError as error:
            raise _RefusedError(f"No sandbox process can be started: {error}") from error
        self._live.add(child)
        self._idle.clear()
        try:
            yield child
        finally:
            try:
                await child.bury()
            finally:
                self._live.discard(child)
                if not self._live:
                    self._idle.set()

    async def _probe(self) -> LevelReport:
        if not hasattr(os, "fork") or not hasattr(socket, "socketpair"):
            return LevelReport(
                "none", (), trouble=f"{os.name} has no processes that it could confine"
            )
        try:
            async with self._process("probe") as child, asyncio.timeout(self.limits.start_s):
                await child.send(self._setup())
                message, _ = await child.receive()
        except (ChildGoneError, WireError, TimeoutError, _RefusedError) as error:
            reason = str(error) or "the process that measures its level died"
            return LevelReport("none", (), trouble=reason)
        match message:
            case ["probed", list(attempts), dict(mechanisms)]:
                acts = tuple(_act(attempt) for attempt in attempts)
                missing = tuple((str(n), str(why)) for n, why in mechanisms.items() if why)
                full = all(act.refused for act in acts)
                return LevelReport("full" if full else "partial", acts, missing)
            case _:
                return LevelReport(
                    "none", (), trouble="the process that measures it spoke nonsense"
                )

    def _setup(self) -> list[Any]:
        return ["setup", self.limits.to_wire(), asdict(self._confinement), os.getpid()]

    async def _death(self, child: ChildProcess) -> tuple[str, str]:
        if self._closed:
            return "sandbox", "The jail was closed while the program ran."
        return describe_death(await child.bury(), self.limits.cpu_s, self.limits.memory_mb)

    def _too_large(self, size: int) -> str:
        return f"The program has {size:,} bytes; {self.limits.source_bytes:,} are allowed."


async def _serve_nothing(call: Call) -> WireValue:
    raise AssertionError(f"a check makes no calls, not even {call.name}")


def _lone_finding(kind: str, message: str) -> Checked:
    return Checked("", (Finding(kind, 1, message),), ())


def _act(attempt: WireValue) -> Act:
    match attempt:
        case (str(name), bool(refused), str(how)):
            return Act(name, refused, how)
        case _:
            raise AssertionError("our own probe sends (name, refused, how)")


def _missing(message: WireValue, default: str) -> set[str]:
    match message:
        case ["ready", dict(report)]:
            return {str(name) for name, why in report.items() if why}
        case _:
            return {default}
