"""Reads the `option=value` part of a reference one by one, where a `BackendOptions` does not fit.

A generator's options belong to several classes, and a reference without options is read without pydantic,
which takes a while to import.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from viper.models.option_errors import malformed_option, unknown_option

__all__ = ["Options"]


class Options:
    """Reads options one by one, by name and type.

    Args:
        options: As written by the user, name to text.
        where: Whose options they are, for messages, as in "the onnx detector".

    Raises:
        ConfigError: From each method, for a malformed value; on leaving the `with` block, for an option that
            was not read.
    """

    def __init__(self, options: Mapping[str, str], where: str) -> None:
        self._options = dict(options)
        self._names: set[str] = set()
        self._where = where

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in self._options:
            if error is None and name not in self._names:
                raise unknown_option(name, self._names, self._where)

    def text(self, name: str, default: str) -> str:
        """Return a text, which must not be blank."""
        return self.optional_text(name) or default

    def optional_text(self, name: str) -> str | None:
        """Return a text, which must not be blank, or None if the option is absent."""
        from viper.models.option_types import Text

        value: str | None = self._read(name, Text, None)
        return value

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Return one of a closed set of words, compared in lower case."""
        from viper.models.option_types import Choice

        word: str = self._read(name, Annotated[Literal[tuple(choices)], Choice], default)
        return word

    def number(
        self, name: str, default: float, *, low: float | None = None, high: float | None = None
    ) -> float:
        """Return a finite number in `low` … `high`, both included."""
        from pydantic import Field

        kind = Annotated[float, Field(ge=low, le=high, allow_inf_nan=False)]
        return float(self._read(name, kind, default))

    def integer(
        self, name: str, default: int, *, low: float | None = None, high: float | None = None
    ) -> int:
        """Return a whole number in `low` … `high`, both included."""
        from pydantic import Field

        from viper.models.option_types import Whole

        return int(self._read(name, Annotated[int, Field(ge=low, le=high), Whole], default))

    def flag(self, name: str, default: bool) -> bool:
        """Return a truth value: true/false, yes/no, on/off or 1/0."""
        return bool(self._read(name, bool, default))

    def _read(self, name: str, kind: Any, default: Any) -> Any:
        self._names.add(name)
        if name not in self._options:
            return default
        from pydantic import TypeAdapter, ValidationError

        value, adapter = self._options[name], TypeAdapter(kind)
        try:
            return adapter.validate_python(value)
        except ValidationError:
            raise malformed_option(name, value, adapter.json_schema(), self._where) from None
