"""Pages of whole runs in the folder of a benchmark run: the report links to them.

`some` samples (the first that are wrong, doubtful or not answered) or `all` of them have one. A page shows
the image only where the report may show it: in the folder of the data (`thumbnails.py`).
"""

from __future__ import annotations

import re
import threading
from hashlib import sha256
from pathlib import Path
from typing import Literal

from viper.engine.answer import Answer
from viper.storage.below import names_in
from viper.storage.files import make_folder, write_file
from viper.trace.page import trace_page
from viper_benchmarks.row import SampleResult
from viper_benchmarks.sample import Sample, id_bytes
from viper_benchmarks.thumbnails import may_show

__all__ = ["FOLDER", "MOST_OF_SOME", "TracePages", "is_page"]

FOLDER = "traces"
MOST_OF_SOME = 100
"""Pages where `some` are wanted: with photographs about 150 kB each."""
_PAGE = re.compile(rf"{FOLDER}/[0-9a-f]{{16}}\.html")


def is_page(path: str | None) -> bool:
    """Return whether a path in a row, which may come from a stranger, is one that is written here."""
    return path is not None and _PAGE.fullmatch(path) is not None


class TracePages:
    """Writes pages; may be used from several threads.

    Args:
        output: Folder of the run; it exists when the first page is written.
        wanted: Of which samples.
        data_folder: Folder of the data.
    """

    def __init__(
        self, output: Path, wanted: Literal["some", "all"], data_folder: Path | None
    ) -> None:
        self._output = output
        self._all = wanted == "all"
        self._data_folder = data_folder
        self._lock = threading.Lock()
        self._written: int | None = None

    def write(self, sample: Sample, answer: Answer, result: SampleResult) -> str | None:
        """Write the page of a sample, and return its path relative to the run's folder.

        Returns:
            None for a sample that gets no page.

        Raises:
            WriteError: It cannot be written.
        """
        if not self._takes(result):
            return None
        displayed = answer.image if may_show(sample.image, self._data_folder) else None
        name = f"{FOLDER}/{sha256(id_bytes(sample.id)).hexdigest()[:16]}.html"
        page = trace_page(answer.trace, displayed)
        write_file(self._output / name, page, durable=False, below=self._output)
        return name

    def _takes(self, result: SampleResult) -> bool:
        with self._lock:
            if self._written is None:  # the run may be a resumed one
                make_folder(self._output / FOLDER, below=self._output)
                self._written = len(names_in(self._output / FOLDER, below=self._output))
            plain = result.correct and result.outcome == "answered"
            if not self._all and (plain or self._written >= MOST_OF_SOME):
                return False
            self._written += 1
            return True
