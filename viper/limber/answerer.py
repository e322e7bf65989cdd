"""The answerer that `viper train limber` saved in a folder: matcher, linear map and language model.

`--backend answerer=limber:FOLDER` selects it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from viper.backends.model_source import ModelSource, fingerprint, locate
from viper.backends.option_models import LimberOptions
from viper.backends.placement import Placement, inference, resolve_device, resolve_dtype
from viper.backends.staged_folder import hash_staged, staged
from viper.backends.torch_common import load_model, load_pretrained
from viper.errors import ConfigError
from viper.limber.folder import read_map, read_wiring
from viper.limber.model import LimberModel
from viper.limber.prompt import prefix_of
from viper.limber.references import language_of, matcher_of
from viper.models.registry import IMPORTING, identity, open_backend
from viper.models.roles import Answerer, AnswerRequest, Completion, Matcher
from viper.storage.user_cache import expand_user
from viper.usage import Usage

__all__ = ["LimberAnswerer", "load", "load_language"]

_WHAT = "language model"


@dataclass(eq=False)
class LimberAnswerer(Answerer):
    """Answers with a language model that reads image features through a linear map.

    Args:
        matcher: Computes the features of a view.
        model: The map and the language model.
        max_new_tokens: Maximum number of tokens of an answer.
        fingerprint: Names the weights and settings.
    """

    matcher: Matcher
    model: LimberModel
    max_new_tokens: int
    fingerprint: str

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion]:
        """Return one answer per request, as the language model wrote it.

        Raises:
            ModelError: A model ran out of memory.
        """
        if not requests:
            return []
        vectors = self.matcher.embed_images([request.view for request in requests])
        features = torch.from_numpy(np.stack(vectors))
        prefixes = [prefix_of(request.question) for request in requests]
        with inference("answerer"):
            texts = self.model.write(features, prefixes, self.max_new_tokens)
        return [Completion(text.split("\n")[0].strip(), Usage()) for text in texts]


def load_language(
    reference: str, device: torch.device, dtype: torch.dtype, *, is_model_id: bool = False
) -> tuple[Any, Any, str]:
    """Load a causal language model and its tokenizer (Any: transformers declares no classes for them).

    Args:
        reference: Model id or folder.
        device: Where it runs.
        dtype: Its number format.
        is_model_id: The reference is not a folder.

    Returns:
        The model, its tokenizer, and a fingerprint of the weights.

    Raises:
        ConfigError: There is no such model, it is of another kind, or its tokenizer has no end token.
    """
    with IMPORTING:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from viper.backends.greedy import generate_greedily

    source = locate(reference, what=_WHAT, is_model_id=is_model_id)
    tokenizer = load_pretrained(AutoTokenizer, source, what=_WHAT)
    if tokenizer.eos_token_id is None:
        raise ConfigError(
            f"The {_WHAT} '{reference}' has no token for the end of a text, so it cannot learn to stop."
        )
    model = load_model(AutoModelForCausalLM, source, what=_WHAT, placement=Placement(device, dtype))
    generate_greedily(model)
    return model, tokenizer, fingerprint(source, {"dtype": dtype})


def load(reference: str, options: Mapping[str, str]) -> LimberAnswerer:
    """Load a trained map with the matcher before it and the language model after it.

    Args:
        reference: Folder of `viper train limber`.
        options: Those of `LimberOptions`; `dtype` is the language model's.

    Raises:
        ConfigError: The folder or one of its models is unusable.
    """
    chosen = LimberOptions.read(options, "the limber answerer")
    device = resolve_device(chosen.device)
    dtype = resolve_dtype(chosen.dtype, device)
    folder = expand_user(reference)
    if not reference or not folder.is_dir():
        raise ConfigError(
            f"There is no folder '{folder}'. Give one that viper train limber has made: limber:FOLDER."
        )
    source = ModelSource(str(folder), folder)
    with staged(folder) as copy:
        wiring = read_wiring(copy, displayed=folder)
        soft = read_map(copy, wiring, displayed=folder)
        source.loaded.add(hash_staged(copy))
    place, is_model_id = language_of(folder, wiring.language, trust=chosen.trust)
    ref = matcher_of(folder, wiring.matcher, trust=chosen.trust)
    language, tokenizer, version = load_language(place, device, dtype, is_model_id=is_model_id)
    width = language.get_input_embeddings().weight.shape[1]
    if width != wiring.width:
        raise ConfigError(
            f"The map in '{folder}' is for words of length {wiring.width}, but those of "
            f"'{wiring.language}' have {width}. Give the language model that it was trained with."
        )
    # Any: the registry decides which class serves the role.
    matcher: Any = open_backend(ref)
    settings = {
        "matcher": identity(ref, matcher),
        "language": version,
        "max_tokens": chosen.max_tokens,
    }
    return LimberAnswerer(
        matcher,
        LimberModel(language, tokenizer, soft.to(device)),
        chosen.max_tokens,
        fingerprint(source, settings),
    )
