"""Matchers of transformers: CLIP, SigLIP, SigLIP 2 (fixed size and NaFlex) and similar models.

Any model with two towers, `get_image_features`, `get_text_features` and a `logit_scale` is supported.
The differences between families are handled here: SigLIP was trained on lower-case texts padded to
their full length without a mask; CLIP's preprocessing would keep only the middle of a long patch;
NaFlex keeps aspect ratios and takes two more inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from viper.backends.batch_gauge import BatchGauge
from viper.backends.option_models import TransformersMatcherOptions
from viper.backends.placement import Placement, inference, on_gpu, read_placement
from viper.backends.prompt_templates import TemplateMatcher, average, read_templates, templates_id
from viper.backends.torch_common import fingerprint, load_model, load_pretrained, locate
from viper.errors import ConfigError
from viper.images.image import Pixels, View
from viper.models.roles import Matcher

__all__ = ["TransformersMatcher", "load"]

_WHAT = "matcher"
_IMAGES = "embed_images"


@dataclass(eq=False)
class TransformersMatcher(TemplateMatcher):
    """One loaded matcher.

    Args:
        image_processor: The model's image processor.
        tokenizer: Its tokenizer.
        placement: Where the model runs.
    """

    # The library's objects are untyped: `from_pretrained` promises no class.
    image_processor: Any
    tokenizer: Any
    placement: Placement

    def __post_init__(self) -> None:
        super().__post_init__()
        device = self.placement.device
        self._image_options = _whole_image_options(self.image_processor) | on_gpu(device)
        self._gauge = BatchGauge(self.model, self.placement)
        blank = np.zeros((64, 64, 3), dtype=np.uint8)
        self._gauge.measure(
            lambda items: self.forward(_IMAGES, [self._pixel_inputs(blank)] * items)
        )

    def largest_batch(self, method: str) -> int | None:
        """Return how many views fit into the device's memory; texts are small."""
        return self._gauge.largest_batch if method == _IMAGES else None

    def embed_images(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """Return one unit vector per view, shape (D,).

        Raises:
            ModelError: The model returned NaN or infinity, or ran out of memory.
        """
        return self.forward(_IMAGES, [self.prepare(_IMAGES, view) for view in views])

    def stages(self, method: str) -> bool:
        """Return whether a method is split into `prepare` and `forward`: `embed_images` is."""
        return method == _IMAGES

    def prepare(self, method: str, request: View) -> dict[str, torch.Tensor]:
        """Crop, resize and normalize a view, on the GPU where there is one."""
        return self._pixel_inputs(request.pixels())

    def forward(
        self, method: str, prepared: Sequence[dict[str, torch.Tensor]]
    ) -> list[NDArray[np.float32]]:
        """Return one unit vector per prepared view, shape (D,)."""
        if not prepared:
            return []
        inputs = {
            name: torch.cat([one[name] for one in prepared]).to(self.placement.device)
            for name in prepared[0]
        }
        inputs["pixel_values"] = inputs["pixel_values"].to(self.placement.dtype)
        with inference(_WHAT, self.placement), self._gauge.watched(len(prepared)):
            features = self.model.get_image_features(**inputs).pooler_output  # (B, D)
        return average(features)

    def _pixel_inputs(self, pixels: Pixels) -> dict[str, torch.Tensor]:
        """Return the model's inputs for one image, (1, …) each."""
        images = [Image.fromarray(pixels)]
        return dict(self.image_processor(images=images, return_tensors="pt", **self._image_options))

    def encode_sentences(self, sentences: list[str]) -> torch.Tensor:
        """Return the vectors of sentences, shape (N, D)."""
        sigmoid = self.logit_bias is not None
        tokens = self.tokenizer(
            # Some SigLIP 2 checkpoints have Gemma's tokenizer, which keeps capitals.
            [sentence.lower() for sentence in sentences] if sigmoid else sentences,
            padding="max_length" if sigmoid else True,
            truncation=True,
            max_length=self.model.config.text_config.max_position_embeddings,
            return_tensors="pt",
        )
        # SigLIP pools the last position, which was unmasked padding in its training.
        names = ("input_ids",) if sigmoid else ("input_ids", "attention_mask")
        inputs = {name: tokens[name].to(self.placement.device) for name in names}
        with inference(_WHAT, self.placement):
            features: torch.Tensor = self.model.get_text_features(**inputs).pooler_output
        return features


def load(reference: str, options: Mapping[str, str]) -> Matcher:
    """Load a matcher from the hub or a folder.

    Args:
        reference: Model id or folder.
        options: Those of `TransformersMatcherOptions`.

    Raises:
        ConfigError: There is no such model, or it is of another kind.
    """
    chosen = TransformersMatcherOptions.read(options, "the transformers matcher")
    placement = read_placement(chosen)
    templates = read_templates(chosen.templates)
    source = locate(reference, what=_WHAT, revision=chosen.revision, download=chosen.download)
    model = load_model(AutoModel, source, what=_WHAT, placement=placement)
    needed = ("get_image_features", "get_text_features", "logit_scale")
    if not all(hasattr(model, name) for name in needed):
        raise ConfigError(
            f"The model '{reference}' ({model.config.model_type}) is not a matcher: it does not "
            "compare images with texts. Give a CLIP, SigLIP or SigLIP 2 model."
        )
    image_processor = load_pretrained(AutoImageProcessor, source, what=_WHAT)
    tokenizer = load_pretrained(AutoTokenizer, source, what=_WHAT)
    name = fingerprint(source, {"dtype": placement, "templates": templates_id(templates)})
    matcher = TransformersMatcher(model, templates, name, image_processor, tokenizer, placement)
    matcher.check_texts(reference)
    return matcher


def _whole_image_options(image_processor: Any) -> dict[str, Any]:
    """Return arguments with which a processor uses the whole patch.

    CLIP's own scales the shorter side and crops the middle square, which leaves the trunk of a
    standing person. Instead, the whole patch is squeezed into the square, as for SigLIP; a square
    patch is unchanged.
    """
    if not getattr(image_processor, "do_center_crop", False):
        return {}
    crop = image_processor.crop_size
    size = {side: crop[side] for side in ("height", "width")}
    return {"do_center_crop": False, "size": size}
