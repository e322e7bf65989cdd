"""The `stub` preset: methods with fixed results and without models, for trying a program.

The results do not depend on the image's content; whatever displays them must say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viper.images.boxes import snap
from viper.images.image import View
from viper.images.region import Patch
from viper.methods.image_patch import given_guesses
from viper.methods.method_call import ArgumentError, Method, MethodCall

__all__ = ["STUB_METHODS"]

_SCORES = (0.9, 0.8, 0.7)


async def _find(call: MethodCall, patch: Patch, object_name: str) -> list[Patch]:
    """Three patches, a third of the width each, left to right, full height."""
    if not object_name.strip():
        raise ArgumentError("object_name must not be empty.")
    x1, y1, x2, y2 = patch.box_xyxy
    third = (x2 - x1) / 3
    return [
        Patch(
            View(patch.view.image, snap((x1 + k * third, y1, x1 + (k + 1) * third, y2))),
            object_name,
            score,
        )
        for k, score in enumerate(_SCORES)
    ]


async def _true(call: MethodCall, *_: object) -> bool:
    return True


async def _stub_text(call: MethodCall, *_: object) -> str:
    return "stub"


async def _best_text_match(
    call: MethodCall, patch: Patch, option_list: Sequence[str], prefix: str | None
) -> str:
    if not option_list:
        raise ArgumentError("best_text_match needs at least one option, but option_list is empty.")
    return option_list[0]


async def _compute_depth(call: MethodCall, patch: Patch) -> float:
    x1, _, x2, _ = patch.box_xyxy
    return (x1 + x2) / 2


async def _best_image_match(
    call: MethodCall,
    list_patches: Sequence[Patch],
    content: Sequence[str] | str,
    return_index: bool,
) -> Patch | int | None:
    if not list_patches:
        return None
    return 0 if return_index else list_patches[0]


async def _process_guesses(
    call: MethodCall, prompt: str, guess1: str | Sequence[str | None] | None, guess2: str | None
) -> str:
    return next(iter(given_guesses(guess1, guess2)), "stub")


STUB_METHODS: Mapping[str, Method] = {
    "ImagePatch.find": _find,
    "ImagePatch.exists": _true,
    "ImagePatch.verify_property": _true,
    "ImagePatch.best_text_match": _best_text_match,
    "ImagePatch.simple_query": _stub_text,
    "ImagePatch.compute_depth": _compute_depth,
    "ImagePatch.llm_query": _stub_text,
    "best_image_match": _best_image_match,
    "llm_query": _stub_text,
    "process_guesses": _process_guesses,
}
"""Implementations by qualified name."""
