"""Comparing patches with words: what a matcher is asked, and which words may be asked next.

`logits_of` is the way of CLIP and its kin: one vector per patch and per text, and their products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from viper.errors import UnservedError
from viper.images.region import Patch
from viper.models.roles import Matcher
from viper.scheduling.prefetch import Prefetcher
from viper.scheduling.vision_client import Vector, VisionClient
from viper.vocabulary.attributes import contrasts

__all__ = ["embed", "logits_of", "option_texts", "require_known", "softmax", "verifying_texts"]
__all__ += ["words"]

_MOST_TEXTS = 256
# That one program may have computed beforehand; they cost it nothing of its own budget.


async def require_known(
    run: VisionClient, texts: Sequence[str], *, all_of_them: bool = True
) -> Matcher:
    """Return the matcher, unless the texts mean nothing to it.

    Args:
        run: The program's.
        texts: What is to be compared with a patch.
        all_of_them: False where one text that the matcher knows is enough, because the others lose.

    Raises:
        UnservedError: The matcher knows words of its own only, and not these.
    """
    matcher = await run.matcher()
    said = [refusal for text in texts if (refusal := matcher.refusal(text)) is not None]
    if said and (all_of_them or len(said) == len(texts)):
        raise UnservedError(said[0])
    return matcher


async def logits_of(
    run: VisionClient, patches: Sequence[Patch], texts: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return image-text logits, shape (patches, texts)."""
    matcher = await run.matcher()
    seen, said = await embed(run, matcher, patches, texts)
    cosine = np.stack(seen).astype(np.float64) @ np.stack(said).astype(np.float64).T
    logits: np.ndarray[Any, np.dtype[np.float64]] = cosine * matcher.logit_scale + (
        matcher.logit_bias or 0.0
    )
    return logits


async def embed(
    run: VisionClient, matcher: Matcher, patches: Sequence[Patch], texts: Sequence[str]
) -> tuple[list[Vector], list[Vector]]:
    """Return the vectors of patches and texts, and have those computed that may be wanted next."""
    ahead = run.ahead
    return await run.embed(
        [patch.view for patch in patches],
        texts,
        # What was refused one word may be asked for another: a view has one vector for all words.
        more_views=ahead.comparable(),
        more_texts=[text for text in _texts_ahead(ahead, matcher) if matcher.refusal(text) is None],
    )


def verifying_texts(name: str, wanted: str) -> list[str]:
    """Return the text that is to be true, and those that it is compared with."""
    others = (f"{contrast} {name}" for contrast in contrasts(wanted))
    return [f"{wanted} {name}", name, *others]


def option_texts(options: Sequence[str], prefix: str | None) -> list[str]:
    """Return the texts of options, with what is to stand before each."""
    lead = f"{prefix.strip()} " if prefix and prefix.strip() else ""
    return [lead + option for option in options]


def softmax(
    logits: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return shares that add up to 1, in the order of the logits."""
    exponentials = np.exp(logits - logits.max())
    shares: np.ndarray[Any, np.dtype[np.float64]] = exponentials / exponentials.sum()
    return shares


def _texts_ahead(ahead: Prefetcher, matcher: Matcher) -> list[str]:
    """Return the texts that the program will compare patches with, as far as they stand in it; once."""
    if ahead.words_are_told:
        return []
    ahead.words_are_told = True
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
    """Return a text with single spaces, none at its ends."""
    return " ".join(text.split())
