"""Models of real architectures with random weights, saved in the format of the hub.

What a forward takes does not depend on what the weights are, so speed can be measured where no weights can
be fetched. `real` sizes are those of OWLv2 base (patch 16, 960 px), SigLIP 2 so400m (patch 14, 384 px) and
Depth Anything V2 base (518 px), as their model cards and configurations say; `small` ones are for a CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = ["RandomModels", "Size", "save_random_models"]

Size = Literal["small", "real"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz.,"


class RandomModels(NamedTuple):
    """Folders that backends load from."""

    detector: Path
    matcher: Path
    depth: Path

    def backends(self) -> dict[str, str]:
        """Return what `Engine(backends=…)` takes."""
        return {role: f"transformers:{folder}" for role, folder in self._asdict().items()}


class _Tower(NamedTuple):
    """A transformer."""

    width: int
    layers: int
    heads: int
    feed_forward: int

    def config(self, **others: Any) -> dict[str, Any]:  # of the library, by name
        return {
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.feed_forward,
            **others,
        }


class _Sizes(NamedTuple):
    owl_vision: _Tower
    owl_text: _Tower
    owl_side: int
    siglip: _Tower
    siglip_side: int
    siglip_patch: int
    siglip_vocabulary: int
    dino: _Tower
    dino_side: int
    depth_necks: tuple[int, int, int, int]
    depth_fusion: int


_SIZES: dict[Size, _Sizes] = {
    "real": _Sizes(
        owl_vision=_Tower(768, 12, 12, 3072),
        owl_text=_Tower(512, 12, 8, 2048),
        owl_side=960,
        siglip=_Tower(1152, 27, 16, 4304),
        siglip_side=384,
        siglip_patch=14,
        siglip_vocabulary=256_000,
        dino=_Tower(768, 12, 12, 3072),
        dino_side=518,
        depth_necks=(96, 192, 384, 768),
        depth_fusion=128,
    ),
    "small": _Sizes(
        owl_vision=_Tower(192, 4, 3, 768),
        owl_text=_Tower(128, 4, 2, 512),
        owl_side=256,
        siglip=_Tower(192, 6, 3, 768),
        siglip_side=112,
        siglip_patch=14,
        siglip_vocabulary=1_000,
        dino=_Tower(96, 4, 3, 384),
        dino_side=126,
        depth_necks=(24, 48, 96, 96),
        depth_fusion=32,
    ),
}


def save_random_models(folder: Path, size: Size) -> RandomModels:
    """Write the three models into a folder; the same seed gives the same weights."""
    from viper.backends.torch_common import quiet_libraries

    sizes = _SIZES[size]
    with quiet_libraries():
        return RandomModels(
            _owlv2(folder / "owlv2", sizes),
            _siglip2(folder / "siglip2", sizes),
            _depth_anything(folder / "depth-anything", sizes),
        )


def _owlv2(folder: Path, sizes: _Sizes) -> Path:
    import torch
    from transformers import (
        CLIPTokenizer,
        Owlv2Config,
        Owlv2ForObjectDetection,
        Owlv2ImageProcessor,
        Owlv2Processor,
    )

    ends = (
        "<|startoftext|>",
        "<|endoftext|>",
    )  # the end has the highest id: the model looks for it
    tokens = ["!", *_LETTERS, *(f"{letter}</w>" for letter in _LETTERS), *ends]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], pad_token=tokens[0], model_max_length=16)
    torch.manual_seed(7)
    text = sizes.owl_text.config(
        vocab_size=len(vocabulary),
        max_position_embeddings=16,
        bos_token_id=vocabulary[ends[0]],
        eos_token_id=vocabulary[ends[1]],
        pad_token_id=vocabulary["!"],
    )
    vision = sizes.owl_vision.config(image_size=sizes.owl_side, patch_size=16)
    config = Owlv2Config(
        text_config=text, vision_config=vision, projection_dim=sizes.owl_text.width
    )
    side = {"height": sizes.owl_side, "width": sizes.owl_side}
    processor = Owlv2Processor(Owlv2ImageProcessor(size=side), tokenizer)
    model = Owlv2ForObjectDetection(config)
    with torch.no_grad():
        # Random heads would throw boxes out of the picture; so they stay near their places.
        model.box_head.dense2.weight.mul_(0.05)
        for head in (model.class_head.logit_shift, model.class_head.logit_scale):
            head.weight.mul_(0.1)
    return _saved(folder, model, processor)


def _siglip2(folder: Path, sizes: _Sizes) -> Path:
    import torch
    from transformers import Siglip2Tokenizer, SiglipConfig, SiglipImageProcessor, SiglipModel

    tokens = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *_LETTERS)
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Siglip2Tokenizer(
        vocab=vocabulary,
        merges=[],
        padding_side="right",
        model_max_length=64,
        model_input_names=["input_ids"],
    )
    torch.manual_seed(7)
    config = SiglipConfig(
        text_config=sizes.siglip.config(
            vocab_size=sizes.siglip_vocabulary,
            max_position_embeddings=64,
            projection_size=sizes.siglip.width,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=2,
        ),
        vision_config=sizes.siglip.config(
            image_size=sizes.siglip_side, patch_size=sizes.siglip_patch
        ),
    )
    side = {"height": sizes.siglip_side, "width": sizes.siglip_side}
    return _saved(folder, SiglipModel(config), SiglipImageProcessor(size=side), tokenizer)


def _depth_anything(folder: Path, sizes: _Sizes) -> Path:
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    torch.manual_seed(7)
    tower, layers = sizes.dino, sizes.dino.layers
    settings: dict[str, Any] = {
        "image_size": sizes.dino_side,
        "patch_size": 14,
        "hidden_size": tower.width,
        "num_hidden_layers": layers,
        "num_attention_heads": tower.heads,
        "mlp_ratio": tower.feed_forward // tower.width,
        "out_features": [f"stage{layers * part // 4}" for part in (1, 2, 3, 4)],
        "reshape_hidden_states": False,
    }
    backbone = Dinov2Config(**settings)
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=tower.width,
        neck_hidden_sizes=list(sizes.depth_necks),
        fusion_hidden_size=sizes.depth_fusion,
        head_hidden_size=32,
    )
    processor = DPTImageProcessor(
        size={"height": sizes.dino_side, "width": sizes.dino_side},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
    )
    return _saved(folder, DepthAnythingForDepthEstimation(config), processor)


def _saved(folder: Path, model: Any, *parts: Any) -> Path:  # the library's classes are not typed
    for part in (model.eval(), *parts):
        part.save_pretrained(folder)
    return folder
