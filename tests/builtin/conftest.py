"""Pictures of the small world for the tests of the built-in models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from viper.builtin.world import render, sample_scene
from viper.builtin.world.clevr import clevr_scene
from viper.images.decoding import open_image
from viper.images.image import ImageRef, View


@dataclass(frozen=True)
class Shown:
    """A picture and what is in it."""

    image: ImageRef
    objects: list[dict[str, Any]]

    def view(self, number: int) -> View:
        return View(self.image, tuple(map(float, self.objects[number]["bbox_xyxy"])))

    @property
    def whole(self) -> View:
        width, height = self.image.size
        return View(self.image, (0.0, 0.0, float(width), float(height)))


def shown(seed: int, size: tuple[int, int] = (480, 320)) -> Shown:
    scene = sample_scene(seed, size=size, randomised=False)
    drawn = render(scene)
    told = clevr_scene(scene, drawn, index=0, split="val", image_filename="x.png")
    return Shown(open_image(drawn.pixels), told["objects"])


@pytest.fixture(scope="session")
def pictures() -> list[Shown]:
    """Some pictures that no training has seen: its seeds are others."""
    return [shown(seed) for seed in range(77_000_000, 77_000_012)]


@pytest.fixture(scope="session")
def strange() -> ImageRef:
    """A picture of another kind: bars of colour."""
    dice = np.random.default_rng(0)
    bars = dice.integers(0, 255, (1, 30, 3), np.uint8)
    return open_image(np.ascontiguousarray(np.repeat(np.repeat(bars, 16, axis=1), 320, axis=0)))
