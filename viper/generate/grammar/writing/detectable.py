"""Detector queries: the phrases that find the objects a noun means.

An open-vocabulary detector gets the noun itself. A closed one may know the noun, a synonym or a wider
class; otherwise the search uses the noun's last word ("juice glass" → glass) or the members of a
category ("fruit" → banana, apple, orange).
"""

from __future__ import annotations

from dataclasses import dataclass

from viper.generate.grammar.vocabulary.categories import HYPERNYMS
from viper.models.capabilities import Capabilities

__all__ = ["Search", "search_for"]


@dataclass(frozen=True, slots=True)
class Search:
    """The detector queries for one noun."""

    phrases: tuple[str, ...]
    """One or more phrases; the results are joined."""
    note: str = ""
    """How the phrases differ from the noun, as a short text; empty if they mean the same."""
    narrower: str = ""
    """The detected class, where the noun denotes only some of its members."""


def search_for(noun: str, capabilities: Capabilities) -> Search | None:
    """Return the detector queries for a noun, None if it is not detectable.

    Args:
        noun: In the singular; "object" stands for any object.
        capabilities: The served models.
    """
    if not capabilities.serves("detector"):
        return None
    vocabulary = capabilities.vocabulary
    if vocabulary is None:
        return Search((noun,))
    if noun == "object":
        return Search(vocabulary)
    match = capabilities.match(noun)
    if match is not None and match.kind != "narrower":
        return Search((noun,))
    members = _members(noun, capabilities)
    if match is not None:
        return Search((noun,), f"{noun!r} detected as {match.name!r}", match.name)
    if members:
        return Search(members, f"{noun!r} detected as {_listed(members)}")
    words = noun.split()
    # The last word of a compound is its head, as "glass" in "juice glass"; in "pizza slice" and
    # "banana bunch" the first word names the object.
    for part in [*(" ".join(words[at:]) for at in range(1, len(words))), *words[:1]]:
        if part == noun:
            continue
        match = capabilities.match(part)
        if match is not None:
            return Search((part,), f"{noun!r} detected as {match.name!r}", part)
        members = _members(part, capabilities)
        if members:
            return Search(members, f"{noun!r} detected as {_listed(members)}", part)
    return None


def _members(noun: str, capabilities: Capabilities) -> tuple[str, ...]:
    return tuple(m for m in HYPERNYMS.get(noun, ()) if capabilities.match(m) is not None)


def _listed(names: tuple[str, ...]) -> str:
    quoted = [repr(name) for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
