"""Answers the calls of a program from a recorded run.

A call is identified by its method, the box of its receiver, and its arguments. The image and the models, on
which its result depends too, are the same for the whole record.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from viper.errors import ModelError
from viper.images.image import ImageRef
from viper.images.region import Patch
from viper.images.values import iterate_values, to_json_value
from viper.methods.recorded_calls import Recalled
from viper.programs.api_spec import ApiCallable, ApiSpec
from viper.replay.values import RECORDED, value_of
from viper.scheduling.method_request import HostObject
from viper.trace import CallRecord, Trace
from viper_sandbox import CallFailed
from viper_sandbox.findings import capped_all

__all__ = ["RecordedWorld", "RepeatedCalls"]

_CAUGHT = {"ValueError": ValueError, "TypeError": TypeError}


class _Index:
    """The calls of a run by method, receiver and arguments.

    Raises:
        InputError: A recorded result is not of the type that its method has.
    """

    def __init__(self, trace: Trace, spec: ApiSpec, image: ImageRef) -> None:
        self.calls: list[CallRecord] = []
        self.starts: list[int] = []
        """Index of the first call of each attempt."""
        self._by_key: dict[str, list[int]] = {}
        self._image = image
        self._handles = spec.handles
        returns = {entry.qualified_name: entry.returns for entry in spec.remote()}
        for number, attempt in enumerate(trace.attempts):
            self.starts.append(len(self.calls))
            for index, call in enumerate(attempt.calls):
                key = _key(call.method, call.box_xyxy, call.arguments)
                self._by_key.setdefault(key, []).append(len(self.calls))
                self.calls.append(call)
                if call.error is None and call.method in returns:
                    where = f"turns[{number}].calls[{index}].result"
                    value_of(call.result, returns[call.method], image, where, spec.handles)

    def of(self, entry: ApiCallable, receiver: Patch | None, arguments: Sequence[Any]) -> list[int]:
        """Return the indices of equal calls, in order."""
        box = None if receiver is None else receiver.box_xyxy
        records = [to_json_value(argument) for argument in arguments]
        return self._by_key.get(_key(entry.qualified_name, box, records), [])

    def result(self, entry: ApiCallable, call: CallRecord) -> Any:
        """Return the result of a recorded call.

        Raises:
            ValueError: The recorded call raised it; `TypeError` likewise.
            CallFailed: The recorded call ended the program.
        """
        if (error := call.error) is not None:
            if error.kind in _CAUGHT:
                raise _CAUGHT[error.kind](error.message)
            raise CallFailed(error.kind, error.message)
        where = f"The result of {entry.name}"
        return value_of(call.result, entry.returns, self._image, where, self._handles)


class RepeatedCalls:
    """Answers the calls of each recorded program in order, and refuses other calls.

    Args:
        trace: The run.
        spec: The API of programs.
        image: The image by content; no pixels are needed.

    Raises:
        InputError: A recorded result is not of the type that its method has.
    """

    def __init__(self, trace: Trace, spec: ApiSpec, image: ImageRef) -> None:
        self._index = _Index(trace, spec, image)
        self._next = 0
        self._current: CallRecord | None = None
        self.answered = 0
        """Calls that were answered so far."""

    def begin(self, attempt: int) -> None:
        """Begin with the calls of an attempt."""
        self._next = self._index.starts[attempt]

    def recall(
        self, entry: ApiCallable, receiver: Patch | None, arguments: Sequence[Any]
    ) -> Recalled:
        """Answer a call; see `RecordedCalls`."""
        self._current = None
        places = self._index.of(entry, receiver, arguments)
        if not places:
            raise ModelError(
                f"The record holds no call {described_call(entry, receiver, arguments)}. "
                "A changed program is run with --edit."
            )
        at = bisect.bisect_left(places, self._next)
        place = places[at] if at < len(places) else places[0]
        self._next = place + 1
        self._current = self._index.calls[place]
        self.answered += 1
        return Recalled(self._index.result(entry, self._current))

    def completed(self, record: CallRecord) -> CallRecord:
        """Return the record of the call with the recorded times and costs."""
        recorded, self._current = self._current, None
        if recorded is None:
            return record
        return replace(
            recorded,
            line=record.line,
            method=record.method,
            role=record.role,
            image=record.image,
            box_xyxy=record.box_xyxy,
            arguments=record.arguments,
            result=record.result,
            error=record.error,
            scores=record.scores,
            unverified=capped_all(doubt.condition for doubt in recorded.doubts),
        )


class RecordedWorld:
    """Answers recorded calls in any order; new calls go to the models.

    Failures that a program cannot catch are not repeated: a role without a backend may have one now.

    Args:
        trace: The run.
        spec: The API of programs.
        image: The image by content; no pixels are needed.
        before_new_call: Called before a new call goes to models; it may raise a `ViperError`.

    Raises:
        InputError: A recorded result is not of the type that its method has.
    """

    def __init__(
        self,
        trace: Trace,
        spec: ApiSpec,
        image: ImageRef,
        before_new_call: Callable[[ApiCallable, str], None],
    ) -> None:
        self._index = _Index(trace, spec, image)
        self._before_new_call = before_new_call
        self._current: CallRecord | None = None
        self.from_record = 0
        """Calls that the record answered."""
        self.from_models = 0
        """Calls that went to models."""

    def recall(
        self, entry: ApiCallable, receiver: Patch | None, arguments: Sequence[Any]
    ) -> Recalled | None:
        """Answer a call if it is recorded; see `RecordedCalls`."""
        calls = (self._index.calls[i] for i in self._index.of(entry, receiver, arguments))
        self._current = next(
            (call for call in calls if call.failure_kind in (None, *_CAUGHT)), None
        )
        if self._current is None:
            if any(map(_is_recorded_object, iterate_values(list(arguments)))):
                raise ModelError(
                    f"The program calls {described_call(entry, receiver, arguments)}, which is not in the "
                    "record, with an object that no longer exists. Make the object again, on another patch "
                    "or with other arguments."
                )
            if entry.needs is not None:
                self._before_new_call(entry, described_call(entry, receiver, arguments))
                self.from_models += 1
            return None
        self.from_record += 1
        result = self._index.result(entry, self._current)
        return Recalled(result, self._current.doubts)

    def completed(self, record: CallRecord) -> CallRecord:
        """Return the record of the call, with the score, notes and model of the recorded one."""
        recorded, self._current = self._current, None
        if recorded is None:
            return record
        return replace(
            record,
            score=recorded.score,
            threshold=recorded.threshold,
            notes=recorded.notes,
            model=recorded.model,
            cached=True,
        )


def described_call(entry: ApiCallable, receiver: Patch | None, arguments: Sequence[Any]) -> str:
    """Return a call for a message: `find('cube') on (0, 0, 48, 32)`."""
    quoted = ", ".join(repr(to_json_value(argument))[:80] for argument in arguments)
    place = ""
    if receiver is not None:
        place = f" on ({', '.join(f'{edge:g}' for edge in receiver.box_xyxy)})"
    return f"{entry.name}({quoted}){place}"


def _is_recorded_object(value: Any) -> bool:
    return isinstance(value, HostObject) and value.value is RECORDED


def _key(method: str, box_xyxy: Sequence[float] | None, arguments: Sequence[Any]) -> str:
    # As JSON: 1, 1.0 and true are different arguments, and texts are quoted.
    box = None if box_xyxy is None else [float(edge) for edge in box_xyxy]
    return json.dumps([method, box, list(arguments)], sort_keys=True)
