"""Comparison of patches with texts: embeddings, logits, and the texts to prefetch.

`logits_of` compares as CLIP does: one vector per patch and per text, and their scaled dot products. Equal
patches are compared once, and many patches or texts in slices, so that memory is bounded and other programs
get their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from viper.errors import ModelError, UnservedError
from viper.images.image import View
from viper.images.region import Patch
from viper.models.roles import Matcher
from viper.scheduling import MAX_BATCH
from viper.scheduling.prefetch import Prefetcher
from viper.scheduling.vision_client import Vector, VisionClient
from viper.vocabulary.attributes import contrasts
from viper_sandbox.large_work import beside_loop

__all__ = [
    "Numbers",
    "embed",
    "logits_of",
    "matcher_for",
    "mean_logits_of",
    "option_texts",
    "softmax",
    "verifying_texts",
    "words",
]

# Most texts to prefetch for one program.
_MOST_TEXTS = 256

# Patches whose vectors are in memory at once: some forwards, and 2 MB of wide vectors.
_SLICE = 4 * MAX_BATCH

# Texts that a matcher is asked about in one piece.
_TEXTS_AT_ONCE = 100

# Products of numbers that take a millisecond; more of them are computed beside the loop.
_MANY_PRODUCTS = 300_000

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


async def matcher_for(
    client: VisionClient, texts: Sequence[str], *, all_of_them: bool = True
) -> Matcher:
    """Return the matcher, provided that it understands the texts.

    Args:
        client: Model client of the program.
        texts: Texts to be compared with a patch.
        all_of_them: False if it is enough that the matcher understands one of the texts.

    Raises:
        UnservedError: The matcher has a limited vocabulary, which does not cover the texts.
    """
    matcher = await client.matcher()
    refusals: list[str] = []
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        some = map(matcher.refusal, texts[start : start + _TEXTS_AT_ONCE])
        refusals += [refusal for refusal in some if refusal is not None]
    if refusals and (all_of_them or len(refusals) == len(texts)):
        raise UnservedError(refusals[0])
    return matcher


async def logits_of(
    client: VisionClient, patches: Sequence[Patch], texts: Sequence[str]
) -> Numbers:
    """Return image-text logits, shape (patches, texts)."""
    return await _compared(client, patches, texts, lambda logits: logits)


async def mean_logits_of(
    client: VisionClient, patches: Sequence[Patch], texts: Sequence[str]
) -> Numbers:
    """Return the mean logit of each patch over the texts, shape (patches,)."""
    return await _compared(client, patches, texts, lambda logits: logits.mean(axis=1))


async def _compared(
    client: VisionClient,
    patches: Sequence[Patch],
    texts: Sequence[str],
    reduce: Callable[[Numbers], Numbers],
) -> Numbers:
    """Return what `reduce` makes of the logits of different patches, a row for each patch."""
    matcher = await client.matcher()
    row_of: dict[View, int] = {}
    rows = [row_of.setdefault(patch.view, len(row_of)) for patch in patches]
    views = list(row_of)
    vectors, text_vectors = await embed(client, matcher, views[:_SLICE], texts[:_SLICE])
    for start in range(_SLICE, len(texts), _SLICE):
        await asyncio.sleep(0)  # results may be cached: other programs get their turn
        text_vectors += (await client.embed((), texts[start : start + _SLICE]))[1]
    columns: list[Numbers] = []  # one: shape (D, texts)

    def compare(vectors: list[Vector]) -> Numbers:
        if not columns:
            columns.append(np.stack(text_vectors).astype(np.float64).T)
        logits: Numbers = np.stack(vectors).astype(np.float64) @ columns[0]
        with np.errstate(invalid="ignore"):  # infinity times 0
            logits *= matcher.logit_scale
            logits += matcher.logit_bias or 0.0
        if not np.isfinite(logits).all():  # every comparison with NaN is false
            raise ModelError(
                f"The matcher compares with a scale of {matcher.logit_scale} and a bias of "
                f"{matcher.logit_bias}, which gives NaN or infinity. Use another model."
            )
        return reduce(logits)

    n_numbers = len(texts) * text_vectors[0].size
    reduced = [await _beside(partial(compare, vectors), len(vectors) * n_numbers)]
    for start in range(_SLICE, len(views), _SLICE):
        await asyncio.sleep(0)
        vectors, _ = await client.embed(views[start : start + _SLICE], ())
        reduced.append(await _beside(partial(compare, vectors), len(vectors) * n_numbers))
    found: Numbers = np.concatenate(reduced)[rows]
    return found


async def _beside(compute: Callable[[], Numbers], products: int) -> Numbers:
    """Compute many products beside the loop."""
    return await beside_loop(compute) if products > _MANY_PRODUCTS else compute()


async def embed(
    client: VisionClient, matcher: Matcher, views: Sequence[View], texts: Sequence[str]
) -> tuple[list[Vector], list[Vector]]:
    """Return the vectors of views and texts; prefetch those that the program may need next."""
    ahead = client.prefetcher
    more_texts = [text for text in _texts_ahead(ahead, matcher) if matcher.refusal(text) is None]
    # The vector of a view serves all texts: a view that one text did not match may be compared with another.
    more_views = ahead.comparable()
    return await client.embed(views, texts, more_views=more_views, more_texts=more_texts)


def verifying_texts(name: str, wanted: str) -> list[str]:
    """Return the text to verify, followed by the texts that it is compared with."""
    others = (f"{contrast} {name}" for contrast in contrasts(wanted))
    return [f"{wanted} {name}", name, *others]


def option_texts(options: Sequence[str], prefix: str | None) -> list[str]:
    """Return the texts of options, each with the prefix."""
    lead = f"{prefix.strip()} " if prefix and prefix.strip() else ""
    return [lead + option for option in options]


def softmax(logits: Numbers) -> Numbers:
    """Return probabilities in the order of the logits."""
    exponentials = np.exp(logits - logits.max())
    shares: Numbers = exponentials / exponentials.sum()
    return shares


def _texts_ahead(ahead: Prefetcher, matcher: Matcher) -> list[str]:
    """Return the literal texts that the program will compare patches with; empty from the second call on."""
    if ahead.literals_prefetched:
        return []
    ahead.literals_prefetched = True
    texts: list[str] = []
    for literals in ahead.literals("verify_property"):
        match literals:
            case (str(name), str(attribute)):
                wanted = verifying_texts(words(name), words(attribute))
                texts += wanted if matcher.certainty is None else wanted[:1]
            case _:
                pass
    for literals in ahead.literals("best_text_match"):
        match literals:
            case (tuple(options), *prefix) if options:
                lead = prefix[0] if prefix and isinstance(prefix[0], str) else None
                texts += option_texts([words(option) for option in options], lead)
            case _:
                pass
    for literals in ahead.literals("best_image_match"):
        match literals:
            case (_, str(text), *_):
                texts.append(words(text))
            case (_, tuple(several), *_):
                texts += [words(text) for text in several]
            case _:
                pass
    return [text for text in dict.fromkeys(texts) if text][:_MOST_TEXTS]


def words(text: str) -> str:
    """Return a text with single spaces between words and none around them."""
    return " ".join(text.split())
