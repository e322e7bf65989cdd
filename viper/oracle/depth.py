"""True depth: how far away the thing is that a view shows.

A map cannot say it, for boxes overlap and a pixel has one depth: this model measures views. The map, for
views that show no single thing and for whoever wants one, is painted: each thing's box in its depth, the
nearer over the farther, on a ground one unit behind the farthest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from viper.errors import ConfigError
from viper.images.boxes import pixel_bounds
from viper.images.image import ImageRef, View
from viper.models.options import Options
from viper.models.roles import RelativeDepth, median_depth
from viper.oracle.scene import Scene, SceneFile
from viper.oracle.scene_file import open_scenes

__all__ = ["TrueDepth", "load"]


class TrueDepth:
    """Measures depth by what a file says.

    Args:
        file: What the pictures show; every thing in it has a depth.
    """

    def __init__(self, file: SceneFile) -> None:
        self._file = file
        self.fingerprint = f"truth:{file.fingerprint}"
        self.knows_images_by_name = True

    def measure(self, views: Sequence[View]) -> list[float]:
        """Return the depth of the thing that each view shows, in the scene's units, as in the file.

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
        depths = [thing.depth for thing in scene.shown(view) if thing.depth is not None]
        # Of several things with one box, the nearest is what is seen.
        return min(depths) if depths else median_depth(_painted(scene, view.image.size), view)


def _painted(scene: Scene, size: tuple[int, int]) -> RelativeDepth:
    width, height = size
    known = [(thing.depth, thing.box_xyxy) for thing in scene.things if thing.depth is not None]
    known.sort(reverse=True)
    ground = known[0][0] + 1.0 if known else 1.0
    painted = np.full((height, width), ground, dtype=np.float32)
    for depth, box in known:
        left, top, right, bottom = pixel_bounds(box, width, height)
        painted[top:bottom, left:right] = depth
    return painted


def load(reference: str, options: Mapping[str, str]) -> TrueDepth:
    """Load the file of scenes named by `truth:FILE`.

    Raises:
        ConfigError: The file is unusable or tells no depth, or an option is unknown.
    """
    with Options(options, "the truth depth"):
        file = open_scenes(reference)
        if not file.has_depth:
            raise ConfigError(
                f"{file.path.name} tells no depth, as no GQA scene graph does. Leave the role depth out, or "
                "serve it with a model: --backend depth=transformers:…"
            )
        return TrueDepth(file)
