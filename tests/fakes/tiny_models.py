"""Small randomly initialised models of real architectures, saved in the format of the hub.

Each function writes a folder that loads through the same path as a user's model id. The weights are
random but fixed by a seed; the tokenizers are trained on the few words below.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

SENTENCES = [
    "a photo of a red mug.",
    "a picture of the blue cup on a wooden table",
    "what colour is the dog? the cat is black and white",
    "this is a close-up photo of a cropped yellow traffic light",
    "question: how many people are standing left of the car? answer with one to three words.",
]
IMAGE_SIDE = 32


def clip(folder: Path) -> Path:
    """CLIP with 16-pixel patches on 32-pixel squares."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

    tokenizer = CLIPTokenizer(**_bpe(("<|startoftext|>", "<|endoftext|>"), suffix="</w>"))
    _seed()
    config = CLIPConfig(
        text_config={
            **_TEXT,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 24,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config=_VISION,
        projection_dim=16,
    )
    processor = CLIPImageProcessor(
        size={"shortest_edge": IMAGE_SIDE}, crop_size={"height": IMAGE_SIDE, "width": IMAGE_SIDE}
    )
    return _save(folder, CLIPModel(config), processor, tokenizer)


def siglip(folder: Path) -> Path:
    """SigLIP with its own sentencepiece tokenizer."""
    import sentencepiece
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipTokenizer

    trained = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_writer=trained,
        vocab_size=90,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(trained.getvalue())
    tokenizer = SiglipTokenizer(
        str(folder / "spiece.model"),
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=16,
        model_input_names=["input_ids"],
    )
    _seed()
    config = SiglipConfig(text_config=_siglip_text(len(tokenizer)), vision_config=_VISION)
    model = SiglipModel(config)
    model.logit_bias.data.fill_(-3.0)
    processor = SiglipImageProcessor(size={"height": IMAGE_SIDE, "width": IMAGE_SIDE})
    return _save(folder, model, processor, tokenizer)


def siglip2(folder: Path) -> Path:
    """SigLIP 2 of fixed size: the architecture of SigLIP with a Gemma tokenizer."""
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    tokenizer = _gemma()
    _seed()
    config = SiglipConfig(text_config=_siglip_text(len(tokenizer)), vision_config=_VISION)
    processor = SiglipImageProcessor(size={"height": IMAGE_SIDE, "width": IMAGE_SIDE})
    return _save(folder, SiglipModel(config), processor, tokenizer)


def siglip2_naflex(folder: Path) -> Path:
    """SigLIP 2 NaFlex: up to 16 patches in the picture's own aspect ratio."""
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model

    tokenizer = _gemma()
    _seed()
    vision = {key: value for key, value in _VISION.items() if key != "image_size"}
    config = Siglip2Config(
        text_config=_siglip_text(len(tokenizer)), vision_config={**vision, "num_patches": 16}
    )
    processor = Siglip2ImageProcessor(patch_size=16, max_num_patches=16)
    return _save(folder, Siglip2Model(config), processor, tokenizer)


def open_clip(folder: Path, *, sigmoid: bool = False) -> Path:
    """A model of open_clip in its hub format; `sigmoid` gives it SigLIP's bias."""
    import open_clip as library
    import torch
    from safetensors.torch import save_file

    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": IMAGE_SIDE, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {
            "context_length": 24,
            "vocab_size": 49408,
            "width": 16,
            "heads": 2,
            "layers": 1,
        },
    }
    if sigmoid:
        config |= {"init_logit_bias": -10.0, "init_logit_scale": 2.3}
    _seed()
    model = library.CLIP(**config)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {"interpolation": "bicubic"}})
    )
    with torch.no_grad():
        tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "open_clip_model.safetensors")
    return folder


def depth_anything(folder: Path, *, metric: bool = False) -> Path:
    """Depth Anything V2, relative (inverse depth) or metric."""
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        DPTImageProcessor,
    )

    _seed()
    config = DepthAnythingConfig(
        backbone_config=_dinov2(),
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type="metric" if metric else "relative",
        max_depth=20 if metric else 1,
    )
    processor = DPTImageProcessor(
        size={"height": 42, "width": 42},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
    )
    model = _loud(DepthAnythingForDepthEstimation(config))
    model.head.conv3.bias.data.fill_(3.0)  # above the cut-off at 0 of the relative model
    return _save(folder, model, processor)


def dpt(folder: Path) -> Path:
    """DPT with the ViT of MiDaS (inverse depth)."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    _seed()
    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
    )
    processor = DPTImageProcessor(size={"height": 32, "width": 32})
    return _save(folder, _loud(DPTForDepthEstimation(config)), processor)


def dpt_dinov2(folder: Path) -> Path:
    """DPT with a DINOv2 backbone, which was trained on metric depth."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    _seed()
    config = DPTConfig(
        backbone_config=_dinov2(),
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=256,  # the projection of the library has no other width
        is_hybrid=False,
        add_projection=True,
    )
    processor = DPTImageProcessor(size={"height": 28, "width": 28})
    return _save(folder, _loud(DPTForDepthEstimation(config)), processor)


def zoedepth(folder: Path) -> Path:
    """ZoeDepth (metric depth), whose processor pads the image."""
    from transformers import (
        BeitConfig,
        ZoeDepthConfig,
        ZoeDepthForDepthEstimation,
        ZoeDepthImageProcessor,
    )

    _seed()
    backbone = BeitConfig(
        image_size=32,
        patch_size=16,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        bottleneck_features=8,
        num_attractors=[4, 2, 2, 1],
        bin_embedding_dim=8,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0}],
        num_relative_features=8,
    )
    processor = ZoeDepthImageProcessor(size={"height": 32, "width": 32})
    return _save(folder, _loud(ZoeDepthForDepthEstimation(config)), processor)


def depth_pro(folder: Path) -> Path:
    """DepthPro, whose network gives inverse depth and whose processor inverts it."""
    from transformers import DepthProConfig, DepthProForDepthEstimation, DepthProImageProcessor

    _seed()
    vit = {
        "model_type": "dinov2",
        "num_hidden_layers": 4,
        "hidden_size": 16,
        "mlp_ratio": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 16,
    }
    config = DepthProConfig(
        patch_size=32,
        fusion_hidden_size=8,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.25, 0.5, 1],
        scaled_images_overlap_ratios=[0.0, 0.5, 0.25],
        scaled_images_feature_dims=[8, 8, 8],
        merge_padding_value=1,
        image_model_config=vit,
        patch_model_config=vit,
        fov_model_config=vit,
        use_fov_model=True,
    )
    processor = DepthProImageProcessor(size={"height": 128, "width": 128})
    model = DepthProForDepthEstimation(config)
    model.head.layers[-2].bias.data.fill_(300.0)  # far from the cut-off at 0
    model.fov_model.head.layers[-1].bias.data.fill_(60.0)  # degrees
    return _save(folder, model, processor)


def glpn(folder: Path) -> Path:
    """GLPN (metric depth), which rounds the sides of an image down to multiples of 32."""
    from transformers import GLPNConfig, GLPNForDepthEstimation, GLPNImageProcessor

    _seed()
    config = GLPNConfig(
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8,
    )
    return _save(folder, _loud(GLPNForDepthEstimation(config)), GLPNImageProcessor())


CHAT_TEMPLATE = (
    "{% for message in messages %}<bos>{{ message.role }}: {% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE{% else %}{{ part.text }}{% endif %}{% endfor %}<end>"
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
"""Like those of real models; IMAGE stands for the model's own mark."""


def idefics3(folder: Path) -> Path:
    """Idefics3, whose image of 32 pixels a side becomes one token."""
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessor,
        Idefics3Processor,
    )

    tokenizer = _chat_tokenizer(*_IDEFICS_MARKS)
    processor = Idefics3Processor(
        Idefics3ImageProcessor(
            size={"longest_edge": 64}, max_image_size={"longest_edge": IMAGE_SIDE}
        ),
        tokenizer,
        image_seq_len=1,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<image>"),
    )
    _seed()
    config = Idefics3Config(
        text_config={"model_type": "llama", **_decoder(processor.tokenizer)},
        vision_config=_VISION,
        image_token_id=processor.image_token_id,
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _save(folder, Idefics3ForConditionalGeneration(config), processor)


_IDEFICS_MARKS = ("<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>")


def smolvlm(folder: Path) -> Path:
    """SmolVLM: Idefics3 with videos."""
    from transformers import (
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
        SmolVLMVideoProcessor,
    )

    tokenizer = _chat_tokenizer(*_IDEFICS_MARKS)
    tokenizer.image_token = "<image>"
    processor = SmolVLMProcessor(
        SmolVLMImageProcessor(
            size={"longest_edge": 64}, max_image_size={"longest_edge": IMAGE_SIDE}
        ),
        tokenizer,
        SmolVLMVideoProcessor(
            size={"longest_edge": IMAGE_SIDE}, max_image_size={"longest_edge": IMAGE_SIDE}
        ),
        image_seq_len=1,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<image>"),
    )
    _seed()
    config = SmolVLMConfig(
        text_config={"model_type": "llama", **_decoder(processor.tokenizer)},
        vision_config=_VISION,
        image_token_id=processor.image_token_id,
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _save(folder, SmolVLMForConditionalGeneration(config), processor)


def llava(folder: Path) -> Path:
    """LLaVA with the vision tower of CLIP."""
    from transformers import (
        CLIPImageProcessor,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = _chat_tokenizer("<image>")
    processor = LlavaProcessor(
        CLIPImageProcessor(
            size={"shortest_edge": IMAGE_SIDE},
            crop_size={"height": IMAGE_SIDE, "width": IMAGE_SIDE},
        ),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<image>"),
    )
    _seed()
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **_VISION},
        text_config={"model_type": "llama", **_decoder(tokenizer)},
        image_token_index=processor.image_token_id,
        image_seq_length=4,
        vision_feature_layer=-2,
    )
    return _save(folder, LlavaForConditionalGeneration(config), processor)


def qwen2_vl(folder: Path) -> Path:
    """Qwen2-VL, which keeps the aspect ratio of an image and counts positions in three axes."""
    from transformers import (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    marks = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    tokenizer = _chat_tokenizer(*marks)
    sizes = {"shortest_edge": 28 * 28, "longest_edge": 84 * 84}
    processor = Qwen2VLProcessor(
        Qwen2VLImageProcessor(size=sizes),
        tokenizer,
        Qwen2VLVideoProcessor(size=sizes),
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"),
    )
    _seed()
    start, end, picture, video = tokenizer.convert_tokens_to_ids(list(marks))
    config = Qwen2VLConfig(
        text_config={
            **_decoder(tokenizer),
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [1, 1, 2],
                "rope_theta": 10_000.0,
            },
        },
        vision_config={"depth": 1, "embed_dim": 16, "hidden_size": 16, "num_heads": 2},
        vision_start_token_id=start,
        vision_end_token_id=end,
        image_token_id=picture,
        video_token_id=video,
    )
    return _save(folder, Qwen2VLForConditionalGeneration(config), processor)


def qwen3_vl(folder: Path) -> Path:
    """Qwen3-VL, which feeds early layers of its vision tower into the language model as well."""
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    marks = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    tokenizer = _chat_tokenizer(*marks)
    sizes = {"shortest_edge": 32 * 32, "longest_edge": 96 * 96}
    processor = Qwen3VLProcessor(
        Qwen2VLImageProcessor(size=sizes, patch_size=16),
        tokenizer,
        Qwen3VLVideoProcessor(size=sizes),
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"),
    )
    _seed()
    start, end, picture, video = tokenizer.convert_tokens_to_ids(list(marks))
    decoder = _decoder(tokenizer)
    config = Qwen3VLConfig(
        text_config={
            **{name: decoder[name] for name in decoder if name != "tie_word_embeddings"},
            "head_dim": 8,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [2, 1, 1],
                "rope_theta": 10_000.0,
            },
        },
        vision_config={
            "depth": 2,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": decoder["hidden_size"],
            "num_position_embeddings": 36,
            "deepstack_visual_indexes": [0],
        },
        vision_start_token_id=start,
        vision_end_token_id=end,
        image_token_id=picture,
        video_token_id=video,
    )
    return _save(folder, Qwen3VLForConditionalGeneration(config), processor)


def blip2(folder: Path) -> Path:
    """BLIP-2 with OPT, which has no chat template."""
    from transformers import (
        Blip2Config,
        Blip2ForConditionalGeneration,
        Blip2Processor,
        BlipImageProcessor,
    )

    tokenizer = _chat_tokenizer("<image>")
    tokenizer.chat_template = None
    processor = Blip2Processor(
        BlipImageProcessor(size={"height": IMAGE_SIDE, "width": IMAGE_SIDE}),
        tokenizer,
        num_query_tokens=3,
    )
    _seed()
    config = Blip2Config(
        vision_config=_VISION,
        qformer_config={**_TEXT, "encoder_hidden_size": 16, "vocab_size": 10},
        text_config={
            "model_type": "opt",
            **_decoder(tokenizer),
            "ffn_dim": 32,
            "word_embed_proj_dim": 16,
            "max_position_embeddings": 256,
        },
        num_query_tokens=3,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    return _save(folder, Blip2ForConditionalGeneration(config), processor)


def _chat_tokenizer(*marks: str) -> Any:
    """A byte-level tokenizer with the marks of a chat and some of a model."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    chat = ["<pad>", "<bos>", "<end>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[*chat, *marks],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=chat[0],
        bos_token=chat[1],
        eos_token=chat[2],
        model_input_names=["input_ids", "attention_mask"],
    )


def _decoder(tokenizer: Any) -> dict[str, Any]:
    return {
        **_TEXT,
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": False,
        "initializer_range": 0.6,  # so that the next token depends on what went before
    }


def _loud(model: Any) -> Any:
    """Return the model with larger weights, so that its map is not the same number everywhere."""
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and ("head" in name or "neck" in name or "decoder" in name):
            parameter.data.mul_(10)
    return model


def _save(folder: Path, model: Any, *parts: Any) -> Path:
    for part in (model.eval(), *parts):
        part.save_pretrained(folder)
    return folder


def _seed() -> None:
    import torch

    torch.manual_seed(7)


_TEXT = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
_VISION = {**_TEXT, "image_size": IMAGE_SIDE, "patch_size": 16}


def _siglip_text(vocabulary: int) -> dict[str, Any]:
    return {
        **_TEXT,
        "vocab_size": vocabulary,
        "max_position_embeddings": 16,
        "projection_size": 16,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 1,
    }


def _dinov2() -> Any:
    from transformers import Dinov2Config

    return Dinov2Config(
        image_size=28,
        patch_size=14,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )


def _gemma() -> Any:
    from transformers import Siglip2Tokenizer

    return Siglip2Tokenizer(
        **_bpe(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"), space="▁"),
        padding_side="right",
        model_max_length=16,
        model_input_names=["input_ids"],
    )


def _bpe(special: tuple[str, ...], *, suffix: str = "", space: str = " ") -> dict[str, Any]:
    """Train byte-pair merges; return them as the `vocab` and `merges` of a tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    ending = {"end_of_word_suffix": suffix} if suffix else {}
    tokenizer = Tokenizer(models.BPE(**ending))
    if suffix:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if suffix else [],
        show_progress=False,
        **ending,
    )
    tokenizer.train_from_iterator([text.replace(" ", space) for text in SENTENCES], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return {"vocab": model["vocab"], "merges": [tuple(pair) for pair in model["merges"]]}


Builder = Callable[[Path], Path]
