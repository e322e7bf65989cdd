"""Models of real architectures with random weights, saved in the format of the Hugging Face hub.

The time of a forward does not depend on the weights, so speed can be measured where no weights can be
fetched. `real` sizes are those of OWLv2 base (patch 16, 960 px), SigLIP 2 so400m (patch 14, 384 px) and
Depth Anything V2 base (518 px), as their model cards and configurations say; `small` ones are for a CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["save_random_models"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz.,"


class _Tower(NamedTuple):
    """A transformer."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int


class _Sizes(NamedTuple):
    owl_vision: _Tower
    owl_text: _Tower
    owl_side: int
    siglip: _Tower
    siglip_side: int
    siglip_vocabulary: int
    dino: _Tower
    dino_side: int
    depth_necks: list[int]
    depth_fusion: int


_SIZES = {
    "real": _Sizes(
        owl_vision=_Tower(768, 12, 12, 3072),
        owl_text=_Tower(512, 12, 8, 2048),
        owl_side=960,
        siglip=_Tower(1152, 27, 16, 4304),
        siglip_side=384,
        siglip_vocabulary=256_000,
        dino=_Tower(768, 12, 12, 3072),
        dino_side=518,
        depth_necks=[96, 192, 384, 768],
        depth_fusion=128,
    ),
    "small": _Sizes(
        owl_vision=_Tower(192, 4, 3, 768),
        owl_text=_Tower(128, 4, 2, 512),
        owl_side=256,
        siglip=_Tower(192, 6, 3, 768),
        siglip_side=112,
        siglip_vocabulary=1_000,
        dino=_Tower(96, 4, 3, 384),
        dino_side=126,
        depth_necks=[24, 48, 96, 96],
        depth_fusion=32,
    ),
}


def save_random_models(folder: Path, size: str) -> dict[str, str]:
    """Write a detector, a matcher and a depth model; the same seed gives the same weights.

    Args:
        folder: Gets a folder per model.
        size: `small` or `real`.

    Returns:
        The argument `backends` of `Engine`: role → reference.
    """
    from viper.backends.torch_common import quiet_libraries

    makers = {"detector": _owlv2, "matcher": _siglip2, "depth": _depth_anything}
    with quiet_libraries():
        for role, make in makers.items():
            for part in make(_SIZES[size]):
                part.save_pretrained(folder / role)
    return {role: f"transformers:{folder / role}" for role in makers}


def _square(side: int) -> dict[str, int]:
    return {"height": side, "width": side}


# The library's classes are not typed: each function returns what `save_pretrained` writes.


def _owlv2(sizes: _Sizes) -> tuple[Any, ...]:
    import torch
    from transformers import (
        CLIPTokenizer,
        Owlv2Config,
        Owlv2ForObjectDetection,
        Owlv2ImageProcessor,
        Owlv2Processor,
    )

    # The model finds the end token by its id, the highest.
    ends = ("<|startoftext|>", "<|endoftext|>")
    tokens = ["!", *_LETTERS, *(f"{letter}</w>" for letter in _LETTERS), *ends]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], pad_token=tokens[0], model_max_length=16)
    torch.manual_seed(7)
    text = sizes.owl_text._asdict() | {
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 16,
        "bos_token_id": vocabulary[ends[0]],
        "eos_token_id": vocabulary[ends[1]],
        "pad_token_id": vocabulary["!"],
    }
    vision = sizes.owl_vision._asdict() | {"image_size": sizes.owl_side, "patch_size": 16}
    config = Owlv2Config(
        text_config=text, vision_config=vision, projection_dim=sizes.owl_text.hidden_size
    )
    processor = Owlv2Processor(Owlv2ImageProcessor(size=_square(sizes.owl_side)), tokenizer)
    model = Owlv2ForObjectDetection(config)
    with torch.no_grad():
        # Random heads would move boxes out of the image; smaller weights keep them inside.
        model.box_head.dense2.weight.mul_(0.05)
        for head in (model.class_head.logit_shift, model.class_head.logit_scale):
            head.weight.mul_(0.1)
    return model.eval(), processor


def _siglip2(sizes: _Sizes) -> tuple[Any, ...]:
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
        text_config=sizes.siglip._asdict()
        | {
            "vocab_size": sizes.siglip_vocabulary,
            "max_position_embeddings": 64,
            "projection_size": sizes.siglip.hidden_size,
            "pad_token_id": 0,
            "eos_token_id": 1,
            "bos_token_id": 2,
        },
        vision_config=sizes.siglip._asdict() | {"image_size": sizes.siglip_side, "patch_size": 14},
    )
    processor = SiglipImageProcessor(size=_square(sizes.siglip_side))
    return SiglipModel(config).eval(), processor, tokenizer


def _depth_anything(sizes: _Sizes) -> tuple[Any, ...]:
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    torch.manual_seed(7)
    width, layers, heads, feed_forward = sizes.dino
    new_backbone: Any = Dinov2Config  # some keywords are not in its signature
    backbone = new_backbone(
        image_size=sizes.dino_side,
        patch_size=14,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        mlp_ratio=feed_forward // width,
        out_features=[f"stage{layers * part // 4}" for part in (1, 2, 3, 4)],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=width,
        neck_hidden_sizes=sizes.depth_necks,
        fusion_hidden_size=sizes.depth_fusion,
        head_hidden_size=32,
    )
    processor = DPTImageProcessor(
        size=_square(sizes.dino_side),
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
    )
    return DepthAnythingForDepthEstimation(config).eval(), processor
