"""Small scenes that a hand can check."""

from __future__ import annotations

import pytest

from viper.builtin.world import Camera, Scene, SceneObject
from viper.builtin.world.sample import CLEVR_LOOK

SIZE = (96, 64)


@pytest.fixture
def camera():
    return Camera.looking_at((7.5, -6.5, 5.3), (0.0, 0.0, 0.3))


@pytest.fixture
def scene(camera):
    """Make a scene of objects in front of the usual camera, in CLEVR's look."""

    def make(*objects: SceneObject, look=CLEVR_LOOK, camera=camera, size=SIZE, seed=0) -> Scene:
        return Scene(objects, camera, look, seed, size)

    return make
