"""Comparison of patches with texts: embeddings, logits, and the texts to prefetch.

`logits_of` compares as CLIP does: one vector per patch and per text, and their scaled dot products. Equal
patches are compared once, and many patches in slices, so that memory is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from viper.errors import UnservedError
from viper.images.image import View
from viper.images.region import Patch
from viper.models.roles import Matcher
from viper.scheduling import MAX_BATCH
from viper.scheduling.prefetch import Prefetcher
from viper.scheduling.vision_client import Vector, VisionClient
from viper.vocabulary.attributes import contrasts

__all__ = [
    "embed",
    "logits_of",
    "matcher_for",
    "option_texts",
    "softmax",
    "verifying_texts",
    "words",
]

# Most texts to prefetch for one program.
_MOST_TEXTS = 256

# Patches whose vectors are in memory at once: some forwards, and 2 MB of wide vectors.
_SLICE = 4 * MAX_BATCH


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
    refusals = [refusal for text in texts if (refusal := matcher.refusal(text)) is not None]
    if refusals and (all_of_them or len(refusals) == len(texts)):
        raise UnservedError(refusals[0])
    return matcher


async def logits_of(
    client: VisionClient, patches: Sequence[Patch], texts: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return image-text logits, shape (patches, texts)."""
    matcher = await client.matcher()
    row_of: dict[View, int] = {}
    rows = [row_of.setdefault(patch.view, len(row_of)) for patch in patches]
    views = list(row_of)
    first, text_vectors = await embed(client, matcher, views[:_SLICE], texts)
    columns = np.stack(text_vectors).astype(np.float64).T  # (D, texts)
    cosines = [np.stack(first).astype(np.float64) @ columns]
    for start in range(_SLICE, len(views), _SLICE):
        await asyncio.sleep(0)  # results may be cached: other programs get their turn
        vectors, _ = await client.embed(views[start : start + _SLICE], ())
        cosines.append(np.stack(vectors).astype(np.float64) @ columns)
    logits: np.ndarray[Any, np.dtype[np.float64]] = np.concatenate(cosines)[rows]
    return logits * matcher.logit_scale + (matcher.logit_bias or 0.0)


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


def softmax(
    logits: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return probabilities in the order of the logits."""
    exponentials = np.exp(logits - logits.max())
    shares: np.ndarray[Any, np.dtype[np.float64]] = exponentials / exponentials.sum()
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
