"""Trains the small language model that later answers questions about images, on texts alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from viper.backends.torch_common import quiet_libraries
from viper.builtin.questions import QUESTION_WORDS
from viper.builtin.train.captions import random_object
from viper.builtin.train.texts import MAX_OBJECTS, description, question_about
from viper.builtin.words import SPELLINGS
from viper.limber.prompt import prefix_of
from viper.limber.training_loop import TrainingConfig, TrainingLoop
from viper.storage.below import remove_tree, rename
from viper.storage.files import make_folder

__all__ = ["new_language", "new_tokenizer", "train_language"]

_WIDTH, _LAYERS, _HEADS, _INNER = 96, 4, 4, 256
# Tokens; ten objects take about seventy.
_LONGEST = 160
_SEED = 2
_END, _UNKNOWN = "<end>", "<unknown>"


def train_language(
    folder: Path, steps: int, *, on_step: Callable[[int, float], None] | None = None
) -> None:
    """Train the language model and write it into a folder as transformers does.

    Args:
        folder: Gets model and tokenizer; the checkpoint of an interrupted run is beside it.
        steps: Steps, of 64 texts.
        on_step: Called with the number of finished steps and the last loss.
    """
    tokenizer = new_tokenizer()
    model = new_language(tokenizer).train()
    config = TrainingConfig(
        steps,
        batch=64,
        learning_rate=2e-3,
        weight_decay=0.02,
        warmup=100,
        seed=_SEED,
        save_every=500,
    )
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    loop = TrainingLoop(config, {"model": model}, optimizer, folder.with_suffix(".pt"))
    while loop.left:
        rng = random.Random(_SEED * 1_000_003 + loop.step)
        loss = _loss(model, tokenizer, rng, config.batch)
        loop.update(loss)
        if on_step is not None:
            on_step(loop.step, float(loss.detach()))
        loop.save()
    with quiet_libraries():
        # Beside it, so that the folder is complete when it appears.
        unfinished = folder.with_suffix(".part")
        remove_tree(unfinished, below=folder.parent)
        make_folder(unfinished, below=folder.parent)
        model.eval().half().save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        remove_tree(folder, below=folder.parent)
        rename(unfinished, folder, below=folder.parent)


def new_tokenizer() -> Any:
    """Return a tokenizer with a token for every word (Any: transformers declares no class)."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = [word for spelled in SPELLINGS.values() for word in spelled]
    numbers = [str(number) for number in range(MAX_OBJECTS + 1)]
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
    """Return an untrained small language model with the architecture of Llama."""
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


def _loss(model: Any, tokenizer: Any, rng: random.Random, batch: int) -> Any:
    texts, answers = [], []
    for _ in range(batch):
        count = 1 if rng.random() < 0.5 else rng.randint(2, MAX_OBJECTS)
        objects = [random_object(rng) for _ in range(count)]
        question, answer = question_about(objects, rng)
        texts.append(f"{description(objects, rng)} {prefix_of(question)}")
        answers.append(answer)
    whole = [f"{text} {answer} {_END}" for text, answer in zip(texts, answers, strict=True)]
    tokens = tokenizer(whole, padding=True, return_tensors="pt", add_special_tokens=False)
    labels = tokens["input_ids"].clone()
    lengths = tokens["attention_mask"].sum(dim=1)
    for row, answer in enumerate(answers):
        # Only the answers are learned: descriptions and questions are random.
        labels[row, : lengths[row] - len(answer.split()) - 1] = -100
        labels[row, lengths[row] :] = -100
    return model(
        input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], labels=labels
    ).loss
