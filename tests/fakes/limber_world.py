"""Pictures of two colours, a tiny matcher and a tiny language model that was taught on texts alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fakes import tiny_models, tiny_writers

QUESTION = "what color is it"
COLORS = {"red": (200, 30, 30), "blue": (30, 40, 200)}
_PREFIX = f"question: {QUESTION} answer:"


def matcher(folder: Path) -> Path:
    return tiny_models.clip(folder)


def language(folder: Path) -> Path:
    """A Llama that answers the question from a word before it."""
    texts = [f"{color} {_PREFIX} {color}" for color in COLORS]
    tokens = tiny_writers.tokenizer(texts, None)
    lessons = [(f"{color} {_PREFIX}", f" {color}") for color in COLORS]
    return tiny_writers.taught(folder, tokens, lessons, context=64)


def captions(folder: Path, rows: list[dict[str, Any]] | None = None) -> Path:
    """A file with questions about one picture of each colour, to train and to measure on."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for color, rgb in COLORS.items():
        Image.new("RGB", (40, 30), rgb).save(folder / f"{color}.png")
        for split in ("train", "test"):
            written.append(
                {"image": f"{color}.png", "question": QUESTION, "answer": color, "split": split}
            )
    path = folder / "captions.jsonl"
    lines = [json.dumps(row) for row in (written if rows is None else rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
