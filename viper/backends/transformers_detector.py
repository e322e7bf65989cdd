"""Detectors of transformers: `transformers:FOLDER-OR-ID?score_threshold=0.1&…`.

Any phrase may be asked of OWL-ViT, OWLv2, Grounding DINO, MM-Grounding-DINO and OmDet-Turbo.
DETR and its kin (whatever `AutoModelForObjectDetection` loads) have the classes of their training.

Options: `score_threshold` (0 … 1, default: the authors') · `text_threshold` (0 … 1, Grounding DINO
only, default 0.25) · `template` (OWL only, default "a photo of a {}") · `batch_size` (pictures per
forward, default 8) · `device` (auto, cpu, cuda, cuda:1, mps) · `dtype` (auto, float32, float16,
bfloat16) · `compile` (true to use torch.compile) · `revision` (branch, tag or commit of a model id) ·
`download` (true to fetch a model id that is not on disk).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from PIL import Image
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForObjectDetection,
    AutoModelForZeroShotObjectDetection,
    AutoProcessor,
)

from viper.backends.detections import to_detections
from viper.backends.letterbox import Tamed, tame
from viper.backends.owl import Owl
from viper.backends.placement import Placement, inference, on_gpu, read_placement
from viper.backends.torch_common import (
    ModelSource,
    fingerprint,
    load_model,
    load_pretrained,
    locate,
)
from viper.backends.zero_shot import GroundingDino, OmDetTurbo, Question, ZeroShotFamily
from viper.errors import ConfigError, UnservedError
from viper.models.options import Options
from viper.models.roles import Detection, DetectRequest

__all__ = ["ClosedDetector", "ZeroShotDetector", "load"]

_WHAT = "detector"
_UNUSED = "N/A"  # the name of numbers that COCO's list of classes skips
_DEFAULT_TEMPLATE = "a photo of a {}"
_OWL = ("owlvit", "owlv2")
_ZERO_SHOT = (*_OWL, "grounding-dino", "mm-grounding-dino", "omdet-turbo")


@dataclass(frozen=True, slots=True)
class _Settings:
    score_threshold: float | None
    text_threshold: float
    template: str
    batch_size: int
    placement: Placement


def load(reference: str, options: Mapping[str, str]) -> ZeroShotDetector | ClosedDetector:
    """Load a detector of transformers.

    Args:
        reference: A folder in the format of the hub, or a model id.
        options: See the module.

    Raises:
        ConfigError: There is no such model, it is no detector, its files are damaged, or an option
            is wrong.
    """
    with Options(options, "the transformers detector") as read:
        threshold = read.fraction("score_threshold", -1.0)
        text_threshold = read.fraction("text_threshold", 0.25)
        template = read.text("template", _DEFAULT_TEMPLATE)
        batch_size = read.integer("batch_size", 8, low=1, high=1024)
        placement = read_placement(read)
        revision = read.optional_text("revision")
        download = read.flag("download", False)
    if "{}" not in template:
        raise ConfigError(
            f"Option template={template!r} of the transformers detector has no {{}} in the place "
            f"of the phrase. Write it as in template={_DEFAULT_TEMPLATE!r}."
        )
    settings = _Settings(
        score_threshold=None if threshold < 0 else threshold,
        text_threshold=text_threshold,
        template=template,
        batch_size=batch_size,
        placement=placement,
    )
    source = locate(reference, what=_WHAT, revision=revision, download=download)
    config = load_pretrained(AutoConfig, source, what=_WHAT)
    if config.model_type not in _OWL:
        settings = replace(settings, placement=placement.exact)
    if config.model_type in _ZERO_SHOT:
        return _load_zero_shot(source, config.model_type, settings)
    # The library keeps its list in a private attribute; without it the class of the config decides.
    if type(config) in getattr(AutoModelForObjectDetection, "_model_mapping", ()):
        return _load_closed(source, settings)
    raise ConfigError(
        f"'{source.reference}' is a model of type '{config.model_type}', which is no detector that "
        f"is known here. Known: {', '.join(_ZERO_SHOT)} (any phrase), and the closed-vocabulary "
        "models of AutoModelForObjectDetection, such as detr, rt_detr and yolos."
    )


@dataclass(frozen=True, slots=True)
class ZeroShotDetector:
    """Finds what any phrase names; a box may be reported for several phrases."""

    family: ZeroShotFamily
    score_threshold: float
    fingerprint: str
    vocabulary: None = None

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Look for the phrases of each request; equal views are looked at once.

        Raises:
            UnservedError: A request has no phrase, or one without words.
            ModelError: The device ran out of memory.
        """
        crops: list[Tamed] = []
        sizes_wh: list[tuple[int, int]] = []
        index_of: dict[object, int] = {}
        questions = []
        for request in requests:
            if not request.phrases or not all(phrase.strip() for phrase in request.phrases):
                raise UnservedError(
                    f"The detector was asked for {list(request.phrases)!r}. It takes any phrase, "
                    "but at least one, and none empty."
                )
            # By content, not the image itself: what is known by a key must not hold its pixels.
            key = (request.view.image.content_hash, request.view.bounds)
            if key not in index_of:
                index_of[key] = len(crops)
                pixels = request.view.pixels()
                sizes_wh.append((pixels.shape[1], pixels.shape[0]))
                crops.append(tame(pixels))
            questions.append(Question(index_of[key], request.phrases))
        if not questions:
            return []
        with inference(_WHAT, self.family.placement):
            keys = list(index_of)
            answers = self.family.ask([crop.pixels for crop in crops], questions, keys)
        results = []
        for question, (boxes, scores) in zip(questions, answers, strict=True):
            rows, columns = (scores >= self.score_threshold).nonzero(as_tuple=True)
            results.append(
                to_detections(
                    crops[question.crop].to_crop(boxes[rows].numpy()),
                    scores[rows, columns].numpy(),
                    [question.phrases[column] for column in columns.tolist()],
                    crop_wh=sizes_wh[question.crop],
                    score_threshold=self.score_threshold,
                )
            )
        return results


class PreparedCrop(NamedTuple):
    """One request on its way through a closed-vocabulary model."""

    tensor: torch.Tensor
    """Shape (1, 3, H, W)."""
    crop: Tamed
    crop_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ClosedDetector:
    """DETR and its kin: reports all objects of the classes of its training."""

    model: Any  # the library's classes are not typed
    image_processor: Any
    vocabulary: tuple[str, ...]
    settings: _Settings
    score_threshold: float
    fingerprint: str

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Report all objects of all classes in each view; phrases are not looked at.

        Raises:
            ModelError: The device ran out of memory.
        """
        return self.forward("detect", [self.prepare("detect", request) for request in requests])

    def stages(self, method: str) -> bool:
        """Tell that crops are made ready apart from running the model."""
        return method == "detect"

    def prepare(self, method: str, request: DetectRequest) -> PreparedCrop:
        """Crop, resize and normalise a view, on the GPU where there is one."""
        pixels = request.view.pixels()
        crop = tame(pixels)
        # A PIL image, because the channel axis of an array 3 pixels high would be guessed.
        inputs = self.image_processor(
            images=[Image.fromarray(crop.pixels)],
            return_tensors="pt",
            **on_gpu(self.settings.placement.device),
        )
        return PreparedCrop(inputs.pixel_values, crop, (pixels.shape[1], pixels.shape[0]))

    def forward(self, method: str, prepared: Sequence[PreparedCrop]) -> list[list[Detection]]:
        """Report what is in each prepared view."""
        results: list[list[Detection]] = [[] for _ in prepared]
        # Pictures of one size only: padding would change what the backbone sees at the edges.
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, picture in enumerate(prepared):
            groups.setdefault(tuple(picture.tensor.shape), []).append(index)
        for group in groups.values():
            for start in range(0, len(group), self.settings.batch_size):
                part = group[start : start + self.settings.batch_size]
                found = self._detect([prepared[index] for index in part])
                for index, detections in zip(part, found, strict=True):
                    results[index] = detections
        return results

    def _detect(self, part: Sequence[PreparedCrop]) -> list[list[Detection]]:
        batch = torch.cat([picture.tensor for picture in part])
        placement = self.settings.placement
        with inference(_WHAT, placement):
            outputs = self.model(batch.to(placement.device, placement.dtype))
            found = self.image_processor.post_process_object_detection(
                outputs,
                threshold=self.score_threshold,
                target_sizes=[picture.crop.pixels.shape[:2] for picture in part],
            )
        results = []
        for picture, item in zip(part, found, strict=True):
            names = [self.model.config.id2label[label] for label in item["labels"].tolist()]
            known = [index for index, name in enumerate(names) if name != _UNUSED]
            results.append(
                to_detections(
                    picture.crop.to_crop(item["boxes"].float().cpu().numpy()[known]),
                    item["scores"].float().cpu().numpy()[known],
                    [names[index] for index in known],
                    crop_wh=picture.crop_wh,
                    score_threshold=self.score_threshold,
                )
            )
        return results


def _load_zero_shot(source: ModelSource, model_type: str, settings: _Settings) -> ZeroShotDetector:
    processor = load_pretrained(AutoProcessor, source, what=_WHAT)
    model = load_model(
        AutoModelForZeroShotObjectDetection,
        source,
        what=_WHAT,
        placement=settings.placement,
    )
    loaded = (model, processor, settings.placement, settings.batch_size)
    named: dict[str, object] = {}
    family: ZeroShotFamily
    if model_type in _OWL:
        family = Owl(*loaded, settings.template, pads_to_square=model_type == "owlv2")
        named = {"template": settings.template}
    elif model_type == "omdet-turbo":
        family = OmDetTurbo(*loaded)
    else:
        family = GroundingDino(*loaded, settings.text_threshold)
        named = {"text_threshold": settings.text_threshold}
    threshold = settings.score_threshold
    threshold = family.default_score_threshold if threshold is None else threshold
    return ZeroShotDetector(
        family, threshold, _fingerprint(source, settings, score_threshold=threshold, **named)
    )


def _load_closed(source: ModelSource, settings: _Settings) -> ClosedDetector:
    image_processor = load_pretrained(AutoImageProcessor, source, what=_WHAT)
    model = load_model(
        AutoModelForObjectDetection,
        source,
        what=_WHAT,
        placement=settings.placement,
    )
    # 0.5 is the library's default for these models.
    threshold = 0.5 if settings.score_threshold is None else settings.score_threshold
    names = [name for _, name in sorted(model.config.id2label.items()) if name != _UNUSED]
    return ClosedDetector(
        model=model,
        image_processor=image_processor,
        vocabulary=tuple(dict.fromkeys(names)),
        settings=settings,
        score_threshold=threshold,
        fingerprint=_fingerprint(source, settings, score_threshold=threshold),
    )


def _fingerprint(source: ModelSource, settings: _Settings, **named: object) -> str:
    shared = {"dtype": settings.placement, "device": settings.placement.device.type}
    return "transformers:" + fingerprint(source, {**shared, **named})
