"""Detector queries: the phrases that find the objects a noun means.

An open-vocabulary detector gets the noun itself. A closed one may know the noun or a synonym. Where it knows
only a wider class ("woman" → person), a part of the kind ("ball" → sports ball), the members of a category
("fruit" → banana, apple, orange) or a word of the noun ("juice glass" → wine glass), it finds too much or too
little; `Search.why` says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from viper.generate.grammar.vocabulary.categories import HYPERNYMS, TAXA
from viper.generate.grammar.vocabulary.words import plural
from viper.models.capabilities import Capabilities

__all__ = ["Search", "search_for"]


@dataclass(frozen=True, slots=True)
class Search:
    """The detector queries for one noun."""

    phrases: tuple[str, ...]
    """One or more phrases; the results are joined."""
    why: str = ""
    """Why others may be found than the noun means; empty if they mean the same."""
    narrower: str = ""
    """The detected class, where the noun denotes only some of its members."""
    is_incomplete: bool = False
    """Whether there may be objects of this noun that none of the phrases finds."""
    is_sound: bool = True
    """Whether all that the phrases find is what the noun means: an apple is fruit."""


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
        why = f"of all things, the detector knows {len(vocabulary)} kinds only"
        return Search(vocabulary, why, is_incomplete=True)
    match = capabilities.match(noun)
    if match is not None and match.means_the_same:
        return Search((noun,))
    if match is not None:
        narrower = match.name if match.kind == "narrower" else ""
        why = _knows_only(match.name, noun)
        return Search((match.name,), why, narrower, is_incomplete=not narrower, is_sound=False)
    members = _members(noun, capabilities)
    if members and noun in TAXA:
        why = f"of {plural(noun)}, the detector knows {_listed(members)} only"
        return Search(members, why, is_incomplete=True)
    if members:
        return Search(
            members, _knows_only(_listed(members), noun), is_incomplete=True, is_sound=False
        )
    words = noun.split()
    # The last word of a compound is its head, as "glass" in "juice glass"; in "pizza slice" and
    # "banana bunch" the first word names the object.
    for part in [*(" ".join(words[at:]) for at in range(1, len(words))), *words[:1]]:
        if part == noun:
            continue
        match = capabilities.match(part)
        if match is not None:
            why = _knows_only(match.name, noun)
            return Search((match.name,), why, part, match.kind == "wider", is_sound=False)
        members = _members(part, capabilities)
        if members:
            why = _knows_only(_listed(members), noun)
            return Search(members, why, part, is_incomplete=True, is_sound=False)
    return None


def _knows_only(classes: str, noun: str) -> str:
    return f"the detector knows {classes}, but not {noun}"


def _members(noun: str, capabilities: Capabilities) -> tuple[str, ...]:
    return tuple(m for m in HYPERNYMS.get(noun, ()) if capabilities.match(m) is not None)


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
