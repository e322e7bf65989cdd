"""The host's side of the sandbox: runs programs in child processes and serves their calls.

The host never parses, compiles or evaluates any part of a program. It sends the text in a frame, and checks
the frames that it receives against the API, the budgets and the timeouts. Any failure in a child is a
`JailFailure` in the `Result`; the exceptions of `run` are those of the caller's handler, and cancellation,
which kills the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from viper_sandbox.confine import Confinement
from viper_sandbox.exchange import Call, Handler, JailFailure, Request, Result
from viper_sandbox.findings import CheckReport
from viper_sandbox.level import Level, LevelReport
from viper_sandbox.level_measurement import measure_level
from viper_sandbox.limits import Limits
from viper_sandbox.probe_targets import probe_targets
from viper_sandbox.process import (
    ChildGoneError,
    ChildProcess,
    NotConfinedError,
    OutOfMemoryCount,
    describe_exit,
)
from viper_sandbox.program_protocol import ProgramProtocol, failed_check
from viper_sandbox.retry_handler import RetryHandler
from viper_sandbox.starting import RefusedError, starting
from viper_sandbox.wire import PatchRef, WireValue
from viper_sandbox.zygote_client import ApiTable, ForkError, ZygoteClient, ZygoteGoneError

__all__ = ["Jail"]

_T = TypeVar("_T")
_CHECK_ARGUMENTS = ("query", "possible_answers")
_NO_IMAGE = PatchRef(0, (0.0, 0.0, 1.0, 1.0))
# An engine uses one; an application that changes its plugins uses a few.
_MAX_APIS = 8
_FORKED = "This jail was used before os.fork(). Make a new one in the child process."


class Jail:
    """Runs programs, each in its own process; any number at the same time.

    The first use starts a zygote; the process of each program is a fork of it. A jail belongs to one event
    loop; its processes die when the thread of the loop ends. In a fork of the process that first used it,
    every use raises `RuntimeError`.

    Args:
        limits: Limits of each program.
        confinement: Mechanisms to use; all of them, except in tests.
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
        self._warming: asyncio.Task[None] | None = None
        self._zygote_client: ZygoteClient | None = None
        self._apis: deque[ApiTable] = deque(maxlen=_MAX_APIS)
        self._api_numbers = itertools.cycle(range(_MAX_APIS))
        self._out_of_memory = OutOfMemoryCount()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._user_pid: int | None = None

    async def run(
        self,
        request: Request,
        handler: Handler,
        *,
        least_level: Level = "full",
        on_checked: Callable[[CheckReport], None] | None = None,
    ) -> Result:
        """Run a program; cancellation kills it.

        If the zygote dies, the program runs once more. Its calls that were served get the same answers: the
        handler never serves the same call of a program twice.

        Args:
            request: The program with its arguments.
            handler: Serves its vision and language calls, one at a time; see `Handler`. It returns
                plain Python types, and patches with the handle of the request's image.
            least_level: Lowest level of the sandbox at which the program may run. One that needs "partial"
                does not wait until the level is measured, if its child has every mechanism in force.
            on_checked: Called with the check report of a program without findings, before it runs; twice
                if it runs twice.

        Returns:
            The value or the failure; no action of a program raises an exception here.

        Raises:
            ValueError: The API of the request is invalid, or the handler returned a patch of another image.
            TypeError: The handler returned a value that is not of the method's type.
            RuntimeError: The jail is closed.
        """

        def failed(failure: JailFailure, protocol: ProgramProtocol | None = None) -> Result:
            return protocol.failed(failure) if protocol else Result(failure=failure)

        return await self._in_child(
            request, handler, least_level, ProgramProtocol.run, failed, on_checked
        )

    async def check(
        self,
        source: str,
        api: Mapping[str, Any],
        arguments: Sequence[str] = _CHECK_ARGUMENTS,
    ) -> CheckReport:
        """Check a program without running it.

        Args:
            source: Text as the generator wrote it.
            api: The API as plain data.
            arguments: Names of the parameters besides `image` that a run would pass.

        Returns:
            The normalized source and all findings. A failure of the check itself is a finding as well.

        Raises:
            ValueError: The API is invalid.
            RuntimeError: The jail is closed.
        """
        return await self._in_child(
            Request(source, api, _NO_IMAGE, (1, 1)),
            _serve_nothing,
            "partial",
            lambda protocol: protocol.check(list(arguments)),
            failed_check,
        )

    def warm(self, api: Mapping[str, Any], least_level: Level = "full") -> None:
        """Begin to start the sandbox, and to measure it, so that the first program need not wait for it.

        Args:
            api: The API of that program as plain data.
            least_level: The level that it needs; for "partial" nothing is measured, see `run`.
        """
        self._claim()
        if self._report is None and self._warming is None and not self._closed:
            self._warming = asyncio.get_running_loop().create_task(self._warm(api, least_level))

    async def _warm(self, api: Mapping[str, Any], least_level: Level) -> None:
        with contextlib.suppress(Exception):  # the first program reports what is wrong
            if least_level == "partial" or (await self.level()).level != "none":
                (await self._zygote()).prepare(self._table(api))

    async def level(self) -> LevelReport:
        """Return the level of the sandbox on this machine; measured once, by attempting forbidden acts.

        Raises:
            RuntimeError: The jail is closed.
        """
        self._claim()
        async with self._probing:
            if self._report is not None:
                return self._report
            report, is_passing = await measure_level(
                lambda: self._twice(self._probe), self.limits.start_s
            )
            if report.level != "none":
                (await self._zygote()).accept([name for name, _ in report.missing])
            if not is_passing:
                self._report = report
            return report

    async def close(self) -> None:
        """Kill all programs, wait until their processes have ended, and refuse new ones.

        In a fork of the process that used the jail, it only refuses new ones.
        """
        self._closed = True
        if self._user_pid not in (None, os.getpid()):
            return
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        zygote_client, self._zygote_client = self._zygote_client, None
        if zygote_client is not None:
            await zygote_client.close()
        await self._idle.wait()

    async def __aenter__(self) -> Jail:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _claim(self) -> None:
        """Remember the process that uses this jail.

        In a fork of it, the event loop would share the epoll descriptor of the original, and wait for ever
        for children that are not its own.
        """
        if self._user_pid not in (None, os.getpid()):
            raise RuntimeError(_FORKED)
        self._user_pid = os.getpid()

    async def _in_child(
        self,
        request: Request,
        handler: Handler,
        least_level: Level,
        act: Callable[[ProgramProtocol], Awaitable[_T]],
        failed: Callable[..., _T],
        on_checked: Callable[[CheckReport], None] | None = None,
    ) -> _T:
        """Run or check a program in a child; a child that did so without a failure is dismissed.

        `act` runs or checks it. `failed` makes the result of a failure; its second argument is the protocol,
        if there was a child.
        """
        self._claim()
        size = len(request.source.encode("utf-8", "replace"))
        if size > self.limits.source_bytes:
            message = f"The program has {size:,} bytes; {self.limits.source_bytes:,} are allowed."
            return failed(JailFailure("limit", message))
        table = self._table(request.api)
        retry = RetryHandler(handler)

        async def once() -> _T:
            report = self._report
            if report is None and (least_level != "partial" or measures):
                report = await self.level()
            if report is not None and not report.reaches(least_level):
                raise RefusedError(
                    f"The program needs a sandbox of level {least_level!r}. {report.sentence}"
                )
            zygote_client = await self._zygote()
            with starting():
                child = zygote_client.child_for(table)
            retry.restart()
            async with self._watched(child):
                protocol = ProgramProtocol(
                    child, request, (table.number, table.api), retry, self.limits, on_checked
                )
                try:
                    result = await act(protocol)
                except ChildGoneError:
                    result = failed(await self._exit_failure(child), protocol)
                if not isinstance(result, Result) or result.failure is None:
                    child.dismiss()  # a child that failed must be seen to end
                return result

        measures = False
        try:
            try:
                return await self._twice(once)
            except RefusedError:
                if self._report is not None or least_level != "partial" or self._closed:
                    raise
                measures = (
                    True  # a mechanism is missing, or no process can be started: find out which
                )
                return await self._twice(once)
        except RefusedError as error:
            return failed(JailFailure("sandbox", str(error)))

    async def _twice(self, once: Callable[[], Awaitable[_T]]) -> _T:
        """Do something in a child; if the zygote dies meanwhile, do it once more with another zygote."""
        for _ in range(2):
            try:
                return await once()
            except ZygoteGoneError:
                if self._closed:
                    raise RefusedError("The jail was closed while the program ran.") from None
        zygote_client = self._zygote_client
        words = ""
        if zygote_client is not None:
            await zygote_client.close()  # so that it is known how it ended
            words = zygote_client.last_words()
        raise RefusedError(
            "The sandbox died twice while the program ran. "
            f"{words or 'Find out what kills the processes of this user, then run the program again.'}"
        )

    @contextlib.asynccontextmanager
    async def _watched(self, child: ChildProcess) -> AsyncIterator[None]:
        """Ensure that a child has ended afterwards, or is about to end if it was dismissed."""
        self._running += 1
        self._idle.clear()
        try:
            yield
        except NotConfinedError as error:
            raise RefusedError(str(error)) from error
        finally:
            try:
                if not child.dismissed:
                    with contextlib.suppress(ZygoteGoneError, ForkError):  # handled before
                        await child.kill()
            finally:
                self._running -= 1
                if not self._running:
                    self._idle.set()

    async def _zygote(self) -> ZygoteClient:
        """Return the zygote for this loop; start one if there is none, or if it is dead.

        Raises:
            RuntimeError: The jail is closed.
        """
        if self._closed:
            raise RuntimeError("The jail is closed; make a new one.")
        old = self._zygote_client
        if old is not None and old.usable:
            return old
        with starting():
            zygote_client = ZygoteClient(
                self._confinement, self.limits, self._python, spare=self._spare
            )
        self._zygote_client = zygote_client
        if self._report is not None:
            zygote_client.accept([name for name, _ in self._report.missing])
        if old is not None:
            await old.close()
        return zygote_client

    def _table(self, wire: Mapping[str, Any]) -> ApiTable:
        """Return the table of an equal API that was read before, or read this one."""
        for table in self._apis:
            if table.wire == wire:
                return table
        self._apis.append(ApiTable.read(wire, next(self._api_numbers)))
        return self._apis[-1]

    async def _probe(self) -> WireValue:
        """Have a process attempt forbidden acts; return its message."""
        zygote_client = await self._zygote()
        with probe_targets() as folder:
            with starting():
                child = zygote_client.make_child("probe", folder)
            async with self._watched(child), asyncio.timeout(self.limits.start_s):
                try:
                    message, _ = await child.receive()
                except ChildGoneError:
                    await child.kill()  # raises if the zygote is dead
                    raise
        return message

    async def _exit_failure(self, child: ChildProcess) -> JailFailure:
        """Return the failure of a child that ended without a result.

        Raises:
            ZygoteGoneError: It died with the zygote.
        """
        with starting():
            status = await child.kill()
        out_of_memory = status == -signal.SIGKILL and self._out_of_memory.increased()
        kind, message = describe_exit(status, self.limits, out_of_memory=out_of_memory)
        if not child.confined:
            raise RefusedError(f"The sandbox process did not start. {message}")
        return JailFailure(kind, message)


async def _serve_nothing(call: Call) -> WireValue:
    raise AssertionError(f"a check makes no calls, not even {call.name}")
