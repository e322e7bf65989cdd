"""Serves calls of plugin modules' methods with their batched functions, and checks the results.

    call ─→ MethodRequest ─→ VisionClient ─→ ModelPool ─→ function(model, requests) ─→ results

The function is not trusted: each result is converted to the type that the stub declares, in the model's
thread; a result of another type fails only its own request. Cached results hold no image: a patch is kept
as `Found`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from viper.errors import ModelError, summarize_error
from viper.images.boxes import area, clamp, snap
from viper.images.image import View
from viper.images.region import Patch
from viper.images.values import iterate_values
from viper.methods.method_call import ArgumentError, Method, MethodCall
from viper.methods.typed_values import MismatchError, convert, sample
from viper.models.request_limits import PHRASE_CHARACTERS
from viper.models.roles import Completion, Detection
from viper.programs.api_spec import ApiCallable, HandleClass
from viper.scheduling.metering import Metered
from viper.scheduling.method_request import (
    Found,
    HostObject,
    MethodRequest,
    ModuleResult,
    Refused,
)
from viper.scheduling.operation import Operation
from viper.usage import Usage
from viper_sandbox.api import ApiType, parse_type

__all__ = ["Batch", "BatchedFunction", "module_method", "stub_method"]

BatchedFunction: TypeAlias = Callable[[Any, Sequence[MethodRequest]], Sequence[Any]]
"""A module's implementation of a method: takes the model and requests, returns one result per request."""

_BILLED = ("answerer", "language")
# Values in the arguments of a call that is prefetched for siblings.
_MOST_VALUES_AHEAD = 16
_NO_OBJECTS = (type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset)
_SAMPLES: Mapping[str, Sequence[Any]] = {
    "bool": [True],
    "int": [1],
    "float": [1.0],
    "str": ["stub"],
    "list": [1],
}


@dataclass(frozen=True)
class Batch:
    """A module's function and the check of its results; called in the model's thread.

    Args:
        entry: The method.
        handles: Classes of the module, by name.
        function: The module's function.
        origin: Module and distribution, for messages.
    """

    entry: ApiCallable
    handles: Mapping[str, HandleClass] = field(compare=False)
    function: BatchedFunction
    origin: str

    @property
    def rules(self) -> ApiType:
        """Type of its results."""
        return parse_type(self.entry.returns, frozenset(self.handles))

    def __call__(
        self, model: Any, requests: Sequence[MethodRequest]
    ) -> list[ModuleResult | ModelError]:
        """Return one `ModuleResult`, or the `ModelError` in its place, per request.

        Raises:
            ModelError: The function failed, or returned a wrong number of results; `usage` is what it
                spent.
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
            usage = _unreported(counted, results) + _reported(results)
            if isinstance(error, Exception) and usage == Usage():
                raise
            failure = self._failure(error)
            failure.usage = usage
            raise failure from error
        checked = [self._checked(*pair) for pair in zip(requests, results, strict=True)]
        return _charged(checked, _unreported(counted, results))

    def _failure(self, error: BaseException) -> ModelError:
        if isinstance(error, ModelError):
            return error
        # SystemExit would end the model's thread, and its requests would never be answered.
        if isinstance(error, SystemExit):
            return ModelError(f"{self._what} tried to end the process.")
        return ModelError(f"{self._what} failed: {summarize_error(error)}")

    @property
    def _what(self) -> str:
        return f"{self.entry.qualified_name} of {self.origin}"

    def _checked(self, request: MethodRequest, result: Any) -> ModuleResult | ModelError:
        if isinstance(result, ModelError):
            return result
        if isinstance(result, ValueError):
            return ModuleResult(Refused(str(result)))
        usage = Usage()
        if isinstance(result, Completion):
            result, usage = result.text, result.usage
        try:
            value = convert(
                result,
                self.rules,
                lambda patch: _found(patch, request),
                lambda item, kind: _object(item, self.handles[kind]),
            )
        except MismatchError as error:
            reason = f" ({error})" if str(error) else ""
            failure = ModelError(
                f"{self._what} must return {self.entry.returns}, but gave "
                f"{type(result).__name__}{reason}: {result!r:.200}."
            )
            failure.usage = usage
            return failure
        return ModuleResult(value, usage)


def _reported(results: Sequence[Any]) -> Usage:
    """Return the usage that results report."""
    billed = (result.usage for result in results if isinstance(result, Completion | ModelError))
    return sum((usage for usage in billed if usage is not None), Usage())


def _unreported(model: Any, results: Sequence[Any]) -> Usage:
    """Return the usage of a model beyond what the results of a function report."""
    used, reported = model.used if isinstance(model, Metered) else Usage(), _reported(results)
    cost: float | None = 0.0
    if reported.cost_usd is not None:
        cost = None if used.cost_usd is None else max(0.0, used.cost_usd - reported.cost_usd)
    return Usage(
        max(0, used.prompt_tokens - reported.prompt_tokens),
        max(0, used.completion_tokens - reported.completion_tokens),
        cost,
    )


def _charged(
    results: list[ModuleResult | ModelError], usage: Usage
) -> list[ModuleResult | ModelError]:
    """Add unreported usage to the first result."""
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
        operation: The operation that runs the function on the model.
        batch: The module's function.
    """
    entry, rules = batch.entry, batch.rules

    async def method(call: MethodCall, *values: Any) -> Any:
        request = _request(entry, values)
        # A prefetch repeats the arguments, so it is for calls with few of them.
        is_short = sum(1 for _ in iterate_values(list(values), keys=True)) <= _MOST_VALUES_AHEAD
        siblings = call.client.prefetcher.sibling_patches() if entry.is_method and is_short else []
        guesses = [request.of(patch) for patch in siblings]
        result = (await call.client.ask_module(operation, request, guesses)).value
        if isinstance(result, Refused):
            raise ArgumentError(result.message)
        try:  # a result of the model has been checked, but this one may come from the cache on disk
            return convert(result, rules, lambda found: _patch(found, request), _host_object)
        except MismatchError as error:
            raise ModelError(
                f"A cached result of {entry.qualified_name} is not {entry.returns}. Remove the cache."
            ) from error

    return method


def stub_method(entry: ApiCallable, handles: Mapping[str, HandleClass]) -> Method:
    """Return the coroutine that serves a method of a module if the preset `stub` serves its role."""
    rules = parse_type(entry.returns, frozenset(handles))

    def stub_object(kind: str, _: int) -> HostObject:
        attributes = {
            a.name: sample(parse_type(a.type), _SAMPLES, None, stub_object)
            for a in handles[kind].attributes
        }
        return HostObject(kind, None, attributes)

    async def method(call: MethodCall, *values: Any) -> Any:
        request = _request(entry, values)
        patch, image = request.patch, request.image
        if patch is None and image is not None:
            width, height = image.size
            patch = Patch(View(image, (0.0, 0.0, float(width), float(height))))
        return sample(rules, _SAMPLES, patch, stub_object)

    return method


def _request(entry: ApiCallable, values: Sequence[Any]) -> MethodRequest:
    receiver, arguments = (values[0], values[1:]) if entry.is_method else (None, values)
    names = (parameter.name for parameter in entry.parameters)
    return MethodRequest(receiver, dict(zip(names, arguments, strict=True)))


def _found(value: Any, request: MethodRequest) -> Found:
    """Convert a patch of the request's image, or a detection in pixels of the request's crop."""
    image = request.image
    if isinstance(value, Patch):
        if value.view.image != image:
            raise MismatchError("a patch of another image")
        return Found(value.box_xyxy, value.category, value.score)
    if not isinstance(value, Detection):
        raise MismatchError
    if request.patch is None or image is None:
        raise MismatchError("a detection, but a function has no crop: return a patch")
    left, top, _, _ = request.patch.view.bounds
    x1, y1, x2, y2 = (_finite(edge) for edge in value.box_xyxy)
    box = snap(clamp((x1 + left, y1 + top, x2 + left, y2 + top), *image.size))
    if area(box) <= 0:
        raise MismatchError("a box without area inside the image")
    score = min(1.0, max(0.0, _finite(value.score)))
    return Found(box, str(value.phrase)[:PHRASE_CHARACTERS], score)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise MismatchError("not a finite number")
    return number


def _object(value: Any, handle: HandleClass) -> HostObject:
    """Wrap an object of a module together with the attributes that programs may read."""
    if isinstance(value, _NO_OBJECTS):
        raise MismatchError
    attributes = {}
    for attribute in handle.attributes:
        try:
            read = getattr(value, attribute.name)
            attributes[attribute.name] = convert(read, parse_type(attribute.type))
        except MismatchError as error:
            reason = f"is {error}" if str(error) else "is of another type"
            raise MismatchError(f"its {attribute.name} {reason}") from error
        except Exception as error:  # properties of a module's object may raise anything
            raise MismatchError(f"its {attribute.name} {str(error)[:100]}") from error
    return HostObject(handle.name, value, attributes)


def _patch(value: Any, request: MethodRequest) -> Patch:
    """Return the patch of a cached result, on the image of the request."""
    if not isinstance(value, Found) or request.image is None:
        raise MismatchError
    return Patch(View(request.image, value.box_xyxy), value.category, value.score)


def _host_object(value: Any, kind: str) -> HostObject:
    if not isinstance(value, HostObject) or value.kind != kind:
        raise MismatchError
    return value
