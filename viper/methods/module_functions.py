"""Methods of modules: from a call of a program to one batched function and back.

    call ─→ MethodRequest ─→ Run ─→ Scheduler ─→ the role's model: function(model, requests) ─→ results

The function is a stranger's: each of its results is checked against the type that the stub declares,
in the model's thread, and a false one fails alone. What is remembered holds no picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from viper.errors import ModelError, summarize_error
from viper.images.boxes import area, clamp, snap
from viper.images.image import View
from viper.images.region import Patch
from viper.methods.argument_error import ArgumentError
from viper.methods.image_patch import Context, Method
from viper.models.roles import Completion, Detection
from viper.programs.api_spec import PATCH, ApiCallable, HandleClass
from viper.scheduling.metering import Metered
from viper.scheduling.method_request import (
    Found,
    HostObject,
    MethodRequest,
    ModuleResult,
    Refused,
    Scalar,
)
from viper.scheduling.operation import Operation
from viper.usage import Usage
from viper_sandbox.api import TypeRule, accepts, type_rule
from viper_sandbox.wire import MAX_INTEGER

__all__ = ["Batch", "BatchedFunction", "module_method", "stub_method"]

BatchedFunction: TypeAlias = Callable[[Any, Sequence[MethodRequest]], Sequence[Any]]
"""What a module gives for a method: model and requests in, one result per request out, in order."""

_BILLED = ("answerer", "language")
_MOST_CHARACTERS = 200
# Of a category; what `find` gives is a phrase of the program's.
_NO_OBJECTS = (type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset)


class _FalseResultError(Exception):
    """A result is not of the type that the stub declares."""


@dataclass(frozen=True)
class Batch:
    """A module's function with the check of what it returns; called in the model's thread.

    Args:
        entry: Its method in the contract.
        handles: Classes of the module, by name.
        function: The module's.
        origin: Module and distribution, for messages.
    """

    entry: ApiCallable
    handles: Mapping[str, HandleClass] = field(compare=False)
    function: BatchedFunction
    origin: str

    @property
    def rules(self) -> tuple[TypeRule, ...]:
        """Type of its results."""
        return type_rule(self.entry.returns, frozenset(self.handles))

    def __call__(
        self, model: Any, requests: Sequence[MethodRequest]
    ) -> list[ModuleResult | ModelError]:
        """Return one `ModuleResult`, or the `ModelError` in its place, per request.

        Raises:
            ModelError: The function failed, or gave more or fewer results than requests; `usage` is
                what that cost.
        """
        counted = Metered(model) if self.entry.needs in _BILLED else model
        results: list[Any] = []
        try:
            results = list(self.function(counted, list(requests)))
            if len(results) != len(requests):
                raise ModelError(
                    f"{self._what} returned {len(results)} results for {len(requests)} requests; it "
                    "must return one per request, in the same order."
                )
        except (Exception, SystemExit) as error:
            usage = _untold(counted, results) + _told(results)
            if isinstance(error, Exception) and usage == Usage():
                raise
            failure = self._failure(error)
            failure.usage = usage
            raise failure from error
        taken = [self._taken(r, given) for r, given in zip(requests, results, strict=True)]
        return _charged(taken, _untold(counted, results))

    def _failure(self, error: BaseException) -> ModelError:
        if isinstance(error, ModelError):
            return error
        # Ending the process would end the model's thread, and nobody would be answered.
        if isinstance(error, SystemExit):
            return ModelError(f"{self._what} tried to end the process.")
        return ModelError(f"{self._what} failed: {summarize_error(error)}")

    @property
    def _what(self) -> str:
        return f"{self.entry.qualified_name} of {self.origin}"

    def _taken(self, request: MethodRequest, result: Any) -> ModuleResult | ModelError:
        if isinstance(result, ModelError):
            return result
        if isinstance(result, ValueError):
            return ModuleResult(Refused(str(result)))
        usage = Usage()
        if isinstance(result, Completion):
            result, usage = result.text, result.usage
        try:
            return ModuleResult(_taken(result, self.rules, request, self.handles), usage)
        except _FalseResultError as error:
            told = f" ({error})" if str(error) else ""
            false = ModelError(
                f"{self._what} must return {self.entry.returns}, but gave "
                f"{type(result).__name__}{told}: {result!r:.200}."
            )
            false.usage = usage
            return false


def _told(results: Sequence[Any]) -> Usage:
    """Return what results say that they were billed."""
    billed = (result.usage for result in results if isinstance(result, Completion | ModelError))
    return sum((usage for usage in billed if usage is not None), Usage())


def _untold(model: Any, results: Sequence[Any]) -> Usage:
    """Return what a model was billed beyond what the results of a function say."""
    used, told = model.used if isinstance(model, Metered) else Usage(), _told(results)
    cost: float | None = 0.0
    if told.cost_usd is not None:
        cost = None if used.cost_usd is None else max(0.0, used.cost_usd - told.cost_usd)
    return Usage(
        max(0, used.prompt_tokens - told.prompt_tokens),
        max(0, used.completion_tokens - told.completion_tokens),
        cost,
    )


def _charged(
    results: list[ModuleResult | ModelError], usage: Usage
) -> list[ModuleResult | ModelError]:
    """Add to the first of the results what none of them has told."""
    if not results or usage == Usage():
        return results
    first, *others = results
    if isinstance(first, ModuleResult):
        return [replace(first, usage=first.usage + usage), *others]
    first.usage = (first.usage or Usage()) + usage
    return results


def module_method(operation: Operation, batch: Batch) -> Method:
    """Return the coroutine that serves a method of a module.

    Args:
        operation: Carries the batch to the model.
        batch: The module's function.
    """
    entry, rules = batch.entry, batch.rules

    async def call(context: Context, *values: Any) -> Any:
        request = _request(entry, values)
        siblings = context.run.ahead.sibling_patches() if entry.is_method else []
        guesses = [request.of(patch) for patch in siblings]
        result = await context.run.ask_module(operation, request, guesses)
        refused = isinstance(result.value, Refused)
        if not refused and not accepts(rules, result.value, Found, HostObject):
            raise ModelError(  # what was checked comes from the model; this has come from a file
                f"A remembered result of {entry.qualified_name} is not {entry.returns}. Remove the cache."
            )
        if isinstance(result.value, Refused):
            raise ArgumentError(result.value.message)
        return _lifted(result.value, request)

    return call


def stub_method(entry: ApiCallable, handles: Mapping[str, HandleClass]) -> Method:
    """Return what stands for a method where its role is served by the preset `stub`."""
    rules = type_rule(entry.returns, frozenset(handles))

    async def call(context: Context, *values: Any) -> Any:
        return _stub(rules[0], _request(entry, values), handles)

    return call


def _request(entry: ApiCallable, values: Sequence[Any]) -> MethodRequest:
    leading = 1 if entry.is_method else 0
    names = (parameter.name for parameter in entry.parameters)
    given = dict(zip(names, values[leading:], strict=True))
    return MethodRequest(values[0] if entry.is_method else None, given)


class _Place(NamedTuple):
    request: MethodRequest
    handles: Mapping[str, HandleClass]


def _taken(
    value: Any,
    rules: tuple[TypeRule, ...],
    request: MethodRequest,
    handles: Mapping[str, HandleClass],
) -> Any:
    """Return a result of the declared type as it is remembered.

    Raises:
        _FalseResultError: It is of another type.
    """
    if isinstance(value, np.generic):
        value = value.item()
    place = _Place(request, handles)
    reasons: list[str] = []
    for rule in rules:
        try:
            return _of_rule(value, rule, place)
        except _FalseResultError as error:
            reasons.append(str(error))
    raise _FalseResultError(next(filter(None, reasons), ""))


def _of_rule(value: Any, rule: TypeRule, place: _Place) -> Any:
    kind = type(value)
    match rule.kind:
        case "ImagePatch":
            return _found(value, place.request)
        case "handle":
            return _object(value, place.handles[rule.values[0]])
        case "list" if kind in (list, tuple):
            return [_taken(item, rule.items, *place) for item in value]
        case "dict" if kind is dict and all(type(key) is str for key in value):
            return {key: _taken(item, rule.items, *place) for key, item in value.items()}
        case "literal" if any(kind is type(known) and value == known for known in rule.values):
            return value
        case "float" if kind in (int, float):
            return _finite(float(value))
        case "int" if kind is int:
            if abs(value) > MAX_INTEGER:
                raise _FalseResultError("more than 64 bits")
            return value
        case "bool" | "str" | "None" if kind.__name__ in (rule.kind, f"{rule.kind}Type"):
            return value
        case _:
            raise _FalseResultError


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise _FalseResultError("not a finite number")
    return number


def _found(value: Any, request: MethodRequest) -> Found:
    """Read a patch: one that the request came with, or a detection in pixels of its crop."""
    image = request.image
    if isinstance(value, Patch):
        if value.view.image != image:
            raise _FalseResultError("a patch of another picture")
        return Found(value.box_xyxy, value.category, value.score)
    if not isinstance(value, Detection):
        raise _FalseResultError
    if request.patch is None or image is None:
        raise _FalseResultError("a detection, but a function has no crop: return a patch")
    left, top, _, _ = request.patch.view.bounds
    x1, y1, x2, y2 = (_finite(float(edge)) for edge in value.box_xyxy)
    box = snap(clamp((x1 + left, y1 + top, x2 + left, y2 + top), *image.size))
    if area(box) <= 0:
        raise _FalseResultError("a box without area inside the picture")
    score = min(1.0, max(0.0, _finite(float(value.score))))
    return Found(box, str(value.phrase)[:_MOST_CHARACTERS], score)


def _object(value: Any, handle: HandleClass) -> HostObject:
    """Wrap an object and read the attributes that programs may see."""
    if isinstance(value, _NO_OBJECTS):
        raise _FalseResultError
    attributes: dict[str, Scalar] = {}
    for attribute in handle.attributes:
        try:
            read = getattr(value, attribute.name)
            if isinstance(read, np.generic):
                read = read.item()
            kept = (
                _of_rule(read, r, _NOWHERE) for r in type_rule(attribute.type) if _fits(read, r)
            )
            attributes[attribute.name] = next(kept)
        except Exception as error:  # the object is a stranger's, and so are its properties
            told = "is of another type" if isinstance(error, StopIteration) else str(error)[:100]
            raise _FalseResultError(f"its {attribute.name} {told}") from error
    return HostObject(handle.name, value, attributes)


_NOWHERE = _Place(MethodRequest(None, {}), {})


def _fits(value: Any, rule: TypeRule) -> bool:
    try:
        _of_rule(value, rule, _NOWHERE)
    except _FalseResultError:
        return False
    return True


def _lifted(value: Any, request: MethodRequest) -> Any:
    """Put the picture back into what was remembered without it."""
    match value:
        case Found():
            assert request.image is not None, "what was found was found in a picture"
            return Patch(View(request.image, value.box_xyxy), value.category, value.score)
        case list():
            return [_lifted(item, request) for item in value]
        case dict():
            return {key: _lifted(item, request) for key, item in value.items()}
        case _:
            return value


def _stub(rule: TypeRule, request: MethodRequest, handles: Mapping[str, HandleClass]) -> Any:
    """Return a fixed value of a type, so that a program can be tried without a model."""
    match rule.kind:
        case "bool":
            return True
        case "int":
            return 1
        case "float":
            return 1.0
        case "str":
            return "stub"
        case "literal":
            return rule.values[0]
        case "list":
            return [_stub(rule.items[0], request, handles)]
        case "dict":
            return {"stub": _stub(rule.items[0], request, handles)}
        case "handle":
            handle = handles[rule.values[0]]
            attributes = {
                a.name: _stub(type_rule(a.type)[0], request, handles) for a in handle.attributes
            }
            return HostObject(handle.name, None, attributes)
        case _ if rule.kind == PATCH and request.image is not None:
            width, height = request.image.size
            whole = View(request.image, (0.0, 0.0, float(width), float(height)))
            return request.patch or Patch(whole)
        case _:
            return None
