"""What a program has to beat: simple answerers over the same models, sample by sample.

| baseline | task | answers |
|---|---|---|
| `commonest` | vqa | the answer, or choice, that is right most often in the samples |
| `random` | grounding | one of the detector's boxes, of any class; no box where there is none |
| `blind` | both | the run's own program, on a grey picture |
| `detector` | grounding | the whole expression, given to the detector |
| `matcher` | both | the detector's box, or the choice, that fits best by the matcher |
| `answerer` | vqa | the whole question, given to the answerer |
| `ceiling` | grounding | the detector's box nearest to the right one: the most that can be reached |

They run as programs, through the same sandbox and models. One that needs a role that nobody serves is
left out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.query import Query
from viper.images.boxes import Box, iou
from viper.models.registry import TRUTH
from viper.models.roles import Role
from viper_benchmarks.sample import CEILING, BaselineResult, Sample, Samples
from viper_benchmarks.scorer import Scorer

__all__ = ["Baselines", "Prior"]

_GREY = 128
_ANY = ("object",)
# What an open-vocabulary detector is asked for when it is to find anything.

_DETECTOR = """
def execute_command(image, query):
    return ImagePatch(image).find(query)
"""
_ALL_BOXES = """
def execute_command(image):
    image_patch = ImagePatch(image)
    return [thing for name in {names!r} for thing in image_patch.find(name)]
"""
_MATCHED_BOX = """
def execute_command(image, query):
    image_patch = ImagePatch(image)
    things = [thing for name in {names!r} for thing in image_patch.find(name)]
    return best_image_match(things, [query]) if things else None
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
    """How often each answer is right in the samples that are scored."""

    answers: tuple[str, ...]
    """The commonest first."""

    @classmethod
    def of(cls, samples: Samples) -> Prior:
        """Count the right answers."""
        counts = Counter(sample.answer for sample in samples if sample.answer is not None)
        return cls(tuple(answer for answer, _ in counts.most_common()))

    def commonest(self, choices: Sequence[str]) -> str | None:
        """Return the commonest answer among the choices, if there are some; None without any."""
        spelled = {choice.casefold(): choice for choice in choices}
        among = (spelled.get(answer.casefold()) if choices else answer for answer in self.answers)
        return next((answer for answer in among if answer is not None), next(iter(choices), None))


class Baselines:
    """Answers samples by every baseline that the engine's models allow.

    Args:
        engine: Whose models they use; its detector is loaded to learn what it knows.
        judge: Of the run.
        prior: Of the samples.
    """

    def __init__(self, engine: Engine, judge: Scorer, prior: Prior) -> None:
        self._engine = engine
        self._judge = judge
        self._prior = prior
        backends = engine.config.backends
        self._roles = frozenset(
            # A matcher that knows some attributes only can judge no whole expression.
            role
            for role, ref in backends.items()
            if ref.judges is None
        )
        self._sees_pixels = all(ref.name != TRUTH for ref in backends.values())
        vocabulary = engine.capabilities().vocabulary if "detector" in self._roles else None
        names = list(vocabulary or _ANY)
        self._all_boxes = _ALL_BOXES.format(names=names)
        self._matched_box = _MATCHED_BOX.format(names=names)

    def left_out(self) -> dict[str, str]:
        """Return the baselines that are not asked, and why."""
        reasons = {
            name: f"no {' and '.join(missing)}"
            for name, needs in _NEEDS.items()
            if (missing := [role for role in needs if role not in self._roles])
        }
        if not self._sees_pixels:
            reasons["blind"] = "true perception does not look at the picture"
        return reasons

    async def answer(self, sample: Sample, program: str | None) -> dict[str, BaselineResult]:
        """Return what each baseline makes of a sample.

        Args:
            sample: Whose picture can be read.
            program: What the run's generator wrote for it; None where it wrote none.
        """
        found: dict[str, BaselineResult] = {}
        if sample.task == "vqa":
            if (common := self._prior.commonest(sample.choices)) is not None:
                found["commonest"] = self._judge.text(sample, common)
            if "answerer" in self._roles:
                found["answerer"] = await self._judged(sample, _ANSWERER)
            if sample.choices and "matcher" in self._roles:
                found["matcher"] = await self._judged(sample, _MATCHED_CHOICE)
        elif "detector" in self._roles:
            boxes = [p.box_xyxy for p in (await self._run(sample, self._all_boxes)).patches]
            found["random"] = self._judge.box(sample, self._random(sample, boxes))
            found[CEILING] = self._judge.box(sample, _nearest(boxes, sample.box_xyxy))
            found["detector"] = await self._judged(sample, _DETECTOR)
            if "matcher" in self._roles:
                found["matcher"] = await self._judged(sample, self._matched_box)
        if self._sees_pixels:
            found["blind"] = await self._blind(sample, program)
        return found

    def _random(self, sample: Sample, boxes: Sequence[Box]) -> Box | None:
        return random.Random(sample.id).choice(boxes) if boxes else None

    async def _judged(self, sample: Sample, program: str) -> BaselineResult:
        return self._judge.baseline(sample, await self._run(sample, program))

    async def _run(self, sample: Sample, program: str) -> Answer:
        query = Query(sample.image, sample.query, sample.task, sample.choices, program)
        return await self._engine.arun(query)

    async def _blind(self, sample: Sample, program: str | None) -> BaselineResult:
        if program is None:
            return BaselineResult(None, None, False, 0.0, "generator")
        # Of the size of the picture, so that places in the program mean the same.
        from viper.images import decoding as media

        width, height = media.open_image(sample.image).size
        grey = np.full((height, width, 3), _GREY, dtype=np.uint8)
        query = Query(grey, sample.query, sample.task, sample.choices, program)
        return self._judge.baseline(sample, await self._engine.arun(query))


_NEEDS: dict[str, tuple[Role, ...]] = {
    "random": ("detector",),
    CEILING: ("detector",),
    "detector": ("detector",),
    "matcher": ("matcher",),
    "answerer": ("answerer",),
}


def _nearest(boxes: Iterable[Box], right: Box | None) -> Box | None:
    if right is None:
        return None
    return max(boxes, key=lambda box: iou(box, right), default=None)
