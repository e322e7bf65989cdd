"""Small randomly initialised YOLO models, saved as ultralytics saves them.

Networks are the library's own, from its yaml files, at a fraction of the smallest official width.
Import the backend first, so that the library is imported sealed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from fakes.tiny_detectors import clip_text, clip_tokenizer

NAMES = ("mug", "dog", "cat")
SIDE = 64
TEXT_SIZE = 512  # what the library's text attention is built for


def closed(path: Path) -> Path:
    """YOLO11 with three classes."""
    from ultralytics.nn.tasks import DetectionModel

    return _save(path, DetectionModel(_config("yolo11n.yaml"), nc=len(NAMES), verbose=False))


def end_to_end(path: Path) -> Path:
    """YOLOv10 with the head that suppresses duplicates itself."""
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel(_config("yolov10n.yaml"), nc=len(NAMES), verbose=False)
    model.model[-1].end2end = True
    return _save(path, model)


def segmenting(path: Path) -> Path:
    """YOLO11 with masks."""
    from ultralytics.nn.tasks import SegmentationModel

    return _save(path, SegmentationModel(_config("yolo11n-seg.yaml"), nc=len(NAMES), verbose=False))


def classifying(path: Path) -> Path:
    """YOLO11 that names whole pictures: no detector."""
    from ultralytics.nn.tasks import ClassificationModel

    model = ClassificationModel(_config("yolo11n-cls.yaml"), nc=len(NAMES), verbose=False)
    return _save(path, model)


def world(path: Path) -> Path:
    """YOLO-World v2."""
    from ultralytics.nn.tasks import WorldModel

    return _save(path, WorldModel(_config("yolov8s-worldv2.yaml"), nc=len(NAMES), verbose=False))


def yoloe(path: Path) -> Path:
    """YOLOE with masks, as the official ones are."""
    from ultralytics.nn.tasks import YOLOESegModel

    return _save(path, YOLOESegModel(_config("yoloe-11s-seg.yaml"), nc=len(NAMES), verbose=False))


def clip(folder: Path) -> Path:
    """The text encoder: a CLIP whose features are as long as the networks want."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    tokenizer = clip_tokenizer(77)
    layers = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    torch.manual_seed(0)
    text = {**clip_text(tokenizer, 77), "projection_dim": TEXT_SIZE}
    vision = {**layers, "image_size": 32, "patch_size": 16}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=TEXT_SIZE))
    with torch.no_grad():  # make texts matter
        model.text_model.embeddings.token_embedding.weight.mul_(50)
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    for part in (model, tokenizer, images):
        part.save_pretrained(folder)
    return folder


def _config(name: str) -> dict[str, Any]:
    from ultralytics.nn.tasks import yaml_model_load

    config: dict[str, Any] = yaml_model_load(name)
    config["scales"] = {config["scale"]: [0.25, 0.0625, 1024]}
    return config


def _settle(head: Any) -> None:
    """Keep boxes a few cells wide and scores around one half."""
    for name in ("cv2", "one2one_cv2"):
        for branch in getattr(head, name, ()):
            # Distances to the sides are means over the bins 0 … 15.
            branch[-1].bias.copy_(-torch.arange(16.0).repeat(4))
            branch[-1].weight.mul_(0.3)
    for name in ("cv3", "one2one_cv3"):
        for branch in getattr(head, name, ()):
            branch[-1].bias.zero_()
            if name == "one2one_cv3":
                branch[-1].weight.mul_(0.05)
    for contrast in getattr(head, "cv4", ()):
        if hasattr(contrast, "logit_scale"):
            contrast.bias.zero_()


def _save(path: Path, model: Any) -> Path:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            # Spread the outputs, so that boxes and classes differ; fixed weights decode boxes.
            if parameter.ndim > 1 and parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * (3 / parameter[0].numel()) ** 0.5)
        _settle(model.model[-1])
    model.names = dict(enumerate(NAMES))
    model.args = {"imgsz": SIDE}
    model.task = {"YOLOESegModel": "segment", "SegmentationModel": "segment"}.get(
        type(model).__name__,
        "classify" if type(model).__name__ == "ClassificationModel" else "detect",
    )
    torch.save({"model": model.eval(), "ema": None, "train_args": model.args}, path)
    return path
