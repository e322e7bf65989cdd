"""The built-in depth model: how far away is the middle of what a view shows, and a map for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional

from viper.builtin.knowledge import doubt
from viper.builtin.loading import open_viewer
from viper.builtin.network import STRIDE
from viper.builtin.sight import Viewer
from viper.images.image import ImageRef, View
from viper.models.roles import DepthModel, RelativeDepth

__all__ = ["BuiltinDepth", "load"]


class BuiltinDepth(DepthModel):
    """Measures how far away the things of the small world are, in its units (a large thing is 1.4 wide).

    Args:
        viewer: Sees.
        fingerprint: Names the weights.
    """

    def __init__(self, viewer: Viewer, fingerprint: str) -> None:
        self._viewer = viewer
        self.fingerprint = fingerprint

    def measure(self, views: Sequence[View]) -> list[float]:
        """Return the depth of the middle of the thing that each view shows, larger = farther.

        A thing behind another has a box that shows both: the network was trained to tell which is meant,
        so this is better than the median of a map.
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

    def doubt(self, image: ImageRef) -> str | None:
        """Say that the image is not of the small world; None where it is."""
        return doubt(image.source_name, self._viewer.strangeness(image))

    def _estimate(self, image: ImageRef) -> RelativeDepth:
        sight = self._viewer.look(image)
        width, height = image.size
        cells = sight.log_depth[None, None]  # (1, 1, h, w); the last row and column may stick out
        across = round(cells.shape[3] * STRIDE / sight.scale)
        down = round(cells.shape[2] * STRIDE / sight.scale)
        size = max(down, height), max(across, width)
        fine = functional.interpolate(cells, size, mode="bilinear", align_corners=False)
        with torch.inference_mode():
            depth = fine[0, 0, :height, :width].exp()
        return np.ascontiguousarray(depth.numpy(), dtype=np.float32)


def load(reference: str, options: Mapping[str, str]) -> BuiltinDepth:
    """Load the shipped depth model, or that of a folder.

    Raises:
        ConfigError: There are no weights, or an option is unknown.
    """
    viewer, _, fingerprint = open_viewer(reference, options, "the builtin depth model")
    return BuiltinDepth(viewer, fingerprint)
