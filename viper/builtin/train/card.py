"""The table of the model card (docs/builtin-models.md), from the figures of a training run."""

from __future__ import annotations

from typing import Any

__all__ = ["card_rows"]


def card_rows(figures: dict[str, Any]) -> list[str]:
    """Return the lines of a Markdown table.

    Args:
        figures: The content of `figures.json`.
    """
    ap50, attributes = figures["ap50"], figures["attributes"]
    rows = [
        f"| figure | {figures['pictures']} validation pictures |",
        "|---|---|",
        f"| AP50 of all things | {ap50['thing']:.3f} |",
        *(f'| AP50 of `find("{name}")` | {ap50[name]:.3f} |' for name in ap50 if name != "thing"),
        f'| `find` of phrases such as "small metal cube": precision, recall | '
        f"{figures['find_precision']:.3f}, {figures['find_recall']:.3f} |",
        *(f"| {name}, of the true boxes | {share:.3f} |" for name, share in attributes.items()),
        f"| order in depth of two things | {figures['depth_order']:.4f} |",
        "",
        "| question | answerer | blind control | `best_text_match` | n |",
        "|---|---|---|---|---|",
    ]
    answers = figures["answers"]
    for kind, limber in answers["limber"].items():
        matched = answers["best_text_match"].get(kind)
        rows.append(
            f"| {kind} | {limber['accuracy']:.1%} | {answers['blind'][kind]['accuracy']:.1%} | "
            f"{'–' if matched is None else format(matched['accuracy'], '.1%')} | {limber['n']} |"
        )
    return rows
