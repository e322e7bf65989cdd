"""OWL-ViT (arXiv:2205.06230) and OWLv2 (arXiv:2306.09683): late interaction.

Each crop and each text is encoded once, and every pair is a dot product, so the score of a phrase does not
depend on the other phrases. Encodings are cached on the model's device: another phrase for the same crop
then costs a dot product, not a forward of the network.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from viper.backends.finite import check_finite
from viper.backends.zero_shot import Question, Scored, ZeroShotFamily, to_pixels
from viper.images.image import Pixels

__all__ = ["DeviceCache", "Owl"]

# Encoded crops and texts on the device: about 45 crops of OWLv2 base in float32.
_MOST_BYTES = 512_000_000


class _Encoded(NamedTuple):
    """A crop, encoded by the network independently of any phrase."""

    features: Tensor
    """Shape (N, D), one per position."""
    boxes: Tensor
    """Shape (N, 4), relative center and size."""

    @property
    def nbytes(self) -> int:
        return self.features.nbytes + self.boxes.nbytes


class DeviceCache:
    """Least-recently-used cache of tensors, for the model's thread only.

    Args:
        max_bytes: Most bytes.
    """

    def __init__(self, max_bytes: int = _MOST_BYTES) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[Hashable, Tensor | _Encoded] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> Tensor | _Encoded | None:
        """Return the value of a key, None if there is none."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Hashable, value: Tensor | _Encoded) -> None:
        """Keep a value."""
        if key in self._values or value.nbytes > self._max_bytes:
            return
        self._values[key] = value
        self._bytes += value.nbytes
        while self._bytes > self._max_bytes:
            _, gone = self._values.popitem(last=False)
            self._bytes -= gone.nbytes


@dataclass(frozen=True, slots=True)
class Owl(ZeroShotFamily):
    """One loaded model of the family."""

    template: str = "a photo of a {}"
    """Text around a phrase, with `{}` in its place, as in the authors' evaluation."""
    pads_to_square: bool = False
    """OWLv2: boxes are relative to the longer side, both ways."""
    default_score_threshold = 0.1
    cache: DeviceCache = field(default_factory=DeviceCache, compare=False)

    def ask(
        self, crops: Sequence[Pixels], questions: Sequence[Question], keys: Sequence[Hashable]
    ) -> list[Scored]:
        """Encode new crops and phrases, then score the requested pairs."""
        phrases = list(dict.fromkeys(phrase for ask in questions for phrase in ask.phrases))
        column = {phrase: index for index, phrase in enumerate(phrases)}
        texts = self._texts(phrases)  # (P, D)
        encoded = self._encode(crops, keys)
        flat = torch.stack([crop.features for crop in encoded])  # (B, N, D)
        with self._exactly():
            logits, _ = self.model.class_predictor(flat, texts.expand(len(encoded), -1, -1))
        check_finite("detector", logits)
        scores = logits.float().sigmoid().cpu()  # (B, N, P)
        boxes = [crop.boxes.float().cpu() for crop in encoded]  # B × (N, 4)
        results = []
        for ask in questions:
            height, width = crops[ask.crop].shape[:2]
            side = max(width, height)
            frame_wh = (side, side) if self.pads_to_square else (width, height)
            columns = [column[phrase] for phrase in ask.phrases]
            results.append(
                Scored(to_pixels(boxes[ask.crop], frame_wh), scores[ask.crop][:, columns])
            )
        return results

    def _encode(self, crops: Sequence[Pixels], keys: Sequence[Hashable]) -> list[_Encoded]:
        found = [self.cache.get(key) for key in keys]
        missing = [index for index, cached in enumerate(found) if cached is None]
        if missing:
            embedded, _ = self.model.image_embedder(self.images([crops[i] for i in missing]))
            features = embedded.to(self.placement.dtype)
            flat = features.flatten(1, 2)  # (B, N, D), from (B, h, w, D)
            with self._exactly():
                boxes = self.model.box_predictor(flat, features)  # (B, N, 4)
            for row, index in enumerate(missing):
                # Copies: a view would keep its whole batch alive.
                found[index] = one = _Encoded(flat[row].clone(), boxes[row].clone())
                self.cache.put(keys[index], one)
        return [cached for cached in found if isinstance(cached, _Encoded)]

    def _exactly(self) -> torch.autocast:
        """Compute products in the number format of the weights, for boxes and scores."""
        return torch.autocast(self.placement.device.type, enabled=False)

    def _texts(self, phrases: Sequence[str]) -> Tensor:
        found = {phrase: self.cache.get(phrase) for phrase in phrases}
        missing = [phrase for phrase, cached in found.items() if cached is None]
        if missing:
            for phrase, text in zip(missing, self._encode_texts(missing), strict=True):
                found[phrase] = text = text.clone()
                self.cache.put(phrase, text)
        return torch.stack([text for text in found.values() if isinstance(text, Tensor)])

    def _encode_texts(self, phrases: Sequence[str]) -> Tensor:
        tokens = self.processor.tokenizer(
            [self.template.replace("{}", phrase) for phrase in phrases],
            padding="max_length",
            truncation=True,
            max_length=self.model.config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(self.placement.device)
        base = getattr(self.model, self.model.base_model_prefix)
        features = base.get_text_features(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        )
        texts = getattr(features, "pooler_output", features).to(self.placement.dtype)  # (P, D)
        normalised: Tensor = texts / texts.norm(dim=-1, keepdim=True)
        return normalised
