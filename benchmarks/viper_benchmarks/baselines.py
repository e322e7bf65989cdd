"""Baselines: simple ways to answer each sample with the same models.

| baseline | task | answer |
|---|---|---|
| `commonest` | vqa | the most frequent right answer, or choice, in the samples |
| `random` | grounding | one of the detector's boxes, of any class; no box if there is none |
| `blind` | both | the run's own program, on a gray image |
| `detector` | grounding | the detector's result for the whole expression |
| `matcher` | both | the detector's box, or the choice, that the matcher scores highest |
| `answerer` | vqa | the answerer's result for the whole question |
| `ceiling` | grounding | the detector's box with the highest IoU: the upper bound |

They run as programs, with the same sandbox and models, and always by the best effort: they guess where the
run may not, so that a difference is one of the programs and not of what counts as an answer. A baseline is
omitted if no backend serves its roles.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.images.boxes import Box, iou
from viper.images.decoding import open_image
from viper.models.registry import TRUTH
from viper.models.roles import Role
from viper_benchmarks.normalise import composed
from viper_benchmarks.row import CEILING, BaselineResult
from viper_benchmarks.sample import Sample, Samples
from viper_benchmarks.scorer import Scorer

__all__ = ["Baselines", "Prior"]

_GRAY = 128
# The phrase with which an open-vocabulary detector finds any object.
_ANY = ("object",)

_DETECTOR = """
def execute_command(image, query):
    return ImagePatch(image).find(query)
"""
_ALL_BOXES = """
def execute_command(image):
    image_patch = ImagePatch(image)
    return [patch for name in {names!r} for patch in image_patch.find(name)]
"""
_MATCHED_BOX = """
def execute_command(image, query):
    image_patch = ImagePatch(image)
    patches = [patch for name in {names!r} for patch in image_patch.find(name)]
    return best_image_match(patches, [query]) if patches else None
"""
_MATCHED_CHOICE = """
def execute_command(image, possible_answers):
    return ImagePatch(image).best_text_match(possible_answers)
"""
_ANSWERER = """
def execute_command(image, query):
    return ImagePatch(image).simple_query(query)
"""


@dataclass(frozen=True, slots=True)
class Prior:
    """The right answers of the samples by frequency."""

    answers: tuple[str, ...]
    """Most frequent first."""

    @classmethod
    def of(cls, samples: Samples) -> Prior:
        """Count the right answers of samples."""
        counts = Counter(composed(s.answer) for s in samples if s.answer is not None)
        return cls(tuple(answer for answer, _ in counts.most_common()))

    def commonest(self, choices: Sequence[str]) -> str | None:
        """Return the most frequent answer, among the choices if there are any; None without answers."""
        spelled = {composed(choice).casefold(): choice for choice in choices}
        among = (spelled.get(answer.casefold()) if choices else answer for answer in self.answers)
        return next((answer for answer in among if answer is not None), next(iter(choices), None))


class Baselines:
    """Answers samples with every baseline that the engine's models allow.

    Args:
        engine: Engine of the run; its detector is loaded to get its vocabulary.
        scorer: Scorer of the run.
        prior: Answer frequencies of the samples.
    """

    def __init__(self, engine: Engine, scorer: Scorer, prior: Prior) -> None:
        self._engine = engine
        self._scorer = scorer
        self._prior = prior
        backends = engine.config.backends
        self._roles = frozenset(
            # A matcher for some attributes only cannot score whole expressions.
            role
            for role, ref in backends.items()
            if ref.judges is None
        )
        self._sees_pixels = all(ref.name != TRUTH for ref in backends.values())
        vocabulary = engine.capabilities().vocabulary if "detector" in self._roles else None
        names = list(vocabulary or _ANY)
        self._all_boxes = _ALL_BOXES.format(names=names)
        self._matched_box = _MATCHED_BOX.format(names=names)

    def omitted(self) -> dict[str, str]:
        """Return the omitted baselines with the reasons."""
        reasons = {name: f"no {role}" for name, role in _NEEDS.items() if role not in self._roles}
        if not self._sees_pixels:
            reasons["blind"] = "the oracle does not use the image"
        return reasons

    async def answer(self, sample: Sample, program: str | None) -> dict[str, BaselineResult]:
        """Return the result of each baseline for a sample.

        Args:
            sample: With a readable image.
            program: The program that the run's generator wrote; None without one.
        """
        found: dict[str, BaselineResult] = {}
        if sample.task == "vqa":
            if (common := self._prior.commonest(sample.choices)) is not None:
                found["commonest"] = self._scorer.text(sample, common)
            if "answerer" in self._roles:
                found["answerer"] = await self._result(sample, _ANSWERER)
            if sample.choices and "matcher" in self._roles:
                found["matcher"] = await self._result(sample, _MATCHED_CHOICE)
        elif "detector" in self._roles:
            boxes = [p.box_xyxy for p in (await self._run(sample, self._all_boxes)).patches]
            found["random"] = self._scorer.box(
                sample, random.Random(sample.id).choice(boxes) if boxes else None
            )
            found[CEILING] = self._scorer.box(sample, _nearest(boxes, sample.box_xyxy))
            found["detector"] = await self._result(sample, _DETECTOR)
            if "matcher" in self._roles:
                found["matcher"] = await self._result(sample, self._matched_box)
        if self._sees_pixels:
            found["blind"] = await self._blind(sample, program)
        return found

    async def _result(self, sample: Sample, program: str) -> BaselineResult:
        return self._scorer.baseline(sample, await self._run(sample, program))

    async def _run(self, sample: Sample, program: str) -> Answer:
        return await self._engine.arun(sample.to_query(program, best_effort=True))

    async def _blind(self, sample: Sample, program: str | None) -> BaselineResult:
        if program is None:
            return BaselineResult(None, None, False, 0.0, "generator")
        # As large as the image, so that positions in the program keep their meaning.
        width, height = open_image(sample.image).size
        gray = np.full((height, width, 3), _GRAY, dtype=np.uint8)
        query = replace(sample.to_query(program, best_effort=True), image=gray)
        return self._scorer.baseline(sample, await self._engine.arun(query))


_NEEDS: dict[str, Role] = {
    "random": "detector",
    CEILING: "detector",
    "detector": "detector",
    "matcher": "matcher",
    "answerer": "answerer",
}


def _nearest(boxes: Iterable[Box], right: Box | None) -> Box | None:
    if right is None:
        return None
    return max(boxes, key=lambda box: iou(box, right), default=None)
