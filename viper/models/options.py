"""The `option=value` part of a backend reference, as one class per backend that pydantic checks.

    class OnnxOptions(BackendOptions):
        score_threshold: Fraction = option(0.25, "drop detections with a lower score")

    options = OnnxOptions.read({"score_threshold": "0.5"}, "the onnx detector")

Values arrive as text. `Options` reads options one by one, for references whose options belong to several
classes. pydantic is imported when there is a value to check, so that a reference without options, the usual
case, does not wait for it.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, get_type_hints

from viper.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["BackendOptions", "Options", "option"]

_EXPECTED = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


class _Described(NamedTuple):
    default: Any
    description: str


def option(default: Any, description: str) -> Any:  # Any: it stands for a value of the field's type
    """Return the default of a field together with its description for the documentation."""
    return _Described(default, description)


class BackendOptions:
    """Options of a backend; alone it describes a backend that has none.

    Fields are annotated with types of `viper.models.option_types`.
    """

    @classmethod
    def read(cls, options: Mapping[str, str], where: str) -> Self:
        """Return the options as written by the user, checked.

        Args:
            options: Name to text.
            where: Whose options they are, for messages, as in "the onnx detector".

        Raises:
            ConfigError: A value is malformed, or an option is unknown.
        """
        values = {name: described.default for name, described in cls._fields()}
        if options:
            values |= cls._checked(options, where)
        made = cls.__new__(cls)
        vars(made).update(values)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"options cannot be changed: {name}")

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON schema of each option by name, in the order of their definition."""
        model = _model(cls)  # type: ignore[arg-type]  # a class is hashable
        schema: dict[str, Any] = model.model_json_schema().get("properties", {})
        return schema

    @classmethod
    def _checked(cls, options: Mapping[str, str], where: str) -> dict[str, Any]:
        from pydantic import ValidationError

        model = _model(cls)  # type: ignore[arg-type]  # a class is hashable
        try:
            return dict(model.model_validate(dict(options)))
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
        schema = cls.json_schema()
        if name not in schema:
            raise _unknown(name, schema, where)
        raise _malformed(name, options[name], schema[name], where)

    @classmethod
    def _fields(cls) -> Iterator[tuple[str, _Described]]:
        """Yield name, default and description of each option, those of base classes first."""
        for owner in reversed(cls.__mro__):
            for name in vars(owner).get("__annotations__", ()):
                default = vars(owner)[name]
                is_described = isinstance(default, _Described)
                yield name, default if is_described else _Described(default, "")


@functools.cache
def _model(options: type[BackendOptions]) -> type[BaseModel]:
    """Return the pydantic model of a class of options."""
    from pydantic import ConfigDict, Field, create_model

    from viper.models import option_types

    # Annotations are texts until here, so that their module need not import pydantic.
    hints = get_type_hints(options, localns=vars(option_types), include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], Field(described.default, description=described.description))
        for name, described in options._fields()
    }
    config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    return create_model(options.__name__, __config__=config, **fields)


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
