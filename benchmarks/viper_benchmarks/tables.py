"""Reports and comparisons as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["MODE_NAMES", "comparison_lines", "report_lines"]

MODE_NAMES = {"no_best_effort": "without best effort", "best_effort": "best effort"}
"""Modes of a report of both, as people read them."""
_PARTS = {"answered": "answered", "doubtful": "doubtful", "direct": "one model's word"}
# Samples in a comparison; --json has all.
_LISTED = 20


def report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report."""
    about = [str(report[name]) for name in ("task", "split", "subset") if report.get(name)]
    yield f"{' '.join(about)}: {report['n']:,} samples"
    low, high = report["accuracy_ci95"]
    yield f"accuracy      {report['accuracy']:.1%}  (95 % interval {low:.1%} … {high:.1%})"
    if report["mean_iou"] is not None:
        yield (
            f"Acc@0.5       {report['acc_iou50']:.1%}   Acc@0.7 {report['acc_iou70']:.1%}   "
            f"mean IoU {report['mean_iou']:.3f}"
        )
    if found := report.get("found"):
        of = f"of {found['n']} whose target the detector found"
        yield f"found         {found['value']:.1%} {of}{_ci(found['ci95'])}"
    for name, row in report["metrics"].items():
        yield f"  {name:<24} {row['value']:>6.1%}{_ci(row['ci95'])}"
    modes = report["modes"]
    if modes is None:
        yield from _outcome_lines(report["outcomes"], report["failures"])
    for mode, one in (modes or {}).items():
        yield f"{MODE_NAMES[mode]}: accuracy {one['accuracy']:.1%}{_ci(one['accuracy_ci95'])}"
        for line in _outcome_lines(one["outcomes"], one["failures"]):
            yield f"  {line}"
    yield f"programs/s    {report['programs_per_s']:.1f}"
    if report["baselines"]:
        yield "baselines                  accuracy   program minus baseline"
        for name, row in report["baselines"].items():
            yield f"  {name:<24} {row['accuracy']:>6.1%}   {_points(row)}"
    for name, reason in (report.get("baselines_left_out") or {}).items():
        yield f"  {name:<24} omitted: {reason}"
    if report["error_attribution"]:
        yield "causes of wrong samples"
        for name, count in report["error_attribution"].items():
            yield f"  {name:<24} {count}"
    for tag, row in report["by_tag"].items():
        yield f"  {tag:<24} {row['accuracy']:>6.1%}  of {row['n']}"
    if report.get("exposure"):
        yield f"exposure: {report['exposure']}"


def _outcome_lines(outcomes: Mapping[str, Any], failures: Mapping[str, int]) -> Iterator[str]:
    """Yield the shares of the outcomes, and how right the answers are."""
    for part, words in _PARTS.items():
        row = outcomes[part]
        if not row["n"] and part in ("doubtful", "direct"):
            continue
        line = f"{words:<13} {row['share']:.1%}"
        if row.get("accuracy") is not None:
            line += f"  accuracy of these {row['accuracy']:.1%}{_ci(row['accuracy_ci95'])}"
        yield line
    kinds = ", ".join(f"{kind} {count}" for kind, count in failures.items())
    yield f"not answered  {outcomes['not_answered']['share']:.1%}{f'  ({kinds})' if kinds else ''}"
    if curve := outcomes["risk_coverage"]:
        yield (
            f"risk–coverage area {curve['area']:.3f} (best order {curve['area_best']:.3f}, order by chance "
            f"{curve['area_random']:.3f})"
        )


def comparison_lines(comparison: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a comparison of two runs."""
    yield f"{comparison['task']}: {comparison['n']:,} samples in both runs"
    for side in ("first", "second"):
        row = comparison[side]
        yield f"{side:<13} {row['value']:.1%}{_ci(row['ci95'])}  {row['folder']}"
    interval = comparison["difference_ci95"]
    between = (
        f"  (95 % interval {100 * interval[0]:+.1f} … {100 * interval[1]:+.1f})" if interval else ""
    )
    yield f"second−first  {100 * comparison['difference']:+.1f} points{between}"
    yield f"McNemar       p = {comparison['mcnemar_p']:.3g}  (exact, two-sided)"
    yield (
        f"right in both {comparison['both_right']}, wrong in both {comparison['both_wrong']}, gained "
        f"{len(comparison['gained'])}, lost {len(comparison['lost'])}; answers that changed: "
        f"{comparison['answers_changed']}"
    )
    for side in ("first", "second"):
        if only := comparison[f"only_in_{side}"]:
            yield f"only in {side}: {only} samples, ignored"
    for name, (old, new) in comparison["settings"].items():
        yield f"  {name}: {old} → {new}"
    for what in ("gained", "lost"):
        entries = comparison[what]
        for entry in entries[:_LISTED]:
            yield (
                f"{what:<7} {entry['id']}: {entry['query']!r}  {entry['first']!r} → {entry['second']!r}"
            )
        if len(entries) > _LISTED:
            yield f"{what:<7} … and {len(entries) - _LISTED} more (--json lists them)"


def _ci(pair: Sequence[float] | None) -> str:
    return f"  ({pair[0]:.1%} … {pair[1]:.1%})" if pair else ""


def _points(row: Mapping[str, Any]) -> str:
    interval = row["gained_ci95"]
    between = f" ({100 * interval[0]:+.1f} … {100 * interval[1]:+.1f})" if interval else ""
    return f"{100 * row['gained']:+.1f} points{between}, p = {row['mcnemar_p']:.3g}"
