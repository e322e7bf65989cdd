"""The families of zero-shot detectors in transformers: their inputs, forwards and outputs.

A family gets crops and, for each question, the phrases to look for in a crop. It returns boxes in
pixels of the crop and one score per box AND phrase. The library's own post-processing is not used:
it keeps only the best phrase of a box, so that other phrases would change the result, and for
Grounding DINO it returns the tokens with high scores instead of the requested phrases.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from viper.backends.finite import check_finite
from viper.backends.grouping import in_groups
from viper.backends.placement import Placement, on_gpu
from viper.errors import UnservedError
from viper.images.image import Pixels

__all__ = ["GroundingDino", "OmDetTurbo", "Question", "Scored", "ZeroShotFamily"]
__all__ += ["to_pixels"]


class Question(NamedTuple):
    """Phrases to look for in one crop."""

    crop: int
    """Index of the crop."""
    phrases: tuple[str, ...]


class Scored(NamedTuple):
    """A model's result for one question."""

    boxes_xyxy: Tensor
    """Shape (N, 4), pixels of the crop, origin top left; may leave the crop."""
    scores: Tensor
    """Shape (N, phrases), 0 … 1; 0 where a box does not match a phrase."""


@dataclass(frozen=True, slots=True)
class ZeroShotFamily:
    """One architecture, loaded: a model with its preprocessing, both untyped in the library."""

    default_score_threshold: ClassVar[float]
    """Threshold of the authors."""
    model: Any
    processor: Any
    placement: Placement
    batch_size: int
    """Most requests per forward."""

    def ask(
        self, crops: Sequence[Pixels], questions: Sequence[Question], keys: Sequence[Hashable]
    ) -> list[Scored]:
        """Answer each question, in order.

        Args:
            crops: Shape (h, w, 3) each.
            questions: Phrases to look for in them.
            keys: Cache key of each crop: equal keys are equal crops.
        """
        raise NotImplementedError

    def images(self, crops: Sequence[Pixels]) -> Tensor:
        """Return the input for crops, for a model with one input size, (B, 3, H, W)."""
        device = self.placement.device
        pixel_values: Tensor = self.processor.image_processor(
            # PIL images, because the channel axis of an array 3 pixels high would be guessed.
            images=[Image.fromarray(crop) for crop in crops],
            return_tensors="pt",
            **on_gpu(device),
        ).pixel_values
        return pixel_values.to(device, self.placement.dtype)


@dataclass(frozen=True, slots=True)
class GroundingDino(ZeroShotFamily):
    """Grounding DINO (arXiv:2303.05499) and MM-Grounding-DINO (arXiv:2401.02361).

    The phrases of a question go into one prompt, "red mug. dog.", and the model scores every box
    against every TOKEN. The score of a phrase is its best token's, as the authors threshold it; but
    the box counts only if the mean over the phrase's tokens reaches `text_threshold`, because a red
    car gets a high score for the "red" of "red mug".
    """

    text_threshold: float = 0.25
    default_score_threshold = 0.25

    def ask(
        self, crops: Sequence[Pixels], questions: Sequence[Question], keys: Sequence[Hashable]
    ) -> list[Scored]:
        """Build the prompts, run images of equal size together, and read the token spans."""
        images = [self.images([crop]) for crop in crops]  # each (1, 3, H, W)
        prompts = [
            (index, prompt)
            for index, ask in enumerate(questions)
            for prompt in self._prompts(ask.phrases)
        ]
        # Images of one size only: padding would change the features at the edges.
        answers = in_groups(
            prompts,
            lambda pair: images[questions[pair[0]].crop].shape,
            lambda pairs: self._forward(
                torch.cat([images[questions[index].crop] for index, _ in pairs]),
                [prompt for _, prompt in pairs],
            ),
        )
        results = []
        for index, ask in enumerate(questions):
            parts = [answers[row] for row, (owner, _) in enumerate(prompts) if owner == index]
            # Each prompt of a question has its own boxes, with scores for its phrases only.
            columns, boxes, done = [], [], 0
            for part_boxes, part_scores in parts:
                before = part_scores.new_zeros(len(part_scores), done)
                done += part_scores.shape[1]
                after = part_scores.new_zeros(len(part_scores), len(ask.phrases) - done)
                columns.append(torch.cat([before, part_scores, after], dim=1))
                boxes.append(part_boxes)
            results.append(
                Scored(
                    to_pixels(torch.cat(boxes), crops[ask.crop].shape[1::-1]), torch.cat(columns)
                )
            )
        return results

    def _prompts(self, phrases: Sequence[str]) -> list[_Prompt]:
        """Split phrases into as few prompts as the model's text length allows."""
        free = limit = self.model.config.max_text_len - 2  # its start and end are tokens too
        prompts: list[list[str]] = [[]]
        for phrase in phrases:
            words = _plain(phrase)
            if not words:
                raise UnservedError(
                    f"The detector cannot look for {phrase!r}: it contains only "
                    "punctuation. Name an object."
                )
            tokens = self.processor.tokenizer(
                f"{words}.", add_special_tokens=False, truncation=True, max_length=limit
            )
            needed = len(tokens["input_ids"])
            if needed > free and prompts[-1]:
                prompts.append([])
                free = limit
            prompts[-1].append(words)
            free -= needed
        return [self._prompt(part) for part in prompts]

    def _prompt(self, phrases: Sequence[str]) -> _Prompt:
        text, characters = "", []
        for phrase in phrases:
            start = len(text) + (1 if text else 0)
            text = f"{text} {phrase}." if text else f"{phrase}."
            characters.append((start, start + len(phrase)))
        tokens = self.processor.tokenizer(
            text,
            truncation=True,
            max_length=self.model.config.max_text_len,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        offsets = tokens.pop("offset_mapping")
        spans = [
            [i for i, (first, last) in enumerate(offsets) if start <= first < last <= stop]
            for start, stop in characters
        ]
        return _Prompt(dict(tokens), spans)

    def _forward(self, images: Tensor, prompts: Sequence[_Prompt]) -> list[tuple[Tensor, Tensor]]:
        tokens = self.processor.tokenizer.pad(
            [prompt.tokens for prompt in prompts], padding=True, return_tensors="pt"
        ).to(self.placement.device)
        outputs = self.model(
            pixel_values=images,
            pixel_mask=torch.ones_like(images[:, 0], dtype=torch.long),
            input_ids=tokens["input_ids"],
            token_type_ids=tokens["token_type_ids"],
            attention_mask=tokens["attention_mask"],
        )
        logits = outputs.logits.float().cpu()  # (B, N, tokens)
        boxes = outputs.pred_boxes.float().cpu()  # (B, N, 4)
        answers = []
        for row, prompt in enumerate(prompts):
            by_phrase = [logits[row][:, span] for span in prompt.spans]
            check_finite("detector", *by_phrase)  # those of tokens of padding are infinite
            columns = [self._phrase_score(by_token.sigmoid()) for by_token in by_phrase]
            answers.append((boxes[row], torch.stack(columns, dim=1)))
        return answers

    def _phrase_score(self, by_token: Tensor) -> Tensor:
        """Return (N,) from the scores of one phrase's tokens, (N, tokens)."""
        if by_token.shape[1] == 0:  # truncated, or only characters that the tokenizer drops
            return by_token.new_zeros(len(by_token))
        best, mean = by_token.amax(dim=1), by_token.mean(dim=1)
        return torch.where(mean >= self.text_threshold, best, 0.0)


class _Prompt(NamedTuple):
    """Phrases joined into one text."""

    tokens: dict[str, list[int]]
    spans: list[list[int]]
    """Token positions of each phrase."""


@dataclass(frozen=True, slots=True)
class OmDetTurbo(ZeroShotFamily):
    """OmDet-Turbo (arXiv:2403.06892): one fixed image size, phrases as classes of a task."""

    default_score_threshold = 0.3

    def ask(
        self, crops: Sequence[Pixels], questions: Sequence[Question], keys: Sequence[Hashable]
    ) -> list[Scored]:
        """Run questions with the same number of phrases together: padding would change the chosen boxes."""
        return in_groups(
            questions, lambda ask: len(ask.phrases), lambda group: self._forward(crops, group)
        )

    def _forward(self, crops: Sequence[Pixels], questions: Sequence[Question]) -> list[Scored]:
        inputs = self.processor(
            images=[Image.fromarray(crops[ask.crop]) for ask in questions],
            text=[list(ask.phrases) for ask in questions],
            return_tensors="pt",
        ).to(self.placement.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self.placement.dtype)
        outputs = self.model(**inputs)
        logits = outputs.decoder_class_logits.float().cpu()  # (B, N, P)
        check_finite("detector", *(logits[n][:, : len(q.phrases)] for n, q in enumerate(questions)))
        scores = logits.sigmoid()
        boxes = outputs.decoder_coord_logits.float().cpu()  # (B, N, 4)
        return [
            Scored(
                to_pixels(boxes[row], crops[ask.crop].shape[1::-1]),
                scores[row][:, : len(ask.phrases)],
            )
            for row, ask in enumerate(questions)
        ]


def to_pixels(boxes_cxcywh: Tensor, frame_wh: tuple[int, ...]) -> Tensor:
    """Convert relative center and size, (N, 4), to corners in pixels of the frame."""
    center, size = boxes_cxcywh[:, :2], boxes_cxcywh[:, 2:]
    corners = torch.cat([center - size / 2, center + size / 2], dim=1)
    return corners * corners.new_tensor(frame_wh * 2)


_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\S)")


def _plain(phrase: str) -> str:
    """Lower-case a phrase and remove the prompt's separators and a leading article."""
    return _ARTICLE.sub("", " ".join(re.sub(r"[.?]", " ", phrase.lower()).split()))
