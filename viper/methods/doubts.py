"""What is said of conditions that no model can test: as a failure, or as doubts of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from viper.models.registry import BUILTIN, TRUTH, backends_for
from viper.models.roles import ROLES, Role
from viper.programs.program import Doubt
from viper_sandbox.findings import MAX_NOTES, capped

__all__ = ["FAMILIAR_IMAGES", "capped_doubts", "how_to_add", "refusal"]

FAMILIAR_IMAGES = "that the models know such pictures"
"""The condition of the doubt about a picture that is unlike those the models were made for."""

_BEST_EFFORT = "For an answer that may be wrong, ask with --best-effort."


def refusal(doubts: Sequence[Doubt]) -> str:
    """Return why there is no answer where conditions cannot be tested, and what to add; never long.

    Args:
        doubts: At least one.
    """
    strange = [doubt.why for doubt in doubts if doubt.condition == FAMILIAR_IMAGES]
    if strange:
        return f"{capped(strange[0])} {_BEST_EFFORT}"
    listed = [f"{doubt.condition} ({doubt.why})" for doubt in capped_doubts(doubts)]
    needed = {doubt.needs for doubt in doubts}
    advice = [how_to_add(role, f"a model for the {role}") for role in ROLES if role in needed]
    tested = capped(f"This cannot be tested: {'; '.join(listed)}.")
    return " ".join([tested, *advice, _BEST_EFFORT])


def how_to_add(role: Role, name: str = "one") -> str:
    """Return a sentence that says how a role gets a model.

    Args:
        role: The role.
        name: What the sentence calls the model.
    """
    # Not those that know a small world, a scene file or colors alone.
    general = [
        backend
        for backend, entry in backends_for(role).items()
        if backend not in (BUILTIN, TRUTH) and entry.judges is None
    ]
    options = " or ".join(f"--backend {role}={backend}:…" for backend in general)
    return f"Add {name} with {options}, or choose another preset with --models."


def capped_doubts(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Return doubts as a trace holds them: each once, not too many, none too long."""
    unique = list(
        dict.fromkeys(
            replace(doubt, condition=capped(doubt.condition), why=capped(doubt.why))
            for doubt in doubts
        )
    )
    if len(unique) > MAX_NOTES:
        more = f"… and {len(unique) - MAX_NOTES + 1:,} more"
        unique[MAX_NOTES - 1 :] = [Doubt(more, "there are too many to list")]
    return tuple(unique)
