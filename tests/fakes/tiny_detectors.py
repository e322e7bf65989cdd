"""Small randomly initialised detectors of real architectures, saved in the format of the hub.

Each function writes a folder that loads through the same path as a user's model id. The weights are
random but fixed by a seed; the tokenizers know the few words below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

WORDS = (
    "red",
    "blue",
    "mug",
    "dog",
    "cat",
    "fris",
    "##bee",
    "a",
    "photo",
    "of",
    "traffic",
    "light",
)

# Ids that Grounding DINO has built in, from the vocabulary of BERT.
_BERT_IDS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029}
_BERT_SIZE = 1100

_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
_SWIN = {
    "image_size": 64,
    "embed_dim": 16,
    "depths": [1, 1, 1, 1],
    "num_heads": [2, 2, 2, 2],
    "window_size": 4,
    "out_indices": [2, 3, 4],
}
_DETR = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "num_queries": 12,
}


def owlvit(folder: Path) -> Path:
    """OWL-ViT on 64-pixel squares: 16 patches, hence 16 boxes."""
    from transformers import (
        OwlViTConfig,
        OwlViTForObjectDetection,
        OwlViTImageProcessor,
        OwlViTProcessor,
    )

    tokenizer = clip_tokenizer(16)
    _seed()
    model = OwlViTForObjectDetection(OwlViTConfig(**_owl(tokenizer)))
    _temper(model, model.owlvit)
    images = OwlViTImageProcessor(size={"height": 64, "width": 64})
    return _save(folder, model, OwlViTProcessor(images, tokenizer))


def owlv2(folder: Path) -> Path:
    """OWLv2 on 64-pixel squares: 16 patches, hence 16 boxes."""
    from transformers import (
        Owlv2Config,
        Owlv2ForObjectDetection,
        Owlv2ImageProcessor,
        Owlv2Processor,
    )

    tokenizer = clip_tokenizer(16)
    _seed()
    model = Owlv2ForObjectDetection(Owlv2Config(**_owl(tokenizer)))
    _temper(model, model.owlv2)
    images = Owlv2ImageProcessor(size={"height": 64, "width": 64})
    return _save(folder, model, Owlv2Processor(images, tokenizer))


def grounding_dino(folder: Path) -> Path:
    """Grounding DINO with 12 queries."""
    from transformers import (
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
    )

    _seed()
    model = GroundingDinoForObjectDetection(GroundingDinoConfig(**_grounding()))
    _sharpen(model)
    images = GroundingDinoImageProcessor(size={"shortest_edge": 96, "longest_edge": 160})
    return _save(folder, model, GroundingDinoProcessor(images, _bert_tokenizer()))


def mm_grounding_dino(folder: Path) -> Path:
    """MM-Grounding-DINO with 12 queries."""
    from transformers import (
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
        MMGroundingDinoConfig,
        MMGroundingDinoForObjectDetection,
    )

    _seed()
    model = MMGroundingDinoForObjectDetection(MMGroundingDinoConfig(**_grounding()))
    _sharpen(model)
    images = GroundingDinoImageProcessor(size={"shortest_edge": 96, "longest_edge": 160})
    return _save(folder, model, GroundingDinoProcessor(images, _bert_tokenizer()))


def omdet_turbo(folder: Path) -> Path:
    """OmDet-Turbo on 64-pixel squares with 12 queries."""
    from transformers import (
        DetrImageProcessor,
        OmDetTurboConfig,
        OmDetTurboForObjectDetection,
        OmDetTurboProcessor,
    )

    tokenizer = clip_tokenizer(77)
    _seed()
    config = OmDetTurboConfig(
        text_config={
            "model_type": "clip_text_model",
            **clip_text(tokenizer, 77),
            "hidden_size": 64,
        },
        backbone_config={"model_type": "swin", **_SWIN},
        image_size=64,
        apply_layernorm_after_vision_backbone=False,  # made for timm's channels-last features
        text_projection_in_dim=64,
        text_projection_out_dim=64,
        task_encoder_hidden_dim=32,
        class_embed_dim=64,
        num_queries=12,
        vision_features_channels=[32, 32, 32],
        encoder_in_channels=[32, 64, 128],
        encoder_hidden_dim=32,
        encoder_attention_heads=2,
        encoder_dim_feedforward=32,
        decoder_hidden_dim=32,
        decoder_num_heads=2,
        decoder_num_layers=2,
        decoder_dim_feedforward=32,
    )
    images = DetrImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
    model = OmDetTurboForObjectDetection(config)
    return _save(folder, model, OmDetTurboProcessor(images, tokenizer))


def yolos(folder: Path) -> Path:
    """YOLOS, a closed-vocabulary detector, with three classes and an unused number."""
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    _seed()
    config = YolosConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=[64, 64],
        patch_size=16,
        num_detection_tokens=12,
        id2label={0: "N/A", 1: "mug", 2: "dog", 3: "cat"},
    )
    model = YolosForObjectDetection(config)
    with torch.no_grad():  # spread the classes, and keep "N/A" and "no object" low
        last = model.class_labels_classifier.layers[-1]
        last.weight.mul_(40)
        last.bias[[0, -1]] = -5
        model.vit.embeddings.detection_tokens.normal_()
        model.bbox_predictor.layers[-1].weight.mul_(40)
    images = YolosImageProcessor(size={"shortest_edge": 96, "longest_edge": 400})
    return _save(folder, model, images)


def _owl(tokenizer: Any) -> dict[str, Any]:
    return {
        "text_config": clip_text(tokenizer, 16),
        "vision_config": {**_TEXT, "image_size": 64, "patch_size": 16},
        "projection_dim": 32,
    }


def _grounding() -> dict[str, Any]:
    return {
        **_DETR,
        "backbone_config": {"model_type": "swin", **_SWIN},
        "text_config": {"model_type": "bert", **_TEXT, "vocab_size": _BERT_SIZE},
        "max_text_len": 24,
    }


def clip_text(tokenizer: Any, length: int) -> dict[str, Any]:
    """Settings of a small CLIP text tower for a tokenizer."""
    return {
        **_TEXT,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": length,
        "projection_dim": 32,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def clip_tokenizer(length: int) -> Any:
    """A tokenizer of letters; the end of text has the highest id, by which the models find it."""
    from transformers import CLIPTokenizer

    letters = "!abcdefghijklmnopqrstuvwxyz.,"
    tokens = [
        *letters,
        *(letter + "</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], pad_token="!", model_max_length=length)


def _bert_tokenizer() -> Any:
    from transformers import BertTokenizer

    vocabulary = {f"[unused{index}]": index for index in range(_BERT_SIZE)}
    names = [*_BERT_IDS.items(), *((word, 1040 + index) for index, word in enumerate(WORDS))]
    for name, index in names:
        del vocabulary[f"[unused{index}]"]
        vocabulary[name] = index
    return BertTokenizer(vocab=vocabulary, mask_token="[unused1]")


def _temper(model: Any, base: Any) -> None:
    """Make texts matter, and keep boxes near their patches and scores away from 0 and 1."""
    with torch.no_grad():
        base.text_model.embeddings.token_embedding.weight.mul_(50)
        model.box_head.dense2.weight.mul_(0.05)
        for shift in (model.class_head.logit_shift, model.class_head.logit_scale):
            shift.weight.mul_(0.1)


def _sharpen(model: Any) -> None:
    """Make texts matter: a random model gives every token nearly the same features."""
    base = model.model
    with torch.no_grad():
        base.text_backbone.embeddings.word_embeddings.weight.mul_(50)
        base.text_projection.weight.mul_(3)


def _seed() -> None:
    torch.manual_seed(0)


def _save(folder: Path, *parts: Any) -> Path:
    for part in parts:
        part.save_pretrained(folder)
    return folder
