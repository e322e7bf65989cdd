"""The `option=value` part of a backend reference, as one class per backend that pydantic checks.

    class OnnxOptions(BackendOptions):
        score_threshold: Fraction = option(0.25, "drop detections with a lower score")

    options = OnnxOptions.read({"score_threshold": "0.5"}, "the onnx detector")

Values arrive as text. The pydantic model of a class is made when there is a value to check: a reference
without options, the usual case, does not wait for the import. `Options` (`viper.models.option_reader`) reads
options one by one instead.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self, get_type_hints

from viper.models.option_errors import malformed_option, unknown_option
from viper.models.option_reader import Options

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["BackendOptions", "Options", "option"]


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
            raise unknown_option(name, schema, where)
        raise malformed_option(name, options[name], schema[name], where)

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
