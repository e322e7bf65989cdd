"""The report as one HTML page without network access: tables, intervals, risk and coverage, all samples.

Texts come from models and data files: the template escapes all of them. It is filled in parts, so that a page
of many samples is never held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from viper.images.boxes import Box
from viper.texts.terminal import visible
from viper_benchmarks.listing import Listing
from viper_benchmarks.row import SampleResult
from viper_benchmarks.sample import Sample
from viper_benchmarks.tables import MODE_NAMES

__all__ = ["render_page"]

_TEMPLATE = "report.html.j2"
# Pieces of the template that are handed on together.
_BUFFERED = 200

# Optional keys of report and settings; the template requires all others.
_OPTIONAL = ("split", "subset", "metric", "exposure", "baselines_left_out", "best_effort")
_OPTIONAL_SETTINGS = ("generator", "backends", "programs")

_HEADINGS = {
    "": "Tags",
    "hops": "Hops",
    "structural": "Structural type",
    "semantic": "Semantic type",
    "detailed": "Detailed type",
    "answer": "Kind of answer",
    "type": "Type of question",
    "category": "Category of the target",
    "words": "Words in the expression",
}


def render_page(
    report: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Iterable[SampleResult],
    samples: Iterable[Sample],
    data_folder: Path | None,
) -> Iterator[str]:
    """Yield the page of a run in parts.

    Args:
        report: The content of `report.json`.
        settings: Of the run, as in `run.json`.
        rows: Can be iterated more than once.
        samples: Of the run; they say which image belongs to an id.
        data_folder: Folder of the data: only images in it are shown.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_with_escapes,
    )
    environment.filters["percent"] = _percent
    modes = report["modes"]
    page = environment.get_template(_TEMPLATE).stream(
        report={**dict.fromkeys(_OPTIONAL), **report},
        settings={**dict.fromkeys(_OPTIONAL_SETTINGS), **settings},
        groups=list(_groups(report["by_tag"])),
        modes={MODE_NAMES[mode]: one["outcomes"] for mode, one in modes.items()}
        if modes
        else {"": report["outcomes"]},
        listing=Listing(rows, samples, data_folder),
        box=_svg_box,
        line=_svg_line,
    )
    page.enable_buffering(_BUFFERED)
    return iter(page)


def _groups(by_tag: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Yield headings with their tags: the part before a colon names the kind."""
    kinds: dict[str, list[tuple[str, Any]]] = {}
    for tag, value in by_tag.items():
        kind, colon, rest = tag.partition(":")
        if not (colon and kind.isidentifier()):
            kind, rest = "", tag
        kinds.setdefault(kind, []).append((rest, value))
    for kind, tags in kinds.items():
        yield _HEADINGS.get(kind, kind), sorted(tags, key=lambda item: _natural(item[0]))


def _natural(text: str) -> tuple[int, int, str]:
    """Order numbers by value, before words; a number of any length is not computed."""
    if not (text.isascii() and text.isdecimal()):
        return 1, 0, text
    digits = text.lstrip("0")
    return 0, len(digits), digits


def _with_escapes(value: Any) -> Any:
    """Return what a page shows of a value: no text of strangers can hide in it."""
    return visible(value) if type(value) is str else value  # a macro's result is markup


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def _svg_box(box_xyxy: Box) -> dict[str, float]:
    x1, y1, x2, y2 = box_xyxy
    width, height = max(0.0, x2 - x1), max(0.0, y2 - y1)
    return {
        "x": round(x1, 2),
        "y": round(y1, 2),
        "width": round(width, 2),
        "height": round(height, 2),
    }


def _svg_line(points: Iterable[tuple[float, float]]) -> str:
    """Return pairs of coverage and risk as the points of a line in a square of 100."""
    return " ".join(f"{100 * coverage:.1f},{100 - 100 * risk:.1f}" for coverage, risk in points)
