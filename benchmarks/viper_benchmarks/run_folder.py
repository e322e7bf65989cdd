"""The folder of one run: its content survives a kill at any moment, and a run can be resumed from it.

    run.json        settings, versions, fingerprints of models
    samples.jsonl   a row per sample, written when it finishes
    report.json     the report; report.html is the same as a page
    traces/         pages of whole runs, to which report.html links

Rows are complete: a line truncated by a kill is removed before the next one is written, and its sample is
evaluated again. Only one process writes to a folder.

The folder may come from somebody else. Nothing in it is followed as a link, and nothing is cut from a file
that does not end as the rows of a run do.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from viper.errors import InputError, WriteError
from viper.storage.below import check_below, hold_lock, open_below
from viper.storage.bounded_json import bounded_lines, parse_json, read_json
from viper.storage.files import (
    make_folder,
    open_regular_file,
    replace_file,
    write_failure,
    write_file,
)
from viper.texts.terminal import one_line
from viper_benchmarks.row import SampleResult

__all__ = ["MAX_ROW_BYTES", "RunFolder", "began_by_best_effort", "read_rows", "read_run"]
__all__ += ["readable"]

_SAMPLES, _RUN, _REPORT, _PAGE = "samples.jsonl", "run.json", "report.json", "report.html"
_LOCK = ".lock"
_OF_OLDER_RUNS = {"best_effort": True, "both_modes": False}
"""Settings that older runs do not name: their answers were those of the best effort."""
# A row holds a program and the text of an answer, each at most 1 MB before it is escaped.
MAX_ROW_BYTES = 16_000_000
# Every row begins so: `id` is the first field of a result.
_ROW_START = b'{"id": '
# Bytes per read when the end of a file is searched.
_BLOCK = 1 << 16


class RunFolder:
    """A folder that a run writes to; use it as a context manager.

    Args:
        path: Created if missing.
        settings: Settings that determine the rows, as JSON values.
        resume: Continue the existing run.

    Raises:
        InputError: It contains a run and `resume` is False, the run has other settings, another process
            writes to it, or a row is damaged.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self._settings = dict(settings)
        make_folder(path)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(hold_lock(path / _LOCK, below=path))
            except BlockingIOError as error:
                raise InputError(
                    f"Another process writes to {str(path)!r}. Wait for it, or choose another --output."
                ) from error
            except OSError as error:
                raise WriteError(write_failure(path / _LOCK, error)) from error
            for name in (_RUN, _REPORT, _PAGE):
                try:
                    check_below(path / name, below=path)
                except OSError as error:
                    raise WriteError(write_failure(path / name, error)) from error
            if os.path.lexists(self.samples):
                if not resume:
                    raise InputError(
                        f"{str(path)!r} contains a run already. Add --resume to continue it, or choose "
                        "another --output."
                    )
                self._check_settings()
            self._rows = _RowFile(self.samples)
            stack.callback(self._rows.close)
            self._open = stack.pop_all()

    @property
    def samples(self) -> Path:
        """The file of rows."""
        return self.path / _SAMPLES

    def rows(self) -> Iterator[SampleResult]:
        """Yield the existing rows."""
        return read_rows(self.samples)

    def append(self, result: SampleResult) -> SampleResult:
        """Write what `readable` makes of a row, and return it; a kill afterwards does not lose it.

        Raises:
            WriteError: It cannot be written; the rows before it are unchanged.
        """
        result = readable(result)
        self._rows.append(_line(result))
        return result

    def write_run(self, more: Mapping[str, Any]) -> None:
        """Write `run.json`: the settings and further facts about the run."""
        write_file(self.path / _RUN, _json({**self._settings, **more}), below=self.path)

    def write_report(self, report: Mapping[str, Any]) -> None:
        """Write the report as JSON."""
        write_file(self.path / _REPORT, _json(report), below=self.path)

    def write_page(self, parts: Iterable[str]) -> None:
        """Write the report as a page, part by part: a page of many samples is not held in memory."""
        with replace_file(self.path / _PAGE, below=self.path) as file:
            for part in parts:
                file.write(part.encode("utf-8", "replace"))

    def _check_settings(self) -> None:
        earlier = read_run(self.path)
        if earlier:
            earlier = _OF_OLDER_RUNS | earlier
        # Through JSON, like the earlier settings.
        for name, now in json.loads(json.dumps(self._settings)).items():
            if name in earlier and earlier[name] != now:
                raise InputError(
                    f"The run in {str(self.path)!r} has {name} = {_shortened(earlier[name])}, but this one "
                    f"{_shortened(now)}: their rows are not comparable. Resume with the same, or choose "
                    "another --output."
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()


def readable(row: SampleResult) -> SampleResult:
    """Return a row that `read_rows` accepts: this one, or its sample as a failure of the kind `limit`.

    One row that cannot be read again, because a text is too long or a number not finite, would end each later
    use of its run.
    """
    try:
        _row(_line(row))
    except ValueError as error:
        why = one_line(str(error))[:200]
        return row.failed("limit", f"The result cannot be kept in a row: {why}.")
    return row


def began_by_best_effort(folder: Path) -> bool:
    """Return whether the run in a folder is one of an older version, which answered by the best effort.

    Raises:
        InputError: Its `run.json` is damaged.
    """
    earlier = read_run(folder)
    return bool(earlier) and "best_effort" not in earlier


def read_rows(path: Path) -> Iterator[SampleResult]:
    """Yield the rows of the `samples.jsonl` in a folder, one at a time, without a truncated last line.

    Raises:
        InputError: The file is missing or a link, or another line is not a row.
    """
    with open_regular_file(str(path), what="samples.jsonl", below=path.parent) as stream:
        lines = bounded_lines(stream, max_bytes=MAX_ROW_BYTES)
        for number in itertools.count(1):
            line = b"\n"
            try:
                if (line := next(lines, b"")) == b"":
                    return
                row = _row(line)
            except (ValueError, TypeError, KeyError) as error:
                if not line.endswith(b"\n"):
                    return
                why = f"{type(error).__name__}: {one_line(str(error))[:120]}"
                raise InputError(
                    f"{str(path)!r}: line {number} is not a row of a run ({why}). Remove the line, and "
                    "--resume evaluates its sample again."
                ) from error
            yield row


def read_run(folder: Path) -> dict[str, Any]:
    """Return the content of `run.json`; empty if a kill came before it was written.

    Raises:
        InputError: It is damaged.
    """
    path = folder / _RUN
    if not os.path.lexists(path):
        return {}
    try:
        value = read_json(path, what="run.json", below=folder)
    except ValueError as error:
        raise InputError(f"{str(path)!r} cannot be read ({error}).") from error
    if not isinstance(value, dict):
        raise InputError(f"{str(path)!r} must contain an object, but got {type(value).__name__}.")
    return value


class _RowFile:
    """A file that grows by whole lines: a line that a kill or a full disk cut off is removed.

    Args:
        path: Created if missing.

    Raises:
        WriteError: It cannot be opened for writing.
        InputError: It holds something else than rows.
    """

    def __init__(self, path: Path) -> None:
        _check_rows(path)
        self._path = path
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._descriptor = open_below(path, flags, below=path.parent)
            try:
                _remove_truncated_line(self._descriptor)
            except BaseException:
                os.close(self._descriptor)
                raise
        except OSError as error:
            raise WriteError(write_failure(path, error)) from error

    def append(self, line: bytes) -> None:
        """Write a line, or nothing.

        Raises:
            WriteError: It cannot be written.
        """
        before = os.fstat(self._descriptor).st_size
        left = memoryview(line)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except BaseException as error:
            with contextlib.suppress(OSError):  # otherwise --resume removes it
                os.ftruncate(self._descriptor, before)
            if isinstance(error, OSError):
                raise WriteError(
                    f"{write_failure(self._path, error)} The finished rows are kept: then go on with "
                    "--resume."
                ) from error
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _check_rows(path: Path) -> None:
    """Refuse a file that does not begin as the rows of a run do, before anything is cut from it.

    Raises:
        InputError: As said.
    """
    if not os.path.lexists(path):
        return
    # The first line may be the one that a kill cut off.
    if next(read_rows(path), None) is None:
        with open_regular_file(str(path), what="samples.jsonl", below=path.parent) as stream:
            start = stream.read(len(_ROW_START))
        if not _ROW_START.startswith(start):
            raise InputError(
                f"{str(path)!r} does not hold rows of a run, so nothing was written to it. Remove it, or "
                "choose another --output."
            )


def _remove_truncated_line(descriptor: int) -> None:
    """Remove everything after the last complete line."""
    with os.fdopen(descriptor, "rb+", buffering=0, closefd=False) as file:
        keep = file.seek(0, os.SEEK_END)
        newline = -1
        while keep and newline < 0:
            start = max(0, keep - _BLOCK)
            file.seek(start)
            newline = file.read(keep - start).rfind(b"\n")
            keep = start + newline + 1
        file.truncate(keep)


def _line(row: SampleResult) -> bytes:
    text = json.dumps(row.to_json(), ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _row(line: bytes) -> SampleResult:
    return SampleResult.from_json(parse_json(line, max_bytes=MAX_ROW_BYTES))


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}…"
