"""Bars for work of several parts, on stderr; plain lines now and then where stderr is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

__all__ = ["StepBars"]

_LINE_EVERY_S = 30.0
# Without a terminal: often enough to see that it goes on, seldom enough for a log.


class StepBars:
    """One bar after another, each named by what is being done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
            redirect_stdout=False,
        )
        self._task = self._progress.add_task("", total=None)
        self._part = ""
        self._told_s = float("-inf")

    def tell(self, what: str, done: int, of: int) -> None:
        """Show how far something is.

        Args:
            what: What is being done; what follows a colon may change as it goes on.
            done: How much of it is done.
            of: How much there is.
        """
        part = what.partition(":")[0]
        if part != self._part:
            self._part, self._told_s = part, float("-inf")
            self._progress.reset(self._task, total=of)
        self._progress.update(self._task, description=what, completed=done, total=of)
        if not self._console.is_terminal and (
            done == of or time.monotonic() - self._told_s > _LINE_EVERY_S
        ):
            self._told_s = time.monotonic()
            self._console.print(f"{what} ({done} of {of})", highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
