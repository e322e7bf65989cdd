"""The samples of a report page: all of them up to 20,000, with cut texts, and one small picture per image.

The page is bounded, whatever rows and images hold: long texts are cut, and pictures and programs are left out
where they would take more than their share (`samples.jsonl` has all). Rows are read twice and never held
together. Which samples are listed, if not all, depends on their ids alone. Samples that are not simply right
get pictures first.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from viper_benchmarks.row import SampleResult
from viper_benchmarks.sample import Sample, id_bytes
from viper_benchmarks.thumbnails import Thumbnail, images_of, thumbnail
from viper_benchmarks.trace_pages import is_page

__all__ = ["MOST_LISTED", "Listed", "Listing", "SharedImage"]

MOST_LISTED = 20_000
"""Samples of one page: more than most test splits have, and as many as a browser still shows at once."""
_IMAGES_BYTES = 12_000_000
_PROGRAMS_CHARACTERS = 12_000_000
# Characters of one text on the page.
_LONG, _SHORT = 3_000, 300
_MOST_DOUBTS = 5
_MOST_TAGS = 12
_LEFT_OUT = "left out: the page has pictures enough"


class SharedImage(NamedTuple):
    """A picture that samples of the page share."""

    id: str
    """Of its element; empty where it is not shown."""
    thumbnail: Thumbnail


class Listed(NamedTuple):
    """A sample of the page."""

    row: SampleResult
    """With cut texts."""
    kinds: tuple[str, ...]
    """`right`, `wrong` or `unanswered`, then `doubtful` and `direct` where they apply."""
    image: SharedImage
    trace: str | None
    """Page of the whole run."""


class Listing:
    """The samples of a page.

    Args:
        rows: Can be iterated more than once.
        samples: Of the run; they say which image belongs to an id.
        data_folder: Folder of the data: only images in it are shown.
    """

    def __init__(
        self, rows: Iterable[SampleResult], samples: Iterable[Sample], data_folder: Path | None
    ) -> None:
        self._rows = rows
        self._data_folder = data_folder
        self._ids, self._odd = set[str](), set[str]()
        self.counts: Counter[str] = Counter()
        """Listed samples of each kind, and of `all` kinds."""
        hashed = ((sha256(id_bytes(row.id)).digest(), row.id, _kinds(row)) for row in rows)
        for _, id_, kinds in heapq.nsmallest(MOST_LISTED, hashed):
            self._ids.add(id_)
            self.counts.update(("all", *kinds))
            if kinds != ("right",):
                self._odd.add(id_)
        self._images = images_of(samples, self._ids)
        self._shared: dict[Path, SharedImage] = {}
        self._programs = 0

    def images(self) -> Iterator[SharedImage]:
        """Yield the pictures to show; to be called before `samples`."""
        total_bytes = 0
        ordered = sorted(self._images, key=lambda id_: id_ not in self._odd)
        for number, image in enumerate(dict.fromkeys(self._images[id_] for id_ in ordered)):
            if total_bytes > _IMAGES_BYTES:
                break
            small = thumbnail(image, self._data_folder)
            shared = SharedImage(f"p{number}" if small.source else "", small)
            # The template has the source by now: what stays is the size.
            self._shared[image] = shared._replace(thumbnail=small._replace(source=""))
            total_bytes += len(small.source)
            if small.source:
                yield shared

    def samples(self) -> Iterator[Listed]:
        """Yield the listed samples in the order of the rows."""
        for row in self._rows:
            if row.id in self._ids:
                trace = row.trace if is_page(row.trace) else None
                yield Listed(self._cut(row), _kinds(row), self._image(row), trace)

    def _image(self, row: SampleResult) -> SharedImage:
        if (image := self._images.get(row.id)) is None:
            return SharedImage("", thumbnail(None, self._data_folder))
        return self._shared.get(image, SharedImage("", Thumbnail("", (0, 0), _LEFT_OUT)))

    def _cut(self, row: SampleResult) -> SampleResult:
        program = _cut(row.program, _LONG)
        if self._programs > _PROGRAMS_CHARACTERS:
            program = None
        self._programs += len(program or "")
        other = row.other_mode and replace(row.other_mode, **_cut_texts(row.other_mode))
        return replace(
            row, program=program, query=_cut(row.query, _SHORT), answer=_cut(row.answer, _SHORT),
            image=_cut(row.image, _SHORT), tags=row.tags[:_MOST_TAGS], other_mode=other,
            **_cut_texts(row),
        )  # fmt: skip


def _kinds(row: SampleResult) -> tuple[str, ...]:
    if row.outcome == "no_answer":
        return ("unanswered",)
    kinds = ["right" if row.correct else "wrong"]
    kinds += ["doubtful"] * (row.outcome == "answered_with_doubts")
    kinds += ["direct"] * (row.how == "direct")
    return tuple(kinds)


def _cut_texts(result: Any) -> dict[str, Any]:
    """Return the cut texts that a row and its other mode both have."""
    doubts = (
        replace(doubt, condition=_cut(doubt.condition, _SHORT), why=_cut(doubt.why, _SHORT))
        for doubt in result.doubts[:_MOST_DOUBTS]
    )
    return {
        "prediction": _cut(result.prediction, _SHORT),
        "message": _cut(result.message, _SHORT),
        "doubts": tuple(doubts),
    }


def _cut(text: Any, most: int) -> Any:
    return text if text is None or len(text) <= most else f"{text[:most]}…"
