"""What is said of conditions that no model can test: as a failure, or as doubts of an answer.

    "table" cannot be checked: the detector knows dining table, but not table. Ask about a dining table; or
    run viper models pull small (1.8 GB) and ask with --models small; or add --best-effort for an answer that
    may be wrong.

A `Doubt` names roles, for machines; what people read does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from viper.models.registry import BUILTIN, TRUTH, backends_for
from viper.models.roles import ROLES, Role
from viper.programs.program import Doubt
from viper.vocabulary.categories import singular
from viper_sandbox.findings import MAX_NOTES, capped

__all__ = [
    "FAMILIAR_IMAGES",
    "SMALL_DETECTOR",
    "Remedy",
    "capped_doubts",
    "how_to_add",
    "plain_reason",
    "refusal",
    "untested",
]

Remedy: TypeAlias = Callable[[Sequence[Role]], str]
"""Returns what to do in a part of a sentence, as in "add --backend depth=transformers:…"."""


SMALL_DETECTOR = (
    "fetch a small detector (4 MB; the command is in the README, Quick start) and ask with --backend "
    "detector=onnx:yolox_nano.onnx"
)
"""The least that sees photographs: 80 kinds of things, without torch."""

FAMILIAR_IMAGES = "that the models know such pictures"
"""The condition of the doubt about a picture that is unlike those the models were made for."""

_BEST_EFFORT = "add --best-effort for an answer that may be wrong"
_MOST_LISTED = 3
# Parts of reasons in terms of roles, and what they mean; longer ones come before their parts.
_PLAIN = (
    (", and no matcher is served", ", and nothing else here recognizes it"),
    ("judged from the boxes, since no depth model is served", "no model here measures distances"),
    (
        "judged from the boxes alone, since no matcher is served",
        "the positions of things do not show it",
    ),
    ("judged from the boxes, since no matcher is served", "the positions of things do not show it"),
    ("judged from the boxes alone", "the positions of things do not show it"),
    ("no matcher is served", "the models here find things, but do not recognize this"),
    ("no depth model is served", "no model here measures distances"),
    ("no detector is served", "no model here finds things"),
)
# The condition of a call that looked for a narrower word: the word is what the user said.
_NARROWED = re.compile(r"'([^']+)' detected as '[^']+'")


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


def refusal(
    doubts: Sequence[Doubt], *, vocabulary: Sequence[str] = (), remedy: Remedy = how_to_add
) -> str:
    """Return why there is no answer where conditions cannot be tested, and how to get one; never long.

    Args:
        doubts: At least one.
        vocabulary: The classes of a detector that knows no others.
        remedy: Says how models for some roles can be had.
    """
    strange = [doubt.why for doubt in doubts if doubt.condition == FAMILIAR_IMAGES]
    if strange:
        return f"{capped(strange[0])} For an answer that may be wrong, add --best-effort."
    needed = {doubt.needs for doubt in doubts}
    roles = [role for role in ROLES if role in needed]
    ways = [_other_words(doubts, vocabulary), remedy(roles) if roles else "", _BEST_EFFORT]
    advice = "; or ".join(filter(None, ways))
    return f"{untested(doubts)} {advice[:1].upper()}{advice[1:]}."


def untested(doubts: Sequence[Doubt]) -> str:
    """Return which conditions cannot be tested and why, in plain words; never long."""
    by_reason: dict[str, list[str]] = {}
    for doubt in capped_doubts(doubts):
        conditions = by_reason.setdefault(plain_reason(doubt), [])
        conditions.append(f'"{_words_of(doubt)}"')
    first, *others = (
        (_listed(list(dict.fromkeys(conditions)), "and"), reason)
        for reason, conditions in by_reason.items()
    )
    sentences = [f"{first[0]} cannot be checked: {first[1]}."]
    sentences += [f"Nor can {listed}: {reason}." for listed, reason in others]
    return capped(" ".join(sentences))


def plain_reason(doubt: Doubt) -> str:
    """Return why a condition is in doubt, without the names of roles."""
    why = doubt.why
    for reason, plain in _PLAIN:
        why = why.replace(reason, plain)
    return why


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


def _words_of(doubt: Doubt) -> str:
    narrowed = _NARROWED.fullmatch(doubt.condition)
    return narrowed[1] if narrowed else doubt.condition


def _other_words(doubts: Sequence[Doubt], vocabulary: Sequence[str]) -> str:
    """Return which classes to ask about, if they take the place of all that is in doubt; else ""."""
    named: dict[str, None] = {}
    for doubt in doubts:
        if not (classes := _classes_in(doubt, vocabulary)):
            return ""
        named |= dict.fromkeys(map(_with_article, classes))
    return f"ask about {_listed(list(named), 'or')}"


def _classes_in(doubt: Doubt, vocabulary: Sequence[str]) -> list[str]:
    """Return the classes that the reason of a doubt names as those that the detector does know."""
    _, knows, rest = capped(doubt.why).partition("the detector knows ")
    if not knows:
        return []
    text, _, _ = rest.partition(", but not ")
    places: dict[str, int] = {}
    for name in sorted(vocabulary, key=len, reverse=True):  # "hot dog" before "dog"
        at = _word_at(name, text)
        if at >= 0:
            places[name] = at
            text = text[:at] + "·" * len(name) + text[at + len(name) :]
    return sorted(places, key=places.__getitem__)


def _word_at(name: str, text: str) -> int:
    """Return where a name stands as a word of its own, -1 if it does not."""
    at = text.find(name)
    while at >= 0:
        around = text[max(at - 1, 0) : at] + text[at + len(name) : at + len(name) + 1]
        if not any(letter.isalnum() for letter in around):
            return at
        at = text.find(name, at + 1)
    return -1


def _with_article(name: str) -> str:
    if singular(name) != name.lower():  # skis
        return name
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _listed(names: list[str], last: str) -> str:
    """Return names as "a, b and c", and the number of those that are too many to list."""
    if len(names) > _MOST_LISTED + 1:
        names = [*names[:_MOST_LISTED], f"{len(names) - _MOST_LISTED:,} more"]
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
