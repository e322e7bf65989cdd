"""The `option=value` part of a backend reference, as one pydantic model per backend.

    class OnnxOptions(BackendOptions):
        score_threshold: Fraction = Field(0.25, description="drop detections with a lower score")

    options = OnnxOptions.read({"score_threshold": "0.5"}, "the onnx detector")

Values arrive as text. `Options` (`viper.models.option_reader`) reads options one by one instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from viper.models.option_errors import malformed_option, unknown_option
from viper.models.option_reader import Options
from viper.models.option_types import Choice, Fraction, Text, Whole

__all__ = ["BackendOptions", "Choice", "Fraction", "Options", "Text", "Whole"]


class BackendOptions(BaseModel):
    """Options of a backend; alone it is the model of a backend that has none."""

    # Built when they are read: a question needs the options of one or two backends.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

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
            raise unknown_option(name, schema, where)
        raise malformed_option(name, options[name], schema[name], where)
