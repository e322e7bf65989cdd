"""Progress bars on stderr, for terminals only; stdout is never touched, because it belongs to the answer.

can_animate        whether stderr is a terminal that can be overwritten
stderr_progress    a rich progress display that is erased at the end
StepBars           a bar for work in several parts; without a terminal, a plain line now and then
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Self

from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, Task

__all__ = ["StepBars", "can_animate", "description_column", "stderr_progress"]

# Without a terminal: often enough to show that work goes on, rarely enough for a log.
_LINE_EVERY_S = 30.0


def can_animate() -> bool:
    """Return whether stderr is a terminal that can be overwritten."""
    # stderr is None under pythonw, and closed under some service managers.
    stream = sys.stderr
    terminal = stream is not None and not stream.closed and stream.isatty()
    return terminal and os.environ.get("TERM", "") not in ("dumb", "unknown")


def stderr_progress(*columns: ProgressColumn | str) -> Progress:
    """Return a rich progress display on stderr; disabled unless `can_animate`."""
    from rich.console import Console
    from rich.progress import Progress

    animate = can_animate()
    return Progress(
        *columns,
        # Rich reads NO_COLOR itself; FORCE_COLOR must not make it treat a pipe as a terminal.
        console=Console(stderr=True, force_terminal=animate, highlight=False),
        transient=True,
        disable=not animate,
        redirect_stdout=False,  # rich would send what is printed on stdout to stderr
    )


def description_column() -> ProgressColumn:
    """Return a column with the description of a task as plain text, printable and cut to one line."""
    from rich.progress import ProgressColumn
    from rich.table import Column
    from rich.text import Text

    class Description(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(one_line(task.description))

    return Description(table_column=Column(no_wrap=True))


class StepBars:
    """One bar after another, each named after its part of the work."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

        self._progress = stderr_progress(
            description_column(),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._task = self._progress.add_task("", total=None)
        self._part = ""
        self._printed_s = float("-inf")

    def update(self, what: str, done: int, total: int) -> None:
        """Show the progress of a part.

        Args:
            what: The part; the text after a colon may change while it runs.
            done: Finished steps.
            total: All steps.
        """
        part = what.partition(":")[0]
        if part != self._part:
            self._part, self._printed_s = part, float("-inf")
            self._progress.reset(self._task, total=total)
        self._progress.update(self._task, description=what, completed=done, total=total)
        if self._progress.disable and (
            done == total or time.monotonic() - self._printed_s > _LINE_EVERY_S
        ):
            self._printed_s = time.monotonic()
            line = one_line(f"{what} ({done} of {total})")
            self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()
