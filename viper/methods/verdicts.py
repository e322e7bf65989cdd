"""The functions by which a program says that it has no answer: `absent` and `unsure`.

They are served by the host and need no model, so that a call of them is recorded like any other, and no
`except` of the program can catch what they raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from viper.images.region import Patch
from viper.methods.method_call import ArgumentError, Method, MethodCall
from viper.models.request_limits import PHRASE_CHARACTERS
from viper.programs.program import Doubt
from viper_sandbox import CallFailed
from viper_sandbox.exchange import absence, without_article

__all__ = ["VERDICTS", "absence"]


async def absent(call: MethodCall, name: str) -> Patch:
    """End the program with kind `absent`; for the best effort, return the whole picture with a doubt."""
    words = without_article(_words(name, "name", PHRASE_CHARACTERS))
    if not call.best_effort:
        raise CallFailed("absent", absence(words))
    call.doubts.append(Doubt(words, f"no {words} was found, so the answer does without it"))
    return call.whole


async def unsure(call: MethodCall, why: str) -> NoReturn:
    """End the program with kind `unsure`."""
    raise CallFailed("unsure", _words(why, "why"))


VERDICTS: Mapping[str, Method] = {"absent": absent, "unsure": unsure}
"""Implementations by name."""


def _words(text: str, name: str, most: int | None = None) -> str:
    words = " ".join(text.split())
    if not words:
        raise ArgumentError(f"{name} must not be empty.")
    if most is not None and len(words) > most:
        raise ArgumentError(f"{name} has {len(words):,} characters; at most {most} are accepted.")
    return words
