"""Compares two runs: questions, programs, calls and answers; times and costs only on demand."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, TypeAlias

from viper.trace.differences import Difference, differences_of_all
from viper.trace.model import measures
from viper.trace.places import quote
from viper.trace.record import Trace
from viper.trace.turns import Attempt, CallRecord
from viper_sandbox.source_lines import lines_of

__all__ = ["CallChange", "Comparison", "compare"]

# Every field of a record is compared, except measures and these, with the reason.
_APART = {
    "turns": "compared one by one",
    "source": "compared as a diff",
    "calls": "compared one by one",
    "reply": "what counts of it is the program",
    "call_sites": "compared where the programs are equal; otherwise they follow from the diff",
    "embedded": "compared where both files have some: a file holds as much of its image as was asked for",
}
_NOT_OF_A_CALL = {
    "line": "it moves with the lines above it",
    "method": "a call is found by it",
    "image": "a call is found by it",
    "box_xyxy": "a call is found by it",
    "arguments": "a call is found by it",
}
_FOUND_BY = ("method", "image", "box_xyxy", "arguments")

# Characters; as many as the sandbox accepts.
_LONGEST_SOURCE = 200_000

# Steps of the best diff, of all programs: for each block that two programs share, `difflib` walks through the
# lines of one and, for each, all that equal it in the other. What is equal at both ends is left out before.
# Where too few steps are left, a program is displayed as lines removed and lines added. Takes seconds.
_MOST_STEPS = 10_000_000

_CONTEXT = 2

_LENGTH_OF_DIGEST = 64

_Pair: TypeAlias = tuple[Any, Any, str]
"""Two JSON values that are compared, and their path."""


class ProgramChange(NamedTuple):
    """Two programs in the same place that are not the same."""

    attempt: int
    lines: list[str]
    """A unified diff."""


class CallChange(NamedTuple):
    """A call that only one run has, or that has different results."""

    attempt: int
    first: dict[str, Any] | None
    """As in the first trace; None where it is not there."""
    second: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs."""

    fields: tuple[Difference, ...]
    """Of the runs and their attempts, without programs and calls."""
    programs: tuple[ProgramChange, ...]
    calls: tuple[CallChange, ...]
    measures: tuple[Difference, ...] = ()
    """Times and costs, if they were compared."""

    @property
    def same(self) -> bool:
        """True when nothing differs."""
        return not (self.fields or self.programs or self.calls or self.measures)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `viper trace diff --json` prints."""
        parts = {name: getattr(self, name) for name in ("fields", "programs", "calls", "measures")}
        return {
            "same": self.same,
            **{name: [part._asdict() for part in items] for name, items in parts.items()},
        }


def compare(first: Trace, second: Trace, *, times: bool = False) -> Comparison:
    """Compare two runs, attempt by attempt.

    Two calls are the same if method, box and arguments are equal; their lines and order do not matter.

    Args:
        first: One run.
        second: The other.
        times: Whether to compare times and costs as well.
    """
    one, other = first.to_json(), second.to_json()
    programs: list[ProgramChange] = []
    calls: list[CallChange] = []
    heads: list[_Pair] = [(_head(one, Trace), _head(other, Trace), "")]
    steps_left = _MOST_STEPS
    measured: list[_Pair] = [(_measures(one, Trace), _measures(other, Trace), "")]
    for part in ("images", "crops"):
        images, others = ((run.get("embedded") or {}).get(part) for run in (one, other))
        if images and others:
            heads.append((_digests(images), _digests(others), f"embedded.{part}"))
    for number, (left, right) in enumerate(zip_longest(one["turns"], other["turns"])):
        path = f"turns[{number}]"
        heads.append((_head(left, Attempt), _head(right, Attempt), path))
        before, after = (attempt["source"] if attempt else "" for attempt in (left, right))
        if before != after:
            lines, steps = _diff(before, after, steps_left)
            steps_left -= steps
            programs.append(ProgramChange(number, lines))
        elif left and right:
            heads.append((left["call_sites"], right["call_sites"], f"{path}.call_sites"))
        if left and right:
            measured.append((_measures(left, Attempt), _measures(right, Attempt), path))
        for a, b in _matched(left, right):
            if a is None or b is None or _answered(a, one) != _answered(b, other):
                calls.append(CallChange(number, a, b))
            if times and a and b:
                place = f"{path}.line {a['line']} {quote(a['method'])[1:-1]}"
                measured.append((_measures(a, CallRecord), _measures(b, CallRecord), place))
    return Comparison(
        tuple(differences_of_all(heads)),
        tuple(programs),
        tuple(calls),
        tuple(differences_of_all(measured)) if times else (),
    )


def _head(value: dict[str, Any] | None, kind: Any) -> dict[str, Any] | None:
    """Return what happened, without programs, calls and measures."""
    left_out = {*measures(kind), *_APART}
    return value and {key: item for key, item in value.items() if key not in left_out}


def _measures(value: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    return {key: value[key] for key in measures(kind)}


def _diff(first: str, second: str, most_steps: int) -> tuple[list[str], int]:
    """Return a unified diff, and the steps that it may have taken: at most `most_steps`."""
    if max(len(first), len(second)) > _LONGEST_SOURCE:
        return [f"(programs of {len(first):,} and {len(second):,} characters)"], 0
    before, after = lines_of(first), lines_of(second)
    if first.endswith("\n") != second.endswith(
        "\n"
    ):  # an empty last line is the only difference that shows it
        (before if first.endswith("\n") else after).append("")
    same_before = _same_at_start(before, after)
    rest = len(before) - same_before, len(after) - same_before
    same_after = min(_same_at_start(before[::-1], after[::-1]), *rest)
    begin, end = max(0, same_before - _CONTEXT), max(0, same_after - _CONTEXT)
    before, after = before[begin : len(before) - end], after[begin : len(after) - end]
    steps = _steps(before, after)
    if steps > most_steps:
        found = [
            *("--- A", "+++ B", f"@@ -{begin + 1},{len(before)} +{begin + 1},{len(after)} @@"),
            *(f"-{line}" for line in before),
            *(f"+{line}" for line in after),
        ]
        return found, 0
    lines = difflib.unified_diff(before, after, "A", "B", lineterm="", n=_CONTEXT)
    return [_shifted(line, begin) if line.startswith("@@") else line for line in lines], steps


def _steps(before: list[str], after: list[str]) -> int:
    """Return the most steps of a diff: blocks that both may share, times what is looked at for each."""
    counts = Counter(after)
    equal = sum(number * counts[line] for line, number in Counter(before).items())
    return min(len(before), len(after)) * (len(before) + len(after) + equal)


def _same_at_start(first: list[str], second: list[str]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def _shifted(header: str, by: int) -> str:
    """Return the header of a hunk, such as `@@ -3,4 +3,5 @@`, with its line numbers moved."""
    return re.sub(r"([-+])(\d+)", lambda found: f"{found[1]}{int(found[2]) + by}", header)


def _matched(
    left: Mapping[str, Any] | None, right: Mapping[str, Any] | None
) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """Yield pairs of equal calls; None stands for a missing one."""
    groups: dict[str, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for side, attempt in enumerate((left, right)):
        for call in attempt["calls"] if attempt else ():
            key = json.dumps(
                [call[name] for name in _FOUND_BY],
                sort_keys=True,
            )
            groups[key][side].append(call)
    for calls, others in groups.values():
        yield from zip_longest(calls, others)


def _answered(call: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Return all of a call that is compared, as JSON, where 1, 1.0 and true differ."""
    left_out = {*measures(CallRecord), *_NOT_OF_A_CALL}
    said = {name: value for name, value in call.items() if name not in left_out}
    if said.get("model") and said["model"] == run["models"].get(said.get("role")):
        said["model"] = ["the model of the role"]  # which is compared once, with the run
    return json.dumps(said, sort_keys=True)


def _digests(value: Any) -> Any:
    """Return a value with digests in the place of long texts, such as images.

    A digest is itself as long as a text that is replaced by one, so that no text stays what another becomes.
    """
    if isinstance(value, dict):
        return {key: _digests(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_digests(item) for item in value]
    if isinstance(value, str) and len(value) >= _LENGTH_OF_DIGEST:
        return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return value
