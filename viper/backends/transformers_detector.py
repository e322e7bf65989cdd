"""Detectors of transformers: `transformers:FOLDER-OR-ID?score_threshold=0.1&…`.

OWL-ViT, OWLv2, Grounding DINO, MM-Grounding-DINO and OmDet-Turbo take any phrase. DETR and similar models
(those that `AutoModelForObjectDetection` loads) detect the classes they were trained on.

The options are `TransformersDetectorOptions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from PIL import Image
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForObjectDetection,
    AutoModelForZeroShotObjectDetection,
    AutoProcessor,
)

from viper.backends.detections import class_names, to_detections
from viper.backends.finite import check_finite
from viper.backends.grouping import in_groups
from viper.backends.letterbox import Frame, tame
from viper.backends.option_models import TransformersDetectorOptions
from viper.backends.owl import Owl
from viper.backends.placement import Placement, inference, on_gpu, read_placement
from viper.backends.torch_common import (
    ModelSource,
    fingerprint,
    load_model,
    load_pretrained,
    load_processor,
    locate,
)
from viper.backends.zero_shot import GroundingDino, OmDetTurbo, Question, ZeroShotFamily
from viper.errors import ConfigError, UnservedError
from viper.models.roles import Detection, Detector, DetectRequest

__all__ = ["ClosedDetector", "ZeroShotDetector", "load"]

_WHAT = "detector"
_UNUSED = "N/A"  # the name of class numbers that COCO skips
_OWL = ("owlvit", "owlv2")
_ZERO_SHOT = (*_OWL, "grounding-dino", "mm-grounding-dino", "omdet-turbo")


def load(reference: str, options: Mapping[str, str]) -> ZeroShotDetector | ClosedDetector:
    """Load a detector of transformers.

    Args:
        reference: A folder in the format of the hub, or a model id.
        options: Those of `TransformersDetectorOptions`.

    Raises:
        ConfigError: There is no such model, it is not a detector, its files are damaged, or an option
            is wrong.
    """
    chosen = TransformersDetectorOptions.read(options, "the transformers detector")
    placement = read_placement(chosen)
    if "{}" not in chosen.template:
        raise ConfigError(
            f"Option template={chosen.template!r} of the transformers detector has no {{}} where the "
            "phrase goes. Write it as in template='a photo of a {}'."
        )
    source = locate(reference, what=_WHAT, revision=chosen.revision, download=chosen.download)
    config = load_pretrained(AutoConfig, source, what=_WHAT)
    if config.model_type not in _OWL:
        placement = placement.exact
    if config.model_type in _ZERO_SHOT:
        return _load_zero_shot(source, config.model_type, chosen, placement)
    # The library keeps its list in a private attribute; without it the class of the config decides.
    if type(config) in getattr(AutoModelForObjectDetection, "_model_mapping", ()):
        return _load_closed(source, chosen, placement)
    raise ConfigError(
        f"'{source.reference}' is a model of type '{config.model_type}', which is not a supported detector. "
        f"Supported: {', '.join(_ZERO_SHOT)} (any phrase), and the closed-vocabulary "
        "models of AutoModelForObjectDetection, such as detr, rt_detr and yolos."
    )


@dataclass(frozen=True, slots=True)
class ZeroShotDetector(Detector):
    """An open-vocabulary detector; a box may be reported for several phrases."""

    family: ZeroShotFamily
    fingerprint: str
    score_threshold: float  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen

    def largest_batch(self, method: str) -> int:
        """Return the option `batch_size`."""
        return self.family.batch_size

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Look for the phrases of each request; equal views are encoded once.

        Raises:
            UnservedError: A request has no phrase, or one without words.
            ModelError: The device ran out of memory, or the model returned NaN or infinity.
        """
        frames: list[Frame] = []
        index_of: dict[object, int] = {}
        questions = []
        for request in requests:
            if not request.phrases or not all(phrase.strip() for phrase in request.phrases):
                raise UnservedError(
                    f"The detector was asked for {list(request.phrases)!r}. It takes any phrase, "
                    "but at least one, and none empty."
                )
            # By content, because a key of the cache must not keep the image's pixels in memory.
            key = (request.view.image.content_hash, request.view.bounds)
            if key not in index_of:
                index_of[key] = len(frames)
                frames.append(tame(request.view.pixels()))
            questions.append(Question(index_of[key], request.phrases))
        if not questions:
            return []
        with inference(_WHAT, self.family.placement):
            crops = [frame.pixels for frame in frames]
            answers = self.family.ask(crops, questions, list(index_of))
        results = []
        for question, (boxes, scores) in zip(questions, answers, strict=True):
            rows, columns = (scores >= self.score_threshold).nonzero(as_tuple=True)
            results.append(
                to_detections(
                    frames[question.crop],
                    boxes[rows].numpy(),
                    scores[rows, columns].numpy(),
                    columns.numpy(),
                    question.phrases,
                    self.score_threshold,
                )
            )
        return results


PreparedCrop: TypeAlias = tuple[torch.Tensor, Frame]
"""Input of a closed-vocabulary model for one request, shape (1, 3, H, W), and its frame."""


@dataclass(frozen=True, slots=True)
class ClosedDetector(Detector):
    """DETR and similar models: reports all objects of the classes it was trained on."""

    model: Any  # the library's classes are not typed
    image_processor: Any
    placement: Placement
    batch_size: int
    fingerprint: str
    score_threshold: float  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen
    vocabulary: tuple[str, ...] | None

    def largest_batch(self, method: str) -> int:
        """Return the option `batch_size`."""
        return self.batch_size

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Report all objects of all classes in each view; phrases are ignored.

        Raises:
            ModelError: The device ran out of memory, or the model returned NaN or infinity.
        """
        return self.forward("detect", [self.prepare("detect", request) for request in requests])

    def stages(self, method: str) -> bool:
        """Return whether a method is split into `prepare` and `forward`: `detect` is."""
        return method == "detect"

    def prepare(self, method: str, request: DetectRequest) -> PreparedCrop:
        """Crop, resize and normalize a view, on the GPU where there is one."""
        frame = tame(request.view.pixels())
        # A PIL image, because the channel axis of an array 3 pixels high would be guessed.
        inputs = self.image_processor(
            images=[Image.fromarray(frame.pixels)],
            return_tensors="pt",
            **on_gpu(self.placement.device),
        )
        return inputs.pixel_values, frame

    def forward(self, method: str, prepared: Sequence[PreparedCrop]) -> list[list[Detection]]:
        """Report what is in each prepared view."""
        # Images of one size only: padding would change the features at the edges.
        return in_groups(prepared, lambda one: one[0].shape, self._detect)

    def _detect(self, part: Sequence[PreparedCrop]) -> list[list[Detection]]:
        batch = torch.cat([tensor for tensor, _ in part])
        with inference(_WHAT, self.placement):
            outputs = self.model(batch.to(self.placement.device, self.placement.dtype))
            check_finite(_WHAT, outputs.logits, outputs.pred_boxes)
            found = self.image_processor.post_process_object_detection(
                outputs,
                threshold=self.score_threshold,
                target_sizes=[frame.pixels.shape[:2] for _, frame in part],
            )
        names = self.model.config.id2label
        results = []
        for (_, frame), item in zip(part, found, strict=True):
            boxes, scores = (item[name].float().cpu().numpy() for name in ("boxes", "scores"))
            labels = item["labels"].cpu().numpy()
            listed = to_detections(frame, boxes, scores, labels, names, self.score_threshold)
            results.append([detection for detection in listed if detection.phrase != _UNUSED])
        return results


def _load_zero_shot(
    source: ModelSource,
    model_type: str,
    chosen: TransformersDetectorOptions,
    placement: Placement,
) -> ZeroShotDetector:
    processor = load_processor(AutoProcessor, source, what=_WHAT)
    model = load_model(AutoModelForZeroShotObjectDetection, source, what=_WHAT, placement=placement)
    loaded = (model, processor, placement, chosen.batch_size)
    named: dict[str, object] = {}
    family: ZeroShotFamily
    if model_type in _OWL:
        family = Owl(*loaded, chosen.template, pads_to_square=model_type == "owlv2")
        named = {"template": chosen.template}
    elif model_type == "omdet-turbo":
        family = OmDetTurbo(*loaded)
    else:
        family = GroundingDino(*loaded, chosen.text_threshold)
        named = {"text_threshold": chosen.text_threshold}
    threshold = chosen.score_threshold
    threshold = family.default_score_threshold if threshold is None else threshold
    return ZeroShotDetector(
        family, _fingerprint(source, placement, score_threshold=threshold, **named), threshold
    )


def _load_closed(
    source: ModelSource, chosen: TransformersDetectorOptions, placement: Placement
) -> ClosedDetector:
    image_processor = load_pretrained(AutoImageProcessor, source, what=_WHAT)
    model = load_model(AutoModelForObjectDetection, source, what=_WHAT, placement=placement)
    # 0.5 is the library's default for these models.
    threshold = 0.5 if chosen.score_threshold is None else chosen.score_threshold
    names = [name for _, name in sorted(model.config.id2label.items()) if name != _UNUSED]
    return ClosedDetector(
        model=model,
        image_processor=image_processor,
        placement=placement,
        batch_size=chosen.batch_size,
        score_threshold=threshold,
        fingerprint=_fingerprint(source, placement, score_threshold=threshold),
        vocabulary=class_names(names, displayed=source.reference),
    )


def _fingerprint(source: ModelSource, placement: Placement, **named: object) -> str:
    shared = {"dtype": placement, "device": placement.device.type}
    return "transformers:" + fingerprint(source, {**shared, **named})
