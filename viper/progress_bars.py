"""Progress bars on stderr for work in several steps; plain lines when stderr is not a terminal."""

from __future__ import annotations

import time
from typing import Self

__all__ = ["StepBars"]

_LINE_INTERVAL_S = 30.0
"""Least time between two plain lines, so that a log stays short."""


class StepBars:
    """One progress bar at a time; a new step replaces the bar of the previous one."""

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
        self._step = ""
        self._printed_s = float("-inf")

    def update(self, description: str, done: int, total: int) -> None:
        """Show the progress of a step.

        Args:
            description: Name of the step; the text after a colon may change while the step runs.
            done: Units of work done.
            total: Units of work in the step.
        """
        step = description.partition(":")[0]
        if step != self._step:
            self._step, self._printed_s = step, float("-inf")
            self._progress.reset(self._task, total=total)
        self._progress.update(self._task, description=description, completed=done, total=total)
        if not self._console.is_terminal and (
            done == total or time.monotonic() - self._printed_s > _LINE_INTERVAL_S
        ):
            self._printed_s = time.monotonic()
            self._console.print(
                f"{description} ({done} of {total})", highlight=False, soft_wrap=True
            )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()
