"""Refusals of the grammar: each quotes the part that was not understood and says what to do instead."""

from __future__ import annotations

from collections.abc import Iterable

from viper.errors import GenerationError
from viper.generate.grammar.description import Description
from viper.generate.grammar.reading.chart import Chart
from viper.generate.grammar.vocabulary.lexicon import FUNCTION_WORDS
from viper.generate.grammar.vocabulary.tokens import Token, is_word
from viper.generate.grammar.vocabulary.words import in_dictionary
from viper.texts.places import quoted

__all__ = ["is_content", "not_understood", "refusal", "refuse_foreign", "refuse_unknown"]

_FOREIGN = frozenset(
    "der das ist und ein eine wo wie mit nicht auf le les une est et il y sur dans avec el los las "
    "un una es en con por que del della di che sono het een van op de la personas hund chien perro "
    "gato gatto katze".split()
)


def not_understood(chart: Chart, question: str) -> GenerationError:
    """Return the refusal that quotes the words at which parsing stopped."""
    at = min(chart.furthest, chart.end - 1)
    # A word that no dictionary has is the likeliest cause, wherever parsing stopped.
    unknown = (i for i, t in enumerate(chart.tokens) if is_content(t) and not is_word(t.text))
    at = min(next(unknown, at), at)
    return refusal(chart.source(at, min(at + 4, chart.end)), question)


def refusal(part: str, question: str) -> GenerationError:
    """Return the refusal of a question for one of its parts."""
    return GenerationError(
        f"The grammar did not understand {quoted(part)} in {quoted(question)}. Rephrase it, or use a "
        f"language model: --generator openai:MODEL"
    )


def refuse_foreign(tokens: list[Token], question: str) -> None:
    """Refuse a question in another language, recognized by its function words."""
    foreign = [token for token in tokens if token.text in _FOREIGN]
    unknown_words = [t for t in foreign if not in_dictionary(t.text) or len(foreign) > 1]
    if (
        foreign
        and foreign[0] is tokens[0]
        and not in_dictionary(tokens[0].text)
        and len(tokens) > 1
    ):
        raise refusal(tokens[0].source, question)
    if len(foreign) >= 2 and len(unknown_words) >= max(1, len(tokens) // 4):
        raise refusal(unknown_words[0].source, question)


def refuse_unknown(node: object, tokens: Iterable[Token], question: str) -> None:
    """Refuse a question with too many words that are in no dictionary."""
    content = [token for token in tokens if is_content(token)]
    unknown = [token for token in content if not is_word(token.text)]
    is_question = not isinstance(node, Description)
    # The other words of a question give one unknown noun a context; a bare phrase has no others.
    if len(unknown) > max(len(content) / 2, 1 if is_question else 0):
        raise refusal(" ".join(token.source for token in unknown[:4]), question)


def is_content(token: Token) -> bool:
    """Return whether a word is more than a part of a question's frame."""
    return token.text[0].isalnum() and token.text not in FUNCTION_WORDS
