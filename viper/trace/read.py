"""Reads a trace file that anybody may have sent.

Nothing in it is believed: its size, its depth and each value are checked before a `Trace` is made of it,
and what is wrong is told with its place. What the values mean (whether the program gives that answer) is not
checked here; `viper.replay` runs it again.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any, NamedTuple, NoReturn

from viper.errors import InputError, failure_kind
from viper.programs.program import CallSite, Failure, Finding
from viper.storage.files import quote_path, read_regular_file
from viper.trace.record import (
    TRACE_FORMAT,
    TRACE_VERSION,
    Attempt,
    CallRecord,
    ImageInfo,
    Trace,
    Votes,
)
from viper.trace.schema import joined, problem
from viper.usage import Usage

__all__ = ["MAX_BYTES", "TraceFile", "read_trace", "read_trace_file", "trace_of"]

MAX_BYTES = 256 * 1024 * 1024
"""Largest file: room for the whole of the largest picture that Viper opens, in base64."""

_MAX_PARTS = 4_000_000
# Brackets, braces and commas: an empty list costs 60 bytes of memory and two of a file. A run of 2,000
# calls (the most that a program may make) with a hundred patches each has about a million.
_MAX_DEPTH = 64
_MAX_INTEGER = 2**63 - 1


class TraceFile(NamedTuple):
    """What a trace file holds."""

    trace: Trace
    embedded: dict[str, Any] | None
    """Its pictures, as in the file; None without."""


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Return the run that a trace file holds.

    Raises:
        InputError: It cannot be read, or is no trace; the message says where it is wrong.
    """
    return read_trace_file(path).trace


def read_trace_file(path: str | os.PathLike[str]) -> TraceFile:
    """Return the run that a trace file holds, and its pictures.

    Raises:
        InputError: It cannot be read, or is no trace; the message says where it is wrong.
    """
    name = os.fspath(path)
    data = read_regular_file(name, max_bytes=MAX_BYTES, what="trace")
    try:
        value = _parsed(data)
        return TraceFile(trace_of(value), value.get("embedded"))
    except InputError as error:
        raise InputError(f"{quote_path(name)} cannot be used: {error}") from error


def trace_of(value: Any) -> Trace:  # Any: what is checked here
    """Return the run that a JSON value stands for; `trace.to_json()` gives the value back.

    Raises:
        InputError: It is no trace; the message says where it is wrong.
    """
    _check_bounds(value)
    _check_version(value)
    found = problem(value)
    if found is not None:
        where = found.path or "The trace"
        raise InputError(f"{where} {found.trouble}. It was not written by Viper, or was changed.")
    attempts = value["attempts"]
    chosen = value["chosen"]
    if (chosen is None) != (not attempts) or not (chosen is None or chosen < len(attempts)):
        raise InputError(
            f"chosen must be the index of one of the {len(attempts)} attempts, but is {chosen!r}. "
            "It was not written by Viper, or was changed."
        )
    image, votes = value["image"], value["votes"]
    return Trace(
        question=value["question"],
        task=value["task"],
        choices=tuple(value["choices"]),
        image=ImageInfo(image["name"], image["content_hash"], image["width"], image["height"]),
        models=dict(value["models"]),
        generator=value["generator"],
        attempts=tuple(map(_attempt, attempts)),
        answer=value["answer"],
        patches=tuple(value["patches"]),
        failure=_failure(value["failure"]),
        unverified=tuple(value["unverified"]),
        forwards=dict(value["forwards"]),
        total_ms=value["total_ms"],
        votes=None if votes is None else Votes(votes["n"], votes["answers"], votes["failed"]),
        chosen=-1 if chosen is None else chosen,
        mean_batch=dict(value["mean_batch"]),
        prefetch=dict(value["lookahead"]),
        version=value["version"],
        viper=value["viper"],
    )


def _parsed(data: bytes) -> Any:
    if sum(data.count(mark) for mark in (b"[", b"{", b",")) > _MAX_PARTS:
        raise InputError(f"it holds more than {_MAX_PARTS:,} values. No run of Viper is as large.")
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(
            f"it is not UTF-8 text: byte {error.start} is {data[error.start]:#04x}. Give a file that "
            "viper ask --trace FILE.json wrote."
        ) from error
    except RecursionError:
        raise InputError(_TOO_DEEP) from None
    except ValueError as error:  # malformed, or an integer of thousands of digits
        raise InputError(
            f"it is not JSON ({error}). Give a file that viper ask --trace FILE.json wrote."
        ) from error


_TOO_DEEP = f"it is nested deeper than {_MAX_DEPTH} levels. No run of Viper is."


def _refuse_constant(name: str) -> NoReturn:
    raise InputError(
        f"it holds the number {name}, which JSON has not. It was not written by Viper."
    )


def _check_bounds(value: Any) -> None:
    """Make sure that a value is JSON of a kind that cannot hurt: not deep, finite, clean text."""
    stack: list[tuple[Any, str, int]] = [(value, "", 0)]
    while stack:
        holder, path, depth = stack.pop()
        if depth > _MAX_DEPTH:
            raise InputError(_TOO_DEEP)
        if isinstance(holder, dict):
            for key, item in holder.items():
                _check_text(key, f"A key of {path or 'the trace'}")
                if isinstance(item, (dict, list)):
                    stack.append((item, joined(path, key), depth + 1))
                elif trouble := _trouble(item):
                    raise InputError(f"{joined(path, key)} must be {trouble}")
        elif isinstance(holder, list):
            for index, item in enumerate(holder):
                if isinstance(item, (dict, list)):
                    stack.append((item, f"{path}[{index}]", depth + 1))
                elif trouble := _trouble(item):
                    raise InputError(f"{path}[{index}] must be {trouble}")


def _trouble(value: Any) -> str | None:
    """Say what a value that holds no others must be, if it is something else."""
    if isinstance(value, str):
        if not value.isascii() and not _is_clean(value):
            return "a text without lone surrogates, which are no characters."
    elif isinstance(value, float):
        if not math.isfinite(value):
            return f"a finite number, but is {value}."
    elif isinstance(value, int):
        if not -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return "a number of 64 bits, but is larger."
    elif value is not None:
        return f"a JSON value, but is {type(value).__name__}."
    return None


def _is_clean(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_text(key: Any, name: str) -> None:
    if not isinstance(key, str) or not _is_clean(key):
        raise InputError(f"{name} must be a text without lone surrogates, but is {key!a:.60}.")


def _check_version(value: Any) -> None:
    if not isinstance(value, dict) or value.get("format") != TRACE_FORMAT:
        raise InputError(
            f"It is no trace of Viper: it lacks format {TRACE_FORMAT!r}. Give a file that "
            "viper ask --trace FILE.json wrote."
        )
    version = value.get("version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise InputError(f"version must be the number {TRACE_VERSION}, but is {version!r:.60}.")
    if version < TRACE_VERSION:
        raise InputError(
            f"It is a trace of version {version}, which lacks what a replay needs; this Viper reads "
            f"version {TRACE_VERSION}. Ask again with viper ask … --trace FILE.json."
        )
    if version > TRACE_VERSION:
        raise InputError(
            f"It is a trace of version {version}; this Viper reads version {TRACE_VERSION}. "
            "Use a newer Viper: pip install --upgrade viper-vision."
        )


def _attempt(value: dict[str, Any]) -> Attempt:
    return Attempt(
        generator=value["generator"],
        source=value["source"],
        failure=_failure(value["failure"]),
        findings=tuple(
            Finding(failure_kind(f["kind"]), f["line"], f["message"]) for f in value["findings"]
        ),
        call_sites=tuple(
            CallSite(
                site["line"],
                site["method"],
                tuple(tuple(x) if isinstance(x, list) else x for x in site["literals"]),
                site["repeats"],
            )
            for site in value["call_sites"]
        ),
        calls=tuple(_call(call, value["unverified"]) for call in value["calls"]),
        printed=value["printed"],
        usage=_usage(value["usage"]),
        generate_ms=value["generate_ms"],
        run_ms=value["run_ms"],
        from_cache=value["memo"],
        notes=tuple(value["notes"]),
        unverified=tuple(value["unverified"]),
        returned=value["returned"],
        started_ms=value["started_ms"],
    )


def _call(value: dict[str, Any], unverified: list[str]) -> CallRecord:
    box, failure = value["box_xyxy"], value["failure"]
    return CallRecord(
        line=value["line"],
        method=value["method"],
        box_xyxy=None if box is None else (box[0], box[1], box[2], box[3]),
        arguments=tuple(value["arguments"]),
        result=value["result"],
        score=value["score"],
        failure=None if failure is None else failure["message"],
        failure_kind=None if failure is None else failure["kind"],
        notes=tuple(value["notes"]),
        ms=value["ms"],
        model_ms=value["model_ms"],
        forwards=value["forwards"],
        batch_size=value["batch_size"],
        cached=value["cached"],
        usage=_usage(value["usage"]),
        ahead=value["ahead"],
        queue_ms=value["queue_ms"],
        role=value["role"],
        model=value["model"],
        started_ms=value["started_ms"],
        unverified=tuple(value.get("unverified", _said_in_notes(value["notes"], unverified))),
    )


def _said_in_notes(notes: list[str], unverified: list[str]) -> list[str]:
    """Return what a call tested only in part, of a trace of Viper 0.1, which said so in words alone.

    Args:
        notes: Of the call.
        unverified: Of its attempt.
    """
    conditions = (
        note.removesuffix(" (narrower)") for note in notes if note.endswith(" (narrower)")
    )
    return [condition for condition in conditions if condition in unverified]


def _failure(value: dict[str, Any] | None) -> Failure | None:
    if value is None:
        return None
    return Failure(failure_kind(value["kind"]), value["message"], value["line"])


def _usage(value: dict[str, Any]) -> Usage:
    return Usage(value["prompt_tokens"], value["completion_tokens"], value["cost_usd"])
