"""Worked examples for the prompt, and the selection of those most similar to a question.

Two questions are similar if their programs look alike. That depends on the frame of the question ("how
many …", "… or …", "the same … as") more than on the objects it names. A question is therefore a set of
features, the lemmas of its words and the frames that it matches, weighted by how few examples have them.
Similarity is the weighted Jaccard index of two sets, in 0 … 1.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from viper.generate.request import GenerationRequest
from viper.models.roles import Role
from viper.programs.program import Task
from viper.storage.resources import data_folder
from viper.vocabulary.lemmas import base_forms
from viper.vocabulary.text_cache import cached_by_text

__all__ = ["Example", "choose_examples", "load_examples"]

_FRAME_WEIGHT = 2.5
"""Weight of a frame relative to a word of the same rarity; tuned on GQA questions for the share whose
most similar example has a program of the same kind."""

_RELATION = (
    r"left|right|above|below|under|underneath|over|on top|top of|beneath|next to|near|beside"
)

# A frame is a pattern of a question that determines the kind of program it needs.
_FRAMES: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "how many": r"\bhow many\b|\bnumber of\b",
        "yes or no": r"^(is|are|was|were|do|does|did|can|could|has|have|will)\b",
        "exists": r"^(is|are|was|were) there\b|^(do|can|could) you (see|find)\b",
        "this": r"^(is|are|was|were|what|who)( kind of \w+)? (it|this|that|these|those|he|she)\b",
        "or": r"\bor\b",
        "and": r"\b(and|both)\b",
        "all": r"\b(all|every|each)\b",
        "not": r"\b(not|no|without|except)\b|n't\b",
        "color": r"\bcolou?rs?\b",
        "material": r"\b(material|made|wooden|metal|plastic|glass)\b",
        "same": r"\b(same|common|alike|both)\b",
        "different": r"\bdifferent|\bdiffer\b",
        "animals": r"\b(animals?|species)\b",
        "than": r"\b(than|more|less|fewer|larger|smaller|older|younger|bigger)\b|^(?>.*?\wer\b).*,",
        "which side": r"\b(which|what) (side|part)\b|^where\b",
        "part of the picture": r"\b(side|part|half|corner|bottom|top|middle) of the "
        r"(picture|photo|image|photograph)\b|\b(on|in|at) the (left|right|top|bottom|middle)\b(?! of)",
        "relation": rf"\b({_RELATION})\b",
        "depth": r"\b(closest|nearest|closer|front|behind|back|far|farthest|foreground|camera)\b",
        "what is": r"^(what|which)\b",
        "kind": r"\b(what|which) (kind|type|sort|item|piece|animal|vehicle|furniture|device)\b"
        r"|\bcalled\b|\bname of\b",
        "maker": r"\b(brand|company|made this)\b",
        "who": r"^who\b",
        "how": r"^how (?!many\b)\w+ (is|are|does|do)\b",
        "looks": r"\b(looks?|appears?|seems?)\b|\b(have|has) \w+ (color|size|shape)\b",
        "doing": r"\bdoing\b",
        "holding": r"\b(holding|wearing|carrying|eating|riding|using|pulling)\b",
        "reading": r"\b(word|words|written|says?|text|letters?|sign)\b",
        "scene": r"\b(weather|indoors?|outdoors?|place|scene|taken|room|sky)\b"
        r"|^how (is|are)\b",
        "most": r"\b(?!the\b)\w{2,}est\b|\bmost\b|\bleast\b",
        "ordinal": r"\b(first|second|third|fourth|fifth|last|\d+(st|nd|rd|th))\b",
        "between": r"\bbetween\b",
        "clause": r"\b(who|that|which) (is|are|was|has|looks?)\b",
        "doing what": r"\b(sitting|standing|lying|laying|walking|running|jumping|kneeling)\b",
    }.items()
}
# Words without content of their own; the frames cover those that matter.
_STOP_WORDS = frozenset(
    "a an the is are was were be do does did of in on at to for with it its this that these those "
    "there any some you see and or not both what which who how many much has have than picture photo "
    "image photograph".split()
)


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a good program for it."""

    task: Task
    question: str
    program: str
    roles: frozenset[Role]
    """Roles that the program needs."""
    objects: tuple[str, ...]
    """Objects that the program detects."""


@functools.cache
def load_examples() -> tuple[Example, ...]:
    """Return the worked examples; the result is shared and immutable."""
    path = data_folder("prompts") / "examples.json"
    # Packaged data, whose shape a test checks.
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Example(**row | {"roles": frozenset(row["roles"]), "objects": tuple(row["objects"])})
        for row in rows
    )


def choose_examples(request: GenerationRequest, count: int) -> list[Example]:
    """Return the examples of the task that are most similar to the question, the most similar one last.

    An example is a candidate only if every role it needs is served and every object it names can be
    detected, without best effort under that very name: a program that finds a wider class is not answered.

    Args:
        request: The question, its task, and the capabilities.
        count: Largest number of examples.
    """
    if count == 0:
        return []
    weights = _weights(request.task)
    features = _features(request.question)
    candidates = (
        example
        for example in load_examples()
        if example.task == request.task
        and all(map(request.capabilities.serves, example.roles))
        and all(_is_detected(name, request) for name in example.objects)
    )

    def similarity(example: Example) -> float:
        return _similarity(features, _features(example.question), weights)

    return sorted(candidates, key=similarity, reverse=True)[:count][::-1]


def _is_detected(name: str, request: GenerationRequest) -> bool:
    if request.best_effort:
        return request.capabilities.match(name) is not None
    return request.capabilities.detects(name)


def _similarity(a: frozenset[str], b: frozenset[str], weights: Mapping[str, float]) -> float:
    def weight(features: Iterable[str]) -> float:
        # A feature that no example has does not count. `fsum` rounds once, so that the order of a set,
        # which varies between processes, has no effect.
        return math.fsum(weights.get(feature, 0.0) for feature in features)

    return weight(a & b) / (weight(a | b) or 1.0)


@functools.cache
def _weights(task: Task) -> Mapping[str, float]:
    """Return the weight of each feature of the examples of a task."""
    questions = [example.question for example in load_examples() if example.task == task]
    counts = Counter(feature for question in questions for feature in _features(question))
    return {
        feature: math.log((1 + len(questions)) / count)
        * (_FRAME_WEIGHT if feature.startswith("frame ") else 1.0)
        for feature, count in counts.items()
    }


@cached_by_text(1_024, longest=250)
def _features(question: str) -> frozenset[str]:
    text = " ".join(re.findall(r"[\w'’,]+", question.lower().replace("’", "'"))).replace(",", " ,")
    frames = {f"frame {name}" for name, pattern in _FRAMES.items() if pattern.search(text)}
    words = {word for word in re.findall(r"\w+", text) if word not in _STOP_WORDS}
    return frozenset(frames.union(*map(_lemmas, words)))


@cached_by_text(4_096)
def _lemmas(word: str) -> frozenset[str]:
    """Return every base form that a word may have: "saw" has "saw" and "see"."""
    # Imported late: loading its tables takes a moment.
    return frozenset(itertools.chain(*base_forms(word).values())) or frozenset({word})
