"""A spinner on stderr with the elapsed seconds, for slow steps such as loading a model.

It appears only on a terminal; in a pipe, a log or with `TERM=dumb` nothing is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from viper.progress_bars import can_animate, description_column, stderr_progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Spinner", "spinner"]


class Spinner:
    """The handle that `spinner` yields; without a terminal it does nothing."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task

    def update(self, text: str) -> None:
        """Change the text; the seconds go on. Safe from any thread."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=_one_line(text))


@contextmanager
def spinner(text: str, *, enabled: bool = True) -> Iterator[Spinner]:
    """Show a spinner until the block ends, then erase it.

    Args:
        text: The step, such as "Loading detector onnx:yolox_nano.onnx"; shown on one line, cut to the
            width of the terminal.
        enabled: False to show nothing.

    Yields:
        The handle to change the text with.
    """
    if not (enabled and can_animate()):
        yield Spinner()  # without importing rich
        return
    from rich.progress import SpinnerColumn, TimeElapsedColumn

    dots = sys.stderr.encoding.lower().startswith("utf")
    progress = stderr_progress(
        SpinnerColumn("dots" if dots else "line"),
        description_column(),
        TimeElapsedColumn(),
    )
    with progress:
        yield Spinner(progress, progress.add_task(_one_line(text), total=None))


def _one_line(text: str) -> str:
    return " ".join(text.split())
