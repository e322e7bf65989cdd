"""The patches that an answer rests on, each with its role.

The roles come from the program's data flow, which the sandbox child records (`viper_sandbox.evidence`). The
child is not trusted: it may be wrong about roles, but names patches only that the host gave it, and what
the program returned is the host's own knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from viper.images.region import Patch
from viper.images.values import iterate_values
from viper_sandbox.exchange import ROLES
from viper_sandbox.limits import MAX_EVIDENCE

__all__ = ["Evidence", "Role", "evidence_of"]

Role: TypeAlias = Literal["answer", "reference", "rejected"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A patch that plays a role in an answer."""

    patch: Patch
    role: Role | None = None
    """`answer`: in the returned value, or counted or named by it. `reference`: others were compared with it.
    `rejected`: found, and dropped by a condition or choice. None where the run does not say."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the patch in an answer, with its role."""
        return {**self.patch.to_json(), "evidence": self.role}


def evidence_of(
    value: Any, roles: Sequence[Sequence[Patch]], found: Iterable[Patch]
) -> tuple[Evidence, ...]:
    """Return what an answer rests on: first the patches in the value, then those of each role.

    Args:
        value: What the program returned.
        roles: The patches of each role in the order of `ROLES`; empty if nobody knows.
        found: All patches that the program found, in order. Where no role is known they are the evidence.
    """
    inside = dict.fromkeys(part for part in iterate_values(value) if isinstance(part, Patch))
    evidence: dict[Patch, Role | None] = dict.fromkeys(inside, "answer")
    everything = list(dict.fromkeys(found))
    place = {patch: number for number, patch in enumerate(everything)}
    for role, patches in zip(ROLES, roles, strict=False):
        for patch in sorted(patches, key=lambda patch: place.get(patch, len(place))):
            evidence.setdefault(patch, role)
    if not evidence:
        evidence = dict.fromkeys(everything[:MAX_EVIDENCE])
    return tuple(Evidence(patch, role) for patch, role in evidence.items())
