"""A checked request on its way to an answer: its turn, its picture, the engine, one clock over all."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.types import Receive

from viper.engine.query import Query
from viper.errors import ConfigError, InputError
from viper.images.decoding import open_image
from viper.images.image import ImageRef
from viper.serve.admission import Admission
from viper.serve.api_error import ApiError, ClientGoneError, shutting_down
from viper.serve.metrics import Metrics
from viper.serve.redaction import public, public_message
from viper.serve.requests import Asked
from viper.serve.settings import ServerSettings
from viper.trace import Watcher

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.engine.engine import Engine

__all__ = ["Service", "answer_json", "attended", "check_sandbox"]

_LOG = logging.getLogger(__name__)
_OVERTIME_S = 10.0
# The engine keeps the clock; this much later it is taken for stuck.

T = TypeVar("T")


class Service:
    """Answers requests with one engine.

    Args:
        engine: What answers; whoever made it closes it.
        settings: The limits.
    """

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self.engine = engine
        self.settings = settings
        self.admission = Admission(settings.concurrency, settings.queue)
        self.metrics = Metrics(engine, self.admission)
        self._decoding = ThreadPoolExecutor(settings.concurrency, "viper-decode")

    async def answer(
        self,
        asked: Asked,
        *,
        on_start: Callable[[], None] = lambda: None,
        on_step: Watcher | None = None,
    ) -> Answer:
        """Answer a request that holds a place.

        Args:
            asked: What is asked.
            on_start: Called when its turn has come.
            on_step: Told of each step, from the engine's thread.

        Raises:
            Problem: There is no answer, and that is not the program's doing.
        """
        loop = asyncio.get_running_loop()
        came_s = loop.time()
        most_s = self.settings.timeout_s
        deadline_s = came_s + min(asked.fields.timeout_s or most_s, most_s)
        async with self.admission.turn(deadline_s):
            began_s = loop.time()
            self.metrics.waited(began_s - came_s)
            on_start()
            try:
                image = await self._opened(asked)
                fields = asked.fields
                query = Query(
                    image, fields.question, fields.task, tuple(fields.choices), asked.program
                )
                async with asyncio.timeout_at(deadline_s + _OVERTIME_S):
                    answer = await self.engine.arun(
                        query, timeout_s=max(0.001, deadline_s - loop.time()), on_step=on_step
                    )
            except InputError as error:
                raise ApiError(422, "input", str(error)) from None
            except TimeoutError:
                _LOG.error("The engine did not keep the clock of an answer.")
                raise ApiError(504, "timeout", "There was no answer in time.") from None
            finally:
                self.admission.note(loop.time() - began_s)
        self.metrics.answered(answer, loop.time() - came_s)
        return _sound(answer)

    async def check(self, program: str) -> dict[str, Any]:
        """Check a program that holds a place, without running it.

        Raises:
            Problem: There was no turn in time.
        """
        deadline_s = asyncio.get_running_loop().time() + self.settings.timeout_s
        async with self.admission.turn(deadline_s):
            report = await self.engine.acheck(program)
        return {
            "source": report.source,
            "findings": [
                {"kind": found.kind, "line": found.line, "message": found.message}
                for found in report.findings
            ],
        }

    def close(self) -> None:
        """Let the threads end that decode pictures."""
        self._decoding.shutdown(wait=False, cancel_futures=True)

    async def _opened(self, asked: Asked) -> ImageRef:
        """Decode the picture, on a thread: a large one takes a second.

        A turn is given back only when the thread is done, so that clients who go away cannot pile up
        pictures that are being decoded.
        """
        work = asyncio.get_running_loop().run_in_executor(
            self._decoding,
            lambda: open_image(asked.picture, max_pixels=self.settings.max_pixels),
        )
        try:
            image = await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()  # seen, so that nobody complains
            raise
        return dataclasses.replace(image, source_name=asked.picture_name)


async def attended(work: Coroutine[Any, Any, T], receive: Receive, admission: Admission) -> T:
    """Await work for as long as the client waits for it and the server goes on.

    Raises:
        ClientGoneError: The client closed the connection; the work was cancelled.
        Problem: The server ends at once; the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    ended = asyncio.ensure_future(admission.interrupted.wait())
    try:
        await asyncio.wait({task, gone, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            if task.cancelled():
                raise ClientGoneError if gone.done() else shutting_down()
        return task.result()
    finally:
        for other in (task, gone, ended):
            other.cancel()
        await asyncio.gather(task, gone, ended, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _sound(answer: Answer) -> Answer:
    """Return an answer unless its failure is the server's: then there is nothing a client could change.

    Raises:
        Problem: A budget is spent, or the server lacks what it was set up with.
    """
    failure = answer.failure
    if failure is None:
        return answer
    if failure.kind == "input":
        raise ApiError(422, "input", public_message(failure.message))
    if failure.kind == "budget":
        raise ApiError(503, "budget", "The server's budget for language models is spent.")
    if failure.kind == "config":
        _LOG.error("A request failed for the server's set-up: %s", failure.message)
        raise ApiError(
            503, "config", "The server cannot load what it answers with; its log says why."
        )
    return answer


def answer_json(answer: Answer, request_id: str, *, trace: bool) -> dict[str, Any]:
    """Return the body of an answer."""
    body = {"request_id": request_id, **answer.to_json()}
    if trace:
        body["trace"] = answer.trace.to_json()
    made: dict[str, Any] = public(body)
    return made


def check_sandbox(engine: Engine, settings: ServerSettings) -> str:
    """Return the level of the sandbox, if strangers' programs may run at it.

    Raises:
        ConfigError: They may not; the message says what would help.
    """
    report = engine.sandbox_level()
    if engine.config.sandbox == "partial" and settings.is_reachable:
        raise ConfigError(
            "--sandbox partial is for your own programs: it is refused where others can reach the server. "
            "Leave it out, or listen on 127.0.0.1 only."
        )
    if not report.reaches(engine.config.sandbox):
        hint = (
            ""
            if report.level == "none"
            else " On your own machine, for your own programs only, --sandbox partial accepts that."
        )
        raise ConfigError(
            f"The server runs programs of strangers and needs a full sandbox. {report.sentence}{hint} "
            "More: viper doctor."
        )
    return report.level
