"""The linear map from features of an image to soft prompts, and the frozen language model behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from viper.backends.finite_logits import finite_logits
from viper.backends.loaded_tokenizer import decode_rows

__all__ = ["LimberModel", "SoftPrompts"]


class SoftPrompts(nn.Module):
    """One linear map from a vector to k vectors in the space of a language model's words.

    Args:
        features: Length of the vector.
        prompts: k.
        width: Length of a word's vector.
        spread: Initial standard deviation of the soft prompts: that of word embeddings.
    """

    def __init__(self, features: int, prompts: int, width: int, spread: float = 1.0) -> None:
        super().__init__()
        self.prompts, self.width = prompts, width
        self.mean = nn.Buffer(torch.zeros(features))
        self.scale = nn.Buffer(torch.ones(features))
        self.linear = nn.Linear(features, prompts * width)
        nn.init.normal_(self.linear.weight, std=spread / max(1.0, features**0.5))
        nn.init.normal_(self.linear.bias, std=0.1 * spread)

    def standardise(self, features: Tensor) -> None:
        """Set the map to standardize features by the mean and deviation of a set, shape (N, features).

        This is linear too, so the whole stays one linear map.
        """
        self.mean.copy_(features.mean(dim=0))
        deviation = features.std(dim=0)
        # Features that hardly vary are noise and must not be amplified.
        self.scale.copy_(1 / deviation.clamp(min=0.05 * float(deviation.max()) + 1e-6))

    def forward(self, features: Tensor) -> Tensor:
        """Return soft prompts, shape (B, k, width), of features, shape (B, features)."""
        mapped = self.linear((features - self.mean) * self.scale)
        soft: Tensor = mapped.reshape(-1, self.prompts, self.width)
        return soft


class LimberModel:
    """A map with the language model that it was trained for.

    Args:
        language: A causal language model of transformers in evaluation mode; it is frozen.
        tokenizer: Its tokenizer.
        soft: The map, on the same device.
    """

    # The library's objects are untyped: `from_pretrained` promises no class.
    def __init__(self, language: Any, tokenizer: Any, soft: SoftPrompts) -> None:
        self.language = language.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.soft = soft
        self._end = tokenizer.eos_token_id
        self._words = language.get_input_embeddings()

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        device: torch.device = self._words.weight.device
        return device

    def loss(self, features: Tensor, prefixes: Sequence[str], targets: Sequence[str]) -> Tensor:
        """Return the mean cross-entropy of the words of the targets, each after its prefix.

        Args:
            features: Shape (B, D).
            prefixes: B texts between soft prompts and target; may be empty.
            targets: B texts.
        """
        rows = [
            (self._ids(prefix, first=True), [*self._ids(target, first=not prefix), self._end])
            for prefix, target in zip(prefixes, targets, strict=True)
        ]
        longest = max(len(before) + len(after) for before, after in rows)
        ids = torch.full((len(rows), longest), self._end)
        labels = torch.full((len(rows), longest), -100)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for number, (before, after) in enumerate(rows):
            whole = before + after
            ids[number, : len(whole)] = torch.tensor(whole)
            labels[number, len(before) : len(whole)] = torch.tensor(after)
            mask[number, : len(whole)] = 1
        soft, soft_mask = self._prompt(features)
        k = self.soft.prompts
        ids, labels, mask = ids.to(self.device), labels.to(self.device), mask.to(self.device)
        logits = self.language(
            inputs_embeds=torch.cat([soft, self._words(ids)], dim=1),  # (B, k + L, E)
            attention_mask=torch.cat([soft_mask, mask], dim=1),
        ).logits[:, k - 1 : -1]  # (B, L, V): the predictions for the L tokens
        loss: Tensor = nn.functional.cross_entropy(
            logits.float().flatten(0, 1), labels.flatten(), ignore_index=-100
        )
        return loss

    @torch.inference_mode()
    def write(self, features: Tensor, prefixes: Sequence[str], max_new_tokens: int) -> list[str]:
        """Return what the language model writes after soft prompts and prefixes, decoded greedily.

        Args:
            features: Shape (B, D).
            prefixes: B texts.
            max_new_tokens: Longest answer, in tokens.

        Raises:
            ModelError: The language model computed NaN or infinity.
        """
        if not prefixes:
            return []
        # Prompts of equal length form a batch, so that none needs padding.
        written = [""] * len(prefixes)
        ids = [self._ids(prefix, first=True) for prefix in prefixes]
        for length in sorted({len(row) for row in ids}):
            rows = [number for number, row in enumerate(ids) if len(row) == length]
            soft, soft_mask = self._prompt(features[rows])
            words = torch.tensor([ids[row] for row in rows], dtype=torch.long, device=self.device)
            prompt = torch.cat([soft, self._words(words.reshape(len(rows), length))], dim=1)
            mask = torch.cat([soft_mask, soft_mask.new_ones(len(rows), length)], dim=1)
            tokens = self.language.generate(
                inputs_embeds=prompt,
                attention_mask=mask,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                num_beams=1,
                pad_token_id=self._end,
                eos_token_id=self._end,
                logits_processor=finite_logits("answerer"),
            )  # (B, new): only new tokens, because the prompt has no ids
            for row, text in zip(rows, decode_rows(self.tokenizer, tokens.tolist()), strict=True):
                written[row] = text.strip()
        return written

    def _prompt(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return soft prompts, shape (B, k, E), and their mask of ones, shape (B, k)."""
        soft = self.soft(features.to(self.device).float()).to(self._words.weight.dtype)
        return soft, torch.ones(soft.shape[:2], dtype=torch.long, device=self.device)

    def _ids(self, text: str, *, first: bool) -> list[int]:
        """Return token ids without special tokens; only a first part starts without a blank."""
        if not text:
            return []
        text = text if first else f" {text}"
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
