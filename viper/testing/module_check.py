"""Checks that a module does what its stub says: alone and in batches, and in a real sandbox.

    for verdict in check_module(module): print(verdict)

Each verdict is the result of one check. A part that cannot be checked fails, and its verdict says what to do.
"""

from __future__ import annotations

import ast
import math
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from viper.errors import ConfigError, ModelError, ViperError
from viper.images.values import iterate_values
from viper.methods.module_functions import Batch
from viper.models.registry import STUB, BackendRef, open_backend
from viper.models.roles import Role
from viper.modules.module import Module
from viper.modules.sample_values import sample_images, sample_patches, sample_value
from viper.programs.api_spec import ApiCallable
from viper.scheduling.method_request import Found, HostObject, MethodRequest, ModuleResult, Refused

__all__ = ["Verdict", "check_module"]

# Requests per batch: more than one, fewer than a forward takes.
_BATCH = 6
# Models round differently in batches of different sizes.
_TOLERANCE = 1e-4
_BOX_TOLERANCE_PX = 0.1


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one check."""

    state: Literal["ok", "note", "FAIL"]
    what: str
    """The method, role or part that was checked."""
    text: str

    @property
    def description(self) -> str:
        """What was checked and the result, in one sentence."""
        return f"{self.what}: {self.text}"

    def __str__(self) -> str:
        return f"{self.state}: {self.description}"


class _FailedError(Exception):
    """A check failed; the message is the text of its verdict."""


def check_module(
    module: Module,
    *,
    backends: Mapping[str, str] | None = None,
    image: str | None = None,
) -> Iterator[Verdict]:
    """Check a module; this loads its models and runs programs.

    Args:
        module: The module.
        backends: Role → `NAME:REFERENCE`, for roles that the module needs and does not bring, and to
            replace the module's own models.
        image: Path of an image to call the methods on; None for drawn images.
    """
    yield from _ModuleCheck(module, backends or {}, image).run()


@dataclass
class _ModuleCheck:
    module: Module
    backends: Mapping[str, str]
    image: str | None
    models: dict[Role, Any] = field(default_factory=dict)
    objects: dict[str, list[HostObject]] = field(default_factory=dict)
    """Objects that methods have returned, by class."""

    def run(self) -> Iterator[Verdict]:
        api = self.module.api
        methods = sum(entry.is_method for entry in api.callables)
        counts = (
            f"{_count(methods, 'method')}, {_count(len(api.callables) - methods, 'function')}, "
            f"{_count(len(api.handles), 'class')} of objects"
        )
        yield Verdict("ok", self.module.file, f"{counts}; names and types can be part of the API")
        for entry in api.callables:
            yield _verdict(entry.qualified_name, _check_docstring, entry)
        for role in dict.fromkeys(entry.needs or "" for entry in api.callables):
            yield _verdict(f"role {role}", self._load, role)
        batches = self.module.batches()
        for entry in _in_order(api.callables, [handle.name for handle in api.handles]):
            if entry.needs in self.models:
                batch, refused = batches[entry.qualified_name], list[Refused]()
                yield _verdict(entry.qualified_name, self._check_batches, batch, refused)
                if refused:
                    text = f"refused {len(refused)} sample calls: {refused[0].message}"
                    yield Verdict("note", entry.qualified_name, text)
        self.models.clear()  # the engine of the dry runs loads its own
        yield from self._dry_runs()

    def _load(self, role: Role) -> str:
        try:
            self.models[role] = model = open_backend(self._reference(role))
        except ViperError:
            raise
        except (Exception, SystemExit) as error:  # a loader is not trusted
            raise _FailedError(f"its loader raised {_short(error)}") from error
        return f"loaded, fingerprint {model.fingerprint!r:.80}"

    def _reference(self, role: Role) -> BackendRef:
        loader = self.module.roles.get(role)
        text = self.backends.get(role)
        if text is not None and text.strip() == STUB:
            raise ConfigError(
                "it is served by 'stub', so that nothing of the module would be checked."
            )
        if loader is None:
            return BackendRef.parse(role, text or "builtin", None)
        if text is None:
            return BackendRef(role, self.module.name, "", (), loader)
        return BackendRef.parse(role, text, (self.module.name, loader))

    def _check_batches(self, batch: Batch, refused: list[Refused]) -> str:
        """Call a function with batches of several sizes; add the results that refuse a call to `refused`."""
        entry = batch.entry
        try:
            requests = self._requests(entry)
        except LookupError as error:
            raise _FailedError(str(error)) from error
        model = self.models[entry.needs or ""]
        batches = {
            "no request": requests[:0],
            "one request": requests[:1],
            f"{len(requests)} requests": requests,
            "the same in another order": requests[::-1],
        }
        results: list[list[ModuleResult | ModelError]] = []
        for what, batched in batches.items():
            try:
                results.append(batch(model, batched))
            except ModelError as error:
                raise _FailedError(f"for {what}: {error}") from error
            except Exception as error:  # a module's function is not trusted
                raise _FailedError(f"for {what} it raised {_short(error)}") from error
        one, values, again = (_values(result) for result in results[1:])
        for item in iterate_values(values):
            if isinstance(item, HostObject):
                self.objects.setdefault(item.kind, []).append(item)
        refused += (value for value in values if isinstance(value, Refused))
        text = f"0, 1 and {len(requests)} requests give {entry.returns}"
        if getattr(model, "deterministic", None) is False:
            return f"{text}; its model says that equal requests may differ"
        if not all(map(_close, values, again[::-1])):
            raise _FailedError(
                "the same requests in another order give other results: they must be in the order of the "
                "requests, and depend on their own request alone"
            )
        if not _close(one[0], values[0]):
            raise _FailedError("a request alone gives another result than with others in its batch")
        if all(_close(values[0], value) for value in values):
            return f"{text} (all equal here, so their order proves nothing)"
        return f"{text}, in the order of the requests"

    def _requests(self, entry: ApiCallable) -> list[MethodRequest]:
        """Make sample requests.

        Raises:
            LookupError: It takes an object that no method of the module returned.
        """
        handles = frozenset(handle.name for handle in self.module.api.handles)
        return [
            MethodRequest(
                patch if entry.is_method else None,
                {
                    parameter.name: sample_value(
                        parameter, handles, patch, self.objects, number + position
                    )
                    for position, parameter in enumerate(entry.parameters)
                },
            )
            for number, patch in enumerate(sample_patches(sample_images(self.image), _BATCH))
        ]

    def _dry_runs(self) -> Iterator[Verdict]:
        """Run the examples in the sandbox."""
        from viper.engine.engine import Engine

        own = set(self.module.roles)
        needed = {entry.needs for entry in self.module.api.callables if entry.needs} - own
        served = dict.fromkeys(needed, "builtin") | dict(self.backends)
        try:
            engine = Engine("stub", backends=served, modules=[self.module], sandbox="partial")
        except ViperError as error:
            yield Verdict("FAIL", "dry run", str(error))
            return
        with engine:
            for entry in self.module.api.callables:
                if entry.example:
                    yield self._dry_run(engine.run_program, entry)

    def _dry_run(self, run: Callable[..., Any], entry: ApiCallable) -> Verdict:
        image: Any = self.image or sample_images(None)[0].pixels()
        answer = run(_program(entry.example), image)
        failure, name = answer.failure, entry.qualified_name
        if failure is not None:
            where = f" in line {failure.line}" if failure.line else ""
            text = f"its example fails{where}: {failure.kind}: {failure.message}"
            return Verdict("FAIL", name, text)
        if not any(call.method == name for call in answer.trace.calls):
            return Verdict("note", name, "its example runs, but does not call it on this image")
        text = f"its example runs in the sandbox and answers {answer.text!r:.60}"
        return Verdict("ok", name, text)


def _verdict(what: str, check: Callable[..., str], *arguments: Any) -> Verdict:
    try:
        return Verdict("ok", what, check(*arguments))
    except (_FailedError, ViperError) as error:
        return Verdict("FAIL", what, str(error))


def _check_docstring(entry: ApiCallable) -> str:
    problems: list[str] = []
    if not entry.summary.endswith("."):
        problems.append("the first line must be a sentence that ends with a full stop")
    described = entry.doc.partition("Args:")[2].partition("Returns:")[0]
    missing = [p.name for p in entry.parameters if f"{p.name}: " not in described]
    if missing:
        problems.append(f"'Args:' does not describe {', '.join(missing)}")
    if "Returns:" not in entry.doc:
        problems.append("there is no 'Returns:'")
    if not entry.example:
        problems.append("there is no 'Example:' with lines that begin with >>>")
    elif not re.search(rf"\b{entry.name}\(", entry.example):
        problems.append(f"the example does not call {entry.name}")
    else:
        try:
            ast.parse(_program(entry.example))
        except SyntaxError as error:
            problems.append(f"the example is not Python: {error.msg}")
    if problems:
        raise _FailedError("; ".join(problems))
    return "docstring with arguments, result and example"


def _values(results: Sequence[ModuleResult | ModelError]) -> list[Any]:
    """Return the values of results; a `ModelError` in place of one fails the check."""
    for result in results:
        if isinstance(result, ModelError):
            raise _FailedError(str(result))
    return [result.value for result in results if isinstance(result, ModuleResult)]


def _in_order(callables: Sequence[ApiCallable], handles: Collection[str]) -> list[ApiCallable]:
    """Return callables in an order in which objects are returned before they are needed, if possible."""
    waiting, ordered, made = list(callables), list[ApiCallable](), set[str]()
    while waiting:
        ready = [c for c in waiting if _classes((p.type for p in c.parameters), handles) <= made]
        entry = (ready or waiting)[0]
        waiting.remove(entry)
        ordered.append(entry)
        made |= _classes([entry.returns], handles)
    return ordered


def _classes(types: Iterable[str], handles: Collection[str]) -> set[str]:
    words = (word for text in types for word in re.findall(r"\w+", text))
    return {word for word in words if word in handles}


def _program(example: str) -> str:
    """Return the program that an example stands for."""
    lines = example if re.search(r"^return\b", example, re.MULTILINE) else f"{example}\nreturn True"
    body = textwrap.indent(lines, "    ")
    return f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{body}\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "es" if what.endswith("s") else "s")


def _short(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"{type(error).__name__}: {first[:200]}"


def _close(one: Any, other: Any) -> bool:
    """Return whether two results are equal except for rounding; objects are equal by their attributes."""
    match one, other:
        case HostObject(), HostObject():
            return one.kind == other.kind and _close(dict(one.attributes), dict(other.attributes))
        case Found(), Found():
            edges = zip(one.box_xyxy, other.box_xyxy, strict=True)
            same = all(math.isclose(a, b, abs_tol=_BOX_TOLERANCE_PX) for a, b in edges)
            return same and one.category == other.category and _close(one.score, other.score)
        case float(), float():
            return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        case list(), list():
            return len(one) == len(other) and all(map(_close, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(_close(one[k], other[k]) for k in one)
        case _:
            return type(one) is type(other) and bool(one == other)
