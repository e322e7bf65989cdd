"""Runs and their differences as text for a terminal.

Texts of a trace are not trusted: they go through `one_line` or `printable`, and are never read as markup.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from viper.cli.output import one_line, printable
from viper.images.values import plain_items
from viper.trace import Attempt, CallRecord, Trace
from viper.trace.compare import CallChange, Comparison
from viper.trace.differences import Difference

__all__ = ["show_comparison", "show_trace"]

_MOST_CALLS = 8
_MOST_CHARACTERS = 160
_MOST_DIFFERENCES = 40


def show_trace(trace: Trace, *, every_call: bool = False) -> None:
    """Print a run on stdout.

    Args:
        trace: The run.
        every_call: Whether to show all calls of a line.
    """
    console = _console()
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
            _row(console, name, one_line(text), "bold" if name == "answer" else "")
    for number, attempt in enumerate(trace.attempts):
        _show_attempt(console, trace, number, attempt, every_call=every_call)
    console.print()
    _row(console, "sums", _sums(trace))


def show_comparison(found: Comparison) -> None:
    """Print on stdout what differs between two runs."""
    console = _console()
    if found.same:
        _print(console, Text("The runs are the same."))
        return
    _print_differences(console, found.fields)
    for change in found.programs:
        _print(console, Text(f"program {change.attempt + 1}", "bold"))
        for line in change.lines:
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            _print(console, Text(f"    {_code(line)}", style), 8)
    for call in found.calls[:_MOST_DIFFERENCES]:
        _print(console, _call_change(call), 8)
    _print_differences(console, found.measures)
    left = sum(
        max(0, len(list_) - _MOST_DIFFERENCES)
        for list_ in (found.fields, found.calls, found.measures)
    )
    if left:
        _print(console, Text(f"… and {left} more differences (--json lists all)", "dim"))


def _print_differences(console: Console, differences: Sequence[Difference]) -> None:
    for difference in differences[:_MOST_DIFFERENCES]:
        first, second = _value(difference.first), _value(difference.second)
        _print(console, _changed(one_line(difference.path), first, second), 4)


def _show_attempt(
    console: Console, trace: Trace, number: int, attempt: Attempt, *, every_call: bool
) -> None:
    calls: dict[int, list[CallRecord]] = defaultdict(list)
    for call in attempt.calls:
        calls[call.line].append(call)
    console.print()
    heading = f"program {number + 1} of {len(trace.attempts)} by {one_line(attempt.generator)}"
    heading += ", from the program cache" if attempt.from_program_cache else ""
    if len(trace.attempts) > 1 and attempt is trace.answering:
        heading += ", chosen" if trace.votes else ", the last"
    _print(console, Text(heading, "bold"))
    failure = attempt.failure
    has_printed_failure = False
    lines = printable(attempt.source).split("\n") if attempt.source else []
    for line, text in enumerate(lines, 1):
        _print(console, Text.assemble((f"{line:>4}  ", "dim"), _code(text)), 10)
        made = calls.pop(line, [])
        printed = made if every_call else made[:_MOST_CALLS]
        for call in printed:
            _print(console, _call(call), 10)
        if len(made) > len(printed):
            more = f"      … {len(made) - len(printed)} more calls (--all shows them)"
            _print(console, Text(more, "dim"), 10)
        if failure is not None and failure.line == line:
            _print(console, Text(f"      ✗ {failure.kind}: {one_line(failure.message)}", "red"), 10)
            has_printed_failure = True
    for made in calls.values():  # lines that the program does not have
        for call in made:
            _print(console, _call(call), 10)
    if failure is not None and not has_printed_failure:
        _print(console, Text(f"      ✗ {failure.kind}: {one_line(failure.message)}", "red"), 10)
    for finding in attempt.findings:
        text = f"line {finding.line}: {finding.kind}: {one_line(finding.message)}"
        _row(console, "finding", text)
    for note in attempt.notes:
        _row(console, "note", one_line(note))
    if attempt.printed:
        _row(console, "printed", one_line(attempt.printed))
    if failure is None:
        _row(console, "returned", _value(attempt.returned))


def _call(call: CallRecord) -> Text:
    """Return a call, its result and what it took, on one line."""
    if call.failure is not None:
        result = Text(f"{call.failure_kind}: {one_line(call.failure)}", "red")
    else:
        result = Text(_value(call.result), "green")
    facts = []
    if call.score is not None:
        facts.append(f"score {call.score:.2f}")
    if call.model:
        facts.append(one_line(call.model))
    facts.append("cached" if call.cached else _counted(call.forwards, "forward"))
    if call.prefetched:
        facts.append(f"{call.prefetched} prefetched")
    facts.append(f"{call.ms:.1f} ms")
    facts += map(one_line, call.notes)
    return Text.assemble(
        ("      → ", "cyan"),
        _called(call.to_json()),
        " = ",
        result,
        ("  " + " · ".join(facts), "dim"),
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
    parts = [
        f"{_counted(len(calls), 'call')} ({cached} cached)",
        f"forwards: {one_line(forwards) or 'none'}",
        f"{usage.tokens} tokens" if usage.tokens else "",
        f"{trace.total_ms:.1f} ms",
        f"Viper {one_line(trace.viper)}" if trace.viper else "",
    ]
    return " · ".join(part for part in parts if part)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _code(text: str) -> str:
    """Return one line of a program, its indentation kept."""
    return printable(text.expandtabs(4))


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def _row(console: Console, name: str, text: str, style: str = "") -> None:
    _print(console, Text.assemble((f"{name:<13}", "dim"), (text, style)), 13)


def _print(console: Console, text: Text, hanging: int = 0) -> None:
    """Print a text; what does not fit the width goes on under it, indented by `hanging`."""
    text.overflow = "fold"
    width = max(console.width, hanging + 20)
    # `wrap` ends each line at the width; the first may be longer than those that are indented.
    first, *more = text.wrap(console, width)
    console.print(first, soft_wrap=True)
    if more:
        rest = text[len(first) :]
        for line in rest.wrap(console, width - hanging):
            blank = len(line.plain) - len(line.plain.lstrip())
            console.print(Text(" " * hanging) + line[blank:], soft_wrap=True)
