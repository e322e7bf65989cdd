"""Runs and their differences as text for a terminal.

Texts of a trace are not trusted: they go through `one_line` or `printable`, and are never read as markup.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from viper.cli.output import counted
from viper.images.values import dict_items
from viper.texts.terminal import escaped_line, one_line, printable
from viper.trace import Attempt, CallRecord, Trace
from viper.trace.compare import CallChange, Comparison
from viper.trace.differences import Difference
from viper.trace.values import tag_of
from viper_sandbox.source_lines import lines_of

__all__ = ["show_comparison", "show_trace"]

_MOST_CALLS = 8
_MOST_CHARACTERS = 160
_MOST_DIFFERENCES = 40

# For files that Viper did not write: a million programs, lines or notes would take an hour to lay out.
_MOST_PROGRAMS = 100
# Lines of all programs together, and what stands below them: their calls, findings and notes.
_MOST_LINES = 5_000
_MOST_BELOW = 5_000
_MOST_BELOW_IF_ALL = 20_000
_WIDTH = 80
_MOST_NOTES = 50
_LONGEST_LINE = 1_000
# What of a call is compared besides its outcome.
_SAID_OF_CALLS = ("role", "model", "threshold", "scores", "notes", "unverified", "doubts")
_LONGEST_ROW = 5_000

_Line = tuple[Text, int]
"""A line, and how far its continuation is indented when it does not fit the width."""


class _Room:
    """How many lines may still be displayed, of all programs together; long ones count as several."""

    def __init__(self, lines: int) -> None:
        self._left = lines

    def reserve(self, lines: Sequence[str]) -> int:
        """Return how many of the first lines fit, and keep the room for them."""
        for number, line in enumerate(lines):
            if self._left <= 0:
                return number
            self._left -= 1 + min(len(line), _LONGEST_LINE) // _WIDTH
        return len(lines)

    def fill(self, lines: Iterable[_Line], of: int, more: str) -> Iterator[_Line]:
        """Yield the lines that fit, then how many of all are left out."""
        displayed = 0
        for line in lines:
            if self._left <= 0:
                break
            self._left -= 1 + len(line[0]) // _WIDTH
            displayed += 1
            yield line
        yield from _more(of - displayed, more)


def show_trace(trace: Trace, *, every_call: bool = False) -> None:
    """Print a run on stdout.

    Args:
        trace: The run.
        every_call: Whether to show all calls of a line.
    """
    _print(_trace_lines(trace, None if every_call else _MOST_CALLS))


def show_comparison(found: Comparison) -> None:
    """Print on stdout what differs between two runs."""
    _print(_comparison_lines(found))


def _trace_lines(trace: Trace, most_calls: int | None) -> Iterator[_Line]:
    failure = trace.failure
    answer = trace.answer if failure is None else f"none ({failure.kind}): {failure.message}"
    rows = [
        ("question", trace.question or "(none)"),
        ("choices", _listed(trace.choices, mark=", ")),
        ("answer", answer or ""),
        ("outcome", _outcome_of_run(trace)),
        ("not verified", _listed(_doubts(trace))),
        ("boxes", _listed(trace.patches, _patch) if failure is None else ""),
        ("votes", _votes(trace)),
        ("weakest", _weakest(trace)),
        ("image", f"{trace.image.name}, {trace.image.width}×{trace.image.height} pixels"),
        ("models", _listed([*trace.models.items()], " ".join, mark=", ")),
    ]
    for name, text in rows:
        if text:
            yield _row(name, text, "bold" if name == "answer" else "")
    displayed = [*enumerate(trace.attempts, 1)][:_MOST_PROGRAMS]
    if trace.chosen is not None and trace.chosen >= _MOST_PROGRAMS:
        # What is left out is never the program that answered.
        displayed[-1] = trace.chosen + 1, trace.attempts[trace.chosen]
    room, below = _Room(_MOST_LINES), _Room(_MOST_BELOW if most_calls else _MOST_BELOW_IF_ALL)
    # The program that answered has its lines before the others have theirs.
    answering = trace.answering
    own = 0 if answering is None else room.reserve(lines_of(answering.source))
    for number, attempt in displayed:
        most_lines = own if attempt is answering else room.reserve(lines_of(attempt.source))
        yield Text(), 0
        generator = one_line(_cut(attempt.generator, _LONGEST_LINE))
        heading = f"program {number} of {len(trace.attempts)} by {generator}"
        heading += ", from the program cache" if attempt.from_program_cache else ""
        if len(trace.attempts) > 1 and attempt is trace.answering:
            heading += ", chosen" if trace.votes else ", the last"
        yield Text(heading, "bold"), 0
        yield from _attempt_lines(attempt, most_calls, most_lines, below)
    yield from _more(len(trace.attempts) - _MOST_PROGRAMS, "more programs")
    yield Text(), 0
    yield _row("sums", _sums(trace))


def _comparison_lines(found: Comparison) -> Iterator[_Line]:
    if found.same:
        yield Text("The runs are the same."), 0
        return
    yield from _difference_lines(found.fields)
    room = _Room(_MOST_LINES)
    for change in found.programs[:_MOST_PROGRAMS]:
        yield Text(f"program {change.attempt + 1}", "bold"), 0
        lines = ((Text(_diff_line(line), _style(line)), 8) for line in change.lines)
        yield from room.fill(lines, len(change.lines), "more lines (--json lists all)")
    yield from _more(len(found.programs) - _MOST_PROGRAMS, "more programs (--json lists all)")
    for call in found.calls[:_MOST_DIFFERENCES]:
        yield _call_change(call), 8
    yield from _difference_lines(found.measures)
    lists = found.fields, found.calls, found.measures
    left = sum(max(0, len(one) - _MOST_DIFFERENCES) for one in lists)
    if left:
        yield Text(f"… and {left} more differences (--json lists all)", "dim"), 0


def _style(line: str) -> str:
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _difference_lines(differences: Sequence[Difference]) -> Iterator[_Line]:
    for difference in differences[:_MOST_DIFFERENCES]:
        first, second = _value(difference.first), _value(difference.second)
        yield _changed(one_line(difference.path), first, second), 4


def _attempt_lines(
    attempt: Attempt, most_calls: int | None, most_lines: int, below: _Room
) -> Iterator[_Line]:
    """Yield a program with its calls and its failure under the lines that they belong to."""
    calls: dict[int, list[CallRecord]] = defaultdict(list)
    for call in attempt.calls:
        calls[call.line].append(call)
    failure = attempt.failure
    failures = {}
    if failure is not None:
        text = f"      ✗ {failure.kind}: {one_line(_cut(failure.message, _LONGEST_ROW))}"
        failures[failure.line] = Text(text, "red"), 10
    lines = lines_of(attempt.source)
    for number, line in enumerate(lines[:most_lines], 1):
        yield Text.assemble((f"{number:>4}  ", "dim"), _code(line)), 10
        made = calls.pop(number, [])
        yield from _call_lines(made, most_calls, below)
        if number in failures:
            yield failures.pop(number)
    yield from _more(len(lines) - most_lines, "more lines")
    elsewhere = [*itertools.chain(*calls.values())]  # on lines that are not shown, or do not exist
    yield from _call_lines(elsewhere, most_calls, below)
    yield from failures.values()
    findings = (
        _row("finding", f"line {finding.line}: {finding.kind}: {finding.message}")
        for finding in attempt.findings[:_MOST_NOTES]
    )
    yield from below.fill(findings, len(attempt.findings), "more findings")
    notes = (_row("note", note) for note in attempt.notes[:_MOST_NOTES])
    yield from below.fill(notes, len(attempt.notes), "more notes")
    if attempt.printed:
        yield _row("printed", attempt.printed)
    if failure is None:
        yield _row("returned", _value(attempt.returned))


def _call_lines(calls: Sequence[CallRecord], most: int | None, room: _Room) -> Iterator[_Line]:
    hint = "" if most is None else " (--all shows them)"
    lines = ((_call(call), 10) for call in calls[:most])
    yield from room.fill(lines, len(calls), f"more calls{hint}")


def _call(call: CallRecord) -> Text:
    """Return a call, its result and what it took, on one line."""
    result = _value(call.result), "green"
    if call.failure is not None:
        result = f"{call.failure_kind}: {one_line(_cut(call.failure, _LONGEST_ROW))}", "red"
    facts = _joined(
        "" if call.score is None else f"score {call.score:.2f}",
        call.model or "",
        "cached" if call.cached else counted(call.forwards, "forward"),
        f"{call.prefetched} prefetched" if call.prefetched else "",
        f"{call.ms:.1f} ms",
        *call.notes[:_MOST_NOTES],
    )
    facts = _cut(facts, _LONGEST_ROW)
    return Text.assemble(
        ("      → ", "cyan"), _called(call.to_json()), " = ", result, (f"  {facts}", "dim")
    )


def _called(call: Mapping[str, Any]) -> str:
    arguments = _cut(_listed(call["arguments"], _value, mark=", "), _LONGEST_LINE)
    name = one_line(_cut(call["method"], _MOST_CHARACTERS)).removeprefix("ImagePatch.")
    place = "" if call["box_xyxy"] is None else f" on {_box(call['box_xyxy'])}"
    return f"{name}({arguments}){place}"


def _call_change(change: CallChange) -> Text:
    first, second = change.first, change.second
    call = first or second
    assert call is not None, "one of the two is there"
    place = f"line {call['line']} {_called(call)}"
    if first is None:
        return Text(f"+ {place} = {_outcome(call)}", "green")
    if second is None:
        return Text(f"- {place} = {_outcome(call)}", "red")
    before, after = _outcome(first), _outcome(second)
    if before == after:  # something else differs, such as the model
        names = [name for name in _SAID_OF_CALLS if first[name] != second[name]]
        before, after = (f"{before} ({_said(call, names)})" for call in (first, second))
    return _changed(place, before, after)


def _said(call: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_value(call[name])}" for name in names)


def _changed(place: str, first: str, second: str) -> Text:
    return Text.assemble(f"{place}: ", (first, "red"), " → ", (second, "green"))


def _outcome(call: Mapping[str, Any]) -> str:
    error = call["error"]
    if error is not None:
        return f"{error['kind']}: {one_line(_cut(error['message'], _LONGEST_LINE))}"
    score = "" if call["score"] is None else f" (score {call['score']:g})"
    return f"{_value(call['result'])}{score}"


def _value(value: Any) -> str:
    """Return a JSON value as a program's author would write it, cut where it is long."""
    return _cut(one_line(_written(value)), _MOST_CHARACTERS)


def _written(value: Any) -> str:
    """Return a value of a program, or a list or object of a trace's own fields."""
    match value:
        case dict():
            tag = tag_of(value)  # None also for attributes, which may have any keys
            if tag == "patch":
                return _cut(_patch(value), _MOST_CHARACTERS)
            return _written_items(dict_items(value) if tag else list(value.items()))
        case list() | tuple():
            items = ", ".join(map(_written, value[:5])) + (", …" if len(value) > 5 else "")
            text = f"[{items}]" if len(value) <= 5 else f"{len(value)} × [{items}]"
            return _cut(text, _LONGEST_LINE)
        case str():
            return repr(_cut(value, _LONGEST_LINE))
        case _:
            return repr(value)


def _written_items(items: Sequence[tuple[str, Any]]) -> str:
    pairs = (f"{_cut(key, _MOST_CHARACTERS)!r}: {_written(item)}" for key, item in items[:20])
    return _cut("{" + ", ".join(pairs) + (", …}" if len(items) > 20 else "}"), _LONGEST_LINE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _listed(items: Sequence[Any], write: Callable[[Any], str] = str, *, mark: str = "; ") -> str:
    more = len(items) - _MOST_NOTES
    return mark.join(map(write, items[:_MOST_NOTES])) + (f"{mark}… {more} more" if more > 0 else "")


def _more(count: int, what: str) -> Iterator[_Line]:
    if count > 0:
        yield Text(f"      … {count} {what}", "dim"), 10


def _patch(patch: Mapping[str, Any]) -> str:
    return f"{_cut(patch['category'], _MOST_CHARACTERS)} {patch['score']:.2f} {_box(patch['box_xyxy'])}"


def _box(box: Sequence[float]) -> str:
    return f"({', '.join(f'{round(edge, 1):g}' for edge in box)})"


def _outcome_of_run(trace: Trace) -> str:
    text = trace.outcome.replace("_", " ")
    if trace.direct_answer is not None:
        text += f", by one model, not checked ({trace.direct_answer.model})"
    return text


def _doubts(trace: Trace) -> list[str]:
    """Return the doubts of an answer, or the conditions that kept it back."""
    if trace.failure is not None:
        return list(trace.unverified)
    return [f"{doubt.condition} ({doubt.why})" for doubt in trace.doubts]


def _weakest(trace: Trace) -> str:
    """Return the call that the answer hangs on most."""
    call = trace.weakest
    if call is None or call.margin is None or call.threshold is None:
        return ""
    return (
        f"line {call.line} {_called(call.to_json())}: {call.margin:.2f} from the threshold "
        f"{call.threshold:.2f}"
    )


def _votes(trace: Trace) -> str:
    votes = trace.votes
    if votes is None:
        return ""
    counts = _listed([*votes.answers.items()], lambda vote: f"{vote[0]} {vote[1]}", mark=", ")
    return f"{counts or 'none'} of {votes.n}; {votes.failed} failed"


def _sums(trace: Trace) -> str:
    calls, usage = trace.calls, trace.usage
    cached = sum(call.cached for call in calls)
    forwards = ", ".join(f"{role} {count}" for role, count in trace.forwards.items())
    return _joined(
        f"{counted(len(calls), 'call')} ({cached} cached)",
        f"forwards: {forwards or 'none'}",
        f"{usage.tokens} tokens" if usage.tokens else "",
        f"{trace.total_ms:.1f} ms",
        f"Viper {trace.viper}" if trace.viper else "",
    )


def _joined(*parts: str) -> str:
    return " · ".join(one_line(_cut(part, _LONGEST_ROW)) for part in parts if part)


def _code(text: str) -> str:
    """Return one line of a program, its indentation kept."""
    return printable(_cut(text, _LONGEST_LINE).expandtabs(4))


def _diff_line(line: str) -> str:
    r"""Return one line of a diff; two lines that differ never look the same.

    A line that `escaped_line` changed has a backslash in front of it, where no text of a program stands.
    """
    sign, code = line[:1], line[1:]
    if len(code) > _LONGEST_LINE:
        digest = hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
        code = f"{code[:_LONGEST_LINE]}… ({len(code):,} characters, SHA-256 {digest[:16]}…)"
    exact = escaped_line(code)
    margin = "    " if exact == code else r"  \ "
    return f"{margin}{sign}{exact}"


def _row(name: str, text: str, style: str = "") -> _Line:
    flat = one_line(_cut(text, _LONGEST_ROW))
    return Text.assemble((f"{name:<13}", "dim"), (flat, style)), 13


def _print(lines: Iterable[_Line]) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    for text, hanging in lines:
        text.overflow = "fold"
        width = max(console.width, hanging + 20)
        # Only the first line has the full width; the rest is wrapped again, narrower by its indent.
        first, *more = text.wrap(console, width)
        console.print(first, soft_wrap=True)
        if more:
            rest = text[len(first) :]
            for line in rest.wrap(console, width - hanging):
                blank = len(line.plain) - len(line.plain.lstrip())
                console.print(Text(" " * hanging) + line[blank:], soft_wrap=True)
