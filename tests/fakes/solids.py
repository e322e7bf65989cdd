"""Scenes of solids: what is in them, where it stands, and the official layout of scene files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

WIDTH, HEIGHT = 480, 320
VALUES = {
    "size": ("large", "small"),
    "color": ("gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"),
    "material": ("rubber", "metal"),
    "shape": ("cube", "sphere", "cylinder"),
}
RELATIONS = ("left", "right", "front", "behind")
_SPACING = 40
"""Pixels between the centres of two solids at least: far enough that left and right are plain."""


@dataclass(frozen=True)
class Solid:
    size: str
    color: str
    material: str
    shape: str
    box_xyxy: tuple[int, int, int, int]
    depth: float

    def __getitem__(self, attribute: str) -> str:
        value = getattr(self, attribute)
        assert isinstance(value, str)
        return value


@dataclass(frozen=True)
class SolidScene:
    """Solids and who stands left of, right of, in front of and behind each."""

    solids: tuple[Solid, ...]
    relations: Mapping[str, tuple[frozenset[int], ...]]
    """Relation → for each solid the solids that stand so to it."""

    @classmethod
    def of_boxes(cls, solids: Sequence[Solid]) -> SolidScene:
        """Take left and right from the centres of the boxes, front and behind from the depths."""
        centers = [(s.box_xyxy[0] + s.box_xyxy[2]) / 2 for s in solids]
        depths = [s.depth for s in solids]
        return cls(
            tuple(solids),
            {
                "left": _below(centers),
                "right": _below([-x for x in centers]),
                "front": _below(depths),
                "behind": _below([-z for z in depths]),
            },
        )

    @classmethod
    def of_file(cls, scene: Mapping[str, Any]) -> SolidScene:
        """Take everything as a scene file says it."""
        solids = tuple(
            Solid(
                o["size"], o["color"], o["material"], o["shape"],
                tuple(o["bbox_xyxy"]), o["pixel_coords"][2],
            )
            for o in scene["objects"]
        )  # fmt: skip
        return cls(
            solids,
            {name: tuple(map(frozenset, scene["relationships"][name])) for name in RELATIONS},
        )

    def as_file(self, name: str) -> dict[str, Any]:
        """Return the scene as it stands in a scene file."""
        return {
            "image_filename": name,
            "image_index": 0,
            "split": "val",
            "objects": [
                {
                    **{attribute: solid[attribute] for attribute in VALUES},
                    "bbox_xyxy": list(solid.box_xyxy),
                    "pixel_coords": [
                        (solid.box_xyxy[0] + solid.box_xyxy[2]) / 2,
                        (solid.box_xyxy[1] + solid.box_xyxy[3]) / 2,
                        solid.depth,
                    ],
                    "3d_coords": [0.0, 0.0, 0.0],
                    "rotation": 0.0,
                }
                for solid in self.solids
            ],
            "relationships": {k: [sorted(s) for s in v] for k, v in self.relations.items()},
            "directions": {
                "left": [-1.0, 0.0, 0.0],
                "right": [1.0, 0.0, 0.0],
                "front": [0.0, -1.0, 0.0],
                "behind": [0.0, 1.0, 0.0],
            },
        }


def random_scene(random: Random) -> SolidScene:
    """Return a scene of four to nine solids, no two of them in line."""
    number = random.randint(4, 9)
    columns = random.sample(range(_SPACING, WIDTH - _SPACING, _SPACING), number)
    depths = random.sample(range(20, 60), number)
    solids = []
    for x, depth in zip(columns, depths, strict=True):
        size = random.choice(VALUES["size"])
        half = random.randint(26, 34) if size == "large" else random.randint(12, 18)
        y = random.randint(half, HEIGHT - half)
        solids.append(
            Solid(
                size,
                *(random.choice(VALUES[name]) for name in ("color", "material", "shape")),
                (x - half, y - half, x + half, y + half),
                depth / 4,
            )
        )
    return SolidScene.of_boxes(solids)


def _below(values: Sequence[float]) -> tuple[frozenset[int], ...]:
    """Return for each value the positions of the smaller ones."""
    return tuple(frozenset(i for i, v in enumerate(values) if v < limit) for limit in values)
