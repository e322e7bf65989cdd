"""A causal language model from transformers that generates programs in batches.

A row of a batch ends at an end token, at the end of its function, or when it is cancelled; its text does not
depend on the other rows. Prompts are padded on the left. With a temperature above 0 each row is sampled with
its own seed: the token with the largest sum of scaled score and Gumbel noise is a sample of the softmax
(Maddison, Tarlow, Minka, "A* Sampling", 2014).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self, cast

import torch
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from viper.backends.finite_logits import finite_logits
from viper.backends.loaded_tokenizer import decode_rows
from viper.backends.model_source import reason_of
from viper.backends.placement import Placement, resolve_device, resolve_dtype
from viper.backends.torch_common import load_model
from viper.errors import GenerationError, ModelError
from viper.generate.local_prompt import WHAT, FittedPrompt, LocalPrompts, locate_model
from viper.generate.local_settings import LocalSettings
from viper.generate.local_thread import Sample, Written
from viper.generate.stopping import end_of_program
from viper.usage import Usage

__all__ = ["LocalModel"]

# The time of a row grows with this number. A character has four bytes, with joiners a few times as many.
_MOST_TOKENS_OF_A_CHARACTER = 64


class LocalModel:
    """One loaded model; implements `Writer`.

    Args:
        model: A model with `generate`, on its device; untyped, as in the library.
        prompts: Builds its prompts.
    """

    def __init__(self, model: Any, prompts: LocalPrompts) -> None:
        self._model = model
        self._prompts = prompts
        self._ends = _end_ids(model, prompts.tokenizer)
        tokenizer = prompts.tokenizer
        pad_id = tokenizer.pad_token_id
        self._pad_id: int = pad_id if pad_id is not None else min(self._ends, default=0)
        # Checkpoints contain generation settings for chat. A repetition penalty in particular harms
        # programs, which must repeat names.
        model.generation_config = GenerationConfig(
            eos_token_id=sorted(self._ends) or None, pad_token_id=self._pad_id
        )

    @classmethod
    def load(cls, settings: LocalSettings) -> Self:
        """Load a model from the hub or a folder; weights in safetensors only, no remote code.

        Raises:
            ConfigError: The model does not exist or is of another kind, or the device or dtype is
                unknown.
        """
        device = resolve_device(settings.device)
        dtype = resolve_dtype(settings.dtype, device, on_gpu=torch.bfloat16)
        source = locate_model(settings)
        prompts = LocalPrompts.load(settings, source)
        model = load_model(
            AutoModelForCausalLM,
            source,
            what=WHAT,
            placement=Placement(device, dtype),
            use_safetensors=True,
        )
        return cls(model, prompts)

    def write(
        self, samples: Sequence[Sample], is_wanted: Callable[[int], bool]
    ) -> list[Written | GenerationError]:
        """Write one program per sample, in order; a prompt that does not fit gives its error.

        Raises:
            GenerationError: The device has too little memory for this batch.
        """
        results: dict[int, Written | GenerationError] = {}
        fitted: dict[int, FittedPrompt] = {}
        for index, sample in enumerate(samples):
            try:
                fitted[index] = self._prompts.fit(sample.request)
            except GenerationError as error:
                results[index] = error
        if fitted:
            indices = list(fitted)
            rows = self._generate(
                [(prompt, samples[index]) for index, prompt in fitted.items()],
                lambda row: is_wanted(indices[row]),
            )
            for (index, prompt), row in zip(fitted.items(), rows, strict=True):
                results[index] = self._written(prompt, row)
        return [results[index] for index in range(len(samples))]

    def release(self) -> None:
        """Free the weights, and the memory of a GPU."""
        on_gpu = self._model.device.type == "cuda"
        del self._model
        if on_gpu:
            torch.cuda.empty_cache()

    def _generate(
        self,
        batch: Sequence[tuple[FittedPrompt, Sample]],
        is_wanted: Callable[[int], bool],
    ) -> list[_Row]:
        prompts = [prompt.token_ids for prompt, _ in batch]
        length = max(map(len, prompts))
        input_ids = torch.full((len(prompts), length), self._pad_id)  # (B, L)
        mask = torch.zeros_like(input_ids)
        for index, ids in enumerate(prompts):
            input_ids[index, length - len(ids) :] = torch.tensor(ids)
            mask[index, length - len(ids) :] = 1
        rows = [_Row(self._prompts.tokenizer, self._prompts.opening, self._ends) for _ in batch]
        device = self._model.device
        try:
            with torch.inference_mode():
                self._model.generate(
                    input_ids=input_ids.to(device),
                    attention_mask=mask.to(device),
                    max_new_tokens=self._prompts.program_tokens,
                    do_sample=False,
                    num_beams=1,
                    logits_processor=LogitsProcessorList(
                        [*finite_logits("language model"), _Sampler([one for _, one in batch])]
                    ),
                    stopping_criteria=StoppingCriteriaList([_RowEnds(rows, length, is_wanted)]),
                )
        except ModelError as error:  # a model of NaN writes the same token for ever
            raise GenerationError(str(error)) from error
        except torch.OutOfMemoryError as error:
            raise GenerationError(
                f"The language model ran out of memory with a prompt of {length} tokens: "
                f"{reason_of(error, 160)} Use fewer examples (examples=2), a smaller model, "
                "dtype=bfloat16, or device=cpu."
            ) from error
        return rows

    def _written(self, prompt: FittedPrompt, row: _Row) -> Written | GenerationError:
        text = row.text
        if not text.removeprefix(self._prompts.opening).strip():
            return GenerationError(
                "The language model wrote nothing. Ask in other words, or use an instruction-tuned "
                "model."
            )
        usage = Usage(len(prompt.token_ids), len(row.token_ids))
        return Written(text, usage, str(prompt.to_prompt()))


class _Row:
    """The growing text of one row of a batch.

    A token may be part of a character, and SentencePiece tokenizers drop the blank before the first token,
    so each token is decoded together with the few before it.
    """

    def __init__(self, tokenizer: Any, opening: str, ends: frozenset[int]) -> None:
        self.text = opening
        self.token_ids: list[int] = []
        self.is_done = False
        self._tokenizer = tokenizer
        self._ends = ends
        self._context = 0  # first token that is decoded again
        self._decoded = 0  # tokens whose text is in `text`

    def add(self, token_id: int) -> None:
        """Add the next token; tokens after the end are ignored."""
        if self.is_done:
            return
        if token_id in self._ends:
            self.is_done = True
            return
        self.token_ids.append(token_id)
        before = self._decode(self.token_ids[self._context : self._decoded])
        now = self._decode(self.token_ids[self._context :])
        is_complete = len(now) > len(before) and not now.endswith("\ufffd")
        if not is_complete and len(self.token_ids) - self._decoded < _MOST_TOKENS_OF_A_CHARACTER:
            return
        self.text += now[len(before) :]
        self._context, self._decoded = self._decoded, len(self.token_ids)
        end = end_of_program(self.text)
        if end is not None:
            self.text, self.is_done = self.text[:end], True

    def _decode(self, token_ids: list[int]) -> str:
        return decode_rows(self._tokenizer, [token_ids], keep_spaces=True)[0]


class _RowEnds(StoppingCriteria):  # type: ignore[misc] # the library is untyped
    """Adds each new token to its row and reports which rows are done."""

    def __init__(
        self, rows: Sequence[_Row], prompt_length: int, is_wanted: Callable[[int], bool]
    ) -> None:
        self._rows = rows
        self._length = prompt_length
        self._is_wanted = is_wanted

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.BoolTensor:
        new = input_ids[:, self._length :].tolist()  # (B, 1)
        self._length = input_ids.shape[1]
        done = []
        for index, (row, token_ids) in enumerate(zip(self._rows, new, strict=True)):
            for token_id in token_ids:
                row.add(token_id)
            done.append(row.is_done or not self._is_wanted(index))
        return cast(torch.BoolTensor, torch.tensor(done, device=input_ids.device))  # (B,)


class _Sampler(LogitsProcessor):  # type: ignore[misc] # the library is untyped
    """Adds Gumbel noise to the scores of rows with a temperature, from the seed of each row."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._rows = [
            (index, sample.temperature, torch.Generator().manual_seed(sample.seed % 2**63))
            for index, sample in enumerate(samples)
            if sample.temperature > 0
        ]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for index, temperature, generator in self._rows:
            # On the CPU, so that a seed gives the same noise on every device.
            noise = -torch.empty(scores.shape[1]).exponential_(generator=generator).log()  # (V,)
            scores[index] = scores[index] / temperature + noise.to(scores.device)
        return scores


def _end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the end tokens of the model's generation settings and its tokenizer."""
    named = model.generation_config.eos_token_id
    ends = set(named) if isinstance(named, (list, tuple)) else {named}
    return frozenset(end for end in {*ends, tokenizer.eos_token_id} if end is not None)
