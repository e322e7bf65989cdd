"""How models for some roles can be had: the shortest way that a message can name.

An engine knows more than the registry of backends: what its presets bring, and what is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from viper.models.registry import BUILTIN, TRUTH, backends_for
from viper.models.roles import Role

__all__ = ["SMALL_DETECTOR", "Remedy", "how_to_add"]

Remedy: TypeAlias = Callable[[Sequence[Role]], str]
"""Returns what to do in a part of a sentence, as in "add --backend depth=transformers:…"."""


SMALL_DETECTOR = (
    "fetch a small detector (4 MB; the command is in the README, Quick start) and ask with --backend "
    "detector=onnx:yolox_nano.onnx"
)
"""The least that sees photographs: 80 kinds of things, without torch."""


def how_to_add(roles: Sequence[Role]) -> str:
    """Return how roles get models with `--backend`, whatever is on this machine."""
    return f"add {' and '.join(map(_choice, roles))}"


def _choice(role: Role) -> str:
    """Return the values of `--backend` for a role, without those that know a small world or colors alone."""
    general = [
        name
        for name, entry in backends_for(role).items()
        if name not in (BUILTIN, TRUTH) and entry.judges is None
    ]
    return " or ".join(f"--backend {role}={name}:…" for name in general or ["NAME"])
