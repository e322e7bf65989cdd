"""The protocol of one program on the host: budgets, timeout, and the check of each message.

Every message of the child is checked as if it came from an attacker, because it may: a program that escaped
the language layer controls the child. A message that breaks a rule ends the program.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from viper_sandbox.api import Api, accepts
from viper_sandbox.clock import Clock
from viper_sandbox.exchange import (
    ROLES,
    Call,
    CallFailed,
    CallRejected,
    Handler,
    JailFailure,
    Request,
    Result,
)
from viper_sandbox.findings import (
    MAX_FINDINGS,
    CallSite,
    CheckReport,
    Finding,
    Literal,
    StringLiteral,
    capped,
    worst,
)
from viper_sandbox.large_work import LARGE_BYTES, beside_loop
from viper_sandbox.limits import (
    CUT,
    MAX_ARGUMENT_VALUES,
    MAX_CALL_SITES,
    MAX_EVIDENCE,
    MAX_FAILURE_CHARACTERS,
    Limits,
)
from viper_sandbox.literals import MAX_LITERAL_CHARACTERS, MAX_LITERALS
from viper_sandbox.outgoing import with_escapes
from viper_sandbox.process import ChildProcess
from viper_sandbox.wire import HandleRef, PatchRef, WireError, WireValue, count_values, leaves

__all__ = ["ProgramProtocol", "failed_check"]

_CHILD_KINDS = ("runtime", "memory", "limit", "sandbox", "absent")
# Values of a message beside arguments or result: its kind, a line, a receiver, printed text.
_MESSAGE_VALUES = 16
_FINDING_KINDS = ("syntax", "policy", "check", "limit")


_T = TypeVar("_T")


class _EndedError(Exception):
    """The host ends the program."""

    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.failure = JailFailure(kind, message, line)


@dataclass(eq=False)
class ProgramProtocol:
    """Exchanges messages with a child until the program has a result or must be killed."""

    _child: ChildProcess
    """The child; the caller kills it."""
    _request: Request
    _numbered_api: tuple[int, Api]
    """The number of the API in messages of the zygote, and the API."""
    _handler: Handler
    """Serves calls."""
    _limits: Limits
    """Budgets and timeout."""
    _on_checked: Callable[[CheckReport], None] | None = None
    """Called with the check report of a program without findings, before it runs."""

    def __post_init__(self) -> None:
        self._api_number, self._api = self._numbered_api
        self._checked: CheckReport | None = None
        limit_s = self._limits.program_s
        timeout = _EndedError("timeout", f"The program ran longer than {limit_s:g} s.")
        child = self._child
        # Without `self`: a cycle would keep the program's image until the garbage is looked for.
        self._clock = child.clock = Clock(limit_s, lambda: child.interrupt(timeout))
        self.calls = 0
        # A program has no more lines than bytes; a body that is wrapped has two more.
        self._last_line = int(self._limits.source_bytes) + 2
        self._text_bytes = 0
        self._answer_bytes = 0
        self._calls_bytes = 0
        self._values = 0
        self._handles = 0
        self._objects: dict[int, str] = {}  # number → class of an object of the handler

    async def check(self, argument_names: list[str]) -> CheckReport:
        """Have the program checked, but not run; if the check itself fails, that is a finding.

        Raises:
            ChildGoneError: The child ended; its exit status says why.
        """
        report = await self._until_ended(self._examine(False, argument_names))
        return failed_check(report) if isinstance(report, JailFailure) else report

    async def run(self) -> Result:
        """Have the program checked and run.

        Raises:
            ChildGoneError: The child ended; its exit status says why.
            Exception: Any exception of a handler except `CallRejected` and `CallFailed`.
        """
        result = await self._until_ended(self._run())
        return self.failed(result) if isinstance(result, JailFailure) else result

    async def _until_ended(self, exchange: Awaitable[_T]) -> _T | JailFailure:
        try:
            return await exchange
        except _EndedError as ended:
            return ended.failure
        except WireError as error:
            return JailFailure("limit", f"The program broke the rules of the sandbox: {error}")
        finally:
            self._clock.close()

    async def _run(self) -> Result:
        self._checked = checked = await self._examine(True, list(self._request.arguments))
        finding = worst(checked.findings)
        if finding is not None:
            raise _EndedError(finding.kind, finding.message, finding.line)
        if self._on_checked is not None:
            self._on_checked(checked)
        return await self._until_done()

    def failed(self, failure: JailFailure, printed: str = "") -> Result:
        """Return the result of a program that failed now."""
        return self._result(None, failure, printed)

    def _result(self, value: WireValue, failure: JailFailure | None, printed: str) -> Result:
        return Result(value, failure, self._checked, printed, self._clock.used_s, self.calls)

    async def _examine(self, run: bool, argument_names: list[str]) -> CheckReport:
        request = self._request
        size = tuple(request.image_size)
        program = ["program", run, request.source, self._api_number, request.image, size]
        await self._child.begin([*program, argument_names, dict(request.arguments)])
        message, _ = await self._child.receive()
        match message:
            case ["checked", str(source), list(findings), list(sites), None | list() as texts]:
                most_sites = min(MAX_CALL_SITES, self._limits.nodes)
                if len(findings) > MAX_FINDINGS or len(sites) > most_sites:
                    raise WireError("More findings or call sites than any program has.")
                last = self._last_line
                return CheckReport(
                    source,
                    tuple(_finding(finding, last) for finding in findings),
                    tuple(_call_site(site, last) for site in sites),
                    None if texts is None else _literals(texts, source),
                )
            case ["failed", "sandbox", str(text), None, str()]:
                raise _EndedError("sandbox", capped(text))
            case _:
                raise _unexpected("checked", message)

    async def _until_done(self) -> Result:
        entries = (*self._api.methods.values(), *self._api.functions.values())
        parameters = max((len(entry.parameters) for entry in entries), default=0)
        sent = parameters * (MAX_ARGUMENT_VALUES + 1)
        most = max(sent, self._limits.result_values + MAX_EVIDENCE)
        self._child.most_values = most + _MESSAGE_VALUES
        while True:
            message, size = await self._child.receive()
            match message:
                case [
                    "call",
                    int(call_id),
                    str(name),
                    None | PatchRef() as receiver,
                    tuple(arguments),
                    int(line),
                ] if type(call_id) is int:
                    self._check_line(line)
                    self._count_bytes(size, line)
                    accept = partial(self._accept, Call(call_id, name, receiver, arguments, line))
                    call = await beside_loop(accept) if size > LARGE_BYTES else accept()
                    reply = await self._serve(call)
                    try:
                        await self._child.send(reply)
                    except WireError as error:
                        text = f"The answer of {call.name} is too large for the program: {error}"
                        raise _EndedError("limit", text, call.line) from error
                case ["done", value, str(printed), *roles] if len(roles) <= 1:
                    self._check_end(size, printed)
                    check = partial(self._check_value, value, roles)
                    evidence = await beside_loop(check) if size > LARGE_BYTES else check()
                    return replace(self._result(value, None, printed), evidence=evidence)
                case ["failed", str(kind), str(text), None | int() as at, str(printed)]:
                    if kind not in _CHILD_KINDS:
                        raise WireError(f"Unknown failure kind {kind[:40]!r}.")
                    if len(text) > MAX_FAILURE_CHARACTERS:
                        raise WireError(f"A failure whose message has {len(text):,} characters.")
                    self._check_end(size, printed)
                    self._check_line(at)
                    return self.failed(JailFailure(kind, capped(text), at), printed)
                case _:
                    raise _unexpected("call, done or failed", message)

    def _check_end(self, size: int, printed: str) -> None:
        """Refuse a result or a failure that is larger than an honest child sends."""
        limits = self._limits
        if size > limits.done_bytes:
            raise WireError(f"A result of {size:,} bytes.")
        if len(printed.encode()) > limits.printed_bytes + len(CUT.encode()):
            raise WireError(f"{len(printed):,} characters of printed text.")

    def _check_value(
        self, value: WireValue, roles: list[WireValue]
    ) -> tuple[tuple[PatchRef, ...], ...]:
        """Refuse a result that holds more values than an honest child sends, or patches of others."""
        # The child does not count the result itself.
        if count_values(value) > self._limits.result_values + 1:
            raise WireError("A result of too many values.")
        self._check_patches(value)
        if not roles:
            return ()
        lists = roles[0] if isinstance(roles[0], list) else []
        evidence = tuple(map(_patches, lists))
        if len(evidence) != len(ROLES) or sum(map(len, evidence)) > MAX_EVIDENCE:
            raise WireError("Evidence must be a list of patches for each role, within limits.")
        self._check_patches(evidence)
        return evidence

    def _check_line(self, line: int | None) -> None:
        """Refuse what is no line of any program."""
        if line is not None and not _is_line(line, self._last_line):
            raise WireError("A line that no program has.")

    def _count_bytes(self, size: int, line: int) -> None:
        """Count the frame of a call, which may be long although it holds few values."""
        self._calls_bytes += size
        if self._calls_bytes > self._limits.calls_bytes:
            message = f"The program sent more than {self._limits.calls_bytes:,} bytes in calls."
            raise _EndedError("limit", message, line)

    def _accept(self, call: Call) -> Call:
        """Check a call against the API and the budgets."""
        if self._child.pending_bytes:
            raise WireError("A frame followed a call before its answer.")
        if call.id != self.calls + 1:
            raise WireError(f"Call {call.id} followed call {self.calls}.")
        entry = self._api.remote(call.name)
        if entry is None:
            raise WireError(f"A call of {call.name[:80]!r}, which the API does not have.")
        if entry.is_method != (call.receiver is not None):
            raise WireError(f"A call of {call.name} with the wrong receiver.")
        if len(call.arguments) != len(entry.parameters):
            raise WireError(f"A call of {entry.name} with {len(call.arguments)} arguments.")
        limits = self._limits
        counts = [count_values(argument) for argument in call.arguments]
        if max(counts, default=0) > MAX_ARGUMENT_VALUES + 1:  # the child has refused it before
            raise WireError(f"A call of {entry.name} with an argument of {max(counts):,} values.")
        self._values += (call.receiver is not None) + sum(counts)
        if self._values > limits.values:
            message = f"The program sent more than {limits.values:,} values to models."
            raise _EndedError("limit", message, call.line)
        for parameter, value in zip(entry.parameters, call.arguments, strict=True):
            if not accepts(parameter.rules, value, PatchRef, HandleRef):
                raise WireError(f"A call of {entry.name} whose {parameter.name} has a wrong type.")
        self._check_patches(call.receiver)
        self._check_patches(call.arguments)
        self.calls += 1
        if self.calls > limits.calls:
            message = f"The program used all of its {limits.calls:,} vision and language calls."
            raise _EndedError("limit", message, call.line)
        texts = (leaf for leaf in leaves(call.arguments) if isinstance(leaf, str))
        self._text_bytes += sum(len(text.encode()) for text in texts)
        if self._text_bytes > limits.text_bytes:
            message = f"The program sent more than {limits.text_bytes:,} bytes of text to models."
            raise _EndedError("limit", message, call.line)
        return call

    def _check_patches(self, value: WireValue) -> None:
        """Refuse handles that the host did not send, and patches on another image or outside the image."""
        width, height = self._request.image_size
        for leaf in leaves(value):
            if isinstance(leaf, HandleRef):
                if self._objects.get(leaf.number) != leaf.kind:
                    raise WireError("A handle that is none of this session.")
            elif isinstance(leaf, PatchRef):
                x1, y1, x2, y2 = leaf.box_xyxy
                inside = 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
                if leaf.handle != self._request.image.handle or not inside:
                    raise WireError("A patch that is none of this session.")

    async def _serve(self, call: Call) -> list[Any]:
        """Let the handler serve a call."""
        try:
            value = await self._handler(call)
        except CallRejected as rejected:
            message = capped(rejected.message)
            self._count_answer(message, call.line)
            return ["rejected", call.id, rejected.exception, message]
        except CallFailed as failed:
            raise _EndedError(failed.kind, capped(failed.message), call.line) from failed
        entry = self._api.remote(call.name)
        assert entry is not None, "the call was accepted"
        if not accepts(entry.result, value, PatchRef, HandleRef):
            raise TypeError(
                f"The handler must answer {call.name} with {entry.returns}, in plain Python types, "
                f"but gave {value!r:.200}."
            )
        for leaf in leaves(value):
            self._count_answer(leaf, call.line)
            if isinstance(leaf, HandleRef):
                self._enter(leaf)
            elif not isinstance(leaf, PatchRef):
                continue
            elif leaf.handle != self._request.image.handle:
                raise ValueError(f"The handler gave a patch of another image: {leaf!r}.")
            self._handles += 1
        if self._handles > self._limits.handles:
            what = "patches and objects" if self._objects else "patches"
            message = f"The program was given more than {self._limits.handles:,} {what}."
            raise _EndedError("limit", message, call.line)
        return ["value", call.id, value]

    def _count_answer(self, leaf: WireValue, line: int) -> None:
        """Count the texts in a part of an answer."""
        parts = (
            (leaf.category,)
            if isinstance(leaf, PatchRef)
            else leaf.attributes
            if isinstance(leaf, HandleRef)
            else (leaf,)
        )
        texts = (with_escapes(part) for part in parts if isinstance(part, str))
        self._answer_bytes += sum(len(text.encode("utf-8")) for text in texts)
        if self._answer_bytes > self._limits.answer_bytes:
            limit = f"{self._limits.answer_bytes:,} bytes of text in answers of calls"
            raise _EndedError("limit", f"The program was given more than {limit}.", line)

    def _enter(self, handle: HandleRef) -> None:
        """Record an object that the handler returned; the child may pass it from now on."""
        kind = self._objects.setdefault(handle.number, handle.kind)
        if kind != handle.kind or len(handle.attributes) != len(self._api.handles[handle.kind]):
            raise ValueError(f"The handler gave a handle that is none of the contract: {handle!r}.")


def failed_check(failure: JailFailure, *_: object) -> CheckReport:
    """Return the report of a check that could not be completed."""
    return CheckReport("", (Finding(failure.kind, 1, failure.message),))


def _unexpected(expected: str, got: WireValue) -> WireError:
    word = got[0] if isinstance(got, list) and got else type(got).__name__
    return WireError(f"Expected a message {expected}, got {str(word)[:40]!r}.")


def _is_line(line: int, last_line: int) -> bool:
    return type(line) is int and 1 <= line <= last_line  # True is an int as well


def _patches(value: WireValue) -> tuple[PatchRef, ...]:
    """Read the patches of one role."""
    parts = value if isinstance(value, list) else [None]
    patches = tuple(part for part in parts if isinstance(part, PatchRef))
    if len(patches) != len(parts):
        raise WireError("Evidence must be lists of patches.")
    return patches


def _finding(value: WireValue, last_line: int) -> Finding:
    match value:
        case (str(kind), int(line), str(message)) if (
            kind in _FINDING_KINDS
            and _is_line(line, last_line)
            and len(message) <= MAX_FAILURE_CHARACTERS
        ):
            return Finding(kind, line, capped(message))
        case _:
            raise WireError("A finding must be (kind, line, message), within limits.")


def _call_site(value: WireValue, last_line: int) -> CallSite:
    match value:
        case (int(line), str(method), tuple(literals), bool(repeats)) if _is_line(line, last_line):
            return CallSite(line, method, tuple(map(_literal, literals)), repeats)
        case _:
            raise WireError("A call site must be (line, method, literals, repeats).")


def _literal(value: WireValue) -> Literal:
    if isinstance(value, tuple):
        return tuple(item for item in value if isinstance(item, str))
    return value if isinstance(value, (str, int, float)) else None


def _literals(texts: list[WireValue], source: str) -> tuple[StringLiteral, ...]:
    """Read string literals: those with a position come first, in order, and do not overlap."""
    if len(texts) > MAX_LITERALS:
        raise WireError(
            f"A program with {len(texts):,} texts; at most {MAX_LITERALS} are reported."
        )
    literals: list[StringLiteral] = []
    end: int | None = 0
    for text in texts:
        match text:
            case (str(value), int(first), int(last)) if end is not None:
                if type(first) is not int or type(last) is not int:
                    raise WireError("The place of a text must be two whole numbers.")
                if not end <= first < last <= len(source):
                    raise WireError("A text of a program has no place in its source.")
                literals.append(StringLiteral(value, first, last))
                end = last
            case (str(value), None, None):
                literals.append(StringLiteral(value, None, None))
                end = None
            case _:
                raise WireError("A text of a program must be (value, start, end).")
        if len(value) > MAX_LITERAL_CHARACTERS:
            raise WireError(f"A text of a program has {len(value):,} characters.")
    return tuple(literals)
