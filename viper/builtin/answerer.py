"""The built-in answerer, a LiMBeR model: features of the network, one linear map, a language model.

The language model was trained on texts alone, before the map; see `viper.limber`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from viper.backends.model_source import hash_file
from viper.builtin.loading import BuiltinBackend, open_viewer
from viper.builtin.questions import CAN, as_trained, kind_of_question
from viper.builtin.sight import DESCRIBED, Viewer
from viper.builtin.words import PHOTOGRAPHS
from viper.errors import ModelError
from viper.limber.answerer import load_language
from viper.limber.folder import read_map, read_wiring
from viper.limber.model import LimberModel
from viper.limber.training import prefix_of
from viper.models.roles import Answerer, AnswerRequest, Completion
from viper.usage import Usage

__all__ = ["ANSWERER_FOLDER", "LANGUAGE_FOLDER", "BuiltinAnswerer", "load", "load_speech"]

ANSWERER_FOLDER, LANGUAGE_FOLDER = "answerer", "language"
_MAX_NEW_TOKENS = 8


class BuiltinAnswerer(BuiltinBackend, Answerer):
    """Answers short questions about views of the small world in words.

    Args:
        viewer: Encodes images.
        model: The map and the language model.
        fingerprint: Names the weights.
    """

    def __init__(self, viewer: Viewer, model: LimberModel, fingerprint: str) -> None:
        super().__init__(viewer, fingerprint)
        self._model = model

    def answer(self, requests: Sequence[AnswerRequest]) -> list[Completion | ModelError]:
        """Return one answer per request, or an error for a kind of question that was not trained."""
        answers: list[Completion | ModelError] = [
            ModelError(f"{request.question[:200]!r} cannot be answered. {CAN} {PHOTOGRAPHS}")
            for request in requests
        ]
        trained = [n for n, r in enumerate(requests) if kind_of_question(r.question) is not None]
        if not trained:
            return answers
        views = [requests[number].view for number in trained]
        features = torch.empty(len(views), DESCRIBED)
        for sight, numbers in self._viewer.by_image(views):
            described = self._viewer.describe(sight, [views[n].box_xyxy for n in numbers])
            features[numbers] = torch.from_numpy(described)
        prefixes = [prefix_of(as_trained(requests[number].question)) for number in trained]
        texts = self._model.write(features, prefixes, _MAX_NEW_TOKENS)
        for number, text in zip(trained, texts, strict=True):
            if text:
                answers[number] = Completion(text, Usage())
        return answers


def load_speech(folder: Path) -> LimberModel:
    """Return the map and the language model of a folder written by training.

    Raises:
        ConfigError: Files are missing, or do not belong together.
    """
    language, tokenizer, _ = load_language(
        str(folder / LANGUAGE_FOLDER), torch.device("cpu"), torch.float32
    )
    wiring = read_wiring(folder / ANSWERER_FOLDER)
    return LimberModel(language, tokenizer, read_map(folder / ANSWERER_FOLDER, wiring))


def load(reference: str, options: Mapping[str, str]) -> BuiltinAnswerer:
    """Load the shipped answerer, or that of a folder.

    Raises:
        ConfigError: There are no weights, or an option is unknown.
    """
    viewer, folder, fingerprint = open_viewer(reference, options, "the builtin answerer")
    speech = load_speech(folder)
    version = hash_file(folder / ANSWERER_FOLDER / "map.safetensors")[:16]
    return BuiltinAnswerer(viewer, speech, f"{fingerprint}+{version}")
