"""The API's methods that need a model, implemented with the models of the roles.

There is one coroutine per method, named as in the API; its arguments are the call, the receiver and the
method's own arguments in their order. A program can catch `ArgumentError`, as a `ValueError`; any other error
ends it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from viper.errors import ModelError, UnservedError
from viper.images.boxes import Box, area, clamp, nms, snap
from viper.images.image import View
from viper.images.region import Patch
from viper.methods.matching import (
    Numbers,
    embed,
    logits_of,
    matcher_for,
    mean_logits_of,
    option_texts,
    softmax,
    verifying_texts,
    words,
)
from viper.methods.method_call import ArgumentError, Method, MethodCall
from viper.models.request_limits import prompt_characters
from viper.models.roles import (
    AnswerRequest,
    CompletionRequest,
    Detection,
    Detector,
    DetectRequest,
)
from viper.programs.program import Doubt
from viper.vocabulary.categories import Match, match_phrase, names_anything, near_classes
from viper_sandbox.thoughts import final_reply

__all__ = ["METHODS"]

# Boxes of one phrase that overlap by more are the same object; the value of YOLOX's own demos.
_NMS_IOU = 0.45

# An attribute is true if its probability among its contrasts, or the matcher's certainty, is at least this.
_PROPERTY_THRESHOLD = 0.5

_SHORT_ANSWER_TOKENS = 16
_LONG_ANSWER_TOKENS = 256
# Far more than the tokens that are requested; a service may ignore their limit.
_LONGEST_QUOTED = 80
_LONGEST_REPLY_CHARACTERS = 20_000


async def find(call: MethodCall, patch: Patch, object_name: str) -> list[Patch]:
    """Return the objects detected in the patch, best first, without duplicates."""
    phrase = _text(object_name, "object_name")
    detector = await call.client.detector()
    call.vocabulary = detector.vocabulary or ()
    ahead = call.client.prefetcher
    if detector.vocabulary is None:
        request = DetectRequest(patch.view, (phrase,))
        wanted: str | None = phrase
        others = (site[0] for site in ahead.literals("find", "exists", once=True) if site)
        names = dict.fromkeys(words(name) for name in others if isinstance(name, str))
        guesses = [DetectRequest(patch.view, (name,)) for name in names if name]
    else:
        request, guesses = DetectRequest(patch.view, ()), []
        wanted = _class_of(call, phrase, detector.vocabulary)
    guesses += [replace(request, view=view) for view in ahead.siblings()]
    detections, ahead_of_time = await call.client.detect(request, guesses)
    for guess, later in ahead_of_time.items():
        if guess.view == patch.view:
            (name,) = guess.phrases
            ahead.expect(_patches(detector, patch.view, name, name, later))
    found = _patches(detector, patch.view, phrase, wanted, detections)
    if found:
        call.score, call.threshold = found[0].score, detector.score_threshold
    elif wanted is None:
        why = f"the detector knows {len(detector.vocabulary or ()):,} kinds of things only"
        call.doubts.append(Doubt(f"that there is no {phrase} of any kind", why, "detector"))
    return found


def _patches(
    detector: Detector,
    view: View,
    phrase: str,
    wanted: str | None,
    detections: Sequence[Detection],
) -> list[Patch]:
    """Return the patches of one phrase in a view: in image pixels, best first, without duplicates.

    `wanted` is the class that stands for the phrase; None for all classes.
    """
    left, top, _, _ = view.bounds
    width, height = view.image.size
    boxes: list[Box] = []
    scores: list[float] = []
    for detection in detections:
        x1, y1, x2, y2 = detection.box_xyxy
        box = snap(clamp((x1 + left, y1 + top, x2 + left, y2 + top), width, height))
        if wanted in (None, detection.phrase) and area(box) > 0:
            boxes.append(box)
            scores.append(float(detection.score))
    # No IoU exceeds 1.0: detections of distinct objects are all kept, and sorted.
    kept = nms(boxes, scores, 1.0 if detector.has_distinct_detections else _NMS_IOU)
    return [Patch(View(view.image, boxes[index]), phrase, scores[index]) for index in kept]


async def exists(call: MethodCall, patch: Patch, object_name: str) -> bool:
    """Return whether `find` returns any patch."""
    return len(await find(call, patch, object_name)) > 0


async def verify_property(call: MethodCall, patch: Patch, object_name: str, attribute: str) -> bool:
    """Compare "attribute object" with the other attributes of its kind and with the bare object.

    A matcher that can verify a single text (it has `certainty`) gets only "attribute object".
    """
    name = _text(object_name, "object_name")
    wanted = _text(attribute, "attribute")
    matcher = await matcher_for(call.client, [wanted])
    if matcher.certainty is not None:
        phrase = f"{wanted} {name}"
        (image,), (text,) = await embed(call.client, matcher, [patch.view], [phrase])
        cosine = float(image @ text)
        call.score = score = float(matcher.certainty(cosine))
        if not math.isfinite(score):
            raise ModelError("The matcher is certain to a degree of NaN or infinity. Use another.")
        call.threshold = _PROPERTY_THRESHOLD
        if matcher.undecided is not None and matcher.undecided(phrase, cosine):
            call.doubts.append(_undecided(phrase))
        return score >= _PROPERTY_THRESHOLD
    texts = verifying_texts(name, wanted)
    logits = (await logits_of(call.client, [patch], texts))[0]
    call.score = float(softmax(logits)[0])
    call.threshold = _PROPERTY_THRESHOLD
    call.notes.append(f"compared with {', '.join(map(repr, texts[1:]))}")
    return call.score >= _PROPERTY_THRESHOLD


async def best_text_match(
    call: MethodCall, patch: Patch, option_list: Sequence[str], prefix: str | None
) -> str:
    """Choose the option whose text fits the patch best."""
    if not option_list:
        raise ArgumentError("best_text_match needs at least one option, but option_list is empty.")
    options = [_text(option, "an option") for option in option_list]
    matcher = await matcher_for(call.client, options, all_of_them=False)
    texts = option_texts(options, prefix)
    logits = (await logits_of(call.client, [patch], texts))[0]
    best = _chosen(call, logits)
    if matcher.undecided is not None:
        cosine = (float(logits[best]) - (matcher.logit_bias or 0.0)) / matcher.logit_scale
        is_seen = matcher.certainty(cosine) >= _PROPERTY_THRESHOLD
        if not is_seen or matcher.undecided(texts[best], cosine):
            listed = f"{', '.join(options[:3])} …"
            lead = f"{prefix} {listed}" if prefix else f"which of {listed} it is"
            call.doubts.append(_undecided(lead))
    return option_list[best]


def _undecided(condition: str) -> Doubt:
    """Return the doubt about what a matcher cannot tell."""
    return Doubt(condition, "what is seen of it does not settle that", "matcher")


def _chosen(call: MethodCall, logits: Numbers) -> int:
    """Return the index of the best logit; its threshold is the probability of the second."""
    best = int(np.argmax(logits))
    shares = softmax(logits)
    call.score = float(shares[best])
    others = np.delete(shares, best)
    call.threshold = float(others.max()) if others.size else None
    return best


async def simple_query(call: MethodCall, patch: Patch, question: str) -> str:
    """Ask the answerer about the patch."""
    request = AnswerRequest(patch.view, _text(question, "question"))
    guesses = [replace(request, view=view) for view in call.client.prefetcher.siblings()]
    return _short(_reply(await call.client.answer(request, guesses)))


async def compute_depth(call: MethodCall, patch: Patch) -> float:
    """Return the depth of the patch: by default, its median in the image's depth map."""
    siblings = call.client.prefetcher.siblings(and_groups_of="compute_depth")
    return await call.client.depth(patch.view, siblings)


async def best_image_match(
    call: MethodCall,
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
    await matcher_for(call.client, cleaned)
    means = await mean_logits_of(call.client, list_patches, cleaned)
    best = _chosen(call, means)
    return best if return_index else list_patches[best]


async def llm_query(call: MethodCall, question: str, long_answer: bool) -> str:
    """Ask the language model; it never sees the image."""
    prompt = _text(question, "question")
    if long_answer:
        return (await _complete(call, prompt, _LONG_ANSWER_TOKENS)).strip()
    prompt = f"{prompt}\nAnswer in one to three words, without a sentence."
    return _short(await _complete(call, prompt, _SHORT_ANSWER_TOKENS))


async def llm_query_of_patch(
    call: MethodCall, patch: Patch, question: str, long_answer: bool
) -> str:
    """Ask the language model; only programs in ViperGPT's style call this on a patch."""
    return await llm_query(call, question, long_answer)


async def process_guesses(
    call: MethodCall, prompt: str, guess1: str | Sequence[str | None] | None, guess2: str | None
) -> str:
    """Let the language model choose between the guesses."""
    question = _text(prompt, "prompt")
    guesses = given_guesses(guess1, guess2)
    if len(guesses) == 1:
        return guesses[0]
    lines = [f"Question: {question}"]
    lines += [f"Guess {number}: {guess}" for number, guess in enumerate(guesses, start=1)]
    lines.append(
        "Which guess answers the question better? Reply with that guess alone, in one to three words."
        if guesses
        else "Answer in one to three words, without a sentence."
    )
    return _short(await _complete(call, "\n".join(lines), _SHORT_ANSWER_TOKENS))


def given_guesses(guess1: str | Sequence[str | None] | None, guess2: str | None) -> list[str]:
    """Return the guesses of a call of `process_guesses`, which may be given as a list, without empty ones."""
    several = [guess1] if guess1 is None or isinstance(guess1, str) else guess1
    return [guess for guess in (*several, guess2) if guess is not None and guess.strip()]


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
"""Implementations by qualified name."""


async def _complete(call: MethodCall, prompt: str, max_tokens: int) -> str:
    """Ask the language model, provided that the prompt fits into its context."""
    model = await call.client.language()
    most = prompt_characters(model.context_tokens, max_tokens)
    if len(prompt) > most:
        raise ArgumentError(
            f"The language model reads prompts of at most {most:,} characters, but got one of "
            f"{len(prompt):,}."
        )
    return _reply(await call.client.complete(CompletionRequest(prompt, max_tokens)))


def _reply(text: str) -> str:
    """Return what a model says in its reply, unless the reply is far longer than any that was requested.

    Raises:
        ModelError: It is too long, or holds the model's thoughts alone.
    """
    if len(text) > _LONGEST_REPLY_CHARACTERS:
        raise ModelError(
            f"A model replied with {len(text):,} characters; at most {_LONGEST_REPLY_CHARACTERS:,} are "
            "accepted."
        )
    said = final_reply(text)
    if text.strip() and not said.strip():
        raise ModelError(
            "A model thought aloud until its tokens were used up, and answered nothing. Give a larger "
            "max_tokens, or use a model that answers at once."
        )
    return said


def _class_of(call: MethodCall, phrase: str, vocabulary: tuple[str, ...]) -> str | None:
    """Return the class that stands for a phrase; None for all of them, which "object" stands for."""
    if names_anything(phrase) and match_phrase(phrase, vocabulary) is None:
        call.notes.append(f"{phrase!r} stands for all {len(vocabulary)} classes of the detector")
        return None
    return _resolve(call, phrase, vocabulary).name


def _resolve(call: MethodCall, phrase: str, vocabulary: tuple[str, ...]) -> Match:
    match = match_phrase(phrase, vocabulary)
    if match is None:
        near = near_classes(phrase, vocabulary)
        hint = f"Did you mean {' or '.join(repr(_cut(name)) for name in near)}? " if near else ""
        raise UnservedError(
            f"The detector cannot detect {phrase!r}: it knows {len(vocabulary)} kinds of things only "
            f"({', '.join(map(_cut, vocabulary[:6]))}, …). {hint}"
            f"For other things, {call.remedy(['detector'])}."
        )
    if match.kind != "exact":
        call.notes.append(f"{phrase!r} detected as {match.name!r} ({match.kind})")
    if not match.means_the_same:
        call.doubts.append(
            Doubt(
                f"{phrase!r} detected as {match.name!r}",
                f"the detector knows {match.name!r}, but not {phrase!r}",
                "detector",
            )
        )
    return match


def _cut(name: str) -> str:
    """Return a name of a class for a message; a model may have long ones."""
    return name if len(name) <= _LONGEST_QUOTED else f"{name[: _LONGEST_QUOTED - 1]}…"


def _text(value: str, name: str) -> str:
    cleaned = words(value)
    if not cleaned:
        raise ArgumentError(f"{name} must not be empty.")
    return cleaned


def _short(text: str) -> str:
    """Return a reply as a short answer: first line, lower case, no final punctuation."""
    lines = text.strip().splitlines() or [""]
    return lines[0].strip().lower().rstrip(".!,;: ")
