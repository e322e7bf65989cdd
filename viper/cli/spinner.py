"""A spinner on stderr with the elapsed seconds, for slow steps such as loading a model or writing a program.

It appears only on a terminal; in a pipe, a log or with `TERM=dumb` nothing is written.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from viper.progress_bars import can_animate, description_column, stderr_progress
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from viper.models.registry import BackendRef
    from viper.trace import Step, Watcher

__all__ = ["LiveLine", "spinner"]


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


class LiveLine:
    """Shows on a terminal what an engine does, and for how long; silent elsewhere.

    It says which models are loading, and, once `writing` was called, that a language model writes a program
    and that the program runs. As a context manager, it is erased at the end. Any thread may call it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loading: dict[str, str] = {}
        self._step = ""
        self._writer = ""
        self._calls = 0
        self._spinner = ExitStack()
        self._update: Callable[[str], None] | None = None

    def __call__(self, ref: BackendRef, starting: bool) -> None:
        """Record that loading a model begins or has ended."""
        with self._lock:
            if starting:
                self._loading[ref.role] = str(ref)
            else:
                self._loading.pop(ref.role, None)
            self._show()

    def writing(self, generator: str) -> None:
        """Record that a generator begins to write; one without a language model is not worth a word."""
        if generator in ("grammar", "auto"):
            return
        with self._lock:
            self._writer = generator.partition("?")[0]
            self._step = f"{self._writer} is writing a program"
            self._show()

    @property
    def watcher(self) -> Watcher | None:
        """A watcher of an answer's steps; None where nothing would be shown."""
        return self._on_step if self._writer and can_animate() else None

    def _on_step(self, step: Step) -> None:
        with self._lock:
            if step.step == "attempt":
                self._step = f"{self._writer} is writing another program"
            else:
                self._calls = self._calls + 1 if step.step == "call" else 0
                counted = f" ({self._calls} calls so far)" if self._calls else ""
                self._step = f"Running the program{counted}"
            self._show()

    def close(self) -> None:
        """Erase the line."""
        with self._lock:
            self._step = self._writer = ""
            self._loading.clear()
            self._show()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _show(self) -> None:
        names = ", ".join(f"{role} {name}" for role, name in self._loading.items())
        text = f"Loading {names}" if names else self._step
        if not text:
            self._spinner.close()
            self._update = None
        elif self._update is None:
            self._update = self._spinner.enter_context(spinner(text))
        else:
            self._update(text)
