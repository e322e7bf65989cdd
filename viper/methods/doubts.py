"""What is said of conditions that no model can test: as a failure, or as doubts of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from viper.models.registry import backends_for
from viper.models.roles import ROLES, Role
from viper.programs.program import Doubt
from viper_sandbox.findings import MAX_NOTES, capped

__all__ = ["KNOWN_PICTURES", "capped_doubts", "how_to_add", "refusal"]

KNOWN_PICTURES = "that the models know such pictures"
"""The condition of the doubt about a picture that is unlike those the models were made for."""

_BEST_EFFORT = "For an answer that may be wrong, ask with --best-effort."


def refusal(doubts: Sequence[Doubt]) -> str:
    """Return why there is no answer where conditions cannot be tested, and what to add.

    Args:
        doubts: At least one.
    """
    strange = [doubt.why for doubt in doubts if doubt.condition == KNOWN_PICTURES]
    if strange:
        return f"{strange[0]} {_BEST_EFFORT}"
    tested = "; ".join(f"{doubt.condition} ({doubt.why})" for doubt in doubts)
    roles = dict.fromkeys(doubt.needs for doubt in doubts if doubt.needs)
    advice = " ".join(how_to_add(role) for role in ROLES if role in roles)
    return " ".join(filter(None, (f"This cannot be tested: {tested}.", advice, _BEST_EFFORT)))


def how_to_add(role: Role) -> str:
    """Return a sentence that says how a role gets a model."""
    options = " or ".join(f"--backend {role}={name}:…" for name in backends_for(role))
    return f"Add one with {options}, or choose another preset with --models."


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
