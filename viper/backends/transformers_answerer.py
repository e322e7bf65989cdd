"""Answerers of transformers: models that read an image and a text and write a text.

Models with a chat template (SmolVLM, Qwen-VL, LLaVA and others) are prompted with it; BLIP-2 and
InstructBLIP, which have none, in the format of their training. Answers are greedy and short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from viper.backends.chat_template import TemplateFailure, render_chat
from viper.backends.finite_logits import finite_logits
from viper.backends.greedy import generate_greedily
from viper.backends.loaded_tokenizer import decode_rows
from viper.backends.option_models import TransformersAnswererOptions
from viper.backends.pil_images import bounded_image
from viper.backends.placement import Placement, inference, resolve_device, resolve_dtype
from viper.backends.torch_common import (
    fingerprint,
    load_model,
    load_pretrained,
    load_processor,
    locate,
)
from viper.errors import ConfigError, ModelError
from viper.models.roles import Answerer, AnswerRequest, Completion
from viper.usage import Usage
from viper_sandbox.thoughts import opens_thoughts

__all__ = ["TransformersAnswerer", "load"]

_WHAT = "answerer"
_INSTRUCTION = "Answer with one to three words."

# Prompts for models without a chat template, by `model_type`, from their papers and cards.
_PROMPTS: Mapping[str, str] = {
    "blip-2": "Question: {} Short answer:",
    "instructblip": "{} Short answer:",
}

# Qwen-VL works in squares of 28 or 32 pixels and refuses images 200 times as long as wide; a side has at
# least two squares.
_SHORTEST_PX, _MOST_ELONGATED = 56, 16


@dataclass(eq=False)
class TransformersAnswerer(Answerer):
    """One loaded answerer.

    Args:
        model: A model with `generate`, on its device.
        processor: Its processor of images and texts.
        prompt: Prompt for a model without a chat template, with `{}` in place of the
            question; None to use the processor's chat template.
        max_new_tokens: Most tokens of an answer.
        max_side_px: Larger crops are reduced to this.
        fingerprint: Names the weights and settings.
    """

    # The library's objects are untyped: `from_pretrained` promises no class.
    model: Any
    processor: Any
    prompt: str | None
    max_new_tokens: int
    max_side_px: int
    fingerprint: str

    def __post_init__(self) -> None:
        self._tokenizer = self.processor.tokenizer
        self._special_texts = _special_texts(self.processor)
        # Reasoning would use up the tokens of an answer. The library warns about the switch if a template
        # does not have it.
        thinks = "enable_thinking" in str(getattr(self.processor, "chat_template", None))
        self._template_options = {"enable_thinking": False} if thinks else {}

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion]:
        """Return the model's own answer per request, stripped.

        Raises:
            ModelError: The model ran out of memory, or computed NaN or infinity.
        """
        if not requests:
            return []
        images = [
            bounded_image(
                request.view.pixels(),
                shortest=_SHORTEST_PX,
                longest=self.max_side_px,
                elongation=_MOST_ELONGATED,
            )
            for request in requests
        ]
        texts = [self._text(request.question) for request in requests]
        begin = self._tokenizer.bos_token
        inputs = self.processor(
            text=texts,
            # One list per text, which the processors of one and of many images both understand.
            images=images if self.prompt else [[image] for image in images],
            padding=True,
            return_tensors="pt",
            # Some templates contain the beginning-of-sequence token, which the tokenizer would add again.
            add_special_tokens=not (begin and texts[0].startswith(begin)),
        ).to(self.model.device, dtype=self.model.dtype)
        self._check_length(inputs["input_ids"].shape[1])
        with inference(_WHAT):
            written = self.model.generate(
                **inputs,
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                num_beams=1,
                logits_processor=finite_logits(_WHAT),
            )  # (B, L), beginning with the prompt for decoder-only models
        prompt = inputs["input_ids"]
        if torch.equal(written[:, : prompt.shape[1]], prompt):
            written = written[:, prompt.shape[1] :]
        return self._completions(written, inputs["attention_mask"], opens_thoughts(texts[0]))

    def _check_length(self, tokens: int) -> None:
        """Refuse what the model cannot read, before it takes the memory of a forward."""
        config = self.model.config
        texts = config.get_text_config() if hasattr(config, "get_text_config") else config
        most = getattr(texts, "max_position_embeddings", None)
        if isinstance(most, int) and 0 < most < tokens:
            raise ModelError(
                f"The question and its image take {tokens:,} tokens, but the {_WHAT} reads {most:,}. "
                "Ask a shorter question, or lower the option max_side."
            )

    def _text(self, question: str) -> str:
        # A special token in a question could end the turn or request a second image.
        for special in self._special_texts:
            question = question.replace(special, " ")
        question = question.strip()
        if self.prompt is not None:
            return self.prompt.replace("{}", question)
        content = [{"type": "image"}, {"type": "text", "text": f"{question} {_INSTRUCTION}"}]
        try:
            messages = [{"role": "user", "content": content}]
            return render_chat(self.processor, messages, **self._template_options)
        except TemplateFailure as error:
            raise ModelError(f"The chat template of the {_WHAT} failed: {error}.") from error

    def _completions(
        self, written: torch.Tensor, mask: torch.Tensor, opening: str
    ) -> list[Completion]:
        """Return the texts, with the tag by which the template opens thoughts in front of them."""
        texts = decode_rows(self._tokenizer, written.tolist())
        marks = {self._tokenizer.pad_token_id, self._tokenizer.eos_token_id}
        return [
            Completion(
                f"{opening}{text}".strip(),
                Usage(int(read.sum()), sum(token not in marks for token in tokens)),
            )
            for text, read, tokens in zip(texts, mask, written.tolist(), strict=True)
        ]


def load(reference: str, options: Mapping[str, str]) -> Answerer:
    """Load an answerer from the hub or a folder.

    Args:
        reference: Model id or folder.
        options: Those of `TransformersAnswererOptions`.

    Raises:
        ConfigError: There is no such model, it is of another kind, or its prompt format is unknown.
    """
    chosen = TransformersAnswererOptions.read(options, "the transformers answerer")
    device = resolve_device(chosen.device)
    dtype = resolve_dtype(chosen.dtype, device, on_gpu=torch.bfloat16)
    source = locate(reference, what=_WHAT, revision=chosen.revision, download=chosen.download)
    config = load_pretrained(AutoConfig, source, what=_WHAT)
    processor = load_processor(AutoProcessor, source, what=_WHAT)
    prompt = None
    if not getattr(processor, "chat_template", None):
        prompt = _PROMPTS.get(config.model_type)
        if prompt is None:
            raise ConfigError(
                f"The model '{reference}' ({config.model_type}) has no chat template, so its "
                "prompt format is unknown. Give an instruction-tuned model, such as SmolVLM or Qwen-VL."
            )
    model = load_model(
        AutoModelForImageTextToText, source, what=_WHAT, placement=Placement(device, dtype)
    )
    _prepare(model, processor, chosen.image_splitting)
    settings = {
        "dtype": dtype,
        "max_side": chosen.max_side,
        "max_tokens": chosen.max_tokens,
        "splitting": chosen.image_splitting,
    }
    return TransformersAnswerer(
        model,
        processor,
        prompt=prompt,
        max_new_tokens=chosen.max_tokens,
        max_side_px=chosen.max_side,
        fingerprint=fingerprint(source, settings),
    )


def _prepare(model: Any, processor: Any, splitting: bool) -> None:
    """Set up batched, greedy answers."""
    tokenizer = processor.tokenizer
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    # Decoders continue from the last position, which must not be padding.
    tokenizer.padding_side = "right" if model.config.is_encoder_decoder else "left"
    generate_greedily(model, pad_token_id=tokenizer.pad_token_id)
    if hasattr(processor.image_processor, "do_image_splitting"):
        processor.image_processor.do_image_splitting = splitting


def _special_texts(processor: Any) -> list[str]:
    named = {str(getattr(processor, name, None) or "") for name in ("image_token", "video_token")}
    texts = {*processor.tokenizer.all_special_tokens, *named} - {""}
    return sorted(texts, key=len, reverse=True)
