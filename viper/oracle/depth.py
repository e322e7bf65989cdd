"""The oracle's depth model: the annotated depth of the object that a view is the patch of.

Such views are measured without a depth map, because boxes overlap and a pixel has only one depth. All other
views use a painted map: each object's box filled with its depth, nearer over farther, on a background one
unit behind the farthest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from viper.errors import ConfigError
from viper.images.boxes import pixel_bounds
from viper.images.image import ImageRef, View
from viper.models.roles import DepthModel, RelativeDepth, median_depth
from viper.oracle.scene import Scene, SceneFile
from viper.oracle.scene_file import Oracle

__all__ = ["OracleDepth", "load"]


class OracleDepth(Oracle, DepthModel):
    """Measures depth from a file in which every object has one.

    Args:
        file: The annotated scenes.

    Raises:
        ConfigError: The file has no depth.
    """

    role = "depth"

    def __init__(self, file: SceneFile) -> None:
        if not file.has_depth:
            raise ConfigError(
                f"{file.path.name} has no depth, like all GQA scene graphs. Leave the role depth out, or "
                "serve it with a model: --backend depth=transformers:…"
            )
        super().__init__(file)

    def measure(self, views: Sequence[View]) -> list[float]:
        """Return the depth of each view's object, in the units of the file.

        Raises:
            ModelError: The file has no scene for an image.
        """
        return [self._measure(view) for view in views]

    def estimate(self, images: Sequence[ImageRef]) -> list[RelativeDepth]:
        """Return painted maps, shape (H, W) of each image, float32, larger = farther.

        Raises:
            ModelError: The file has no scene for an image.
        """
        return [_painted(self._file.scene(image), image.size) for image in images]

    def _measure(self, view: View) -> float:
        scene = self._file.scene(view.image)
        depths = [item.depth for item in scene.subjects(view) if item.depth is not None]
        # Of several objects with one box, the nearest is visible.
        return min(depths) if depths else median_depth(_painted(scene, view.image.size), view)


def _painted(scene: Scene, size: tuple[int, int]) -> RelativeDepth:
    width, height = size
    layers = [(item.depth, item.box_xyxy) for item in scene.objects if item.depth is not None]
    layers.sort(reverse=True)
    background = layers[0][0] + 1.0 if layers else 1.0
    painted = np.full((height, width), background, dtype=np.float32)
    for depth, box in layers:
        left, top, right, bottom = pixel_bounds(box, width, height)
        painted[top:bottom, left:right] = depth
    return painted


load = OracleDepth.load
