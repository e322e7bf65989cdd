"""Matchers of transformers: CLIP, SigLIP, SigLIP 2 (fixed size and NaFlex) and similar models.

Any model with two towers, `get_image_features`, `get_text_features` and a `logit_scale` is supported.
The differences between families are handled here: SigLIP was trained on lower-case texts padded to
their full length without a mask; CLIP's preprocessing would keep only the middle of a long patch;
NaFlex keeps aspect ratios and takes two more inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from viper.backends.batch_gauge import BatchGauge
from viper.backends.option_models import TransformersMatcherOptions
from viper.backends.pil_images import picture
from viper.backends.placement import Placement, inference, on_gpu, read_placement
from viper.backends.prompt_templates import average, expand, read_templates, templates_id
from viper.backends.torch_common import fingerprint, load_model, load_pretrained, locate
from viper.errors import ConfigError
from viper.images.image import View
from viper.models.roles import Matcher

__all__ = ["TransformersMatcher", "load"]

_WHAT = "matcher"
_IMAGES = "embed_images"


class TransformersMatcher(Matcher):
    """One loaded matcher.

    Args:
        model: A model with an image and a text tower, on its device.
        image_processor: Its image processor.
        tokenizer: Its tokenizer.
        templates: Sentences that each text is put into, see `prompt_templates`.
        placement: Where the model runs.
        fingerprint: Names the weights and settings.
    """

    # The library's objects are untyped: `from_pretrained` promises no class.
    def __init__(
        self,
        model: Any,
        image_processor: Any,
        tokenizer: Any,
        templates: Sequence[str],
        placement: Placement,
        fingerprint: str,
    ) -> None:
        self._model = model
        self._image_processor = image_processor
        self._tokenizer = tokenizer
        self._templates = tuple(templates)
        self._placement = placement
        self.fingerprint = fingerprint
        self.logit_scale = float(model.logit_scale.detach().exp())
        bias = getattr(model, "logit_bias", None)
        self.logit_bias = None if bias is None else float(bias.detach())
        self._max_tokens = int(model.config.text_config.max_position_embeddings)
        self._image_options = _whole_image_options(image_processor) | on_gpu(placement.device)
        self._gauge = BatchGauge(model, placement.device, compiled=placement.compiles)
        blank = picture(np.zeros((64, 64, 3), dtype=np.uint8))
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
        """Return whether a method has two stages: `embed_images` has."""
        return method == _IMAGES

    def prepare(self, method: str, request: View) -> dict[str, torch.Tensor]:
        """Crop, resize and normalise a view, on the GPU where there is one."""
        return self._pixel_inputs(picture(request.pixels()))

    def forward(
        self, method: str, prepared: Sequence[dict[str, torch.Tensor]]
    ) -> list[NDArray[np.float32]]:
        """Return one unit vector per prepared view, shape (D,)."""
        if not prepared:
            return []
        inputs = {
            name: torch.cat([one[name] for one in prepared]).to(self._placement.device)
            for name in prepared[0]
        }
        inputs["pixel_values"] = inputs["pixel_values"].to(self._placement.dtype)
        with inference(_WHAT, self._placement), self._gauge.watched(len(prepared)):
            features = self._model.get_image_features(**inputs).pooler_output  # (B, D)
        return average(features.float().cpu().numpy(), 1)

    def _pixel_inputs(self, image: Image.Image) -> dict[str, torch.Tensor]:
        """Return the model's inputs for one image, (1, …) each."""
        return dict(
            self._image_processor(images=[image], return_tensors="pt", **self._image_options)
        )

    def embed_texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return one unit vector per text, shape (D,), averaged over the templates.

        A sentence that is too long for the model is cut at its end.

        Raises:
            ModelError: The model returned NaN or infinity, or ran out of memory.
        """
        if not texts:
            return []
        sentences = expand(texts, self._templates)
        with inference(_WHAT, self._placement):
            features = self._model.get_text_features(**self._tokens(sentences)).pooler_output
        return average(features.float().cpu().numpy(), len(self._templates))

    def _tokens(self, sentences: list[str]) -> dict[str, torch.Tensor]:
        sigmoid = self.logit_bias is not None
        tokens = self._tokenizer(
            # Some SigLIP 2 checkpoints have Gemma's tokenizer, which keeps capitals.
            [sentence.lower() for sentence in sentences] if sigmoid else sentences,
            padding="max_length" if sigmoid else True,
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        )
        # SigLIP pools the last position, which was unmasked padding in its training.
        names = ("input_ids",) if sigmoid else ("input_ids", "attention_mask")
        return {name: tokens[name].to(self._placement.device) for name in names}


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
    return TransformersMatcher(
        model,
        load_pretrained(AutoImageProcessor, source, what=_WHAT),
        load_pretrained(AutoTokenizer, source, what=_WHAT),
        templates,
        placement,
        fingerprint(source, {"dtype": placement, "templates": templates_id(templates)}),
    )


def _whole_image_options(image_processor: Any) -> dict[str, Any]:
    """Return arguments with which a processor uses the whole patch.

    CLIP's own scales the shorter side and crops the middle square, which leaves the trunk of a
    standing person. Instead, the whole patch is squeezed into the square, as for SigLIP; a square
    patch is unchanged.
    """
    if not getattr(image_processor, "do_center_crop", False):
        return {}
    crop = image_processor.crop_size
    return {
        "do_center_crop": False,
        "size": {"height": crop["height"], "width": crop["width"]},
    }
