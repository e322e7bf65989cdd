"""Depth models of transformers: Depth Anything, DPT / MiDaS, ZoeDepth, GLPN, DepthPro and others.

Two differences between families are handled here. Some return depth, some inverse depth (larger = nearer):
the maps of this module always have larger = farther. And each has its own preprocessing, whose padding and
scaling is undone by the library's post-processing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from transformers import AutoImageProcessor, AutoModelForDepthEstimation

from viper.backends.batch_gauge import BatchGauge
from viper.backends.finite import check_finite
from viper.backends.grouping import in_groups
from viper.backends.option_models import TransformersDepthOptions
from viper.backends.pil_images import bounded_image
from viper.backends.placement import Placement, inference, on_gpu, read_placement
from viper.backends.torch_common import fingerprint, load_model, load_pretrained, locate
from viper.errors import ConfigError
from viper.images.image import ImageRef
from viper.models.roles import DepthModel, RelativeDepth

__all__ = ["TransformersDepth", "load"]

Polarity = Literal["depth", "inverse"]

_WHAT = "depth model"

# Meaning of the maps after the library's post-processing, by `model_type`. DepthPro's network returns
# inverse depth, which its post-processing inverts. CHMv2 estimates the height of trees: not listed.
_POLARITY: Mapping[str, Polarity] = {
    "depth_pro": "depth",
    "dpt": "inverse",
    "glpn": "depth",
    "prompt_depth_anything": "depth",
    "tipsv2_dpt": "depth",
    "zoedepth": "depth",
}

# GLPN rounds sides down to multiples of 32 and reduces nothing; DPT scales the shorter side up to a
# fixed length.
_BOUNDS: Mapping[str, int] = {"shortest": 32, "longest": 2048, "elongation": 4}


class PreparedImage(NamedTuple):
    """An image, resized and normalized."""

    pixels: torch.Tensor
    """Shape (1, 3, h, w)."""
    source_hw: tuple[int, int]
    """Size of the processor's input."""
    target_hw: tuple[int, int]
    """Size of the image."""


@dataclass(eq=False)
class TransformersDepth(DepthModel):
    """One loaded depth model.

    Args:
        model: An `AutoModelForDepthEstimation`, on its device.
        processor: Its image processor.
        polarity: Meaning of the model's maps; `inverse` maps are inverted.
        placement: Where the model runs.
        fingerprint: Names the weights and settings.
    """

    # The library's objects are untyped: `from_pretrained` promises no class.
    model: Any
    processor: Any
    polarity: Polarity
    placement: Placement
    fingerprint: str

    def __post_init__(self) -> None:
        self._gauge = BatchGauge(self.model, self.placement)
        blank = ImageRef("", (64, 64), load=lambda: np.zeros((64, 64, 3), dtype=np.uint8))
        self._gauge.measure(
            lambda items: self.forward("estimate", [self.prepare("estimate", blank)] * items)
        )

    def largest_batch(self, method: str) -> int:
        """Return how many images fit into the device's memory."""
        return self._gauge.largest_batch

    def estimate(self, images: Sequence[ImageRef]) -> list[RelativeDepth]:
        """Return one map per image, shape (H, W) of the image, float32, larger = farther.

        Metric models keep their meters. A map of inverse depth is subtracted from its largest value: 0 is the
        nearest point, and the order is exact.

        Raises:
            ModelError: The model returned NaN or infinity, or ran out of memory.
        """
        return self.forward("estimate", [self.prepare("estimate", image) for image in images])

    def stages(self, method: str) -> bool:
        """Return whether a method is split into `prepare` and `forward`: `estimate` is."""
        return method == "estimate"

    def prepare(self, method: str, request: ImageRef) -> PreparedImage:
        """Resize and normalize an image, on the GPU where there is one."""
        image = bounded_image(request.pixels(), **_BOUNDS)
        # One at a time: processors that keep the aspect ratio cannot stack different sizes.
        inputs = self.processor(images=image, return_tensors="pt", **on_gpu(self.placement.device))
        return PreparedImage(
            inputs["pixel_values"],
            source_hw=(image.height, image.width),
            target_hw=(request.size[1], request.size[0]),
        )

    def forward(self, method: str, prepared: Sequence[PreparedImage]) -> list[RelativeDepth]:
        """Return one map per prepared image."""
        # Only images of one size can be stacked.
        return in_groups(prepared, lambda one: one.pixels.shape, self._estimate)

    def _estimate(self, group: list[PreparedImage]) -> list[RelativeDepth]:
        batch = torch.cat([one.pixels for one in group])  # (B, 3, h, w)
        with inference(_WHAT, self.placement), self._gauge.watched(len(group)):
            outputs = self.model(pixel_values=batch.to(self.placement.device, self.placement.dtype))
            maps = self._post_process(
                outputs, [one.source_hw for one in group], [one.target_hw for one in group]
            )
        return [self._oriented(depth) for depth in maps]

    def _post_process(
        self, outputs: Any, sources: list[tuple[int, int]], targets: list[tuple[int, int]]
    ) -> list[np.ndarray]:
        # In float32: half precision would tie neighboring depths while it interpolates.
        for name in ("predicted_depth", "field_of_view"):
            value = getattr(outputs, name, None)
            if value is not None:
                outputs[name] = value.float()
        sizes: dict[str, list[tuple[int, int]]] = {"target_sizes": targets}
        if self.model.config.model_type == "zoedepth":
            sizes["source_sizes"] = sources  # to remove its padding
        found = self.processor.post_process_depth_estimation(outputs, **sizes)
        # Reshaped because the library squeezes: a side of one pixel would be lost.
        return [
            entry["predicted_depth"].reshape(size).cpu().numpy()
            for entry, size in zip(found, targets, strict=True)
        ]

    def _oriented(self, depth: np.ndarray) -> RelativeDepth:
        check_finite(_WHAT, depth)
        if self.polarity == "inverse":
            depth = depth.max() - depth
        return np.ascontiguousarray(depth, dtype=np.float32)


def load(reference: str, options: Mapping[str, str]) -> DepthModel:
    """Load a depth model from the hub or a folder.

    Args:
        reference: Model id or folder.
        options: Those of `TransformersDepthOptions`.

    Raises:
        ConfigError: There is no such model, it is of another kind, or its polarity is not known.
    """
    chosen = TransformersDepthOptions.read(options, "the transformers depth model")
    placement = read_placement(chosen).exact
    source = locate(reference, what=_WHAT, revision=chosen.revision, download=chosen.download)
    processor = load_pretrained(AutoImageProcessor, source, what=_WHAT)
    model = load_model(AutoModelForDepthEstimation, source, what=_WHAT, placement=placement)
    polarity = _polarity(chosen.polarity, model.config, reference)
    if not hasattr(processor, "post_process_depth_estimation"):
        raise ConfigError(
            f"The {_WHAT} '{reference}' comes with the image processor {type(processor).__name__}, "
            "which makes no depth maps. Give a model whose preprocessor_config.json fits it."
        )
    return TransformersDepth(
        model,
        processor,
        polarity,
        placement,
        fingerprint(source, {"dtype": placement, "polarity": polarity}),
    )


def _polarity(chosen: Polarity | Literal["auto"], config: Any, reference: str) -> Polarity:
    """Return the user's choice, else the usual polarity of the model's family."""
    if chosen != "auto":
        return chosen
    family = config.model_type
    if family == "depth_anything":
        return "depth" if config.depth_estimation_type == "metric" else "inverse"
    backbone = getattr(config, "backbone_config", None)
    if family == "dpt" and getattr(backbone, "model_type", "") == "dinov2":
        return "depth"  # the DINOv2 heads were trained on NYU and KITTI in meters
    if family not in _POLARITY:
        raise ConfigError(
            f"It is not known what the maps of the {_WHAT} '{reference}' ({family}) mean. Add "
            "polarity=depth (larger = farther) or polarity=inverse (larger = nearer)."
        )
    return _POLARITY[family]
