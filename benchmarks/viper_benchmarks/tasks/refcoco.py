"""The tasks `refcoco`, `refcoco+` and `refcocog`: referring expressions on photographs of COCO.

One sample per sentence, as in the papers (Yu et al. 2016; Mao et al. 2016; Nagaraja et al. 2016). The
references are a pickle, read by `plain_pickle.py`; boxes and image names come from `instances.json` (the
`file_name` of a reference contains the number of its annotation).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from viper.errors import InputError, MissingExtraError
from viper.images.boxes import MAX_COORDINATE, Box
from viper_benchmarks.sample import Sample
from viper_benchmarks.task import STANDARD_SUBSETS, BenchmarkTask
from viper_benchmarks.tasks.json_files import Expected, Row, first_existing, image_path
from viper_benchmarks.tasks.plain_pickle import read_plain_pickle

__all__ = ["REFCOCO", "REFCOCOG", "REFCOCO_PLUS", "read_references"]

_ORIGIN = "refcoco.zip, refcoco+.zip and refcocog.zip of github.com/lichengunc/refer"
_REFERENCES = Expected(
    "a pickled list of references with 'ref_id', 'ann_id', 'image_id', 'split' and 'sentences'",
    _ORIGIN,
)
_INSTANCES = Expected(
    "an object with 'images', 'annotations' (bbox: x, y, width, height) and 'categories', in COCO's format",
    _ORIGIN,
)
_IMAGE_PLACES = (
    "images/mscoco/images/train2014",
    "mscoco/train2014",
    "images/train2014",
    "train2014",
)
_EXPOSURE = (
    "All images are COCO train2014, hence in train2017: detectors trained on COCO (YOLOX, YOLO) were trained "
    "on the objects, and some grounding models on the expressions."
)
_GOOGLE = "google-"

# The largest split has 120,624 sentences, the longest of them some hundred words. A pickle may name one part
# of itself any number of times, so that its size bounds neither.
_MOST_SENTENCES = 300_000
_LONGEST_SENTENCE = 1_000
# Of splits that are named when another one is asked for.
_MOST_NAMED = 20
_LONGEST_NAME = 40


class _Instances(NamedTuple):
    """The content of `instances.json` by id."""

    images: Mapping[int, dict[str, Any]]
    annotations: Mapping[int, dict[str, Any]]
    categories: Mapping[int, dict[str, Any]]
    name: str


def read_references(dataset: str, division: str, folder: Path, split: str) -> list[Sample]:
    """Read the expressions of a split.

    Args:
        dataset: Name of the folder, `refcoco`, `refcoco+` or `refcocog`.
        division: Origin of the splits, `unc` or `umd`.
        folder: With the folder of the dataset, or that folder itself, and COCO's images.
        split: As in the references; `google-val` for Google's division.

    Raises:
        InputError: A file or a value is missing or malformed; the message names the expected content.
        MissingExtraError: pycocotools is not installed.
    """
    home = folder / dataset
    if not home.is_dir() and (folder / "instances.json").is_file():
        home = folder  # --data names the dataset itself
    wanted = split
    if split.startswith(_GOOGLE):
        division, wanted = "google", split.removeprefix(_GOOGLE)
    path = home / f"refs({division}).p"
    if not path.is_file():
        raise _REFERENCES.missing(path, _other_division(home, dataset, division))
    references = read_plain_pickle(path)
    if not isinstance(references, list) or not references:
        raise _REFERENCES.wrong(path, "contains no list of references")
    instances = _instances(home / "instances.json")
    images = first_existing(base / place for base in (folder, home) for place in _IMAGE_PLACES)
    samples: dict[str, Sample] = {}
    splits: dict[str, None] = {}
    for position, value in enumerate(references):
        row = Row(value, f"{path.name}: reference {position}")
        if (name := row.text("split")) != wanted:
            splits[name[:_LONGEST_NAME]] = None
            continue
        for sample in _samples(row, instances, images):
            if samples.setdefault(sample.id, sample) is not sample:
                raise row.wrong(f"repeats the sent_id {sample.id}.")
            if len(samples) > _MOST_SENTENCES:
                raise row.wrong(f"is beyond {_MOST_SENTENCES:,} sentences, which no split has.")
    if not samples:
        more = ", …" if len(splits) > _MOST_NAMED else ""
        named = ", ".join([*splits][:_MOST_NAMED])
        raise InputError(f"{path.name} has no split {wanted!r}; it has: {named}{more}.")
    return list(samples.values())


def _other_division(home: Path, dataset: str, division: str) -> str:
    hint = f"--data must name the folder with {dataset}/ and the images. "
    if (home / "refs(google).p").is_file():
        hint += (
            f"refs(google).p exists, but divides objects, not images: train and val share images. Papers "
            f"report {division}; --split {_GOOGLE}val scores Google's division. "
        )
    return hint


def _instances(path: Path) -> _Instances:
    try:
        from pycocotools import coco as library
    except ModuleNotFoundError as error:
        raise MissingExtraError("pycocotools", "bench", "The RefCOCO family") from error
    content = _INSTANCES.json(path)
    parts = "images annotations categories".split()
    if not all(isinstance(content.get(part), list) for part in parts):
        raise _INSTANCES.wrong(path, "contains no images, annotations and categories")
    coco: Any = library.COCO()  # its types describe valid files only
    coco.dataset = content
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints
            coco.createIndex()
    except (KeyError, TypeError) as error:
        raise _INSTANCES.wrong(path, f"has an entry without {error}") from error
    return _Instances(coco.imgs, coco.anns, coco.cats, path.name)


def _samples(reference: Row, instances: _Instances, images: Path) -> Iterator[Sample]:
    """Yield one sample per sentence."""
    annotation = _entry(reference, "ann_id", instances.annotations, instances.name)
    image = _entry(reference, "image_id", instances.images, instances.name)
    category = _category(annotation, instances)
    box = _box(annotation)
    path = image_path(images, image.text("file_name"))
    for position, value in enumerate(reference.items("sentences")):
        sentence = Row(value, f"reference {reference.number('ref_id')}: sentence {position}")
        text = sentence.text("sent", longest=_LONGEST_SENTENCE)
        yield Sample(
            id=str(sentence.number("sent_id")),
            task="grounding",
            image=path,
            query=text,
            box_xyxy=box,
            tags=(*((f"category:{category}",) if category else ()), _length(text)),
        )


def _category(annotation: Row, instances: _Instances) -> str | None:
    number = annotation.raw.get("category_id")
    entry = instances.categories.get(number) if type(number) is int else None
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else None


def _entry(reference: Row, name: str, entries: Mapping[int, dict[str, Any]], file: str) -> Row:
    number = reference.number(name)
    if number not in entries:
        raise reference.wrong(f"has the {name} {number}, which is not in {file}.")
    return Row(entries[number], f"{file}: {name} {number}")


def _box(annotation: Row) -> Box:
    bbox = annotation.items("bbox")
    numbers = [float(v) for v in bbox if type(v) in (int, float) and abs(v) <= MAX_COORDINATE]
    if len(numbers) != 4 or len(bbox) != 4 or min(numbers[2:]) <= 0:
        raise annotation.wrong(
            f"has the bbox {repr(bbox)[:80]}; it must be x, y, width, height in pixels."
        )
    x, y, width, height = numbers
    return x, y, x + width, y + height


@lru_cache(maxsize=1024)
def _length(text: str) -> str:
    words = len(text.split())
    return "words:1-2" if words < 3 else "words:3-5" if words < 6 else "words:6+"


def _task(name: str, division: str, summary: str, splits: Mapping[str, int]) -> BenchmarkTask:
    return BenchmarkTask(
        name=name,
        version=1,
        summary=summary,
        layout=f"{name}/refs({division}).p\n{name}/instances.json\n"
        "images/mscoco/images/train2014/COCO_train2014_000000581857.jpg   or mscoco/train2014, train2014",
        origin=f"{_ORIGIN}; images: cocodataset.org (2014 train images)",
        read=partial(read_references, name, division),
        splits=splits,
        default_split="val",
        subsets=STANDARD_SUBSETS,
        exposure=_EXPOSURE,
        presupposes_answer=True,
        images="cocodataset.org (2014 train images)",
    )


REFCOCO = _task(
    "refcoco",
    "unc",
    "Short referring expressions on COCO photographs (testA: people, testB: other objects).",
    {"train": 120_624, "val": 10_834, "testA": 5_657, "testB": 5_095},
)
REFCOCO_PLUS = _task(
    "refcoco+",
    "unc",
    "Referring expressions without words of location.",
    {"train": 120_191, "val": 10_758, "testA": 5_726, "testB": 4_889},
)
REFCOCOG = _task(
    "refcocog",
    "umd",
    "Longer referring expressions on COCO photographs.",
    {"train": 80_512, "val": 4_896, "test": 9_602},
)
