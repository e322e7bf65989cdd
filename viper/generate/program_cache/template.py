"""Templates: programs whose literals have slots for words of the question.

    How many red dogs are left of the bench?         the question
    how many ‹color› ‹noun plural› are left of …     its skeleton: each slot has a word class
    find('red dog')                                  a literal that matches one position in the question
    find('‹1 same› ‹2 lemma›')                       the pattern of the literal

A literal of the program matches the question where its words occur in it exactly once, up to inflection.
A word of the question is a slot if a matched literal contains it and the program mentions it nowhere else;
another mention would keep the old word. If the program brings words of its own that may depend on the
question (such as a list of fruits), there are no slots, and the template fits the exact same question only.

The host does not parse programs: the sandbox child reports the positions of the literals. A literal is
replaced by the `repr` of another text, so a question can never become code.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from viper.generate.grammar.vocabulary.lexicon import ATTRIBUTE_KIND
from viper.generate.program_cache.word_forms import (
    Form,
    Piece,
    form_of,
    in_form,
    is_content,
    lemma,
    pieces,
    word_class,
)
from viper.programs.program import StringLiteral

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["Filled", "Template", "choice_positions", "frame", "splice"]

_LISTED = frozenset({"color", "material"})
_MIN_LISTED = 5
"""A list of at least this many colors or materials suits any object; a shorter one may be specific to the
object in the question, as yellow and green are to a banana."""

_PERSONS = frozenset({"person", "people"})
_PERSON_WORDS = frozenset(
    "who whom whose he she they him her them his their anyone someone somebody anybody everyone "
    "everybody nobody".split()
)
"""Words of a question for which a program looks for persons."""


class _SlotText(NamedTuple):
    """The word of a slot within a literal."""

    slot: int
    """Index of the word in the question."""
    form: Form


class _Fill(NamedTuple):
    """A literal that contains slots."""

    start: int
    end: int
    pattern: tuple[str | _SlotText, ...]


class Filled(NamedTuple):
    """A program for another question."""

    source: str
    literals: tuple[tuple[str, str], ...]
    """(old, new) text of each literal that contains slots."""


@dataclass(frozen=True, slots=True)
class Template:
    """A program, its question, and the slots of the question."""

    question: tuple[str, ...]
    """Words of the question, lower case, without punctuation at the end."""
    slots: tuple[int, ...]
    """Indices of the words that may be replaced by others of the same class."""
    source: str
    fills: tuple[_Fill, ...]
    """In the order of the source."""
    own_words: frozenset[str]
    """Base forms of the words that the program contains outside the slots."""

    def __post_init__(self) -> None:
        """Check the slots.

        Raises:
            ValueError: A slot is not a word of the question, or a literal uses another slot.
        """
        parts = [part for fill in self.fills for part in fill.pattern]
        used = {part.slot for part in parts if not isinstance(part, str)}
        if not used <= set(self.slots) <= set(range(len(self.question))):
            raise ValueError("A slot of the template is not a word of its question.")

    @classmethod
    def of(
        cls,
        question: str,
        source: str,
        literals: Sequence[StringLiteral] | None,
        choices: Sequence[str] = (),
    ) -> Template | None:
        """Make a template from a program that answered a question.

        Args:
            question: The question.
            source: The program, normalized.
            literals: Its string literals with their positions, as the sandbox child reports them.
            choices: Answers that the caller allows; the program may contain them.

        Returns:
            None when the literals are not known.
        """
        if literals is None:
            return None
        words = _words(question)
        matched: dict[StringLiteral, int] = {}
        others: list[str] = []
        for literal in literals:
            position = _only_position(literal.value, words)
            if literal.start is None or position is None:
                others.append(literal.value)
            else:
                matched[literal] = position
        own_words = {form for text in others for form in _all_forms(text)}
        slots: set[int] = set()
        if not _has_foreign_words(others, (question, *choices)):
            counts = Counter(map(lemma, words))
            slots = {
                index
                for literal, position in matched.items()
                for index in range(position, position + len(_trimmed(literal.value)))
                if _is_replaceable(words[index], literal.value)
                and counts[lemma(words[index])] == 1
                and not own_words & _all_forms(words[index])
            }
        fills = tuple(
            fill
            for literal, position in matched.items()
            if (fill := _fill(literal, position, words, slots)) is not None
        )
        return cls(words, tuple(sorted(slots)), source, fills, frozenset(own_words))

    @property
    def skeleton(self) -> str:
        """The question with each slot replaced by its word class; identifies the template."""
        return " ".join(
            f"‹{word_class(word)}›" if index in self.slots else word
            for index, word in enumerate(self.question)
        )

    def fill(self, question: str) -> Filled | None:
        """Return the program for another question; None if its skeleton differs."""
        words = _words(question)
        if len(words) != len(self.question):
            return None
        for index, (old, new) in enumerate(zip(self.question, words, strict=True)):
            if old != new and (index not in self.slots or word_class(old) != word_class(new)):
                return None
        counts = Counter(map(lemma, words))
        for index in self.slots:
            # A word that the program contains already would be ambiguous.
            if counts[lemma(words[index])] != 1 or self.own_words & _all_forms(words[index]):
                return None
        texts = [
            (_written(fill.pattern, self.question), _written(fill.pattern, words))
            for fill in self.fills
        ]
        replacements = [
            (fill.start, fill.end, new)
            for fill, (old, new) in zip(self.fills, texts, strict=True)
            if new != old  # the same question gets the same program, including its quotes
        ]
        return Filled(splice(self.source, replacements), tuple(texts))

    def to_json(self) -> str:
        """Return JSON that `from_json` reads."""
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Template:
        """Read the JSON of `to_json`.

        Raises:
            ValueError: The text is not the JSON of a template.
        """
        return _adapter().validate_json(text)


@functools.cache
def _adapter() -> TypeAdapter[Template]:
    from pydantic import TypeAdapter

    return TypeAdapter(Template)


def splice(source: str, replacements: Iterable[tuple[int, int, str]]) -> str:
    """Replace literals of a program by the literals of other texts.

    Args:
        source: The program.
        replacements: (start, end, text) of each, in the order of the source, without overlaps.
    """
    parts: list[str] = []
    at = 0
    for start, end, text in replacements:
        parts += [source[at:start], repr(text)]
        at = end
    return "".join([*parts, source[at:]])


def frame(question: str) -> str:
    """Return the part of a question that all its possible skeletons share."""
    return " ".join("_" if word_class(word) is not None else word for word in _words(question))


def choice_positions(question: str, choices: Sequence[str]) -> list[str | int]:
    """Return the position in the question of each choice, or the choice itself if it is not in it."""
    words = _words(question)
    return [
        choice if (position := _only_position(choice, words)) is None else position
        for choice in choices
    ]


def _words(question: str) -> tuple[str, ...]:
    return tuple(piece.text.casefold() for piece in _trimmed(question))


def _trimmed(text: str) -> list[Piece]:
    """Return the pieces of a text without punctuation at its end."""
    found = pieces(text)
    while found and found[-1].text in (".", "?", "!"):
        del found[-1]
    return found


def _only_position(text: str, words: Sequence[str]) -> int | None:
    """Return the position of a text in the question; None unless it occurs exactly once."""
    sought = _trimmed(text)
    if not any(piece.is_word for piece in sought):
        return None
    lemmas = [lemma(piece.text) for piece in sought]
    positions = [
        start
        for start in range(len(words) - len(sought) + 1)
        if lemmas == [lemma(word) for word in words[start : start + len(sought)]]
    ]
    if len(positions) != 1:
        return None
    # Capitals, or a form that cannot be made of another word, leave the literal as it is.
    usable = all(
        word_class(word) is None or form_of(piece.text, word)
        for piece, word in zip(sought, words[positions[0] :], strict=False)
    )
    return positions[0] if usable else None


def _is_replaceable(word: str, literal: str) -> bool:
    """Return whether a word of a literal may be replaced by another of its class.

    A verb may if it is a property ("holding"); in a sentence it is the verb of the question, and another
    verb (touching, surrounding) needs another program.
    """
    found = word_class(word)
    if found is None or not found.startswith("verb"):
        return found is not None
    return all(word_class(piece.text) is not None for piece in _trimmed(literal))


def _fill(
    literal: StringLiteral, position: int, words: Sequence[str], slots: set[int]
) -> _Fill | None:
    """Return the pattern of a literal; None if it contains no slot."""
    pattern: list[str | _SlotText] = []
    at = 0
    for index, piece in enumerate(_trimmed(literal.value), start=position):
        if index not in slots:
            continue
        form = form_of(piece.text, words[index])
        assert form is not None, "a literal is matched by words that have a form"
        pattern += [literal.value[at : piece.start], _SlotText(index, form)]
        at = piece.end
    if not pattern:
        return None
    assert literal.start is not None and literal.end is not None, "a matched literal has a position"  # noqa: PT018
    return _Fill(literal.start, literal.end, (*pattern, literal.value[at:]))


def _written(pattern: Iterable[str | _SlotText], words: Sequence[str]) -> str:
    return "".join(
        part if isinstance(part, str) else in_form(words[part.slot], part.form) for part in pattern
    )


def _all_forms(text: str) -> set[str]:
    """Return the words of a text, their hyphenated parts and their base forms."""
    words = [piece.text.casefold() for piece in pieces(text) if piece.is_word]
    found = {part for word in words for part in (word, *word.split("-"))}
    return found.union(map(lemma, found))


def _has_foreign_words(texts: Iterable[str], given: Iterable[str]) -> bool:
    """Return whether texts of a program contain words that neither the question nor the caller gave."""
    allowed = {form for text in given for form in _all_forms(text)}
    if allowed & _PERSON_WORDS:
        allowed |= _PERSONS
    foreign = {
        word
        for text in texts
        for piece in pieces(text)
        if is_content(word := piece.text.casefold()) and not {word, lemma(word)} & allowed
    }
    listed = Counter(ATTRIBUTE_KIND.get(word, "") for word in foreign)
    return any(name not in _LISTED or count < _MIN_LISTED for name, count in listed.items())
