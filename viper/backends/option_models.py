"""Options of the backends in this package, with their defaults and descriptions.

Separate from the backends, so that they can be listed without importing torch: `docs.tooling.options_page`
writes their tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from viper.models.options import BackendOptions, option

if TYPE_CHECKING:  # `BackendOptions` finds them when there is a value to check
    from viper.models.option_types import Batch, Choice, Fraction, LargeSide, Positive, Side, Text

__all__ = [
    "DeviceOptions",
    "HubOptions",
    "LimberOptions",
    "OnnxOptions",
    "OpenClipOptions",
    "PlacementOptions",
    "TransformersAnswererOptions",
    "TransformersDepthOptions",
    "TransformersDetectorOptions",
    "TransformersMatcherOptions",
    "UltralyticsOptions",
]

_BATCH = option(8, "most images per forward")
_DOWNLOAD = option(False, "fetch a model of the hub that is not on disk")
_TEMPLATES = option(
    "captions",
    "sentences around a text: `captions`, `plain`, or a file with one per line, each with `{}`",
)
_MAX_TOKENS = "most tokens of an answer"


class DeviceOptions(BackendOptions):
    """Where a torch backend runs."""

    device: Text = option("auto", "`auto`, `cpu`, `cuda`, `mps`, `xpu`, or as in `cuda:1`")


class PrecisionOptions(DeviceOptions):
    """Where a torch backend runs, and its number format."""

    dtype: Text = option("auto", "`auto`, `float32`, `float16` or `bfloat16`")


class HubOptions(PrecisionOptions):
    """Options of every model of transformers."""

    revision: Text | None = option(None, "branch, tag or commit of a model of the hub")
    download: bool = _DOWNLOAD


class PlacementOptions(HubOptions):
    """Options of models of transformers that can be compiled."""

    compile: bool = option(False, "use `torch.compile`: slower to load, faster to run")


class OnnxOptions(BackendOptions):
    """Options of the onnx detector."""

    score_threshold: Fraction = option(0.25, "drop detections with a lower score")
    classes: Text | None = option(
        None,
        "text file with one class name per line, in the order of the graph; "
        "else the names in the graph, else COCO's if there are 80",
    )
    format: Annotated[Literal["auto", "yolox", "nanodet"], Choice] = option(
        "auto", "family of the graph, if its shapes do not identify it"
    )
    decoded: bool = option(
        False, "the YOLOX graph outputs pixels; found out by itself where this is left out"
    )
    input: Annotated[Literal["bgr255", "rgb255", "bgr1", "rgb1", "imagenet"], Choice] = option(
        "bgr255",
        "channels of the YOLOX graph's input, and their range; `imagenet` is RGB, normalized",
    )
    size: Side = option(640, "side in pixels, for a graph whose input size is free")
    device: Annotated[Literal["auto", "cpu", "cuda"], Choice] = option("auto", "device to run on")


class TransformersDetectorOptions(PlacementOptions):
    """Options of the transformers detector."""

    score_threshold: Fraction | None = option(
        None,
        "drop detections with a lower score; else the threshold of the model's authors",
    )
    text_threshold: Fraction = option(
        0.25, "Grounding DINO only: least mean score of a phrase's tokens"
    )
    template: Text = option("a photo of a {}", "OWL only: text around a phrase")
    batch_size: Batch = _BATCH


class TransformersMatcherOptions(PlacementOptions):
    """Options of the transformers matcher."""

    templates: Text = _TEMPLATES


class TransformersDepthOptions(PlacementOptions):
    """Options of the transformers depth model."""

    polarity: Annotated[Literal["auto", "depth", "inverse"], Choice] = option(
        "auto",
        "meaning of the maps, for a family that is not known: "
        "`depth` (larger = farther) or `inverse` (larger = nearer)",
    )


class TransformersAnswererOptions(HubOptions):
    """Options of the transformers answerer."""

    max_tokens: Positive = option(20, _MAX_TOKENS)
    max_side: LargeSide = option(1024, "side in pixels to which larger crops are reduced")
    image_splitting: bool = option(
        False,
        "Idefics3 and SmolVLM only: look at tiles as well: much slower, better for small print",
    )


class UltralyticsOptions(DeviceOptions):
    """Options of the ultralytics detector."""

    score_threshold: Fraction = option(0.25, "drop detections with a lower score")
    text_encoder: Text | None = option(
        None,
        "YOLO-World and YOLOE only: the matcher, as `BACKEND:REFERENCE`, that the model was "
        "trained with, or `none` for the classes in the file",
    )
    size: Side | None = option(None, "side of the input in pixels; else the training size")
    batch_size: Batch = _BATCH
    trust: bool = option(False, "allow code in the file to run")


class OpenClipOptions(PrecisionOptions):
    """Options of the open_clip matcher."""

    templates: Text = _TEMPLATES
    pretrained: Text | None = option(
        None, "for a name of the library's list: a tag, or a file with weights"
    )
    download: bool = _DOWNLOAD


class LimberOptions(PrecisionOptions):
    """Options of the limber answerer."""

    max_tokens: Positive = option(16, _MAX_TOKENS)
    trust: bool = option(False, "let the folder name models in other folders")
