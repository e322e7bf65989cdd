"""A program as a template: what of it is a word of its question, and so may be another word.

    How many red dogs are left of the bench?         the question
    how many ‹color› ‹noun plural› are left of …     its skeleton: the slots are typed
    find('red dog')                                  a literal that occurs exactly once in it
    find('‹1 same› ‹2 lemma›')                       the literal's pattern

A slot is a word of the question that the program has in literals which occur exactly once in the
question, word for word up to inflection. It stays a plain word where the program mentions it in any
other way, because that mention would keep the old word. Where the program brings words of its own, of
which nobody knows what they depend on (a list of fruits), nothing is a slot.

The host does not parse programs: the sandbox child says where the literals stand. A literal is replaced
by the `repr` of another text, so nothing of a question can become code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from viper.generate.grammar.vocabulary.lexicon import ATTRIBUTE_KIND
from viper.generate.program_cache.word_forms import (
    Form,
    Piece,
    form_of,
    in_form,
    is_content,
    kind,
    lemma,
    pieces,
)
from viper.programs.program import StringLiteral

__all__ = ["Filled", "Template", "choice_places", "frame", "splice"]

_LISTED = frozenset({"color", "material"})
_ENOUGH = 5
"""A list of so many colours or materials is meant for any thing; a shorter one may be for the thing at
hand, as yellow and green are for a banana."""

_PERSONS = frozenset({"person", "people"})
_FOR_PERSONS = frozenset(
    "who whom whose he she they him her them his their anyone someone somebody anybody everyone "
    "everybody nobody".split()
)
"""Words of a question that a program looks for persons by."""


class _Filler(NamedTuple):
    """A slot in a literal."""

    slot: int
    """Index of the question's word."""
    form: Form


class _Fill(NamedTuple):
    """A literal that is written anew for each question."""

    start: int
    end: int
    pattern: tuple[str | _Filler, ...]


class Filled(NamedTuple):
    """A program for another question."""

    source: str
    literals: tuple[tuple[str, str], ...]
    """(old, new) text of each literal that was replaced."""


@dataclass(frozen=True, slots=True)
class Template:
    """A program, its question, and the words of the question that are its slots."""

    question: tuple[str, ...]
    """The pieces of the question, lower case, without the mark at its end."""
    slots: tuple[int, ...]
    """Indices of the pieces that may be other words of their kind."""
    source: str
    fills: tuple[_Fill, ...]
    """In the order of the source."""
    own_words: frozenset[str]
    """Base forms of the words that the program has besides the slots."""

    @classmethod
    def of(
        cls,
        question: str,
        source: str,
        literals: Sequence[StringLiteral] | None,
        choices: Sequence[str] = (),
    ) -> Template | None:
        """Make a template of a program that answered a question.

        Args:
            question: The question.
            source: The program, normalised.
            literals: Its texts and their places, as the sandbox child told them.
            choices: Answers that the caller allowed; the program may name them.

        Returns:
            None where the texts of the program are not known.
        """
        if literals is None:
            return None
        words = _pieces(question)
        matched: dict[StringLiteral, int] = {}
        others: list[str] = []
        for literal in literals:
            place = _only_place(literal.value, words) if literal.start is not None else None
            if place is None:
                others.append(literal.value)
            else:
                matched[literal] = place
        own_words = {form for text in others for form in _all_forms(text)}
        slots: set[int] = set()
        if not _foreign(others, (question, *choices)):
            counts = Counter(lemma(word) for word in words)
            slots = {
                index
                for literal, place in matched.items()
                for index in range(place, place + len(_text(literal.value)))
                if _is_open(words[index], literal.value)
                and counts[lemma(words[index])] == 1
                and not own_words & set(_all_forms(words[index]))
            }
        fills = tuple(
            fill
            for literal, place in matched.items()
            if (fill := _fill(literal, place, words, slots)) is not None
        )
        return cls(words, tuple(sorted(slots)), source, fills, frozenset(own_words))

    @property
    def skeleton(self) -> str:
        """The question with its slots typed, for people and as a key."""
        return " ".join(
            f"‹{kind(word)}›" if index in self.slots else word
            for index, word in enumerate(self.question)
        )

    def fit(self, question: str) -> Filled | None:
        """Write the program for another question; None where that has another skeleton."""
        words = _pieces(question)
        if len(words) != len(self.question):
            return None
        for index, (old, new) in enumerate(zip(self.question, words, strict=True)):
            same = kind(old) == kind(new) if index in self.slots else old == new
            if not same:
                return None
        counts = Counter(lemma(word) for word in words)
        for index in self.slots:
            new = words[index]
            # A word that the program has already would now mean two things.
            if counts[lemma(new)] != 1 or self.own_words & set(_all_forms(new)):
                return None
        texts = [
            (_written(fill.pattern, self.question), _written(fill.pattern, words))
            for fill in self.fills
        ]
        places = [
            (fill.start, fill.end, new)
            for fill, (old, new) in zip(self.fills, texts, strict=True)
            if new != old  # the same question gets the same program, down to its quotes
        ]
        return Filled(splice(self.source, places), tuple(texts))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON value that `from_json` reads."""
        return {
            "question": list(self.question),
            "slots": list(self.slots),
            "source": self.source,
            "fills": [
                [start, end, [part if isinstance(part, str) else list(part) for part in pattern]]
                for start, end, pattern in self.fills
            ],
            "own_words": sorted(self.own_words),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Template:
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is something else; so do KeyError and TypeError.
        """
        fills = tuple(
            _Fill(
                int(start),
                int(end),
                tuple(
                    part if isinstance(part, str) else _Filler(int(part[0]), Form(part[1]))
                    for part in pattern
                ),
            )
            for start, end, pattern in value["fills"]
        )
        slots = tuple(map(int, value["slots"]))
        words = tuple(map(str, value["question"]))
        used = {part.slot for fill in fills for part in fill.pattern if isinstance(part, _Filler)}
        if not used <= set(slots) or not all(0 <= slot < len(words) for slot in slots):
            raise ValueError("A slot of the template is no word of its question.")
        return cls(
            words, slots, str(value["source"]), fills, frozenset(map(str, value["own_words"]))
        )


def splice(source: str, texts: Iterable[tuple[int, int, str]]) -> str:
    """Put literals of other texts into the places of literals.

    Args:
        source: The program.
        texts: (start, end, text) of each, in the order of the source and apart from each other.
    """
    parts: list[str] = []
    at = 0
    for start, end, text in texts:
        parts += [source[at:start], repr(text)]
        at = end
    return "".join([*parts, source[at:]])


def frame(question: str) -> str:
    """Return what questions of one skeleton have in common whatever its slots are."""
    return " ".join("_" if kind(word) is not None else word for word in _pieces(question))


def choice_places(question: str, choices: Sequence[str]) -> list[str | int]:
    """Say of each choice where the question names it, or what it is where the question does not."""
    words = _pieces(question)
    return [
        place if (place := _only_place(choice, words)) is not None else choice for choice in choices
    ]


def _pieces(question: str) -> tuple[str, ...]:
    return tuple(piece.text.casefold() for piece in _text(question))


def _text(text: str) -> list[Piece]:
    """Return the pieces of a text without the marks at its end."""
    found = pieces(text)
    while found and found[-1].text in (".", "?", "!"):
        del found[-1]
    return found


def _only_place(text: str, words: Sequence[str]) -> int | None:
    """Return where a text stands in the question; None if nowhere or more than once."""
    sought = _text(text)
    if not any(piece.is_word for piece in sought):
        return None
    size = len(sought)
    places = [
        start
        for start in range(len(words) - size + 1)
        if all(
            lemma(piece.text) == lemma(words[start + offset]) for offset, piece in enumerate(sought)
        )
    ]
    if len(places) != 1:
        return None
    spelled = zip(sought, words[places[0] : places[0] + size], strict=True)
    # Capitals, or a form that cannot be made of another word, leave the literal as it is.
    usable = all(form_of(piece.text, word) for piece, word in spelled if kind(word) is not None)
    return places[0] if usable else None


def _is_open(word: str, text: str) -> bool:
    """Tell whether a word of a literal may be another one of its kind.

    A verb may where it is a property ("holding"); in a sentence it is the question's own verb, and a
    program for another verb (touching, surrounding) is another program.
    """
    found = kind(word)
    if found is None or not found.startswith("verb"):
        return found is not None
    return all(kind(piece.text) is not None for piece in _text(text))


def _fill(
    literal: StringLiteral, place: int, words: Sequence[str], slots: set[int]
) -> _Fill | None:
    """Return the pattern of a literal; None if no slot is in it."""
    pattern: list[str | _Filler] = []
    at = 0
    for offset, piece in enumerate(_text(literal.value)):
        if place + offset not in slots:
            continue
        form = form_of(piece.text, words[place + offset])
        assert form is not None, "a literal is matched by words that have a form"
        pattern += [literal.value[at : piece.start], _Filler(place + offset, form)]
        at = piece.end
    if not pattern:
        return None
    assert literal.start is not None, "a matched literal has a place"
    assert literal.end is not None
    return _Fill(literal.start, literal.end, (*pattern, literal.value[at:]))


def _written(pattern: Iterable[str | _Filler], words: Sequence[str]) -> str:
    return "".join(
        part if isinstance(part, str) else in_form(words[part.slot], part.form) for part in pattern
    )


def _all_forms(text: str) -> set[str]:
    """Return the words of a text, their parts and their base forms: any of them is a mention."""
    found = {part for piece in pieces(text) if piece.is_word for part in _parts(piece.text)}
    return found | {lemma(word) for word in found}


def _parts(word: str) -> list[str]:
    word = word.casefold()
    return [word, *word.split("-")]


def _foreign(texts: Iterable[str], given: Iterable[str]) -> bool:
    """Tell whether texts of a program hold words that neither the question nor the caller gave."""
    known = {form for text in given for form in _all_forms(text)}
    if known & _FOR_PERSONS:
        known |= _PERSONS
    foreign = {
        word
        for text in texts
        for piece in pieces(text)
        if is_content(word := piece.text.casefold()) and not {word, lemma(word)} & known
    }
    listed = Counter(ATTRIBUTE_KIND.get(word, "") for word in foreign)
    return any(name not in _LISTED or count < _ENOUGH for name, count in listed.items())
