"""Settings of a local language model, as the reference `FOLDER_OR_MODEL_ID?option=value&…` names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl

from viper.errors import ConfigError
from viper.generate.prompt import PromptStyle
from viper.models.options import Options

__all__ = ["LocalSettings"]

_MAX_TOKENS = 1024
"""A program takes a few hundred tokens; a model that has not come to an end by then rambles."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Which model writes, where it runs, and how it is asked."""

    reference: str
    """Folder, or model id of the hub."""
    device: str = "auto"
    dtype: str = "auto"
    """`auto` is bfloat16 on a GPU and float32 on a CPU."""
    revision: str | None = None
    download: bool = False
    """Fetch a model id that is not on disk."""
    max_tokens: int = _MAX_TOKENS
    """Most tokens of a program."""
    temperature: float = 0.0
    """0 takes the likeliest token always."""
    style: PromptStyle = field(default_factory=PromptStyle)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `FOLDER_OR_MODEL_ID?option=value&…`.

        Raises:
            ConfigError: The model has no name, an option is unknown or a value unusable.
        """
        reference, _, query = text.partition("?")
        reference = reference.strip()
        if not reference:
            raise ConfigError(
                "The generator 'local' has no model. Write local:FOLDER or local:OWNER/NAME."
            )
        options = dict(parse_qsl(query, keep_blank_values=True))
        with Options(options, f"local:{reference}") as read:
            return cls(
                reference,
                read.text("device", "auto"),
                read.text("dtype", "auto"),
                read.optional_text("revision"),
                read.flag("download", False),
                read.integer("max_tokens", _MAX_TOKENS, low=1),
                read.number("temperature", 0.0, low=0.0),
                PromptStyle.read(read),
            )
