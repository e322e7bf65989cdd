"""Words of a referring expression that the parse did not use, and what becomes of them.

No word is dropped silently: unparsed words become free-text conditions on the object itself, for a
matcher to test. Each word of a form accounts for one word of the expression, so a word that occurs
twice must be in the form twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from viper.generate.grammar.description import (
    Among,
    Attribute,
    Description,
    Inverse,
    Not,
    Pick,
    Place,
    Related,
    Row,
    SameAs,
)
from viper.generate.grammar.logical_form import walk
from viper.generate.grammar.vocabulary.lexicon import (
    COMPARATIVES,
    NUMBERS,
    ORDINALS,
    PLACES,
    SUPERLATIVES,
)
from viper.generate.grammar.vocabulary.tokens import Token
from viper.generate.grammar.vocabulary.words import gerund, positive, singular, verb_lemma

__all__ = ["is_meaningful", "unparsed_positions", "with_unparsed_words", "word_forms"]

_EMPTY = frozenset(
    "a an the this that these those there here of in on at to with by for from as is are was were be "
    "been being do does has have had having and or but which who whom whose it he she they him her them "
    "his hers its their theirs my your our i we you us me 's one ones thing things object objects item "
    "items some any everything something anything someone anyone side hand corner edge part picture "
    "image photo camera what where while when also color colored , .".split()
)
"""Function words, and words that add nothing to the form."""

_QUANTIFIERS = "all every each both"
_NEGATIONS = "not no without except never nor neither"
_CAMERA_WORDS = "looking staring watching viewer photographer screen back turned"
_PLACE_WORDS = {
    "clock": "o clock position spot",
    "edge": "close closest far very",
    "corner": "far very",
}
_OUTERMOST = "far most very closest nearest all way"
_DEPTHS = {"front": "near", "back": "far"}
_NEAR_FAR = {
    "near": "closest nearest close closer nearer front foreground very",
    "far": "farthest farther back background far away rear very way",
    "nearest_to": "closest nearest close closer nearer",
    "farthest_from": "farthest farther away far",
    "border": "cut off cropped cutoff chopped frame screen border",
    "outer": "end outside",
    "middle": "inside",
}


def is_meaningful(token: Token) -> bool:
    """Return whether a word has a meaning of its own."""
    return token.text[0].isalnum() and token.text not in _EMPTY


def unparsed_positions(what: Description, tokens: Sequence[Token]) -> list[int]:
    """Return the positions of the words that a description does not account for."""
    traces = Counter(word for node in walk(what) for word in _trace(node, what).split())
    missing: list[int] = []
    for at, token in enumerate(tokens):
        if not is_meaningful(token) or _joins(tokens, at):
            continue
        form = next((form for form in word_forms(token.text) if traces[form] > 0), None)
        if form is None:
            missing.append(at)
        else:
            traces[form] -= 1
    return missing


def _joins(tokens: Sequence[Token], at: int) -> bool:
    """Return whether a word only announces two conditions: "that is both behind the cup and red"."""
    follows = any(token.text == "and" for token in tokens[at + 1 :])
    return tokens[at].text == "both" and at > 0 and follows


def with_unparsed_words(
    what: Description, tokens: Sequence[Token], missing: Sequence[int]
) -> Description:
    """Return the description with its unparsed words as conditions, one for each run of words."""
    runs: list[list[int]] = []
    for at in missing:
        if runs and all(not is_meaningful(token) for token in tokens[runs[-1][-1] + 1 : at]):
            runs[-1].append(at)
        else:
            runs.append([at])
    phrases = [
        " ".join(t.text for t in tokens[run[0] : run[-1] + 1] if is_meaningful(t) or t.text == "of")
        for run in runs
    ]
    return what.having(*(Attribute(phrase, "words") for phrase in phrases))


def _trace(node: object, what: Description) -> str:
    """Return the words that one node of a form accounts for."""
    match node:
        case Description(noun=noun, number=number):
            # The expression means one object, so its number counts only in the plural.
            counted = number is not None and (node is not what or node.plural)
            every = _QUANTIFIERS if node.is_presupposed else ""
            return f"{noun or ''} {'other' * node.other} {number if counted else ''} {every}"
        case Attribute(value=value):
            value = value.replace("-", " ")
            return f"{value} {_CAMERA_WORDS}" if value.endswith("the camera") else value
        case Place(names=names, part=part):
            depths = [_NEAR_FAR[_DEPTHS[name]] for name in names if name in _DEPTHS]
            return " ".join([*names, part, _PLACE_WORDS.get(part, ""), *depths])
        case Row(side=side, rank=rank):
            return f"row {side} {rank} {_NEAR_FAR['near' if side == 'bottom' else 'far']}"
        case Among(number=number):
            return str(number)
        case Related() | Inverse():
            # Boxes cannot show that an object is hidden, so the word stays unparsed.
            words = [word for word in node.words.split() if word != "hidden"]
            return " ".join([*words, node.relation])
        case Pick(by=by, rank=rank):
            direction = by.removeprefix("far_")
            outermost = _OUTERMOST if direction != by else ""
            order = "most more middle" if rank > 0 else "least less last"
            return f"{outermost} {direction} {rank} {_NEAR_FAR.get(by, '')} {order}"
        case SameAs(respect=respect, same=same):
            return f"{respect} {'same' if same else 'different'}"
        case Not():
            return _NEGATIONS
        case _:
            return ""


def word_forms(word: str) -> list[str]:
    """Return the ways in which a form may spell a word, the word itself first."""
    forms = [word, singular(word), *word.split("-"), positive(word)]
    lemma = verb_lemma(word)
    if lemma is not None:
        forms += [lemma, gerund(lemma)]
    for table in (PLACES, SUPERLATIVES, COMPARATIVES):
        if word in table:
            forms.append(table[word].removeprefix("far_"))
    number = ORDINALS.get(word, NUMBERS.get(word))
    if number is not None:
        forms.append(str(number))
    return forms + {"another": ["other"], "others": ["other"]}.get(word, [])
