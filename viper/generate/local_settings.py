"""Settings of a local language model, read from `FOLDER_OR_MODEL_ID?option=value&…`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from viper.errors import ConfigError
from viper.generate.prompt import PromptStyle
from viper.generate.reference import parse_reference
from viper.models.options import Options

__all__ = ["LocalSettings"]

_MAX_TOKENS = 1024
"""A program takes a few hundred tokens; a model that needs more is usually stuck in a loop."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """The model, its device and its options."""

    reference: str
    """Folder, or model id of the hub."""
    device: str = "auto"
    dtype: str = "auto"
    """`auto` is bfloat16 on a GPU and float32 on a CPU."""
    revision: str | None = None
    download: bool = False
    """Download a model id that is not on disk."""
    max_tokens: int = _MAX_TOKENS
    """Most tokens of a program."""
    temperature: float = 0.0
    """0 is greedy decoding."""
    style: PromptStyle = field(default_factory=PromptStyle)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `FOLDER_OR_MODEL_ID?option=value&…`.

        Raises:
            ConfigError: The model is missing, an option is unknown or a value is invalid.
        """
        reference, options = parse_reference(text)
        if not reference:
            raise ConfigError(
                "The generator 'local' has no model. Write local:FOLDER or local:OWNER/NAME."
            )
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
