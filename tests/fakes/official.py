"""Official files of the benchmarks, small, in the layouts in which they are published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from fakes import python2_pickle, true_scenes

__all__ = ["REFERENCES", "gqa", "refcoco", "vqa", "write_json"]


def write_json(path: Path, value: Any) -> Path:
    """Write a JSON file in a folder that is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def _reference(
    ref_id: int, ann_id: int, split: str, *sentences: str, image_id: int = 581857
) -> dict[str, Any]:
    return {
        "sent_ids": [ref_id * 10 + place for place in range(len(sentences))],
        # The number behind the last underscore is the annotation's; the image has none.
        "file_name": f"COCO_train2014_{image_id:012d}_{ann_id}.jpg",
        "ann_id": ann_id,
        "ref_id": ref_id,
        "image_id": image_id,
        "split": split,
        "category_id": 18,
        "sentences": [
            {
                "tokens": sentence.split(),
                "raw": sentence.capitalize(),
                "sent_id": ref_id * 10 + place,
                "sent": sentence,
            }
            for place, sentence in enumerate(sentences)
        ],
    }


REFERENCES = [
    _reference(1, 501, "val", "left dog", "dog with the red collar"),
    _reference(2, 502, "testA", "the dog that lies on the grass beside the fence"),
    _reference(3, 501, "train", "brown one"),
]
"""Three references of one image; two sentences in `val`."""

_INSTANCES = {
    "info": {"description": "by hand"},
    "licenses": [],
    "images": [
        {"id": 581857, "file_name": "COCO_train2014_000000581857.jpg", "width": 90, "height": 80}
    ],
    "annotations": [
        {"id": 501, "image_id": 581857, "category_id": 18, "bbox": [0.0, 0.0, 30.0, 80.0], "area": 2400.0,
         "iscrowd": 0, "segmentation": []},
        {"id": 502, "image_id": 581857, "category_id": 18, "bbox": [60.5, 10.0, 20.0, 40.0], "area": 800.0,
         "iscrowd": 0, "segmentation": []},
    ],
    "categories": [{"id": 18, "name": "dog", "supercategory": "animal"}],
}  # fmt: skip


def refcoco(
    folder: Path,
    dataset: str = "refcoco",
    division: str = "unc",
    *,
    references: Any = REFERENCES,
    pickle: bytes | None = None,
    images: str = "images/mscoco/images/train2014",
) -> Path:
    """Write a dataset of the RefCOCO family; return the folder."""
    home = folder / dataset
    write_json(home / "instances.json", _INSTANCES)
    coded = python2_pickle.protocol_2(references) if pickle is None else pickle
    (home / f"refs({division}).p").write_bytes(coded)
    true_scenes.picture(folder / images / "COCO_train2014_000000581857.jpg", (90, 80))
    return folder


def gqa(folder: Path, split: str = "val_balanced", **more: Any) -> Path:
    """Write questions about the street of the scene graphs, the graphs, and a picture."""
    questions = {
        "05515938": {
            "semantic": [
                {"operation": "select", "dependencies": [], "argument": "bus (1001)"},
                {"operation": "exist", "dependencies": [0], "argument": "?"},
            ],
            "entailed": ["05515939"], "equivalent": ["05515938"], "question": "Is there a bus?",
            "imageId": "900001", "isBalanced": True,
            "groups": {"global": None, "local": "06-bus"}, "answer": "yes",
            "semanticStr": "select: bus (1001)->exist: ? [0]",
            "annotations": {"answer": {}, "question": {"3": "o2"}, "fullAnswer": {"4": "o2"}},
            "types": {"detailed": "existC", "semantic": "obj", "structural": "verify"},
            "fullAnswer": "Yes, there is a bus.",
        },
        "05515939": {
            "semantic": [
                {"operation": "select", "dependencies": [], "argument": "bus (1001)"},
                {"operation": "query", "dependencies": [0], "argument": "color"},
            ],
            "entailed": [], "equivalent": ["05515939"], "question": "What color is the bus?",
            "imageId": "900001", "isBalanced": True, "groups": {"global": "color", "local": "06-bus_color"},
            "answer": "red", "semanticStr": "select: bus (1001)->query: color [0]",
            "annotations": {"answer": {}, "question": {"4": "o2"}, "fullAnswer": {"1": "o2"}},
            "types": {"detailed": "directOf", "semantic": "attr", "structural": "query"},
            "fullAnswer": "The bus is red.",
        },
    }  # fmt: skip
    for question in questions.values():
        question.update(more)
    write_json(folder / "questions" / f"{split}_questions.json", questions)
    graphs = folder / "sceneGraphs" / f"{split.partition('_')[0]}_sceneGraphs.json"
    graphs.parent.mkdir(exist_ok=True)
    shutil.copy(true_scenes.GRAPHS, graphs)
    true_scenes.picture(folder / "images" / "900001.jpg", true_scenes.GRAPH_SIZES["900001"])
    return folder


def vqa(folder: Path, prefix: str = "v2_", part: str = "val2014", *, stemmed: bool = False) -> Path:
    """Write questions and annotations in the format of VQA; return the folder."""

    def answers(said: str, times: int) -> list[dict[str, Any]]:
        given = [said] * times + ["unknown"] * (10 - times)
        return [
            {"answer": text, "answer_confidence": "yes", "answer_id": place + 1}
            | ({"raw_answer": text + "s", "answer": text} if stemmed else {})
            for place, text in enumerate(given)
        ]

    info = {"info": {}, "license": {}, "data_subtype": part, "data_type": "mscoco"}
    write_json(
        folder / f"{prefix}OpenEnded_mscoco_{part}_questions.json",
        {
            **info,
            "task_type": "Open-Ended",
            "questions": [
                {
                    "image_id": 297147,
                    "question": "How many cups are there?",
                    "question_id": 297147000,
                },
                {"image_id": 297147, "question": "What is it?", "question_id": 297147001},
            ],
        },
    )
    write_json(
        folder / f"{prefix}mscoco_{part}_annotations.json",
        {
            **info,
            "annotations": [
                {"question_type": "how many", "multiple_choice_answer": "3", "answers": answers("3", 10),
                 "image_id": 297147, "answer_type": "number", "question_id": 297147000},
                {"question_type": "what is", "multiple_choice_answer": "cup", "answers": answers("cup", 2),
                 "image_id": 297147, "answer_type": "other", "question_id": 297147001},
            ],
        },
    )  # fmt: skip
    true_scenes.picture(folder / part / f"COCO_{part}_000000297147.jpg", (90, 80))
    return folder
