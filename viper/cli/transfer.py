"""A progress bar for fetching weights: bytes, speed and remaining time; silent without a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from viper.progress_bars import description_column, stderr_progress

if TYPE_CHECKING:
    from viper.weights.pull import Progress

__all__ = ["transfer_bar"]


@contextmanager
def transfer_bar() -> Iterator[Callable[[Progress], None]]:
    """Show a bar until the block ends.

    Yields:
        A function to call with each progress report of a pull.
    """
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    with stderr_progress(
        description_column(),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    ) as bars:
        task = bars.add_task("…", total=None)
        yield lambda progress: bars.update(
            task,
            description=progress.file,
            completed=progress.done_bytes,
            total=progress.total_bytes,
        )
