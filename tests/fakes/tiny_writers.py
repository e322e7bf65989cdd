"""Small language models of a real architecture, saved in the format of the hub: random and taught.

A taught model has learnt a few conversations by heart, prompt included, so that it writes what it was
taught when it is asked exactly that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from viper.llm.client import Message

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM_ROLE = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + CHATML
)
DROPS_SYSTEM_ROLE = CHATML.replace(
    "{% for message in messages %}",
    "{% for message in messages if message['role'] != 'system' %}",
)
BROKEN = "{{ raise_exception('no conversations here') }}"


def tokenizer(texts: Sequence[str], template: str | None = CHATML, *, tokens: int = 2000) -> Any:
    """A byte-level tokenizer trained on some texts, with the marks of a chat."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    marks = ["<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=tokens,
        special_tokens=marks,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    outer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        model_input_names=["input_ids", "attention_mask"],
    )
    outer.chat_template = template
    return outer


def llama(folder: Path, tokens: Any, *, context: int = 8192, seed: int = 7) -> Path:
    """A random Llama."""
    return save(folder, _model(tokens, context, seed, spread=0.5), tokens)


def taught(
    folder: Path, tokens: Any, lessons: Sequence[tuple[str, str]], *, context: int = 8192
) -> Path:
    """A Llama that has learnt each (rendered prompt, answer) by heart; takes a few seconds."""
    import torch

    model = _model(tokens, context, seed=7, spread=0.02, layers=1).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.0)
    sequences = []
    for prompt, answer in lessons:
        read = tokens(prompt, add_special_tokens=False)["input_ids"]
        written = tokens(answer, add_special_tokens=False)["input_ids"] + [tokens.eos_token_id]
        sequences.append((torch.tensor([read + written[:-1]]), torch.tensor(written)))
    for _ in range(300):
        loss, learnt = torch.zeros(()), True
        for ids, written in sequences:
            logits = model(input_ids=ids, logits_to_keep=len(written)).logits[0]
            learnt = learnt and bool((logits.argmax(-1) == written).all())
            loss = loss + torch.nn.functional.cross_entropy(logits, written)
        if learnt and float(loss.detach()) < 0.03 * len(lessons):
            break
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    else:
        raise AssertionError(f"the lessons were not learnt: loss {float(loss.detach()):.3f}")
    return save(folder, model.eval(), tokens)


def conversation(question: str) -> list[Message]:
    """A short conversation with every role."""
    return [
        Message("system", "The ground rules."),
        Message("user", "first"),
        Message("assistant", "answer"),
        Message("user", question),
    ]


def save(folder: Path, model: Any, tokens: Any) -> Path:
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


def _model(tokens: Any, context: int, seed: int, spread: float, layers: int = 2) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokens),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=context,
            initializer_range=spread,
            pad_token_id=tokens.pad_token_id,
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
        )
    ).eval()
