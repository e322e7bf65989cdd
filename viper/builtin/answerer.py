"""The built-in answerer, a LiMBeR model: features of the network, one linear map, a language model.

The language model was trained on texts alone, before the map; see `viper.limber`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from viper.backends.file_hashes import hash_file
from viper.builtin.graphs import DESCRIBED
from viper.builtin.language import LANGUAGE_GRAPH, TOKENIZER, LanguageGraph
from viper.builtin.loading import SHIPPED, BuiltinBackend, open_viewer, opened
from viper.builtin.questions import CAN, as_trained, kind_of_question
from viper.builtin.sight import Viewer
from viper.builtin.words import PHOTOGRAPHS
from viper.errors import ModelError
from viper.limber.prompt import prefix_of
from viper.models.roles import Answerer, AnswerRequest, Completion
from viper.usage import Usage

__all__ = ["BuiltinAnswerer", "load"]

_MAX_NEW_TOKENS = 8


class BuiltinAnswerer(BuiltinBackend, Answerer):
    """Answers short questions about views of the small world in words.

    Args:
        viewer: Encodes images.
        language: The map and the language model.
        fingerprint: Names the weights.
    """

    def __init__(self, viewer: Viewer, language: LanguageGraph, fingerprint: str) -> None:
        super().__init__(viewer, fingerprint)
        self._language = language

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
        descriptions = np.empty((len(views), DESCRIBED), np.float32)
        for sight, numbers in self._viewer.by_image(views):
            boxes = [views[n].box_xyxy for n in numbers]
            descriptions[numbers] = self._viewer.describe(sight, boxes)
        prefixes = [prefix_of(as_trained(requests[number].question)) for number in trained]
        texts = self._language.write(descriptions, prefixes, _MAX_NEW_TOKENS)
        for number, text in zip(trained, texts, strict=True):
            if text:
                answers[number] = Completion(text, Usage())
        return answers


def load(reference: str, options: Mapping[str, str]) -> BuiltinAnswerer:
    """Load the shipped answerer, or that of a folder.

    Raises:
        ConfigError: There are no weights, or an option is unknown.
    """
    viewer, folder, fingerprint = open_viewer(reference, options, "the builtin answerer")
    with opened([folder / LANGUAGE_GRAPH], folder / TOKENIZER) as version:
        language = LanguageGraph(folder)
        tokenizer = hash_file(folder / TOKENIZER)
    # The fingerprint of the shipped models is that of earlier versions, which did not name the tokenizer.
    if tokenizer != hash_file(SHIPPED / TOKENIZER):
        version += f"+{tokenizer[:16]}"
    return BuiltinAnswerer(viewer, language, f"{fingerprint}+{version}")
