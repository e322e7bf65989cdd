"""The contract test of a module: does it do what its stub says, alone and in batches, in a real sandbox?

    for verdict in check_module(module): print(verdict)

Each verdict is one thing that was tried. What cannot be tried is a failure with what to do about it.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from viper.errors import ConfigError, ModelError, ViperError
from viper.methods.module_functions import Batch
from viper.models.registry import STUB, BackendRef, open_backend
from viper.models.roles import Role
from viper.modules.examples import sample_images, sample_patches, sample_values
from viper.modules.module import Module
from viper.programs.api_spec import ApiCallable
from viper.scheduling.method_request import Found, HostObject, MethodRequest, ModuleResult, Refused

__all__ = ["Verdict", "check_module"]

_BATCH = 6
# Requests per batch: more than one, fewer than a forward.
_CLOSE = 1e-4
# Models round differently in batches of different sizes.


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was tried."""

    state: Literal["ok", "note", "FAIL"]
    what: str
    """The method, role or part that it is about."""
    text: str

    @property
    def told(self) -> str:
        """What was tried and how it went, in one sentence."""
        return f"{self.what}: {self.text}"

    def __str__(self) -> str:
        return f"{self.state}: {self.told}"


def check_module(
    module: Module,
    *,
    backends: Mapping[str, str] | None = None,
    image: str | None = None,
) -> Iterator[Verdict]:
    """Try a module; loads its models and runs programs.

    Args:
        module: What is tried.
        backends: What serves the roles that it needs and does not bring, and whichever of its own are not
            to be served by itself: role → `NAME:REFERENCE`.
        image: A picture to try it on; None for drawn ones.
    """
    yield from _Trial(module, backends or {}, image).run()


@dataclass
class _Trial:
    module: Module
    backends: Mapping[str, str]
    image: str | None
    models: dict[Role, Any] = field(default_factory=dict)
    objects: dict[str, list[HostObject]] = field(default_factory=dict)
    """Handles by class, of what methods have returned."""

    def run(self) -> Iterator[Verdict]:
        api = self.module.api
        methods = sum(entry.is_method for entry in api.callables)
        shown = (
            f"{_count(methods, 'method')}, {_count(len(api.callables) - methods, 'function')}, "
            f"{_count(len(api.handles), 'class')} of objects"
        )
        yield Verdict(
            "ok", self.module.file, f"{shown}; names and types can be part of the contract"
        )
        for entry in api.callables:
            yield self._documented(entry)
        for role in dict.fromkeys(entry.needs or "" for entry in api.callables):
            yield self._loaded(role)
        for entry in _in_order(api.callables, [handle.name for handle in api.handles]):
            if entry.needs in self.models:
                yield from self._batches(self.module.batches()[entry.qualified_name])
        self.models.clear()  # the engine of the dry runs loads its own
        yield from self._dry_runs()

    def _documented(self, entry: ApiCallable) -> Verdict:
        problems: list[str] = []
        if not entry.summary.endswith("."):
            problems.append("the first line must be a sentence that ends with a full stop")
        told = entry.doc.partition("Args:")[2].partition("Returns:")[0]
        missing = [p.name for p in entry.parameters if f"{p.name}: " not in told]
        if missing:
            problems.append(f"'Args:' says nothing of {', '.join(missing)}")
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
            return Verdict("FAIL", entry.qualified_name, "; ".join(problems))
        return Verdict("ok", entry.qualified_name, "docstring with arguments, result and example")

    def _loaded(self, role: Role) -> Verdict:
        try:
            model = open_backend(self._reference(role))
        except ViperError as error:
            return Verdict("FAIL", f"role {role}", str(error))
        except (Exception, SystemExit) as error:  # a loader is a stranger's
            return Verdict("FAIL", f"role {role}", f"its loader raised {_told(error)}")
        self.models[role] = model
        return Verdict("ok", f"role {role}", f"loaded, fingerprint {model.fingerprint!r:.80}")

    def _reference(self, role: Role) -> BackendRef:
        loader = self.module.roles.get(role)
        own = None if loader is None else (self.module.name, loader)
        text = self.backends.get(role)
        if text is not None and text.strip() == STUB:
            raise ConfigError(
                "it is served by 'stub', so that nothing of the module would be tried."
            )
        if text is None and loader is not None:
            return BackendRef(role, self.module.name, "", (), loader)
        return BackendRef.parse(role, text or "builtin", own)

    def _batches(self, batch: Batch) -> Iterator[Verdict]:
        entry = batch.entry
        name = entry.qualified_name
        try:
            requests = self._requests(entry)
        except LookupError as error:
            yield Verdict("FAIL", name, str(error))
            return
        model = self.models[entry.needs or ""]
        results: dict[str, list[Any]] = {}
        batches: dict[str, Sequence[MethodRequest]] = {
            "no request": [],
            "one request": requests[:1],
            f"{len(requests)} requests": requests,
            "the same in another order": requests[::-1],
        }
        for what, asked in batches.items():
            try:
                results[what] = batch(model, asked)
            except ModelError as error:
                yield Verdict("FAIL", name, f"for {what}: {error}")
                return
            except Exception as error:  # a method is a stranger's
                yield Verdict("FAIL", name, f"for {what} it raised {_told(error)}")
                return
        none, one, all_, reordered = results.values()
        assert none == [], "a batch checks its length"
        wrong = [r for r in (*one, *all_, *reordered) if isinstance(r, ModelError)]
        if wrong:
            yield Verdict("FAIL", name, str(wrong[0]))
            return
        values = [result.value for result in all_ if isinstance(result, ModuleResult)]
        self._keep_objects(values)
        text = f"0, 1 and {len(requests)} requests give {entry.returns}"
        if getattr(model, "deterministic", True):
            yield self._same(name, text, [one[0].value], values, [r.value for r in reordered][::-1])
        else:
            yield Verdict("ok", name, f"{text}; its model says that equal requests may differ")
        refused = [value for value in values if isinstance(value, Refused)]
        if refused:
            yield Verdict(
                "note", name, f"refused {len(refused)} sample calls: {refused[0].message}"
            )

    def _same(
        self, name: str, text: str, one: Sequence[Any], values: Sequence[Any], again: Sequence[Any]
    ) -> Verdict:
        if not all(map(_close, values, again)):
            return Verdict(
                "FAIL",
                name,
                "the same requests in another order give other results: they must be in the order of the "
                "requests, and depend on their own request alone",
            )
        if not _close(one[0], values[0]):
            return Verdict(
                "FAIL", name, "a request alone gives another result than with others in its batch"
            )
        if all(_close(values[0], value) for value in values):
            return Verdict("ok", name, f"{text} (all equal here, so their order says nothing)")
        return Verdict("ok", name, f"{text}, in the order of the requests")

    def _requests(self, entry: ApiCallable) -> list[MethodRequest]:
        """Make sample requests.

        Raises:
            LookupError: It takes an object that no method of the module returned.
        """
        patches = sample_patches(sample_images(self.image), _BATCH)
        handles = frozenset(handle.name for handle in self.module.api.handles)
        requests: list[MethodRequest] = []
        for number, patch in enumerate(patches):
            given = {
                parameter.name: sample_values(
                    parameter, handles, patch, self.objects, number + place
                )
                for place, parameter in enumerate(entry.parameters)
            }
            requests.append(MethodRequest(patch if entry.is_method else None, given))
        return requests

    def _keep_objects(self, values: Sequence[Any]) -> None:
        for value in values:
            for found in _objects(value):
                self.objects.setdefault(found.kind, []).append(found)

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
        picture: Any = self.image or sample_images(None)[0].pixels()
        answer = run(_program(entry.example), picture)
        called = [call for attempt in answer.trace.attempts for call in attempt.calls]
        failure = answer.failure
        name = entry.qualified_name
        if failure is not None:
            where = f" in line {failure.line}" if failure.line else ""
            return Verdict(
                "FAIL", name, f"its example fails{where}: {failure.kind}: {failure.message}"
            )
        if not any(call.method == name for call in called):
            return Verdict("note", name, "its example runs, but does not reach it on this picture")
        return Verdict(
            "ok", name, f"its example runs in the sandbox and answers {answer.text!r:.60}"
        )


def _in_order(callables: Sequence[ApiCallable], handles: Collection[str]) -> list[ApiCallable]:
    """Return callables in such an order that objects are made before they are taken, if there is one."""
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
    """Return an example as a program."""
    lines = example if re.search(r"^return\b", example, re.MULTILINE) else f"{example}\nreturn True"
    body = textwrap.indent(lines, "    ")
    return f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{body}\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "es" if what.endswith("s") else "s")


def _told(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"{type(error).__name__}: {first[:200]}"


def _objects(value: Any) -> Iterator[HostObject]:
    match value:
        case HostObject():
            yield value
        case list():
            yield from itertools.chain.from_iterable(map(_objects, value))
        case dict():
            yield from _objects(list(value.values()))
        case _:
            pass


def _close(one: Any, other: Any) -> bool:
    """Tell whether two results are equal but for rounding; objects are compared by their attributes."""
    match one, other:
        case HostObject(), HostObject():
            return one.kind == other.kind and _close(dict(one.attributes), dict(other.attributes))
        case Found(), Found():
            edges = zip(one.box_xyxy, other.box_xyxy, strict=True)
            same = all(math.isclose(a, b, abs_tol=0.1) for a, b in edges)
            return same and one.category == other.category and _close(one.score, other.score)
        case float(), float():
            return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE)
        case list(), list():
            return len(one) == len(other) and all(map(_close, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(_close(one[k], other[k]) for k in one)
        case _:
            return type(one) is type(other) and bool(one == other)
