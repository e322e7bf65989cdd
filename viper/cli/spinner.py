"""A spinner on stderr with the elapsed seconds, for slow steps such as loading a model.

It appears only on a terminal; in a pipe, a log or with `TERM=dumb` nothing is written.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from viper.progress_bars import can_animate, description_column, stderr_progress
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from viper.models.registry import BackendRef

__all__ = ["LoadingSpinner", "spinner"]


@contextmanager
def spinner(text: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner until the block ends, then erase it.

    Args:
        text: The step, such as "Loading detector onnx:yolox_nano.onnx"; shown on one line, cut to the
            width of the terminal.

    Yields:
        A function that changes the text without resetting the seconds; any thread may call it.
    """
    if not can_animate():
        yield lambda text: None  # without importing rich
        return
    from rich.progress import SpinnerColumn, TimeElapsedColumn

    dots = sys.stderr.encoding.lower().startswith("utf")
    with stderr_progress(
        SpinnerColumn("dots" if dots else "line"),
        description_column(),
        TimeElapsedColumn(),
    ) as progress:
        task = progress.add_task(one_line(text), total=None)
        yield lambda text: progress.update(task, description=one_line(text))


class LoadingSpinner:
    """Shows on a terminal which models are loading, and for how long; silent elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loading: dict[str, str] = {}
        self._spinner = ExitStack()
        self._update: Callable[[str], None] | None = None

    def __call__(self, ref: BackendRef, starting: bool) -> None:
        """Record that loading a model begins or has ended; any thread may call this."""
        with self._lock:
            if starting:
                self._loading[ref.role] = str(ref)
            else:
                self._loading.pop(ref.role, None)
            names = ", ".join(f"{role} {name}" for role, name in self._loading.items())
            text = f"Loading {names}"
            if not self._loading:
                self._spinner.close()
                self._update = None
            elif self._update is None:
                self._update = self._spinner.enter_context(spinner(text))
            else:
                self._update(text)
