"""The world of the built-in models: cubes, spheres and cylinders on a ground, drawn by ray casting.

scene       plain values: objects, camera, lights, look
sample      draws random scenes that obey the rules of CLEVR
shapes      where rays meet the shapes
render      scene → image, depth map and visible boxes
clevr       the official CLEVR scene files
"""

from __future__ import annotations

from viper.builtin.world.render import Rendered, render
from viper.builtin.world.sample import sample_scene
from viper.builtin.world.scene import Camera, Light, Look, Scene, SceneObject

Thing = SceneObject
"""Former name."""

__all__ = [
    "Camera",
    "Light",
    "Look",
    "Rendered",
    "Scene",
    "SceneObject",
    "Thing",
    "render",
    "sample_scene",
]
