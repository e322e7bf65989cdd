"""Parse the part of a generator's name that selects a model: `MODEL?option=value&…`."""

from __future__ import annotations

from urllib.parse import parse_qsl

__all__ = ["parse_reference"]


def parse_reference(text: str) -> tuple[str, dict[str, str]]:
    """Return the model and the options of a reference."""
    model, _, query = text.partition("?")
    return model.strip(), dict(parse_qsl(query, keep_blank_values=True))
