"""One program's exchange with the host: budgets, clock, and the rules of the protocol.

Every message of the child is checked as if it came from an attacker, for it may: a program that
escaped the language layer speaks here. What breaks a rule ends the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from viper_sandbox.api import Api, Entry, accepts
from viper_sandbox.clock import Clock
from viper_sandbox.exchange import (
    Call,
    CallFailed,
    CallRejected,
    Handler,
    JailFailure,
    Request,
    Result,
)
from viper_sandbox.findings import CallSite, CheckReport, Finding, Literal, StringLiteral, worst
from viper_sandbox.limits import Limits
from viper_sandbox.literals import MAX_LITERAL_CHARACTERS, MAX_LITERALS
from viper_sandbox.process import ChildProcess
from viper_sandbox.wire import HandleRef, PatchRef, WireError, WireValue

__all__ = ["ProgramProtocol"]

_CHILD_KINDS = ("runtime", "memory", "limit", "sandbox")
_FINDING_KINDS = ("syntax", "policy", "check", "limit")


class _EndedError(Exception):
    """The program ends here, by the host's will."""

    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.failure = JailFailure(kind, message, line)


class _OutOfTimeError(Exception):
    """The program's own clock has run out."""


class ProgramProtocol:
    """Talks with a child that is confined, until the program has a result or must be killed.

    Args:
        child: The child; killing it is the caller's.
        request: What is sent.
        contract: The number that the zygote knows the contract by, and the contract.
        handler: Serves calls.
        limits: Budgets and clock.
        on_checked: Told what the child says about the program, before it runs.
    """

    def __init__(
        self,
        child: ChildProcess,
        request: Request,
        contract: tuple[int, Api],
        handler: Handler,
        limits: Limits,
        on_checked: Callable[[CheckReport], None] | None = None,
    ) -> None:
        self._on_checked = on_checked
        self.checked: CheckReport | None = None
        self.calls = 0
        self._child = child
        self._request = request
        self._handler = handler
        self._limits = limits
        self._contract, self._api = contract
        self._clock = Clock(limits.program_s, lambda: child.interrupt(_OutOfTimeError()))
        self._text_bytes = 0
        self._handles = 0
        self._objects: dict[int, str] = {}  # class by number, of what the handler gave

    @property
    def own_s(self) -> float:
        """Wall time of the program itself so far, in seconds."""
        return self._clock.used_s

    async def check(self, argument_names: list[str]) -> CheckReport:
        """Have the program examined, not run; a failure to do so is a finding.

        Raises:
            ChildGoneError: The child died; why is in its exit status.
        """
        try:
            return await self._examine(False, argument_names)
        except _EndedError as ended:
            finding = Finding(ended.failure.kind, 1, ended.failure.message)
        except WireError as error:
            finding = Finding("limit", 1, _broken_rules(error))
        except _OutOfTimeError:
            finding = Finding("timeout", 1, self._too_long())
        finally:
            self._clock.close()
        return CheckReport("", (finding,))

    async def run(self) -> Result:
        """Have the program examined and run.

        Raises:
            ChildGoneError: The child died; why is in its exit status.
            Exception: Whatever a handler raises besides `CallRejected` and `CallFailed`.
        """
        names = list(self._request.arguments)
        try:
            self.checked = await self._examine(True, names)
            finding = worst(self.checked.findings)
            if finding is not None:
                return self.failed(JailFailure(finding.kind, finding.message, finding.line))
            if self._on_checked is not None:
                self._on_checked(self.checked)
            return await self._until_done()
        except _EndedError as ended:
            return self.failed(ended.failure)
        except WireError as error:
            return self.failed(JailFailure("limit", _broken_rules(error)))
        except _OutOfTimeError:
            return self.failed(JailFailure("timeout", self._too_long()))
        finally:
            self._clock.close()

    def failed(self, failure: JailFailure, printed: str = "") -> Result:
        """Return the result of a program that failed now."""
        return Result(None, failure, self.checked, printed, self.own_s, self.calls)

    async def _examine(self, run: bool, argument_names: list[str]) -> CheckReport:
        request = self._request
        size = tuple(request.image_size)
        program = ["program", run, request.source, self._contract, request.image, size]
        await self._child.begin([*program, argument_names, dict(request.arguments)])
        self._clock.start()
        message, _ = await self._child.receive()
        match message:
            case ["checked", str(source), list(findings), list(sites), None | list() as texts]:
                return CheckReport(
                    source,
                    tuple(_finding(finding) for finding in findings),
                    tuple(_call_site(site) for site in sites),
                    None if texts is None else _literals(texts, source),
                )
            case ["failed", "sandbox", str(text), None, str()]:
                raise _EndedError("sandbox", text)
            case _:
                raise _unexpected("checked", message)

    async def _until_done(self) -> Result:
        while True:
            message, size = await self._child.receive()
            match message:
                case ["call", int(call_id), str(name), receiver, tuple(arguments), int(line)]:
                    call = self._accept(Call(call_id, name, _patch(receiver), arguments, line))
                    self._clock.stop()
                    reply = await self._serve(call)
                    self._clock.start()
                    await self._reply(reply, call)
                case ["done", value, str(printed)]:
                    if size > self._limits.done_bytes:
                        raise WireError(f"A result of {size:,} bytes.")
                    self._check_patches(value)
                    return Result(value, None, self.checked, printed, self.own_s, self.calls)
                case ["failed", str(kind), str(text), None | int() as at, str(printed)]:
                    if kind not in _CHILD_KINDS:
                        raise WireError(f"Unknown failure kind {kind[:40]!r}.")
                    return self.failed(JailFailure(kind, text, at), printed)
                case _:
                    raise _unexpected("call, done or failed", message)

    def _accept(self, call: Call) -> Call:
        """Check a call against the contract and the budgets."""
        if self._child.pending_bytes:
            raise WireError("A frame followed a call before its answer.")
        if call.id != self.calls + 1:
            raise WireError(f"Call {call.id} followed call {self.calls}.")
        entry = self._api.remote(call.name)
        if entry is None:
            raise WireError(f"A call of {call.name[:80]!r}, which the contract does not have.")
        if entry.is_method != (call.receiver is not None):
            raise WireError(f"A call of {call.name} with the wrong receiver.")
        self._check_arguments(entry, call.arguments)
        self._check_patches(call.receiver)
        self._check_patches(call.arguments)
        self.calls += 1
        limits = self._limits
        if self.calls > limits.calls:
            message = f"The program used all of its {limits.calls:,} vision and language calls."
            raise _EndedError("limit", message, call.line)
        self._text_bytes += sum(len(text.encode()) for text in _texts(call.arguments))
        if self._text_bytes > limits.text_bytes:
            message = f"The program sent more than {limits.text_bytes:,} bytes of text to models."
            raise _EndedError("limit", message, call.line)
        return call

    def _check_arguments(self, entry: Entry, arguments: tuple[WireValue, ...]) -> None:
        if len(arguments) != len(entry.parameters):
            raise WireError(f"A call of {entry.name} with {len(arguments)} arguments.")
        for parameter, value in zip(entry.parameters, arguments, strict=True):
            if not accepts(parameter.rules, value, PatchRef, HandleRef):
                raise WireError(f"A call of {entry.name} whose {parameter.name} has a wrong type.")

    def _check_patches(self, value: WireValue) -> None:
        """Refuse patches and handles that the host did not give, and boxes that leave the image."""
        width, height = self._request.image_size
        for patch in _references(value):
            if isinstance(patch, HandleRef):
                if self._objects.get(patch.number) != patch.kind:
                    raise WireError("A handle that is none of this session.")
                continue
            x1, y1, x2, y2 = patch.box_xyxy
            inside = 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
            if patch.handle != self._request.image.handle or not inside:
                raise WireError("A patch that is none of this session.")

    async def _serve(self, call: Call) -> list[Any]:
        """Let the handler serve a call; the program's clock stands still."""
        try:
            value = await self._handler(call)
        except CallRejected as rejected:
            return ["rejected", call.id, rejected.exception, rejected.message]
        except CallFailed as failed:
            raise _EndedError(failed.kind, failed.message, call.line) from failed
        entry = self._api.remote(call.name)
        assert entry is not None, "the call was accepted"
        if not accepts(entry.result, value, PatchRef, HandleRef):
            raise TypeError(
                f"The handler must answer {call.name} with {entry.returns}, in plain Python types, "
                f"but gave {value!r:.200}."
            )
        for reference in _references(value):
            if isinstance(reference, HandleRef):
                self._enter(reference)
            elif reference.handle != self._request.image.handle:
                raise ValueError(f"The handler gave a patch of another image: {reference!r}.")
            self._handles += 1
        if self._handles > self._limits.handles:
            what = "patches and objects" if self._objects else "patches"
            message = f"The program was given more than {self._limits.handles:,} {what}."
            raise _EndedError("limit", message, call.line)
        return ["value", call.id, value]

    def _enter(self, handle: HandleRef) -> None:
        """Remember an object that the handler gives, so that the child may name it."""
        known = self._objects.setdefault(handle.number, handle.kind)
        if known != handle.kind or len(handle.attributes) != len(self._api.handles[handle.kind]):
            raise ValueError(f"The handler gave a handle that is none of the contract: {handle!r}.")

    async def _reply(self, reply: list[Any], call: Call) -> None:
        try:
            await self._child.send(reply)
        except WireError as error:
            message = f"The answer of {call.name} is too large for the program: {error}"
            raise _EndedError("limit", message, call.line) from error

    def _too_long(self) -> str:
        return f"The program ran longer than {self._limits.program_s:g} s."


def _broken_rules(error: WireError) -> str:
    return f"The program broke the rules of the sandbox: {error}"


def _unexpected(expected: str, got: WireValue) -> WireError:
    word = got[0] if isinstance(got, list) and got else type(got).__name__
    return WireError(f"Expected a message {expected}, got {str(word)[:40]!r}.")


def _patch(value: WireValue) -> PatchRef | None:
    if value is None or isinstance(value, PatchRef):
        return value
    raise WireError("The receiver of a call must be a patch.")


def _finding(value: WireValue) -> Finding:
    match value:
        case (str(kind), int(line), str(message)) if kind in _FINDING_KINDS:
            return Finding(kind, line, message)
        case _:
            raise WireError("A finding must be (kind, line, message).")


def _call_site(value: WireValue) -> CallSite:
    match value:
        case (int(line), str(method), tuple(literals), bool(repeats)):
            return CallSite(line, method, tuple(map(_literal, literals)), repeats)
        case _:
            raise WireError("A call site must be (line, method, literals, repeats).")


def _literal(value: WireValue) -> Literal:
    if isinstance(value, tuple):
        return tuple(item for item in value if isinstance(item, str))
    return value if isinstance(value, (str, int, float)) else None


def _literals(texts: list[WireValue], source: str) -> tuple[StringLiteral, ...]:
    """Read the texts of a program; those with a place come first, in order, and do not overlap."""
    if len(texts) > MAX_LITERALS:
        raise WireError(f"A program with {len(texts):,} texts; {MAX_LITERALS} are told at most.")
    literals: list[StringLiteral] = []
    end: int | None = 0
    for text in texts:
        match text:
            case (str(value), int(first), int(last)) if end is not None:
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


def _references(value: WireValue) -> Iterator[PatchRef | HandleRef]:
    if isinstance(value, (PatchRef, HandleRef)):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _references(key)
            yield from _references(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _references(item)


def _texts(value: WireValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _texts(item)
