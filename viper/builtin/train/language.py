"""Trains the small language model that later speaks about pictures, on texts alone."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from viper.backends.torch_common import quiet_libraries
from viper.builtin.questions import QUESTION_WORDS
from viper.builtin.train.texts import MOST, described, question_about, random_thing
from viper.builtin.words import SPELLINGS
from viper.limber.model import PREFIX

__all__ = ["new_language", "new_tokenizer", "train_language"]

_WIDTH, _LAYERS, _HEADS, _INNER = 96, 4, 4, 256
_LONGEST = 160
# Tokens; ten things take some seventy.
_BATCH, _RATE, _WARMUP = 64, 2e-3, 100
_SEED = 2
_END, _UNKNOWN = "<end>", "<unknown>"


def train_language(
    folder: Path, steps: int, *, on_step: Callable[[int, float], None] | None = None
) -> None:
    """Train the language model and write it into a folder as transformers does.

    Args:
        folder: Gets model and tokenizer; beside it lies the checkpoint of an interrupted run.
        steps: Of 64 texts.
        on_step: Called with the number of finished steps and the loss of the last.
    """
    tokenizer = new_tokenizer()
    model = new_language(tokenizer).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.02)
    checkpoint = folder.with_suffix(".pt")
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = int(state["step"])
    while step < steps:
        done = max(0, step - _WARMUP) / max(1, steps - _WARMUP)
        rate = (
            _RATE
            * min(1, (step + 1) / _WARMUP)
            * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _loss(model, tokenizer, random.Random(_SEED * 1_000_003 + step))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if on_step is not None:
            on_step(step, float(loss.detach()))
        if step % 500 == 0 or step == steps:
            unfinished = checkpoint.with_suffix(".part")
            torch.save(
                {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step},
                unfinished,
            )
            unfinished.rename(checkpoint)
    with quiet_libraries():
        model.eval().half().save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def new_tokenizer() -> Any:
    """Return a tokenizer with a token for every word; transformers promises no class."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = [word for spelled in SPELLINGS.values() for word in spelled]
    numbers = [str(number) for number in range(MOST + 1)]
    listed = dict.fromkeys([_END, _UNKNOWN, ":", ",", *numbers, *words, *QUESTION_WORDS])
    tokenizer = Tokenizer(
        WordLevel({word: number for number, word in enumerate(listed)}, unk_token=_UNKNOWN)
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=_END,
        pad_token=_END,
        unk_token=_UNKNOWN,
        model_max_length=_LONGEST,
    )


def new_language(tokenizer: Any) -> Any:
    """Return an untrained language model in the architecture of Llama, small."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(_SEED)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=_WIDTH,
            intermediate_size=_INNER,
            num_hidden_layers=_LAYERS,
            num_attention_heads=_HEADS,
            max_position_embeddings=_LONGEST,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _loss(model: Any, tokenizer: Any, dice: random.Random) -> Any:
    texts, answers = [], []
    for _ in range(_BATCH):
        count = 1 if dice.random() < 0.5 else dice.randint(2, MOST)
        things = [random_thing(dice) for _ in range(count)]
        question, answer = question_about(things, dice)
        texts.append(f"{described(things, dice)} {PREFIX.replace('{}', question)}")
        answers.append(answer)
    whole = [f"{text} {answer} {_END}" for text, answer in zip(texts, answers, strict=True)]
    tokens = tokenizer(whole, padding=True, return_tensors="pt", add_special_tokens=False)
    labels = tokens["input_ids"].clone()
    lengths = tokens["attention_mask"].sum(dim=1)
    for row, answer in enumerate(answers):
        # Only the answers are learned: descriptions and questions are random.
        said = len(answer.split()) + 1
        labels[row, : lengths[row] - said] = -100
        labels[row, lengths[row] :] = -100
    return model(
        input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], labels=labels
    ).loss
