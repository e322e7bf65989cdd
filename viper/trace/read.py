"""Reads a trace file from an untrusted source.

Its size and depth are checked before it is parsed into a `Trace`, and each value by the type of its field; an
error names the place. What the values mean (whether the program gives that answer) is not checked here;
`viper.replay` runs it again.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from viper.errors import InputError
from viper.images.values import json_patches
from viper.storage.bounded_json import holds_more_values, table_of
from viper.storage.files import quote_path, read_regular_file
from viper.trace.large_images import bytes_without_images, with_images, without_images
from viper.trace.model import adapter
from viper.trace.places import join_path, quote
from viper.trace.record import TRACE_FORMAT, TRACE_VERSION, Trace, direct_answer
from viper.trace.values import check_value
from viper.trace.version_2 import upgraded_from_2
from viper.trace.version_3 import upgraded_from_3

__all__ = ["MAX_BYTES", "is_too_large", "read_trace", "trace_of"]

MAX_BYTES = 256 * 1024 * 1024
"""Largest file: room for the whole of the largest image that Viper opens, in base64."""

# Of all but large images. A program at all its limits has some 25 MB; a character may take four bytes in each
# of five copies. With these limits, no verb takes a gigabyte of memory for any file.
_MAX_TEXT_BYTES = 32 * 1024 * 1024

# Brackets, braces and commas outside of texts: each may cost 100 bytes of memory, in four copies. A program
# at all its limits (20,000 patches received, 10,000 values sent, 5,000 returned) has about a million;
# several such programs of one vote may have more, and `write_trace` says so.
_MAX_PARTS = 1_500_000

# A value of a program may be nested 32 deep (`viper_sandbox.wire`), and each of its dicts takes three levels.
_MAX_DEPTH = 104

# Keys of one object. Viper writes at most a few dozen; pydantic keeps a kilobyte for each that is wrong.
_MAX_KEYS = 1_000
_MAX_INTEGER = 2**63 - 1


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Return the run that a trace file holds.

    Raises:
        InputError: It cannot be read, or is not a trace; the message says where it is wrong.
    """
    name = os.fspath(path)
    text, images = without_images(read_regular_file(name, max_bytes=MAX_BYTES, what="trace"))
    try:
        return with_images(trace_of(_parsed(text)), images)
    except InputError as error:
        raise InputError(f"{quote_path(name)} cannot be used: {error}") from error


def is_too_large(data: bytes) -> bool:
    """Return whether a trace file has more bytes or values than `read_trace` accepts."""
    return (
        len(data) > MAX_BYTES
        or bytes_without_images(data) > _MAX_TEXT_BYTES
        or holds_more_values(data, _MAX_PARTS)
    )


def trace_of(value: Any) -> Trace:  # Any: what is checked here
    """Return the run that a JSON value stands for; `trace.to_json()` returns the value again.

    Raises:
        InputError: It is not a trace; the message says where it is wrong.
    """
    _check_bounds(value)
    _check_version(value)
    is_upgraded = value["version"] < TRACE_VERSION
    if is_upgraded:
        _check_upgraded_parts(value)
        if value["version"] == 2:
            value = upgraded_from_2(value)
        value = upgraded_from_3(value)
        _check_bounds(value)
    _check_keys(value)
    try:
        trace: Trace = adapter(Trace).validate_json(json.dumps(value))
    except ValidationError as error:
        raise InputError(_message(error.errors(include_url=False)[0], value)) from None
    _check_sources(trace)
    _check_values(trace)
    _check_indices(trace)
    if is_upgraded and trace.answering is not None and trace.direct_answer is None:
        size = trace.image.width, trace.image.height
        return replace(trace, direct_answer=direct_answer(trace.answering, trace.answer, size))
    return trace


def _check_sources(trace: Trace) -> None:
    """Refuse a carriage return in a program: Python ends a line there, and whoever displays it may not.

    Raises:
        InputError: As said.
    """
    for number, attempt in enumerate(trace.attempts):
        if "\r" in attempt.source:
            raise InputError(
                f"turns[{number}].source holds a carriage return, which may hide a line of the program. "
                "Viper writes line feeds alone."
            )


def _message(error: ErrorDetails, value: Any) -> str:
    """Return the first error of pydantic as one sentence with the place and what was received."""
    path = ""
    for key in error["loc"]:
        try:
            value = value[key]
        except (LookupError, TypeError):
            break  # a missing key, or the member of a union, which is not part of the path
        path = join_path(path, key)
    last = str(error["loc"][-1]) if error["loc"] else ""
    match error["type"]:
        case "missing":
            trouble = f"lacks {'the key ' if isinstance(value, dict) else 'item '}{last!r}"
        case "unexpected_keyword_argument":
            path = functools.reduce(join_path, error["loc"][:-1], "")
            trouble = f"has the unknown key {quote(last)}"
        case _:
            trouble = f"{re.sub('^.*? should ', 'must ', error['msg'])}, but is {quote(value)}"
    return f"{path or 'The trace'} {trouble}. {_CHANGED}"


_CHANGED = "It was not written by Viper, or was changed."


def _check_values(trace: Trace) -> None:
    """Make sure that what programs got, gave and returned consists of values and patches only."""
    for number, turn in enumerate(trace.turns):
        place = f"turns[{number}]"
        check_value(turn.returned, f"{place}.returned")
        for index, seen in enumerate(turn.observations):
            check_value(seen.value, f"{place}.observations[{index}].value")
        for index, call in enumerate(turn.calls):
            check_value(call.arguments, f"{place}.calls[{index}].arguments")
            check_value(call.result, f"{place}.calls[{index}].result")


def _check_indices(trace: Trace) -> None:
    """Make sure that what is named by its index is there."""
    chosen, turns = trace.chosen, len(trace.turns)
    if (chosen is None) != (not turns) or not (chosen is None or chosen < turns):
        raise InputError(
            f"chosen must be the index of one of the {turns} turns, but is {quote(chosen)}. {_CHANGED}"
        )
    crops = trace.embedded.crops if trace.embedded else ()
    used = [
        *(region.image for region in trace.regions),
        *(crop.image for crop in crops),
        *(call.image for call in trace.calls if call.image is not None),
        *(patch["image"] for patch in trace.patches),
        *(patch["image"] for patch in _patches_in_values(trace)),
    ]
    if max(used, default=0) >= len(trace.images):
        raise InputError(
            f"image must be the index of one of the {len(trace.images)} images, but is {max(used)}. "
            + _CHANGED
        )


def _patches_in_values(trace: Trace) -> Iterator[dict[str, Any]]:
    for turn in trace.turns:
        yield from json_patches([turn.returned, *(seen.value for seen in turn.observations)])
        for call in turn.calls:
            yield from json_patches([call.arguments, call.result])


def _parsed(data: bytes) -> Any:
    if len(data) > _MAX_TEXT_BYTES:
        raise InputError(
            f"it has more than {_MAX_TEXT_BYTES:,} bytes beside its images. A run of one program is never "
            "that large."
        )
    if holds_more_values(data, _MAX_PARTS):
        raise _too_many_parts()
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=table_of,
            parse_constant=_refuse_constant,
        )
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


def _too_many_parts() -> InputError:
    return InputError(
        f"it holds more than {_MAX_PARTS:,} values. A run of one program is never that large."
    )


_PARTS_OF_DOUBT = 4


def _check_upgraded_parts(value: Any) -> None:
    """Make sure that a trace of an earlier version is not too large in the form of this one.

    A dict of a program, there an object, is a list of lists here: six brackets and commas instead of two. And
    each condition that was not tested gets a doubt.
    """
    parts, stack = 0, [value]
    while stack:
        holder = stack.pop()
        items = holder.values() if isinstance(holder, dict) else holder
        tagged = not isinstance(holder, dict) or "type" in holder
        parts += len(holder) + 1 if tagged else 3 * (len(holder) + 1)
        if isinstance(holder, dict) and isinstance(untested := holder.get("unverified"), list):
            parts += _PARTS_OF_DOUBT * len(untested)
        if parts > _MAX_PARTS:
            raise _too_many_parts()
        stack += (item for item in items if isinstance(item, (dict, list)))


_TOO_DEEP = f"it is nested deeper than {_MAX_DEPTH} levels. Viper never writes such a trace."


def _refuse_constant(name: str) -> NoReturn:
    raise InputError(
        f"it holds the number {name}, which is not valid JSON. It was not written by Viper."
    )


def _check_bounds(value: Any) -> None:
    """Make sure that a value is JSON of a kind that cannot hurt: not deep, finite, clean text."""
    stack: list[tuple[Any, _Place, int]] = [(value, None, 0)]
    while stack:
        holder, place, depth = stack.pop()
        if depth > _MAX_DEPTH:
            raise InputError(_TOO_DEEP)
        if isinstance(holder, dict):
            for key in holder:
                if not isinstance(key, str) or not _is_clean(key):
                    raise InputError(
                        f"A key of {_path(place) or 'the trace'} must be a text without lone surrogates, "
                        f"but is {key!a:.60}."
                    )
        for key, item in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(item, (dict, list, tuple)):
                stack.append((item, (place, key), depth + 1))
            elif trouble := _trouble(item):
                raise InputError(f"{_path((place, key))} must be {trouble}")


_Place: TypeAlias = tuple[Any, str | int] | None
"""Where a value is: the place of its holder, and its key there. A path for each would take gigabytes."""


def _path(place: _Place) -> str:
    keys = []
    while place is not None:
        place, key = place
        keys.append(key)
    return functools.reduce(join_path, reversed(keys), "")


def _check_keys(value: Mapping[str, Any]) -> None:
    """Make sure that no object has more keys than Viper writes."""
    stack: list[Any] = [value]
    while stack:
        holder = stack.pop()
        if isinstance(holder, dict):
            if len(holder) > _MAX_KEYS:
                raise InputError(
                    f"It holds an object of {len(holder):,} keys; Viper writes at most {_MAX_KEYS:,}. "
                    + _CHANGED
                )
            holder = holder.values()
        stack += (item for item in holder if isinstance(item, (dict, list)))


def _trouble(value: Any) -> str | None:
    """Return what a scalar must be, or None if it is valid."""
    if isinstance(value, str):
        if not value.isascii() and not _is_clean(value):
            return "a text without lone surrogates."
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


def _check_version(value: Any) -> None:
    if not isinstance(value, dict) or value.get("format") != TRACE_FORMAT:
        raise InputError(
            f"It is not a Viper trace: it lacks format {TRACE_FORMAT!r}. Give a file that "
            "viper ask --trace FILE.json wrote."
        )
    version = value.get("version")
    if type(version) is not int:
        raise InputError(f"version must be the number {TRACE_VERSION}, but is {version!r:.60}.")
    if version < 2:
        raise InputError(
            f"It is a trace of version {version}, which lacks what a replay needs; this Viper reads "
            f"versions 2 to {TRACE_VERSION}. Ask again with viper ask … --trace FILE.json."
        )
    if version > TRACE_VERSION:
        raise InputError(
            f"It is a trace of version {version}; this Viper reads versions 2 to {TRACE_VERSION}. "
            "Use a newer Viper: pip install --upgrade viper-vision."
        )
