"""What each API method means, in terms of the roles.

One coroutine per method that needs a model, named as in the spec; the receiver comes first, then the
arguments in the spec's order. `ArgumentError` here is a `ValueError` that the program may catch; any
other error ends the session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from viper.errors import UnservedError
from viper.images.boxes import Box, area, clamp, nms, snap
from viper.images.image import View
from viper.images.region import Patch
from viper.methods.argument_error import ArgumentError
from viper.methods.matching import (
    embed,
    logits_of,
    option_texts,
    require_known,
    softmax,
    verifying_texts,
    words,
)
from viper.models.roles import (
    AnswerRequest,
    CompletionRequest,
    Detection,
    Detector,
    DetectRequest,
)
from viper.scheduling.vision_client import VisionClient
from viper.vocabulary.categories import Match, match_phrase, near_classes

__all__ = ["METHODS", "Context", "Method"]

_NMS_IOU = 0.45
# Boxes of one phrase that overlap by more are one object; the value of YOLOX's own demos.

_PROPERTY_THRESHOLD = 0.5
# An attribute holds when it takes at least half of the probability among its contrasts, or is true
# with at least this certainty.

_SHORT_ANSWER_TOKENS = 16
_LONG_ANSWER_TOKENS = 256


class Context:
    """What a method may use: the run's models, and a place for remarks about this call.

    Args:
        run: The way to the models.
    """

    def __init__(self, run: VisionClient) -> None:
        self.run = run
        self.notes: list[str] = []
        """Remarks on the call in progress, for the trace: "'sofa' detected as 'couch'"."""
        self.score: float | None = None
        """How sure the model was in the call in progress, 0 … 1."""
        self.unverified: list[str] = []
        """Conditions that were tested only in part, for the answer."""

    def begin_call(self) -> None:
        """Forget the remarks and the score of the call before."""
        self.notes.clear()
        self.score = None


Method = Callable[..., Awaitable[Any]]
# Arguments differ by method; the session checks them against the spec before it calls.


async def find(context: Context, patch: Patch, object_name: str) -> list[Patch]:
    """Detect on the patch's crop, best first, without duplicates."""
    phrase = _text(object_name, "object_name")
    detector = await context.run.detector()
    ahead = context.run.ahead
    if detector.vocabulary is None:
        request, wanted = DetectRequest(patch.view, (phrase,)), phrase
        others = (site[0] for site in ahead.literals("find", "exists", once=True) if site)
        names = dict.fromkeys(words(name) for name in others if isinstance(name, str))
        guesses = [DetectRequest(patch.view, (name,)) for name in names if name]
    else:
        match = _resolve(context, phrase, detector.vocabulary)
        request, wanted, guesses = DetectRequest(patch.view, ()), match.name, []
    guesses += [replace(request, view=view) for view in ahead.siblings()]
    detections, ahead_of_time = await context.run.detect(request, guesses)
    for guess, later in ahead_of_time.items():
        if guess.view == patch.view:
            (name,) = guess.phrases
            ahead.expect(_patches(detector, patch.view, name, name, later))
    found = _patches(detector, patch.view, phrase, wanted, detections)
    context.score = found[0].score if found else None
    return found


def _patches(
    detector: Detector, view: View, phrase: str, wanted: str, detections: Sequence[Detection]
) -> list[Patch]:
    """Return the patches of one phrase in a view: in image pixels, best first, without duplicates."""
    left, top, _, _ = view.bounds
    width, height = view.image.size
    boxes: list[Box] = []
    scores: list[float] = []
    for detection in detections:
        x1, y1, x2, y2 = detection.box_xyxy
        box = snap(clamp((x1 + left, y1 + top, x2 + left, y2 + top), width, height))
        if detection.phrase == wanted and area(box) > 0:
            boxes.append(box)
            scores.append(float(detection.score))
    # No two boxes overlap by more than wholly: distinct objects all stay, and are sorted.
    kept = nms(boxes, scores, 1.0 if detector.has_distinct_detections else _NMS_IOU)
    return [Patch(View(view.image, boxes[index]), phrase, scores[index]) for index in kept]


async def exists(context: Context, patch: Patch, object_name: str) -> bool:
    """Tell whether `find` finds anything."""
    return len(await find(context, patch, object_name)) > 0


async def verify_property(context: Context, patch: Patch, object_name: str, attribute: str) -> bool:
    """Compare "attribute object" with the other attributes of its kind and with the bare object.

    A matcher that can say of a text alone whether it is true is asked just that.
    """
    name = _text(object_name, "object_name")
    wanted = _text(attribute, "attribute")
    matcher = await require_known(context.run, [wanted])
    if matcher.certainty is not None:
        (image,), (text,) = await embed(context.run, matcher, [patch], [f"{wanted} {name}"])
        context.score = matcher.certainty(float(image @ text))
        return context.score >= _PROPERTY_THRESHOLD
    texts = verifying_texts(name, wanted)
    logits = (await logits_of(context.run, [patch], texts))[0]
    context.score = float(softmax(logits)[0])
    context.notes.append(f"compared with {', '.join(map(repr, texts[1:]))}")
    return context.score >= _PROPERTY_THRESHOLD


async def best_text_match(
    context: Context, patch: Patch, option_list: Sequence[str], prefix: str | None
) -> str:
    """Choose the option whose text fits the patch best."""
    if not option_list:
        raise ArgumentError("best_text_match needs at least one option, but option_list is empty.")
    options = [_text(option, "an option") for option in option_list]
    await require_known(context.run, options, all_of_them=False)
    logits = (await logits_of(context.run, [patch], option_texts(options, prefix)))[0]
    best = int(np.argmax(logits))
    context.score = float(softmax(logits)[best])
    return option_list[best]


async def simple_query(context: Context, patch: Patch, question: str) -> str:
    """Ask the answerer about the patch."""
    asked = _text(question, "question")
    siblings = context.run.ahead.siblings()
    guesses = [AnswerRequest(view, asked) for view in siblings]
    return _short(await context.run.answer(AnswerRequest(patch.view, asked), guesses))


async def compute_depth(context: Context, patch: Patch) -> float:
    """Return the depth of the patch, as a rule its median in the image's one depth map."""
    siblings = context.run.ahead.siblings(and_groups_asked="compute_depth")
    return await context.run.depth(patch.view, siblings)


async def best_image_match(
    context: Context,
    list_patches: Sequence[Patch],
    content: Sequence[str] | str,
    return_index: bool,
) -> Patch | int | None:
    """Choose the patch with the best mean logit over the texts."""
    texts = [content] if isinstance(content, str) else list(content)
    if not texts:
        raise ArgumentError("best_image_match needs at least one text, but content is empty.")
    if not list_patches:
        return None
    cleaned = [_text(text, "content") for text in texts]
    await require_known(context.run, cleaned)
    logits = await logits_of(context.run, list_patches, cleaned)  # (patches, texts)
    means = logits.mean(axis=1)
    best = int(np.argmax(means))
    context.score = float(softmax(means)[best])
    return best if return_index else list_patches[best]


async def llm_query(context: Context, question: str, long_answer: bool) -> str:
    """Ask the language model; it never sees the image."""
    prompt = _text(question, "question")
    if long_answer:
        return (await context.run.complete(CompletionRequest(prompt, _LONG_ANSWER_TOKENS))).strip()
    prompt = f"{prompt}\nAnswer in one to three words, without a sentence."
    return _short(await context.run.complete(CompletionRequest(prompt, _SHORT_ANSWER_TOKENS)))


async def llm_query_of_patch(
    context: Context, patch: Patch, question: str, long_answer: bool
) -> str:
    """Ask the language model from a patch, which only ViperGPT's programs spell so."""
    return await llm_query(context, question, long_answer)


async def process_guesses(
    context: Context, prompt: str, guess1: str | None, guess2: str | None
) -> str:
    """Let the language model choose between the guesses."""
    question = _text(prompt, "prompt")
    guesses = [guess for guess in (guess1, guess2) if guess is not None and guess.strip()]
    if len(guesses) == 1:
        return guesses[0]
    lines = [f"Question: {question}"]
    lines += [f"Guess {number}: {guess}" for number, guess in enumerate(guesses, start=1)]
    lines.append(
        "Which guess answers the question better? Reply with that guess alone, in one to three words."
        if guesses
        else "Answer in one to three words, without a sentence."
    )
    return _short(
        await context.run.complete(CompletionRequest("\n".join(lines), _SHORT_ANSWER_TOKENS))
    )


METHODS: Mapping[str, Method] = {
    "ImagePatch.find": find,
    "ImagePatch.exists": exists,
    "ImagePatch.verify_property": verify_property,
    "ImagePatch.best_text_match": best_text_match,
    "ImagePatch.simple_query": simple_query,
    "ImagePatch.compute_depth": compute_depth,
    "ImagePatch.llm_query": llm_query_of_patch,
    "best_image_match": best_image_match,
    "llm_query": llm_query,
    "process_guesses": process_guesses,
}
"""Implementations by the spec's qualified name."""


def _resolve(context: Context, phrase: str, vocabulary: tuple[str, ...]) -> Match:
    match = match_phrase(phrase, vocabulary)
    if match is None:
        near = near_classes(phrase, vocabulary)
        hint = f"Did you mean {' or '.join(repr(name) for name in near)}? " if near else ""
        raise UnservedError(
            f"The detector cannot detect {phrase!r}: it knows {len(vocabulary)} classes only "
            f"({', '.join(vocabulary[:6])}, …). {hint}"
            "For any phrase use an open-vocabulary detector, such as "
            "--backend detector=transformers:google/owlv2-base-patch16-ensemble."
        )
    if match.kind != "exact":
        context.notes.append(f"{phrase!r} detected as {match.name!r} ({match.kind})")
    if match.kind == "narrower":
        context.unverified.append(f"{phrase!r} detected as {match.name!r}")
    return match


def _text(value: str, name: str) -> str:
    cleaned = words(value)
    if not cleaned:
        raise ArgumentError(f"{name} must not be empty.")
    return cleaned


def _short(text: str) -> str:
    """Lower case, first line, no final punctuation: the form of short answers."""
    lines = text.strip().splitlines() or [""]
    return lines[0].strip().lower().rstrip(".!,;: ")
