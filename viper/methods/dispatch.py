"""One program's view of the world: handles, checks, calls, records.

The sandbox hands every vision call here as data. The session checks it against the spec, turns
handles into patches, runs the method, and writes down what happened. It knows nothing of batches,
and what it is given by the child it does not believe.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from viper.errors import UnservedError, ViperError, described
from viper.images.boxes import Box, area, clamp
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.images.values import to_json_value
from viper.methods.argument_error import ArgumentError
from viper.methods.image_patch import METHODS, Context, Method
from viper.methods.recorded_calls import RecordedCalls
from viper.methods.stub_models import STUB_METHODS
from viper.methods.wire_types import Resolver, convert
from viper.models.registry import STUB, BackendRef, backends_for
from viper.models.roles import Role
from viper.programs.api_spec import ApiCallable, ApiSpec
from viper.programs.program import CallSite
from viper.scheduling.method_request import HostObject
from viper.scheduling.vision_client import VisionClient
from viper.trace import CallError, CallRecord
from viper_sandbox import Call, CallFailed, CallRejected, HandleRef, PatchRef, WireValue

__all__ = ["CallDispatcher"]

_log = logging.getLogger(__name__)

_IMAGE_HANDLE = 0
# A patch on the wire names its image by a handle and carries its box; a session has one image.

_MAX_PATCHES = 100_000
# Patches that one program may be handed; at some 200 bytes each this is 20 MB.


class CallDispatcher:
    """Answers the vision calls of one program on one image.

    Args:
        spec: The contract.
        image: What the program looks at.
        run: The way to the models.
        backends: What serves which role; a missing role ends the program with kind `model`.
        methods: What each method of the spec means, those of modules included.
        stub_methods: What stands for it where its role is served by `stub`.
        on_call: Told of each call when it has been answered or has failed.
        clock_zero_s: When the answer began, by `time.perf_counter`; now if None.
        known: Answers calls before any model is asked, as a recorded run does.
    """

    def __init__(
        self,
        spec: ApiSpec,
        image: ImageRef,
        run: VisionClient,
        backends: Mapping[Role, BackendRef],
        methods: Mapping[str, Method] = METHODS,
        stub_methods: Mapping[str, Method] = STUB_METHODS,
        *,
        on_call: Callable[[CallRecord], None] | None = None,
        clock_zero_s: float | None = None,
        known: RecordedCalls | None = None,
    ) -> None:
        width, height = image.size
        self._run = run
        self._backends = backends
        self._on_call = on_call
        self._known = known
        self._clock_zero_s = time.perf_counter() if clock_zero_s is None else clock_zero_s
        self._context = Context(run)
        self._whole = Patch(View(image, (0.0, 0.0, float(width), float(height))))
        self._given: dict[tuple[Box, str], Patch] = {
            (self._whole.box_xyxy, self._whole.category): self._whole
        }
        self._methods, self._stub_methods = methods, stub_methods
        self._objects: list[HostObject] = []  # what handles stand for, by number
        self._numbers: dict[str, int] = {}  # by the token of the object
        self._resolver = Resolver(
            self.resolve, self.resolve_handle, frozenset(handle.name for handle in spec.handles)
        )
        self._entries = {entry.qualified_name: entry for entry in spec.remote()}
        self.records: list[CallRecord] = []
        """What was asked and answered, in order."""
        self.evidence: list[tuple[str, Patch | None, Any]] = []
        """(method, receiver, result) of every call that was answered, with the host's patches."""
        self.unserved: Role | None = None
        """A role that the program asked for and nobody serves: no other program can mend that."""

    @property
    def unverified(self) -> list[str]:
        """Conditions that calls tested only in part, without repetitions."""
        return list(dict.fromkeys(self._context.unverified))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What backends said against their own results on this picture."""
        return tuple(self._run.account.doubts)

    def read(self, call_sites: Sequence[CallSite]) -> None:
        """Learn where the program calls what, before it runs."""
        self._run.ahead.read(call_sites)

    def close(self) -> None:
        """End: what the program has asked for and has not begun is dropped."""
        self._run.close()

    @property
    def image_patch(self) -> PatchRef:
        """The whole image, as it goes over the wire."""
        return _ref(self._whole)

    async def handle(self, call: Call) -> WireValue:
        """Answer one call of the program.

        Raises:
            CallRejected: The program made a mistake that it may catch (ValueError, TypeError).
            CallFailed: The session is over; the failure's kind says why.
        """
        entry = self._entry(call.name)
        started = time.perf_counter()
        cost = self._run.begin_call()
        self._context.begin_call()
        known_unverified = len(self._context.unverified)
        receiver: Patch | None = None
        arguments: list[Any] = []
        result: Any = None
        failure: str | None = None
        failure_kind: Any = None
        try:
            with _rejecting(ValueError, TypeError):
                if call.receiver is not None:
                    receiver = self.resolve(call.receiver)
                arguments = self._convert_arguments(entry, call)
            with _rejecting(ArgumentError):
                result = await self._serve(entry, call.line, receiver, arguments)
            wire = self._to_wire(result)
        except CallRejected as error:
            failure, failure_kind = error.message, error.exception
            raise
        except CallFailed as error:
            failure, failure_kind = str(error), error.kind
            raise
        except ViperError as error:
            failure, failure_kind = str(error), error.kind
            raise CallFailed(error.kind, failure) from error
        except Exception as error:  # a bug of ours, or of a stranger's model: not the program's
            _log.exception("A call of %s failed.", call.name)
            failure_kind = "model"
            failure = f"{entry.name} failed: {described(error)}"
            raise CallFailed("model", failure) from error
        except BaseException as error:  # cancelled, or out of clock
            failure_kind = "cancelled"
            failure = str(error) or "The program was stopped while it waited for this call."
            raise
        finally:
            served = None if entry.needs is None else self._backends.get(entry.needs)
            error_record = None if failure is None else CallError(failure_kind or "model", failure)
            record = CallRecord(
                line=call.line,
                method=call.name,
                role=entry.needs or "",
                model="" if served is None else str(served),
                image=None if receiver is None else 0,
                box_xyxy=None if receiver is None else receiver.box_xyxy,
                arguments=tuple(map(to_json_value, arguments)),
                result=None if error_record else to_json_value(result),
                score=self._context.score,
                error=error_record,
                notes=tuple(self._context.notes),
                started_ms=(started - self._clock_zero_s) * 1000,
                ms=(time.perf_counter() - started) * 1000,
                model_ms=cost.model_ms,
                queue_ms=cost.queue_ms,
                forwards=len(cost.forward_ids),
                batch_size=cost.batch_size,
                cached=cost.requests > 0 and cost.cached == cost.requests,
                prefetched=cost.ahead,
                usage=cost.usage,
                unverified=tuple(dict.fromkeys(self._context.unverified[known_unverified:])),
            )
            if self._known is not None:
                record = self._known.completed(record)
            self.records.append(record)
            if self._on_call is not None:
                self._on_call(record)
        self.evidence.append((call.name, receiver, result))
        return wire

    async def _serve(
        self, entry: ApiCallable, line: int, receiver: Patch | None, arguments: list[Any]
    ) -> Any:
        """Return the result of a checked call: what is known, or what the method finds."""
        known = None
        if self._known is not None:
            with _rejecting(ValueError, TypeError):
                known = self._known.recall(entry, receiver, arguments)
        if known is not None:
            self._context.unverified += known.unverified
            return known.result
        method = self._method(entry, arguments)
        leading = (receiver,) if entry.is_method else ()
        self._run.ahead.begin(entry.name, line, receiver, arguments)
        result = await method(self._context, *leading, *arguments)
        self._run.ahead.end(entry.name, receiver, result)
        return result

    def resolve(self, ref: PatchRef) -> Patch:
        """Return the host's patch of a wire patch: one that it gave out, or else a plain crop.

        The child may name any box on the image, but score and category are the host's own: a patch
        that was never given out has none.

        Raises:
            ArgumentError: No such image, or the box is not a box on it.
        """
        if ref.handle != _IMAGE_HANDLE:
            raise ArgumentError(f"There is no image with the handle {ref.handle}.")
        box = ref.box_xyxy
        known = self._given.get((box, ref.category))
        if known is not None:
            return known
        if not all(math.isfinite(value) for value in box):
            raise ArgumentError("The edges of a patch must be finite numbers.")
        image = self._whole.view.image
        inside = clamp(box, *image.size)
        if area(inside) <= 0:
            raise ArgumentError("The patch has no area inside the image.")
        return Patch(View(image, inside))

    def resolve_handle(self, ref: HandleRef) -> HostObject:
        """Return the object that a handle stands for: one that this session gave out.

        Raises:
            ArgumentError: There is no such object, or it is of another class.
        """
        if not 0 <= ref.number < len(self._objects):
            raise ArgumentError(f"There is no {ref.kind} with the number {ref.number}.")
        known = self._objects[ref.number]
        if known.kind != ref.kind:
            raise ArgumentError(f"The object {ref.number} is a {known.kind}, not a {ref.kind}.")
        return known

    def _entry(self, qualified_name: str) -> ApiCallable:
        entry = self._entries.get(qualified_name)
        if entry is None:
            raise CallFailed(
                "limit", f"The program called {qualified_name!r}, which is not in the API."
            )
        return entry

    def _convert_arguments(self, entry: ApiCallable, call: Call) -> list[Any]:
        if len(call.arguments) != len(entry.parameters) or entry.is_method != (
            call.receiver is not None
        ):
            raise CallFailed("limit", f"A call of {entry.qualified_name} had a malformed frame.")
        return [
            convert(value, parameter.type, self._resolver, f"{entry.name}: {parameter.name}")
            for parameter, value in zip(entry.parameters, call.arguments, strict=True)
        ]

    def _method(self, entry: ApiCallable, arguments: list[Any]) -> Method:
        role = entry.needs
        assert role is not None, "remote() yields nothing else"
        ref = self._backends.get(role)
        if ref is None:
            self.unserved = role
            shown = ", ".join(repr(to_record(a)) for a in arguments if isinstance(a, (str, bool)))
            known = " or ".join(f"--backend {role}={name}:…" for name in backends_for(role))
            raise UnservedError(
                f"{entry.name}({shown}) needs the role '{role}', which no backend serves. "
                f"Add one with {known}, or choose another preset with --models."
            )
        served_by = self._stub_methods if ref.name == STUB else self._methods
        return served_by[entry.qualified_name]

    def _to_wire(self, value: Any) -> WireValue:
        if isinstance(value, Patch):
            if len(self._given) >= _MAX_PATCHES:
                raise CallFailed(
                    "limit", f"The program was handed more than {_MAX_PATCHES} patches."
                )
            self._given[value.box_xyxy, value.category] = value
            return _ref(value)
        if isinstance(value, HostObject):
            return HandleRef(value.kind, self._number(value), tuple(value.attributes.values()))
        if isinstance(value, list):
            return [self._to_wire(item) for item in value]
        if isinstance(value, dict):
            return {key: self._to_wire(item) for key, item in value.items()}
        plain: WireValue = value
        return plain

    def _number(self, given: HostObject) -> int:
        """Return the number of an object that the program is given; the same object has one number."""
        number = self._numbers.setdefault(given.token, len(self._objects))
        if number == len(self._objects):
            if number >= _MAX_PATCHES:
                raise CallFailed(
                    "limit", f"The program was handed more than {_MAX_PATCHES} objects."
                )
            self._objects.append(given)
        return number


@contextlib.contextmanager
def _rejecting(*errors: type[ValueError | TypeError]) -> Iterator[None]:
    """Hand errors of these classes to the program, as the built-in exception that each of them is."""
    try:
        yield
    except errors as error:
        exception: Literal["TypeError", "ValueError"] = (
            "TypeError" if isinstance(error, TypeError) else "ValueError"
        )
        raise CallRejected(exception, str(error)) from error


def _ref(patch: Patch) -> PatchRef:
    return PatchRef(_IMAGE_HANDLE, patch.box_xyxy, patch.category, patch.score)


def to_record(value: Any) -> Any:
    """Return a method's argument or result as the JSON value of a trace, exact to the last bit."""
    if isinstance(value, (Patch, HostObject)):
        return value.to_record()
    if isinstance(value, (list, tuple)):
        return [to_record(item) for item in value]
    if isinstance(value, dict):
        return {key: to_record(item) for key, item in value.items()}
    return value
