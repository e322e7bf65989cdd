"""Questions about labelled photographs: rows for `viper bench jsonl`, from labels in the format of YOLO.

    python -m viper_benchmarks.label_questions coco128 > coco128/questions.jsonl

Of each image, for each labelled class: "Is there a dog?" (yes) and "How many dogs are there?" (the number of
its labels), and as many times "Is there a …?" for a class that the image has no label of (no). Which classes
those are depends on the name of the image alone. A class that is a plural already ("skis") is not counted.

The folder holds `images/NAME.jpg` and `labels/NAME.txt`, whose lines begin with the index of one of COCO's 80
classes.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from viper.backends.coco import COCO_CLASSES
from viper.cli.output import notice, print_json
from viper.environment.standard_streams import run_command
from viper.errors import InputError, ViperError
from viper.vocabulary.lemmas import inflections
from viper_sandbox.source_lines import lines_of

__all__ = ["label_questions"]

_PLURALS = frozenset({"skis", "scissors"})


def label_questions(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of the images in a folder.

    Raises:
        InputError: There are no labels, or a line is none.
    """
    labels = sorted((folder / "labels").glob("*.txt"))
    if not labels:
        raise InputError(f"There are no files {str(folder / 'labels' / '*.txt')!r} with labels.")
    for path in labels:
        counts = _counts(path)
        image = f"images/{path.stem}.jpg"
        for name, count in counts.items():
            yield _row(image, _existence(name), "yes", "there")
            if name not in _PLURALS:
                yield _row(image, f"How many {_plural(name)} are there?", str(count), "count")
        absent = sorted(
            (name for name in COCO_CLASSES if name not in counts),
            key=lambda name: sha256(f"{image}/{name}".encode()).digest(),
        )
        for name in absent[: len(counts)]:
            yield _row(image, _existence(name), "no", "not there")


def _counts(path: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for number, line in enumerate(lines_of(path.read_text(encoding="utf-8")), 1):
        index = line.partition(" ")[0]
        if not index.isdecimal() or int(index) >= len(COCO_CLASSES):
            raise InputError(
                f"{str(path)!r}:{number} must begin with the index of a class, 0 to "
                f"{len(COCO_CLASSES) - 1}, but got {line[:40]!r}."
            )
        found[COCO_CLASSES[int(index)]] += 1
    return found


def _row(image: str, query: str, answer: str, tag: str) -> dict[str, Any]:
    id_ = f"{Path(image).stem}: {query}"
    return {"id": id_, "image": image, "query": query, "answer": answer, "tags": [tag]}


def _existence(name: str) -> str:
    if name in _PLURALS:
        return f"Are there any {name}?"
    return f"Is there {'an' if name[0] in 'aeiou' else 'a'} {name}?"


def _plural(name: str) -> str:
    if name == "person":
        return "people"
    *before, last = name.split()
    return " ".join((*before, inflections(last, "NNS")[0]))


def _print_questions() -> None:
    try:
        (folder,) = sys.argv[1:]
    except ValueError:
        notice("Give the folder with images/ and labels/.")
        sys.exit(2)
    try:
        for row in label_questions(Path(folder)):
            print_json(row)
    except ViperError as error:
        notice(str(error))
        sys.exit(1)


if __name__ == "__main__":
    run_command(_print_questions)
