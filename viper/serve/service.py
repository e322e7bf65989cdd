"""Serve a validated request: wait for a worker slot, decode the image, run the engine, within a timeout."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.types import Receive

from viper.engine.query import Query
from viper.errors import ConfigError, InputError
from viper.images.cancellation import Cancellation
from viper.images.confined_decoding import missing_of_decoders
from viper.images.decoding import open_image
from viper.images.image import ImageRef
from viper.serve.admission import Admission, QueueSlot
from viper.serve.api_error import ApiError, ClientGoneError
from viper.serve.charged_threads import ChargedThreads
from viper.serve.connections import Connections
from viper.serve.examples import Examples
from viper.serve.host_places import NO_PLACES, HostPlaces, host_places
from viper.serve.metrics import Metrics
from viper.serve.redaction import WITHHELD, redact_findings, redact_message, redacted_trace
from viper.serve.requests import QueryRequest
from viper.serve.settings import ServerSettings
from viper.serve.worker_slots import RecalledError
from viper.trace import Watcher
from viper_sandbox.large_work import paid_by

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.engine.engine import Engine
    from viper.programs.program import CheckReport

__all__ = ["Service", "answer_json", "check_sandbox", "until_disconnect"]

_LOG = logging.getLogger(__name__)
# The engine enforces the timeout itself; this much later it is considered stuck.
_OVERTIME_S = 10.0
# What the decoder says of an image whose time is over.
_TOO_LONG = "takes too long to decode"

T = TypeVar("T")


class Service:
    """Answers requests with one engine.

    Args:
        engine: The engine; its creator closes it.
        settings: The limits.
    """

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self.engine = engine
        self.settings = settings
        self.places = host_places(engine.config)
        """What messages of the server's own may name, and clients must not see."""
        self.examples = Examples(engine)
        self.admission = Admission(settings.concurrency, settings.queue)
        self.connections = Connections(settings.concurrency + settings.queue)
        self.metrics = Metrics(engine, self.admission, self.connections)
        self.threads = ChargedThreads(settings.concurrency, self.connections.loop_time)
        self._decoders = ThreadPoolExecutor(settings.concurrency, "viper-decode")

    async def answer(
        self,
        slot: QueueSlot,
        request: QueryRequest,
        *,
        write: Callable[[Answer], T],
        on_start: Callable[[], None] = lambda: None,
        on_step: Watcher | None = None,
    ) -> T:
        """Answer a request.

        Args:
            slot: Its queue slot.
            request: The request.
            write: Makes of the answer what is returned, in a thread while the worker slot is held.
            on_start: Called when it gets a worker slot; again when it had to give that back and begins anew.
            on_step: Called with each step, from the engine's thread.

        Raises:
            ApiError: There is no answer, for a reason other than the program.
        """
        fields = request.fields
        loop = asyncio.get_running_loop()
        arrived_s = loop.time()
        timeout_s = self.settings.timeout_s
        deadline_s = arrived_s + min(fields.timeout_s or timeout_s, timeout_s)
        again = False
        while True:
            try:
                async with self.admission.worker_slot(slot, deadline_s, again=again):
                    if not again:
                        self.metrics.count_wait(loop.time() - arrived_s)
                    on_start()
                    with self._paid_by(slot.client):
                        answer = await self._run(slot.client, request, deadline_s, on_step)
                    written = await self.threads.run(slot.client, partial(write, answer))
                    break
            except RecalledError:  # other clients wait
                again = True
        self.metrics.count_answer(answer, loop.time() - arrived_s)
        _raise_server_failure(answer)
        return written

    async def _run(
        self, client: str, request: QueryRequest, deadline_s: float, on_step: Watcher | None
    ) -> Answer:
        """Decode the image and run the engine."""
        fields = request.fields
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        try:
            image = await self._decode(client, request, deadline_s)
            query = Query(
                image,
                fields.question,
                fields.task,
                tuple(fields.choices),
                request.program,
                fields.best_effort,
            )
            async with asyncio.timeout_at(deadline_s + _OVERTIME_S):
                return await self.engine.arun(
                    query, timeout_s=max(0.001, deadline_s - loop.time()), on_step=on_step
                )
        except InputError as error:
            message = redact_message(str(error))
            if _TOO_LONG in message and loop.time() >= deadline_s:
                message = self._too_late(fields.timeout_s)
            raise ApiError(422, "input", message) from None
        except TimeoutError:
            _LOG.error("The engine did not enforce the timeout of an answer.")
            raise ApiError(504, "timeout", "There was no answer in time.") from None
        finally:
            self.admission.record_duration(loop.time() - started_s)

    def _too_late(self, timeout_s: float | None) -> str:
        """Return the message for an image that the timeout of its request ended, not a limit of its own."""
        most_s = self.settings.timeout_s
        if timeout_s is None or timeout_s >= most_s:
            whose, hint = f"the server's timeout of {most_s:g} s", "Send a smaller image."
        else:
            whose = f"this request: its timeout_s is {timeout_s:g}"
            hint = "Send a larger timeout_s, or a smaller image."
        return f"The image {_TOO_LONG} for {whose}, waiting included. {hint}"

    async def check(
        self, slot: QueueSlot, program: str, *, write: Callable[[dict[str, Any]], T]
    ) -> T:
        """Check a program without running it.

        Args:
            slot: The queue slot of the request.
            program: Its source.
            write: Makes of the report what is returned, in a thread while the worker slot is held.

        Raises:
            ApiError: No worker slot became free in time.
        """
        deadline_s = asyncio.get_running_loop().time() + self.settings.timeout_s
        again = False
        while True:
            try:
                async with self.admission.worker_slot(slot, deadline_s, again=again):
                    with self._paid_by(slot.client):
                        report = await self.engine.acheck(program)
                    body = _check_json(report, self.places)
                    return await self.threads.run(slot.client, partial(write, body))
            except RecalledError:  # other clients wait
                again = True

    def _paid_by(self, client: str) -> AbstractContextManager[None]:
        """Charge a client for large values of its programs, which the engine reads."""
        loop, charge = asyncio.get_running_loop(), self.connections.loop_time.charge

        def spent(spent_s: float) -> None:  # called from the engine's thread
            with suppress(RuntimeError):  # the server's loop has ended
                loop.call_soon_threadsafe(charge, client, spent_s)

        return paid_by(client, spent)

    def close(self) -> None:
        """Shut down the threads that decode images, parse bodies and write answers."""
        self.threads.close()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    async def _decode(self, client: str, request: QueryRequest, deadline_s: float) -> ImageRef:
        """Decode the image in a thread: a large one takes a second.

        The worker slot is released only when the thread is done, so that clients that disconnect cannot
        accumulate images being decoded; cancelling ends the decoder's process.
        """
        loop = asyncio.get_running_loop()
        cancellation = Cancellation(time.monotonic() + max(0.0, deadline_s - loop.time()))
        work = loop.run_in_executor(
            self._decoders,
            lambda: open_image(
                request.image,
                max_pixels=self.settings.max_pixels,
                cancellation=cancellation,
                client=client,
            ),
        )
        try:
            image = await asyncio.shield(work)
        except asyncio.CancelledError:
            cancellation.cancel()
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()  # retrieve it, so that asyncio does not log it
            raise
        return dataclasses.replace(image, source_name=request.image_name)


async def until_disconnect(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Await work, and cancel it if the client disconnects.

    Raises:
        ClientGoneError: The client closed the connection.
    """
    task = asyncio.ensure_future(work)
    disconnected = asyncio.ensure_future(_disconnect(receive))
    tasks = (task, disconnected)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            if task.cancelled():
                raise ClientGoneError
        return task.result()
    finally:
        for other in tasks:
            other.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _disconnect(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _raise_server_failure(answer: Answer) -> None:
    """Raise an API error if the failure of an answer is the server's, or the image's.

    Raises:
        ApiError: The image is unusable, a budget is spent, or a model cannot be loaded.
    """
    failures = [answer.failure, *(turn.failure for turn in answer.trace.turns)]
    for text in dict.fromkeys(one.message for one in failures if one and one.kind == "config"):
        _LOG.error("A request failed because of the server's configuration: %s", text)
    failure = answer.failure
    if failure is None:
        return
    if failure.kind == "input":
        raise ApiError(422, "input", redact_message(failure.message))
    if failure.kind == "budget" or failure.kind == "config":
        raise ApiError(503, failure.kind, WITHHELD[failure.kind])


def _check_json(report: CheckReport, places: HostPlaces) -> dict[str, Any]:
    findings = [finding._asdict() for finding in redact_findings(report.findings, places)]
    return {"source": report.source, "findings": findings}


def answer_json(
    answer: Answer, request_id: str, *, trace: bool, places: HostPlaces = NO_PLACES
) -> dict[str, Any]:
    """Return the body of an answer, with the full trace if `trace`."""
    redacted = redacted_trace(answer.trace, places)
    body = {"request_id": request_id, **redacted.summary_json()}
    return {**body, "trace": redacted.to_json()} if trace else body


def check_sandbox(engine: Engine, settings: ServerSettings) -> str:
    """Return the sandbox level if untrusted programs may run at it.

    Raises:
        ConfigError: They may not; the message says what would help.
    """
    report = engine.sandbox_level()
    if engine.config.sandbox == "partial" and settings.is_reachable:
        raise ConfigError(
            "--sandbox partial is for your own programs: it is refused if others can reach the server. "
            "Omit it, or listen on 127.0.0.1 only."
        )
    if not report.reaches(engine.config.sandbox):
        hint = (
            ""
            if report.level == "none"
            else " On your own machine, for your own programs only, --sandbox partial accepts that."
        )
        raise ConfigError(
            f"The server runs untrusted programs and needs a full sandbox. {report.sentence}{hint} "
            "More: viper doctor."
        )
    lost = set(missing_of_decoders()) - {name for name, _ in report.missing}
    if lost and engine.config.sandbox == "full":
        raise ConfigError(
            "The server decodes images of strangers, and their process lacks what that of a program has: "
            f"{', '.join(sorted(lost))}. More: viper doctor."
        )
    return report.level
