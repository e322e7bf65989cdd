"""Reads the `option=value` part of a backend reference.

    with Options(options, "the onnx detector") as read:
        threshold = read.fraction("score_threshold", 0.25)
        device = read.text("device", "auto")

Values arrive as text. Leaving the block refuses every option that was not read, with the nearest
known name suggested. Nothing heavy is imported here, so that every backend can use it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self

from viper.errors import ConfigError, did_you_mean

__all__ = ["Options"]

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


class Options:
    """The options of one backend, each read once by name and type.

    Args:
        options: As written by the user, name to text.
        where: Who reads them, for messages, as in "the onnx detector".

    Raises:
        ConfigError: From each reading method, for a malformed value; on leaving the `with` block,
            for an option that no method asked for.
    """

    def __init__(self, options: Mapping[str, str], where: str) -> None:
        self._options = dict(options)
        self._known: set[str] = set()
        self._where = where

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._refuse_unknown()

    def text(self, name: str, default: str) -> str:
        """Return a text, which must not be empty when it is given."""
        return self.optional_text(name) or default

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None when the option is absent; given, it must not be empty."""
        value = self._take(name)
        if value is not None and not value.strip():
            raise self._malformed(name, value, "a text")
        return value

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Return one of a closed set of words, compared in lower case."""
        value = self._take(name)
        if value is None:
            return default
        word = value.strip().lower()
        if word not in choices:
            expected = f"{did_you_mean(word, choices)}It must be one of {', '.join(choices)}"
            raise ConfigError(f"Option {name}={value!r} of {self._where} is unknown. {expected}.")
        return word

    def fraction(self, name: str, default: float) -> float:
        """Return a number in 0 … 1, both included: thresholds and scores."""
        return self.number(name, default, low=0.0, high=1.0)

    def number(
        self, name: str, default: float, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """Return a finite number in `low` … `high`, both included."""
        value = self._take(name)
        if value is None:
            return default
        expected = "a number" + _range(low, high)
        try:
            number = float(value)
        except ValueError:
            raise self._malformed(name, value, expected) from None
        if not math.isfinite(number) or not low <= number <= high:
            raise self._malformed(name, value, expected)
        return number

    def integer(
        self, name: str, default: int, *, low: float = -math.inf, high: float = math.inf
    ) -> int:
        """Return a whole number in `low` … `high`, both included."""
        value = self._take(name)
        if value is None:
            return default
        expected = "a whole number" + _range(low, high)
        try:
            number = int(value)
        except ValueError:
            raise self._malformed(name, value, expected) from None
        if not low <= number <= high:
            raise self._malformed(name, value, expected)
        return number

    def flag(self, name: str, default: bool) -> bool:
        """Return a truth value: true/false, yes/no, on/off or 1/0."""
        value = self._take(name)
        if value is None:
            return default
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise self._malformed(name, value, "true or false")

    def _take(self, name: str) -> str | None:
        self._known.add(name)
        return self._options.get(name)

    def _malformed(self, name: str, value: str, expected: str) -> ConfigError:
        return ConfigError(
            f"Option {name}={value!r} of {self._where} cannot be read: it must be {expected}."
        )

    def _refuse_unknown(self) -> None:
        for name in self._options:
            if name not in self._known:
                raise ConfigError(
                    f"Unknown option {name!r} of {self._where}. "
                    f"{did_you_mean(name, self._known)}"
                    f"Options: {', '.join(sorted(self._known)) or 'none'}."
                )


def _range(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f" from {low:g} to {high:g}"
    if math.isfinite(low):
        return f", at least {low:g}"
    if math.isfinite(high):
        return f", at most {high:g}"
    return ""
