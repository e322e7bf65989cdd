"""The task `gqa`: questions about photographs with scene graphs (Hudson and Manning 2019).

Questions, images and scene graphs are read from the official files. Graphs exist only for `train` and
`val`, so the oracle and `--attribute-errors` work there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viper_benchmarks.sample import Sample
from viper_benchmarks.task import STANDARD_SUBSETS, BenchmarkTask
from viper_benchmarks.tasks.json_files import Expected, Row, first_existing, image_path

__all__ = ["GQA", "read_gqa"]

_SITE = "cs.stanford.edu/people/dorarad/gqa/download.html"
_QUESTIONS = Expected(
    "an object of question ids, each with 'question', 'imageId', 'answer' and 'types'",
    f"questions1.2.zip of {_SITE}",
)
_PLACES = ("questions", "", "questions1.2")
_GRAPH_PLACES = ("sceneGraphs", "scene_graphs", "")
# Of a key in a message; official ones have a dozen digits.
_LONGEST_KEY = 60
_WITHOUT_ANSWERS = ("test", "challenge", "submission")


def read_gqa(folder: Path, split: str) -> list[Sample]:
    """Read the questions of a split.

    Args:
        folder: With `questions/` and `images/`.
        split: `val`, `testdev` or `train` for the balanced questions; `val_all` and so on for all.

    Raises:
        InputError: A file or a value is missing or malformed; the message names the expected content.
    """
    samples = []
    for path in _files(folder, split):
        content = _QUESTIONS.json(
            path,
            "--data must name the folder with GQA's questions/ and images/, and --split a split of it. ",
        )
        for key, value in content.items():
            row = Row(value, f"{path.name}: question {key[:_LONGEST_KEY]!r}")
            samples.append(_sample(key, row, folder / "images"))
    return samples


def _files(folder: Path, split: str) -> Iterator[Path]:
    name = split if split.endswith(("_balanced", "_all")) else f"{split}_balanced"
    file = f"{name}_questions"
    if name == "train_all":
        # Published as a folder of ten files.
        parts = first_existing(folder / place / file for place in _PLACES)
        if parts.is_dir() and (found := sorted(parts.glob("*.json"))):
            yield from found
            return
    yield first_existing(folder / place / f"{file}.json" for place in _PLACES)


def _sample(key: str, row: Row, images: Path) -> Sample:
    if row.raw.get("answer") is None:
        raise row.wrong(
            f"has no 'answer': {', '.join(_WITHOUT_ANSWERS)} have none and cannot be scored. "
            "Choose --split testdev or val."
        )
    return Sample(
        id=key,
        task="vqa",
        image=image_path(images, f"{row.text('imageId')}.jpg"),
        query=row.text("question"),
        answer=row.text("answer"),
        tags=tuple(_tags(row.raw)),
    )


def _tags(row: dict[str, Any]) -> Iterator[str]:
    """Yield the types of a question; hops are the steps of its functional program."""
    types = row.get("types")
    if isinstance(types, dict):
        for kind in ("structural", "semantic", "detailed"):
            if isinstance(types.get(kind), str):
                yield f"{kind}:{types[kind]}"
        # The same groups as in the official evaluation.
        yield "answer:open" if types.get("structural") == "query" else "answer:binary"
    if isinstance(row.get("semantic"), list):
        yield f"hops:{len(row['semantic'])}"


def _graphs(folder: Path, split: str) -> Path | None:
    part = split.partition("_")[0]
    path = first_existing(folder / place / f"{part}_sceneGraphs.json" for place in _GRAPH_PLACES)
    return path if path.is_file() else None


GQA = BenchmarkTask(
    name="gqa",
    version=1,
    summary="Compositional questions about photographs, made from scene graphs.",
    layout="questions/testdev_balanced_questions.json   and val, train; *_all for --split val_all\n"
    "images/n161313.jpg                          all images in one folder\n"
    "sceneGraphs/val_sceneGraphs.json            for --attribute-errors and --models truth:FILE;\n"
    "                                            train and val only",
    origin=_SITE,
    read=read_gqa,
    splits={
        "testdev": 12_578,
        "val": 132_062,
        "train": 943_000,
        "testdev_all": 172_174,
        "val_all": None,
        "train_all": None,
    },
    default_split="testdev",
    subsets=STANDARD_SUBSETS,
    truth=_graphs,
    presupposes_answer=True,
    images=f"images.zip of {_SITE}",
    exposure="Images of val and train are Visual Genome's, about half of them COCO's: many detectors and "
    "matchers were trained on them.",
)
