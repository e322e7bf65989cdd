from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_shapes", EXAMPLES / "draw_shapes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def committed() -> np.ndarray:
    with Image.open(EXAMPLES / "shapes.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (480, 320))
        return np.asarray(picture).astype(int)


def test_one_ray_per_pixel_already_gives_the_committed_picture(script: ModuleType) -> None:
    difference = np.abs(np.asarray(script.draw(samples=1)).astype(int) - committed()).max(axis=2)
    # Edges and the grain of soft shadows need more rays; all else is the same.
    assert np.median(difference) <= 1
    assert (difference > 24).mean() < 0.03


@pytest.mark.slow
def test_the_script_draws_the_committed_picture(script: ModuleType) -> None:
    difference = np.abs(np.asarray(script.draw()).astype(int) - committed())
    assert difference.max() <= 2  # rounding of another processor or version
