"""A spinner on stderr while something slow happens, with the seconds that have passed.

It shows only on a terminal that can be written over; in a pipe, a log or `TERM=dumb` nothing is
written at all. stdout is never touched: it belongs to the answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Spinner", "can_animate", "spinner"]


class Spinner:
    """The handle that `spinner` gives; without a terminal it does nothing."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task

    def update(self, text: str) -> None:
        """Show another text; the seconds go on. Any thread may call."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=_one_line(text))


@contextmanager
def spinner(text: str, *, enabled: bool = True) -> Iterator[Spinner]:
    """Show a spinner until the block ends, then wipe it away.

    Args:
        text: What is being done, such as "Loading detector onnx:yolox_nano.onnx"; shown on one
            line, cut to the width of the terminal.
        enabled: False to show nothing, whatever stderr is.

    Yields:
        The handle to change the text with.
    """
    if not (enabled and can_animate()):
        yield Spinner()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    # Rich reads NO_COLOR itself; the terminal was checked above, also against FORCE_COLOR.
    console = Console(stderr=True, force_terminal=True, highlight=False)
    dots = console.encoding.lower().startswith("utf")
    progress = Progress(
        SpinnerColumn("dots" if dots else "line"),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        # Rich would send what is printed on stdout to its own console, which is stderr here.
        redirect_stdout=False,
    )
    with progress:
        yield Spinner(progress, progress.add_task(_one_line(text), total=None))


def can_animate() -> bool:
    """Tell whether stderr is a terminal that can be written over."""
    # stderr is None under pythonw, and closed under some service managers.
    stream = sys.stderr
    terminal = stream is not None and not stream.closed and stream.isatty()
    return terminal and os.environ.get("TERM", "") not in ("dumb", "unknown")


def _one_line(text: str) -> str:
    return " ".join(text.split())
