"""Options of the backends in this package, with their defaults and descriptions.

Separate from the backends, so that they can be listed without importing torch: `docs.tooling.options_page`
writes their tables.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from viper.models.options import BackendOptions, Choice, Fraction, Text, Whole

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

_Batch = Annotated[int, Field(ge=1, le=1024), Whole]
_Side = Annotated[int, Field(ge=32, le=4096), Whole]
_Positive = Annotated[int, Field(ge=1), Whole]

_BATCH = Field(8, description="most images per forward")
_DOWNLOAD = Field(False, description="fetch a model of the hub that is not on disk")
_TEMPLATES = Field(
    "captions",
    description="sentences around a text: `captions`, `plain`, or a file with one per line, each with `{}`",
)
_MAX_TOKENS = "most tokens of an answer"


class DeviceOptions(BackendOptions):
    """Where a torch backend runs."""

    device: Text = Field(
        "auto", description="`auto`, `cpu`, `cuda`, `mps`, `xpu`, or as in `cuda:1`"
    )


class PrecisionOptions(DeviceOptions):
    """Where a torch backend runs, and its number format."""

    dtype: Text = Field("auto", description="`auto`, `float32`, `float16` or `bfloat16`")


class HubOptions(PrecisionOptions):
    """Options of every model of transformers."""

    revision: Text | None = Field(None, description="branch, tag or commit of a model of the hub")
    download: bool = _DOWNLOAD


class PlacementOptions(HubOptions):
    """Options of models of transformers that can be compiled."""

    compile: bool = Field(False, description="use `torch.compile`: slower to load, faster to run")


class OnnxOptions(BackendOptions):
    """Options of the onnx detector."""

    score_threshold: Fraction = Field(0.25, description="drop detections with a lower score")
    classes: Text | None = Field(
        None,
        description="text file with one class name per line, in the order of the graph; "
        "else the names in the graph, else COCO's if there are 80",
    )
    format: Annotated[Literal["auto", "yolox", "nanodet"], Choice] = Field(
        "auto", description="family of the graph, if its shapes do not identify it"
    )
    decoded: bool = Field(False, description="the YOLOX graph already outputs pixels")
    size: _Side = Field(640, description="side in pixels, for a graph whose input size is free")
    device: Annotated[Literal["auto", "cpu", "cuda"], Choice] = Field(
        "auto", description="device to run on"
    )


class TransformersDetectorOptions(PlacementOptions):
    """Options of the transformers detector."""

    score_threshold: Fraction | None = Field(
        None,
        description="drop detections with a lower score; else the threshold of the model's authors",
    )
    text_threshold: Fraction = Field(
        0.25, description="Grounding DINO only: least mean score of a phrase's tokens"
    )
    template: Text = Field("a photo of a {}", description="OWL only: text around a phrase")
    batch_size: _Batch = _BATCH


class TransformersMatcherOptions(PlacementOptions):
    """Options of the transformers matcher."""

    templates: Text = _TEMPLATES


class TransformersDepthOptions(PlacementOptions):
    """Options of the transformers depth model."""

    polarity: Annotated[Literal["auto", "depth", "inverse"], Choice] = Field(
        "auto",
        description="meaning of the maps, for a family that is not known: "
        "`depth` (larger = farther) or `inverse` (larger = nearer)",
    )


class TransformersAnswererOptions(HubOptions):
    """Options of the transformers answerer."""

    max_tokens: _Positive = Field(20, description=_MAX_TOKENS)
    max_side: Annotated[int, Field(ge=56), Whole] = Field(
        1024, description="side in pixels to which larger crops are reduced"
    )
    image_splitting: bool = Field(
        False,
        description="Idefics3 and SmolVLM only: look at tiles as well: much slower, better for small print",
    )


class UltralyticsOptions(DeviceOptions):
    """Options of the ultralytics detector."""

    score_threshold: Fraction = Field(0.25, description="drop detections with a lower score")
    text_encoder: Text | None = Field(
        None,
        description="YOLO-World and YOLOE only: the matcher, as `BACKEND:REFERENCE`, that the model was "
        "trained with, or `none` for the classes in the file",
    )
    size: _Side | None = Field(
        None, description="side of the input in pixels; else the training size"
    )
    batch_size: _Batch = _BATCH
    trust: bool = Field(False, description="allow code in the file to run")


class OpenClipOptions(PrecisionOptions):
    """Options of the open_clip matcher."""

    templates: Text = _TEMPLATES
    pretrained: Text | None = Field(
        None, description="for a name of the library's list: a tag, or a file with weights"
    )
    download: bool = _DOWNLOAD


class LimberOptions(PrecisionOptions):
    """Options of the limber answerer."""

    max_tokens: _Positive = Field(16, description=_MAX_TOKENS)
