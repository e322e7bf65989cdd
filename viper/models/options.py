"""The `option=value` part of a backend reference, as one pydantic model per backend.

    class OnnxOptions(BackendOptions):
        score_threshold: Fraction = Field(0.25, description="drop detections with a lower score")

    options = OnnxOptions.read({"score_threshold": "0.5"}, "the onnx detector")

Values arrive as text. `Options` reads options one by one, for references whose options belong to several
classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import TracebackType
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from viper.errors import ConfigError, did_you_mean

__all__ = ["BackendOptions", "Choice", "Fraction", "Options", "Text", "Whole"]

Text: TypeAlias = Annotated[str, StringConstraints(pattern=r"\S")]
"""A text that is not blank."""
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]
"""A threshold or a score."""
Whole = BeforeValidator(int)
"""Marks an `int`, after its bounds; pydantic alone would accept "1.0"."""
Choice = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)
"""Marks a `Literal` whose words are compared in lower case."""

_EXPECTED = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


class BackendOptions(BaseModel):
    """Options of a backend; alone it is the model of a backend that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def read(cls, options: Mapping[str, str], where: str) -> Self:
        """Return the options as written by the user, checked.

        Args:
            options: Name to text.
            where: Whose options they are, for messages, as in "the onnx detector".

        Raises:
            ConfigError: A value is malformed, or an option is unknown.
        """
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
        schema = cls.model_json_schema()["properties"] if cls.model_fields else {}
        if name not in schema:
            raise _unknown(name, schema, where)
        raise _malformed(name, options[name], schema[name], where)


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
                raise _unknown(name, self._names, self._where)

    def text(self, name: str, default: str) -> str:
        """Return a text, which must not be blank."""
        return self.optional_text(name) or default

    def optional_text(self, name: str) -> str | None:
        """Return a text, which must not be blank, or None if the option is absent."""
        value: str | None = self._read(name, Text, None)
        return value

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Return one of a closed set of words, compared in lower case."""
        word: str = self._read(name, Annotated[Literal[tuple(choices)], Choice], default)
        return word

    def number(
        self, name: str, default: float, *, low: float | None = None, high: float | None = None
    ) -> float:
        """Return a finite number in `low` … `high`, both included."""
        kind = Annotated[float, Field(ge=low, le=high, allow_inf_nan=False)]
        return float(self._read(name, kind, default))

    def integer(
        self, name: str, default: int, *, low: float | None = None, high: float | None = None
    ) -> int:
        """Return a whole number in `low` … `high`, both included."""
        return int(self._read(name, Annotated[int, Field(ge=low, le=high), Whole], default))

    def flag(self, name: str, default: bool) -> bool:
        """Return a truth value: true/false, yes/no, on/off or 1/0."""
        return bool(self._read(name, bool, default))

    def _read(self, name: str, kind: Any, default: Any) -> Any:
        self._names.add(name)
        if name not in self._options:
            return default
        value, adapter = self._options[name], TypeAdapter(kind)
        try:
            return adapter.validate_python(value)
        except ValidationError:
            raise _malformed(name, value, adapter.json_schema(), self._where) from None


def _unknown(name: str, names: Iterable[str], where: str) -> ConfigError:
    listed = sorted(names)
    return ConfigError(
        f"Unknown option {name!r} of {where}. {did_you_mean(name, listed)}"
        f"Options: {', '.join(listed) or 'none'}."
    )


def _malformed(name: str, value: str, schema: Mapping[str, Any], where: str) -> ConfigError:
    schema = schema["anyOf"][0] if "anyOf" in schema else schema  # the type of an optional value
    choices = schema.get("enum")
    if choices is not None:
        return ConfigError(
            f"Option {name}={value!r} of {where} is unknown. "
            f"{did_you_mean(value.strip().lower(), choices)}It must be one of {', '.join(choices)}."
        )
    low, high = schema.get("minimum"), schema.get("maximum")
    span = ""
    if low is not None and high is not None:
        span = f" from {low:g} to {high:g}"
    elif low is not None:
        span = f", at least {low:g}"
    elif high is not None:
        span = f", at most {high:g}"
    return ConfigError(
        f"Option {name}={value!r} of {where} cannot be read: "
        f"it must be {_EXPECTED[schema['type']]}{span}."
    )
