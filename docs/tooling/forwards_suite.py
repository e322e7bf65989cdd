"""Makes the fixed suite of `perf forwards`: 300 programs and the scenes that they look at.

    python -m docs.tooling.forwards_suite CLEVR_FOLDER OUT

200 are the grammar's programs for the questions of a folder in CLEVR's layout. 100 are in the style of
language models, four for each of 25 scenes with 3 to 40 objects that are sampled here. The suite in the
package was made by this command; running it again makes a new version.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import click

__all__ = ["LLM_PROGRAMS", "make_suite", "table_top"]

_SHAPES = ("cube", "sphere", "cylinder")
_COLORS = ("gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow")
_MATERIALS = ("metal", "rubber")
_SCENES = 25
_PER_SCENE = 4
_FEWEST, _MOST = 3, 40
_SIZE = (480, 320)

LLM_PROGRAMS = (
    """def execute_command(image):
    # Count the {shape}s in the picture.
    image_patch = ImagePatch(image)
    {shape}_patches = image_patch.find("{shape}")
    return len({shape}_patches)
""",
    """def execute_command(image):
    image_patch = ImagePatch(image)
    # Question: Is there a {shape}?
    return bool_to_yesno(image_patch.exists("{shape}"))
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    first_patches = image_patch.find("{shape}")
    second_patches = image_patch.find("{other}")
    if len(first_patches) > len(second_patches):
        return "yes"
    return "no"
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    # The object that is farthest to the left
    object_patches.sort(key=lambda patch: patch.horizontal_center)
    leftmost_patch = object_patches[0]
    return leftmost_patch.simple_query("What color is this?")
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    biggest_patch = max(object_patches, key=lambda patch: patch.width * patch.height)
    return biggest_patch.best_text_match(["metal", "rubber"])
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    {shape}_patches = image_patch.find("{shape}")
    if len({shape}_patches) == 0:
        return "no"
    return bool_to_yesno({shape}_patches[0].verify_property("{shape}", "{color}"))
""",
    """def execute_command(image) -> str:
    # Are there both {shape}s and {other}s?
    image_patch = ImagePatch(image)
    has_first = image_patch.exists("{shape}")
    has_second = image_patch.exists("{other}")
    return bool_to_yesno(has_first and has_second)
""",
    """def execute_command(image):
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    # Which one is the {color} {shape}?
    target_patch = best_image_match(object_patches, ["{color} {shape}"])
    return f"{{target_patch.horizontal_center:.0f}} {{target_patch.vertical_center:.0f}}"
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    target_patch = best_image_match(object_patches, ["{material} {shape}"])
    return target_patch.simple_query("What color is the object?")
""",
    """def execute_command(image):
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    {shape}_patches = image_patch.find("{shape}")
    if not {shape}_patches:
        return 0
    reference = {shape}_patches[0]
    count = 0
    for patch in object_patches:
        if patch.horizontal_center > reference.horizontal_center:
            count += 1
    return count
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    first, second = object_patches[0], object_patches[1]
    # Larger depth means farther away
    if first.compute_depth() < second.compute_depth():
        return "first"
    return "second"
""",
    """def execute_command(image) -> dict:
    image_patch = ImagePatch(image)
    counts = {{}}
    for name in ["cube", "sphere", "cylinder"]:
        counts[name] = len(image_patch.find(name))
    most = max(counts, key=lambda name: counts[name])
    return most
""",
    """def execute_command(image):
    image_patch = ImagePatch(image)
    middle = image_patch.width / 2
    left_half = image_patch.crop(0, 0, middle, image_patch.height)
    return len(left_half.find("{shape}"))
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    {shape}_patches = image_patch.find("{shape}")
    {other}_patches = image_patch.find("{other}")

    def closest(patches, target):
        return min(patches, key=lambda patch: distance(patch, target))

    if not {shape}_patches or not {other}_patches:
        return "none"
    nearest = closest({other}_patches, {shape}_patches[0])
    return nearest.simple_query("What material is this?")
""",
    """def execute_command(image) -> int:
    try:
        object_patches = ImagePatch(image).find("{color} object")
    except ValueError:
        return 0
    return len(object_patches)
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    return image_patch.simple_query("How many objects are there?")
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    patches = image_patch.find("{color} {shape}")
    if len(patches) == 0:
        return "no"
    for patch in patches[:1]:
        if patch.verify_property("{shape}", "{material}"):
            return "yes"
    return "no"
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    index = best_image_match(object_patches, "{material} {shape}", return_index=True)
    return "left" if object_patches[index].horizontal_center < image_patch.width / 2 else "right"
""",
    """def execute_command(image):
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    gaps = []
    for i, first in enumerate(object_patches):
        for second in object_patches[i + 1 :]:
            gaps.append(distance(first, second))
    touching = [gap for gap in gaps if gap <= 0]
    return len(touching)
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    big_patches = image_patch.find("large {shape}")
    small_patches = image_patch.find("small {shape}")
    total = len(big_patches) + len(small_patches)
    return f"{{total}}"
""",
    """def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    object_patches = image_patch.find("object")
    object_patches.sort(key=lambda patch: patch.lower)
    lowest = object_patches[0]
    shape = lowest.best_text_match(["cube", "sphere", "cylinder"])
    color = lowest.best_text_match(["red", "green", "blue", "yellow", "gray", "brown"])
    return f"{{color}} {{shape}}"
""",
)
"""Programs in the style of language models, with three calls at most; `{shape}` and so on are filled in."""


def table_top(rng: random.Random, number: int, count: int) -> dict[str, Any]:
    """Sample a scene of objects on a table, seen obliquely from above, in CLEVR's format."""
    width, height = _SIZE
    objects: list[dict[str, Any]] = []
    while len(objects) < count:
        depth = rng.uniform(6.0, 14.0)
        x, y = rng.uniform(20, width - 20), height * (1.15 - depth / 15.0)
        size = rng.choice(("large", "small"))
        half = (180 if size == "large" else 90) / depth
        box = [round(v, 2) for v in (x - half, y - half, x + half, y + half)]
        box = [
            max(0.0, box[0]),
            max(0.0, box[1]),
            min(float(width), box[2]),
            min(float(height), box[3]),
        ]
        if (
            box[2] - box[0] < 4
            or box[3] - box[1] < 4
            or any(o["bbox_xyxy"] == box for o in objects)
        ):
            continue
        objects.append(
            {
                "shape": rng.choice(_SHAPES),
                "size": size,
                "material": rng.choice(_MATERIALS),
                "color": rng.choice(_COLORS),
                "pixel_coords": [round(x), round(y), round(depth, 3)],
                "bbox_xyxy": box,
            }
        )
    name = f"table_{number:02d}.png"
    return {"image_filename": name, "width": width, "height": height, "objects": objects}


def make_suite(clevr: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the programs and the scenes of the suite."""
    from viper.engine.engine import Engine

    scene_file = clevr / "scenes" / "CLEVR_val_scenes.json"
    scenes = [_short(scene) for scene in json.loads(scene_file.read_text())["scenes"]]
    questions = json.loads((clevr / "questions" / "CLEVR_val_questions.json").read_text())
    rows: list[dict[str, Any]] = []
    with Engine(f"truth:{scene_file}") as engine:
        for row in questions["questions"]:
            program = engine.generate(row["question"]).source
            rows.append(_row(len(rows), "grammar", row["image_filename"], program))
    rng = random.Random(20_26)
    filled = 0
    for number in range(_SCENES):
        count = _FEWEST + round(number * (_MOST - _FEWEST) / (_SCENES - 1))
        scene = table_top(rng, number, count)
        scenes.append(scene)
        for _ in range(_PER_SCENE):
            target = rng.choice(scene["objects"])  # most questions are about an object in the scene
            program = LLM_PROGRAMS[filled % len(LLM_PROGRAMS)].format(
                shape=target["shape"],
                other=rng.choice([shape for shape in _SHAPES if shape != target["shape"]]),
                color=target["color"],
                material=target["material"],
            )
            filled += 1
            rows.append(_row(len(rows), "llm", scene["image_filename"], program))
    return rows, scenes


def _row(number: int, style: str, image: str, program: str) -> dict[str, Any]:
    return {"id": f"{style}-{number:03d}", "style": style, "image": image, "program": program}


def _short(scene: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a scene that the oracle reads."""
    kept = ("shape", "size", "material", "color", "pixel_coords", "bbox_xyxy")
    objects = [{key: item[key] for key in kept} for item in scene["objects"]]
    width, height = _SIZE
    name = scene["image_filename"]
    return {"image_filename": name, "width": width, "height": height, "objects": objects}


@click.command()
@click.argument("clevr", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
def main(clevr: Path, out: Path) -> None:
    """Make the suite from the folder CLEVR and write it to the folder OUT."""
    rows, scenes = make_suite(clevr)
    out.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (out / "programs.jsonl").write_text("".join(lines), encoding="utf-8")
    text = json.dumps({"scenes": scenes}, separators=(",", ":"))
    (out / "scenes.json").write_text(text + "\n", encoding="utf-8")
    click.echo(f"{len(rows)} programs, {len(scenes)} scenes")


if __name__ == "__main__":
    main()
