"""A bar on stderr while weights are fetched: how much, how fast, how long; silent without a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from viper.cli.spinner import can_animate

if TYPE_CHECKING:
    from viper.weights.pull import Progress

__all__ = ["transfer_bar"]


@contextmanager
def transfer_bar() -> Iterator[Callable[[Progress], None]]:
    """Show a bar until the block ends.

    Yields:
        What to call with each step of a pull.
    """
    if not can_animate():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars
    from rich.table import Column

    bars = Bars(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, force_terminal=True, highlight=False),
        transient=True,
        redirect_stdout=False,  # it would go to stderr
    )
    with bars:
        task = bars.add_task("…", total=None)

        def show(progress: Progress) -> None:
            bars.update(
                task,
                description=progress.file,
                completed=progress.done_bytes,
                total=progress.total_bytes,
            )

        yield show
