"""Runs and their differences as text for a terminal.

Texts of a trace are not trusted: they go through `one_line` or `printable`, and are never read as markup.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from viper.cli.output import counted
from viper.images.values import plain_items
from viper.texts.terminal import one_line, printable
from viper.trace import Attempt, CallRecord, Trace
from viper.trace.compare import CallChange, Comparison
from viper.trace.differences import Difference

__all__ = ["show_comparison", "show_trace"]

_MOST_CALLS = 8
_MOST_CHARACTERS = 160
_MOST_DIFFERENCES = 40


_Line = tuple[Text, int]
"""A line, and how far its continuation is indented when it does not fit the width."""


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
        ("choices", ", ".join(trace.choices)),
        ("answer", answer or ""),
        ("not verified", "; ".join(trace.unverified)),
        ("boxes", "; ".join(map(_patch, trace.patches)) if failure is None else ""),
        ("votes", _votes(trace)),
        ("image", f"{trace.image.name}, {trace.image.width}×{trace.image.height} pixels"),
        ("models", ", ".join(f"{role} {ref}" for role, ref in trace.models.items())),
    ]
    for name, text in rows:
        if text:
            yield _row(name, text, "bold" if name == "answer" else "")
    for number, attempt in enumerate(trace.attempts, 1):
        yield Text(), 0
        heading = f"program {number} of {len(trace.attempts)} by {one_line(attempt.generator)}"
        heading += ", from the program cache" if attempt.from_program_cache else ""
        if len(trace.attempts) > 1 and attempt is trace.answering:
            heading += ", chosen" if trace.votes else ", the last"
        yield Text(heading, "bold"), 0
        yield from _attempt_lines(attempt, most_calls)
    yield Text(), 0
    yield _row("sums", _sums(trace))


def _comparison_lines(found: Comparison) -> Iterator[_Line]:
    if found.same:
        yield Text("The runs are the same."), 0
        return
    yield from _difference_lines(found.fields)
    for change in found.programs:
        yield Text(f"program {change.attempt + 1}", "bold"), 0
        for line in change.lines:
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            yield Text(f"    {_code(line)}", style), 8
    for call in found.calls[:_MOST_DIFFERENCES]:
        yield _call_change(call), 8
    yield from _difference_lines(found.measures)
    lists = found.fields, found.calls, found.measures
    left = sum(max(0, len(one) - _MOST_DIFFERENCES) for one in lists)
    if left:
        yield Text(f"… and {left} more differences (--json lists all)", "dim"), 0


def _difference_lines(differences: Sequence[Difference]) -> Iterator[_Line]:
    for difference in differences[:_MOST_DIFFERENCES]:
        first, second = _value(difference.first), _value(difference.second)
        yield _changed(one_line(difference.path), first, second), 4


def _attempt_lines(attempt: Attempt, most_calls: int | None) -> Iterator[_Line]:
    """Yield a program with its calls and its failure under the lines that they belong to."""
    calls: dict[int, list[CallRecord]] = defaultdict(list)
    for call in attempt.calls:
        calls[call.line].append(call)
    failure = attempt.failure
    failures = {}
    if failure is not None:
        text = f"      ✗ {failure.kind}: {one_line(failure.message)}"
        failures[failure.line] = Text(text, "red"), 10
    lines = printable(attempt.source).split("\n") if attempt.source else []
    for number, line in enumerate(lines, 1):
        yield Text.assemble((f"{number:>4}  ", "dim"), _code(line)), 10
        made = calls.pop(number, [])
        for call in made[:most_calls]:
            yield _call(call), 10
        if most_calls is not None and len(made) > most_calls:
            more = len(made) - most_calls
            yield Text(f"      … {more} more calls (--all shows them)", "dim"), 10
        if number in failures:
            yield failures.pop(number)
    for call in itertools.chain(*calls.values()):  # on lines that the program does not have
        yield _call(call), 10
    yield from failures.values()
    for finding in attempt.findings:
        yield _row("finding", f"line {finding.line}: {finding.kind}: {finding.message}")
    for note in attempt.notes:
        yield _row("note", note)
    if attempt.printed:
        yield _row("printed", attempt.printed)
    if failure is None:
        yield _row("returned", _value(attempt.returned))


def _call(call: CallRecord) -> Text:
    """Return a call, its result and what it took, on one line."""
    result = _value(call.result), "green"
    if call.failure is not None:
        result = f"{call.failure_kind}: {one_line(call.failure)}", "red"
    facts = _joined(
        "" if call.score is None else f"score {call.score:.2f}",
        call.model or "",
        "cached" if call.cached else counted(call.forwards, "forward"),
        f"{call.prefetched} prefetched" if call.prefetched else "",
        f"{call.ms:.1f} ms",
        *call.notes,
    )
    return Text.assemble(
        ("      → ", "cyan"), _called(call.to_json()), " = ", result, (f"  {facts}", "dim")
    )


def _called(call: Mapping[str, Any]) -> str:
    arguments = ", ".join(map(_value, call["arguments"]))
    name = one_line(call["method"]).removeprefix("ImagePatch.")
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
    return _changed(place, _outcome(first), _outcome(second))


def _changed(place: str, first: str, second: str) -> Text:
    return Text.assemble(f"{place}: ", (first, "red"), " → ", (second, "green"))


def _outcome(call: Mapping[str, Any]) -> str:
    error = call["error"]
    if error is not None:
        return f"{error['kind']}: {one_line(error['message'])}"
    score = "" if call["score"] is None else f" (score {call['score']:g})"
    return f"{_value(call['result'])}{score}"


def _value(value: Any) -> str:
    """Return a JSON value as a program's author would write it, cut where it is long."""
    text = one_line(_written(value))
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _written(value: Any) -> str:
    match value:
        case {"type": "patch"}:
            return _patch(value)
        case dict():
            pairs = plain_items(value).items()
            return "{" + ", ".join(f"{key!r}: {_written(item)}" for key, item in pairs) + "}"
        case list():
            items = ", ".join(map(_written, value[:5])) + (", …" if len(value) > 5 else "")
            return f"[{items}]" if len(value) <= 5 else f"{len(value)} × [{items}]"
        case _:
            return repr(value)


def _patch(patch: Mapping[str, Any]) -> str:
    return f"{patch['category']} {patch['score']:.2f} {_box(patch['box_xyxy'])}"


def _box(box: Sequence[float]) -> str:
    return f"({', '.join(f'{round(edge, 1):g}' for edge in box)})"


def _votes(trace: Trace) -> str:
    votes = trace.votes
    if votes is None:
        return ""
    counts = ", ".join(f"{answer} {count}" for answer, count in votes.answers.items())
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
    return " · ".join(one_line(part) for part in parts if part)


def _code(text: str) -> str:
    """Return one line of a program, its indentation kept."""
    return printable(text.expandtabs(4))


def _row(name: str, text: str, style: str = "") -> _Line:
    return Text.assemble((f"{name:<13}", "dim"), (one_line(text), style)), 13


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
