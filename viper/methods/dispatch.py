"""The dispatcher: serves the calls of one program.

The sandbox passes each vision or language call on as data. The dispatcher checks it against the API, resolves
references to patches and objects, awaits the method, and records the call. It does not batch, and does
not trust the child: everything that the child sends is checked here again.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from functools import partial
from typing import Any

from viper.errors import UnservedError, ViperError, failure_kind, summarize_error
from viper.images.boxes import Box, area, clamp
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.images.values import map_value, to_json_value
from viper.methods.doubts import FAMILIAR_IMAGES, Remedy, capped_doubts, how_to_add, refusal
from viper.methods.image_patch import METHODS
from viper.methods.method_call import ArgumentError, Method, MethodCall
from viper.methods.recorded_calls import RecordedCalls
from viper.methods.stub_models import STUB_METHODS
from viper.methods.typed_values import MismatchError, convert, describe
from viper.methods.verdicts import VERDICTS
from viper.models.registry import STUB, BackendRef
from viper.models.request_limits import check_texts, text_characters
from viper.models.roles import Role
from viper.programs.api_spec import ApiCallable, ApiSpec
from viper.programs.program import CallSite, Doubt
from viper.scheduling.method_request import HostObject
from viper.scheduling.vision_client import VisionClient
from viper.trace import CallError, CallRecord
from viper_sandbox import Call, CallFailed, CallRejected, HandleRef, PatchRef, WireValue
from viper_sandbox.api import ApiType, parse_type
from viper_sandbox.findings import capped, capped_all
from viper_sandbox.large_work import LARGE_VALUES, beside_loop
from viper_sandbox.wire import count_values

__all__ = ["CallDispatcher"]

_log = logging.getLogger(__name__)

# A patch on the wire consists of the handle of its image and a box; a program has one image.
_IMAGE_HANDLE = 0

# Most patches, and most objects, that one program may receive; 20 MB at some 200 bytes each.
_MAX_PATCHES = 100_000

# What a backend may raise, also one that calls `sys.exit`; not cancellation, which is ours.
_ERRORS = (Exception, SystemExit, KeyboardInterrupt)


class CallDispatcher:
    """Serves the vision and language calls of one program on one image.

    Args:
        spec: The API.
        image: The program's image.
        client: Model client of the program.
        backends: The backend of each role; a call whose role has none ends the program with kind `model`.
        methods: Implementations by qualified name, those of modules included.
        stub_methods: Implementations for roles that `stub` serves.
        on_call: Called with the record of each call that has ended.
        best_effort: Whether calls go on where a condition cannot be tested; else they end the program with
            kind `model`.
        clock_zero_s: Start of the answer, by `time.perf_counter`; now if None.
        recorded: Recorded calls, which are answered without a model.
        remedy: Says how models can be had for what none of these can test.
    """

    def __init__(
        self,
        spec: ApiSpec,
        image: ImageRef,
        client: VisionClient,
        backends: Mapping[Role, BackendRef],
        methods: Mapping[str, Method] = METHODS,
        stub_methods: Mapping[str, Method] = STUB_METHODS,
        *,
        on_call: Callable[[CallRecord], None] | None = None,
        best_effort: bool = False,
        clock_zero_s: float | None = None,
        recorded: RecordedCalls | None = None,
        remedy: Remedy = how_to_add,
    ) -> None:
        width, height = image.size
        self._client = client
        self._backends = backends
        self._on_call = on_call
        self._best_effort = best_effort
        self._recorded = recorded
        self._remedy = remedy
        self._clock_zero_s = time.perf_counter() if clock_zero_s is None else clock_zero_s
        self._whole = Patch(View(image, (0.0, 0.0, float(width), float(height))))
        self._given: dict[tuple[Box, str], Patch] = {
            (self._whole.box_xyxy, self._whole.category): self._whole
        }
        self._methods, self._stub_methods = methods, stub_methods
        self._objects: list[HostObject] = []  # by the number in their handles
        self._numbers: dict[str, int] = {}  # by the token of the object
        classes = frozenset(handle.name for handle in spec.handles)
        self._entries = {
            entry.qualified_name: (entry, [parse_type(p.type, classes) for p in entry.parameters])
            for entry in spec.remote()
        }
        self.records: list[CallRecord] = []
        """Records of all calls, in order."""
        self.found: list[Patch] = []
        """The patches that `find` gave to the program, in order."""
        self.unserved: Role | None = None
        """A role that the program needed and no backend serves: another program would fail as well."""

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Conditions that calls did not test, or only in part, each once."""
        return tuple(dict.fromkeys(doubt for record in self.records for doubt in record.doubts))

    @property
    def has_looked(self) -> bool:
        """Whether a model has looked at the image for the program.

        A call may succeed without one: `best_image_match` of no patches is None.
        """
        return any(
            (record.forwards or record.cached or record.model == STUB)
            and record.error is None
            and record.role not in ("", "language")
            for record in self.records
        )

    @property
    def patches_given(self) -> int:
        """How many different patches the program has been given."""
        return len(self._given)

    def read(self, call_sites: Sequence[CallSite]) -> None:
        """Use the call sites of the program: prefetch, and load its models; called before it runs."""
        self._client.prefetcher.read(call_sites)
        if self._recorded is None:
            named = {site.method for site in call_sites}
            entries = [entry for entry, _ in self._entries.values() if entry.name in named]
            self._client.begin_loading({entry.needs for entry in entries if entry.needs})

    def close(self) -> None:
        """Drop requests of the program that no model has begun to serve."""
        self._client.close()

    @property
    def image_patch(self) -> PatchRef:
        """The whole image, as it is sent to the child."""
        return _ref(self._whole)

    async def handle(self, call: Call) -> WireValue:
        """Serve one call of the program.

        Raises:
            CallRejected: The program made a mistake; it may catch this as a ValueError or TypeError.
            CallFailed: The call ends the program; the failure's kind says why.
        """
        if call.name not in self._entries:
            message = f"The program called {call.name!r}, which is not in the API."
            raise CallFailed("limit", message)
        entry, types = self._entries[call.name]
        started = time.perf_counter()
        current = MethodCall(self._client, self._whole, self._best_effort, self._remedy)
        arguments: tuple[Any, ...] = ()
        try:
            with _rejecting(ValueError, TypeError):
                if call.receiver is not None:
                    current.receiver = self.resolve(call.receiver)
                convert_all = partial(self._convert_arguments, entry, types, call)
                is_large = count_values(call.arguments) > LARGE_VALUES
                current.arguments, arguments = (
                    await beside_loop(convert_all) if is_large else convert_all()
                )
            with _rejecting(ArgumentError):
                current.result = await self._serve(entry, call.line, current)
            self._check_doubts(entry, current)
            wire: WireValue = map_value(current.result, self._to_wire)
        except BaseException as error:
            current.error = failed = _failure(error, entry)
            if isinstance(error, _ERRORS) and not isinstance(error, (CallRejected, CallFailed)):
                raise CallFailed(failed.kind, failed.message) from error
            raise
        finally:
            served = None if entry.needs is None else self._backends.get(entry.needs)
            cost, receiver = current.cost, current.receiver
            record = CallRecord(
                line=call.line,
                method=call.name,
                role=entry.needs or "",
                model="" if served is None else str(served),
                image=None if receiver is None else 0,
                box_xyxy=None if receiver is None else receiver.box_xyxy,
                arguments=arguments,
                result=None if current.error else to_json_value(current.result),
                score=current.score,
                threshold=current.threshold,
                error=current.error,
                notes=capped_all(current.notes),
                started_ms=(started - self._clock_zero_s) * 1000,
                ms=(time.perf_counter() - started) * 1000,
                model_ms=cost.model_ms,
                queue_ms=cost.queue_ms,
                forwards=len(cost.forward_ids),
                batch_size=cost.batch_size,
                cached=cost.requests > 0 and cost.cached == cost.requests,
                prefetched=cost.prefetched,
                usage=cost.usage,
                unverified=capped_all(doubt.condition for doubt in current.doubts),
                doubts=capped_doubts(current.doubts),
            )
            if self._recorded is not None:
                record = self._recorded.completed(record)
            self.records.append(record)
            if self._on_call is not None:
                self._on_call(record)
        if entry.name == "find":
            self.found += current.result
        return wire

    def _check_doubts(self, entry: ApiCallable, current: MethodCall) -> None:
        """End the program where the result is in doubt, unless the user wants an answer even so."""
        warnings = current.cost.doubts
        current.doubts += [Doubt(FAMILIAR_IMAGES, text) for text in warnings]
        if current.doubts and not self._best_effort:
            if warnings:  # another program would fail as well
                self.unserved = entry.needs
            doubts, vocabulary = current.doubts, current.vocabulary
            raise CallFailed("model", refusal(doubts, vocabulary=vocabulary, remedy=self._remedy))

    async def _serve(self, entry: ApiCallable, line: int, current: MethodCall) -> Any:
        """Return the result of a checked call: the recorded one, or that of the method."""
        receiver, arguments = current.receiver, current.arguments
        if self._recorded is not None:
            with _rejecting(ValueError, TypeError):
                recalled = self._recorded.recall(entry, receiver, arguments)
            if recalled is not None and entry.needs is not None:
                current.doubts += recalled.doubts
                return recalled.result
        method = self._method(entry, arguments)
        leading = (receiver,) if entry.is_method else ()
        self._client.prefetcher.begin(entry.name, line, receiver, arguments)
        result = await method(current, *leading, *arguments)
        self._client.prefetcher.end(entry.name, receiver, result)
        return result

    def resolve(self, ref: PatchRef) -> Patch:
        """Return the host's patch for a patch on the wire: one that was sent before, or a plain crop.

        The child may send any box on the image, but score and category come from the host: a patch
        that was never sent to the child has none.

        Raises:
            ArgumentError: There is no such image, or the box does not lie on it.
        """
        if ref.handle != _IMAGE_HANDLE:
            raise ArgumentError(f"There is no image with the handle {ref.handle}.")
        box = ref.box_xyxy
        patch = self._given.get((box, ref.category))
        if patch is not None:
            return patch
        if not all(math.isfinite(value) for value in box):
            raise ArgumentError("The edges of a patch must be finite numbers.")
        image = self._whole.view.image
        inside = clamp(box, *image.size)
        if area(inside) <= 0:
            raise ArgumentError("The patch has no area inside the image.")
        return Patch(View(image, inside))

    def given(self, refs: Iterable[PatchRef]) -> list[Patch]:
        """Return the patches of references that were sent to the program; others are left out."""
        found = (self._given.get((ref.box_xyxy, ref.category)) for ref in refs)
        return [patch for patch in found if patch is not None and patch.detected]

    def resolve_handle(self, ref: HandleRef) -> HostObject:
        """Return the object of a handle, which must have been sent to this program.

        Raises:
            ArgumentError: There is no such object, or it is of another class.
        """
        if not 0 <= ref.number < len(self._objects):
            raise ArgumentError(f"There is no {ref.kind} with the number {ref.number}.")
        found = self._objects[ref.number]
        if found.kind != ref.kind:
            raise ArgumentError(f"The object {ref.number} is a {found.kind}, not a {ref.kind}.")
        return found

    def _convert_arguments(
        self, entry: ApiCallable, types: list[ApiType], call: Call
    ) -> tuple[list[Any], tuple[Any, ...]]:
        """Return the arguments for the method, and in the JSON of a trace."""
        if len(call.arguments) != len(types) or entry.is_method != (call.receiver is not None):
            raise CallFailed("limit", f"A call of {entry.qualified_name} had a malformed frame.")
        arguments = []
        most = text_characters(entry.needs)
        for parameter, rules, value in zip(entry.parameters, types, call.arguments, strict=True):
            check_texts(f"{entry.name}: {parameter.name}", value, most)
            try:
                arguments.append(convert(value, rules, self._patch, self._object))
            except MismatchError as error:
                raise TypeError(
                    f"{entry.name}: {parameter.name} must be {parameter.type}, but got "
                    f"{describe(value)}."
                ) from error
        return arguments, tuple(map(to_json_value, arguments))

    def _patch(self, value: WireValue) -> Patch:
        if not isinstance(value, PatchRef):
            raise MismatchError
        return self.resolve(value)

    def _object(self, value: WireValue, kind: str) -> HostObject:
        if not isinstance(value, HandleRef) or value.kind != kind:
            raise MismatchError
        return self.resolve_handle(value)

    def _method(self, entry: ApiCallable, arguments: list[Any]) -> Method:
        role = entry.needs
        if role is None:  # a verdict is the host's, also where a record claims another result
            return VERDICTS[entry.qualified_name]
        ref = self._backends.get(role)
        if ref is None:
            from viper.methods.unserved import unserved  # only for this message

            self.unserved = role
            raise UnservedError(unserved(entry.qualified_name, arguments, role, self._remedy))
        served_by = self._stub_methods if ref.name == STUB else self._methods
        return served_by[entry.qualified_name]

    def _to_wire(self, value: Any) -> WireValue:
        """Return what is sent for a value that is not a container; remember it for `resolve`."""
        if isinstance(value, Patch):
            key = value.box_xyxy, value.category
            if key not in self._given:
                self._check_count(self._given, "patches")
            self._given[key] = value
            return _ref(value)
        if isinstance(value, HostObject):
            number = self._numbers.setdefault(value.token, len(self._objects))
            if number == len(self._objects):
                self._check_count(self._objects, "objects")
                self._objects.append(value)
            return HandleRef(value.kind, number, tuple(value.attributes.values()))
        plain: WireValue = value
        return plain

    def _check_count(self, sent: Sized, what: str) -> None:
        if len(sent) >= _MAX_PATCHES:
            raise CallFailed("limit", f"The program was handed more than {_MAX_PATCHES} {what}.")


def _failure(error: BaseException, entry: ApiCallable) -> CallError:
    """Return why a call has no result."""
    match error:
        case CallRejected():
            return CallError(error.exception, capped(error.message))
        case CallFailed() | ViperError():
            return CallError(failure_kind(error.kind), capped(str(error)))
        case Exception() | SystemExit() | KeyboardInterrupt():
            # A bug of ours or of a plugin's model, not of the program.
            _log.exception("A call of %s failed.", entry.qualified_name)
            return CallError("model", f"{entry.name} failed: {summarize_error(error)}")
        case _:
            message = "The program was stopped while it waited for this call."
            return CallError("cancelled", capped(str(error)) or message)


@contextlib.contextmanager
def _rejecting(*errors: type[ValueError | TypeError]) -> Iterator[None]:
    """Raise errors of these classes in the program, as TypeError or ValueError."""
    try:
        yield
    except errors as error:
        is_type_error = isinstance(error, TypeError)
        raise CallRejected("TypeError" if is_type_error else "ValueError", str(error)) from error


def _ref(patch: Patch) -> PatchRef:
    return PatchRef(_IMAGE_HANDLE, patch.box_xyxy, patch.category, patch.score)
