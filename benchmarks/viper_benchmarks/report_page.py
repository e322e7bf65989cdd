"""The report as one HTML page without network access: tables, intervals, accuracy by type, wrong samples.

Texts come from models and data files: the template escapes all of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from viper.images.boxes import Box
from viper.texts.terminal import visible
from viper_benchmarks.sample import Sample, SampleResult, id_bytes
from viper_benchmarks.thumbnails import Thumbnail, images_of, thumbnail

__all__ = ["render_page"]

# Wrong samples in the gallery: enough to see a pattern, and a page of about a megabyte.
_GALLERY_SIZE = 24
_TEMPLATE = "report.html.j2"

# Optional keys of report and settings; the template requires all others.
_OPTIONAL = ("split", "subset", "metric", "exposure", "baselines_left_out")
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


class _Wrong(NamedTuple):
    """A wrong sample with its thumbnail."""

    row: SampleResult
    thumbnail: Thumbnail


def render_page(
    report: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Iterable[SampleResult],
    samples: Iterable[Sample],
    data_folder: Path | None,
) -> str:
    """Return the page of a run.

    Args:
        report: The content of `report.json`.
        settings: Of the run, as in `run.json`.
        rows: Read once; the page has some of the wrong ones, chosen by their ids alone.
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
    wrong = heapq.nsmallest(
        _GALLERY_SIZE,
        (row for row in rows if not row.correct),
        key=lambda row: sha256(id_bytes(row.id)).digest(),
    )
    images = images_of(samples, {row.id for row in wrong})
    page = environment.get_template(_TEMPLATE)
    return page.render(
        report={**dict.fromkeys(_OPTIONAL), **report},
        settings={**dict.fromkeys(_OPTIONAL_SETTINGS), **settings},
        groups=list(_groups(report["by_tag"])),
        gallery=[_Wrong(row, thumbnail(images.get(row.id), data_folder)) for row in wrong],
        n_wrong=report["n"] - report["n_correct"],
        box=_svg_box,
    )


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
    return {"x": x1, "y": y1, "width": max(0.0, x2 - x1), "height": max(0.0, y2 - y1)}
