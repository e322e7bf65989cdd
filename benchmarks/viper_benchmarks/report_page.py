"""The report as one HTML page without network access: tables, intervals, accuracy by type, wrong samples.

Texts come from models and data files: the template escapes all of them.
"""

from __future__ import annotations

import base64
import heapq
import io
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from viper.errors import InputError
from viper.images.boxes import Box
from viper_benchmarks.sample import SampleResult

__all__ = ["render_page"]

# Wrong samples in the gallery: enough to see a pattern, and a page of about a megabyte.
_GALLERY_SIZE = 24
_LONGEST_SIDE = 460
_JPEG_QUALITY = 80
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


class _Thumbnail(NamedTuple):
    """A small copy of an image for the page."""

    source: str
    """A data URI."""
    size: tuple[int, int]
    """(width, height) of the image in pixels: the frame of its boxes."""


class _Wrong(NamedTuple):
    """A wrong sample with its image; None if it cannot be read."""

    row: SampleResult
    thumbnail: _Thumbnail | None


def render_page(
    report: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Iterable[SampleResult],
    data_folder: Path | None,
) -> str:
    """Return the page of a run.

    Args:
        report: The content of `report.json`.
        settings: Of the run, as in `run.json`.
        rows: Read once; the page has some of the wrong ones, chosen by their ids alone.
        data_folder: Folder of the rows' images.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    wrong = heapq.nsmallest(
        _GALLERY_SIZE,
        (row for row in rows if not row.correct),
        key=lambda row: sha256(row.id.encode()).digest(),
    )
    page = environment.get_template(_TEMPLATE)
    return page.render(
        report={**dict.fromkeys(_OPTIONAL), **report},
        settings={**dict.fromkeys(_OPTIONAL_SETTINGS), **settings},
        groups=list(_groups(report["by_tag"])),
        gallery=[_Wrong(row, _thumbnail(row, data_folder)) for row in wrong],
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
    """Order numbers by value, before words."""
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def _svg_box(box_xyxy: Box) -> dict[str, float]:
    x1, y1, x2, y2 = box_xyxy
    return {"x": x1, "y": y1, "width": max(0.0, x2 - x1), "height": max(0.0, y2 - y1)}


def _thumbnail(row: SampleResult, folder: Path | None) -> _Thumbnail | None:
    from PIL import Image

    from viper.images.decoding import open_image

    path = Path(row.image) if folder is None else folder / row.image
    try:
        image = open_image(path)
    except InputError:
        return None
    small = Image.fromarray(image.pixels())
    small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    coded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return _Thumbnail(f"data:image/jpeg;base64,{coded}", image.size)
