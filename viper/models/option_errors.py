"""Errors of the `option=value` part of a reference: what was wrong, what was received, what is possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from viper.errors import ConfigError, did_you_mean

__all__ = ["malformed_option", "unknown_option"]

_EXPECTED = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def unknown_option(name: str, names: Iterable[str], where: str) -> ConfigError:
    """Return the error for an option that does not exist; `names` are those that do."""
    listed = sorted(names)
    return ConfigError(
        f"Unknown option {name!r} of {where}. {did_you_mean(name, listed)}"
        f"Options: {', '.join(listed) or 'none'}."
    )


def malformed_option(name: str, value: str, schema: Mapping[str, Any], where: str) -> ConfigError:
    """Return the error for a value that does not fit the JSON schema of its option."""
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
