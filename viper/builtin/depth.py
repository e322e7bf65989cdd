"""The built-in depth model: the depth of the object in a view, and a depth map of an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from viper.builtin.graphs import STRIDE
from viper.builtin.loading import BuiltinBackend
from viper.images.image import ImageRef, View
from viper.models.roles import DepthModel, RelativeDepth

__all__ = ["BuiltinDepth", "load"]


class BuiltinDepth(BuiltinBackend, DepthModel):
    """Estimates depth in units of the small world, where a large object is 1.4 wide."""

    role = "depth model"

    def measure(self, views: Sequence[View]) -> list[float]:
        """Return the depth of the center of each view's object, larger = farther.

        The box of an occluded object shows two objects. The network was trained to find the right one, so
        this is better than the median of a map.
        """
        measured = [0.0] * len(views)
        for sight, numbers in self._viewer.by_image(views):
            depths = self._viewer.distances(sight, [views[n].box_xyxy for n in numbers])
            for number, depth in zip(numbers, depths.tolist(), strict=True):
                measured[number] = depth
        return measured

    def estimate(self, images: Sequence[ImageRef]) -> list[RelativeDepth]:
        """Return one map per image, shape (H, W) of the image, float32, larger = farther."""
        return [self._estimate(image) for image in images]

    def _estimate(self, image: ImageRef) -> RelativeDepth:
        sight = self._viewer.look(image)
        width, height = image.size
        cells = sight.log_depth  # the last row and column may stick out of the image
        across = round(cells.shape[1] * STRIDE / sight.scale)
        down = round(cells.shape[0] * STRIDE / sight.scale)
        size = max(across, width), max(down, height)
        fine = np.asarray(Image.fromarray(cells).resize(size, Image.Resampling.BILINEAR))
        depth: RelativeDepth = np.exp(fine[:height, :width])
        return depth


load = BuiltinDepth.load
