"""Checks a presets file of the user; `viper.engine.presets` reads it."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from viper.errors import ConfigError, did_you_mean
from viper.texts.toml import TomlError, parse_toml

__all__ = ["preset_fault", "read_preset_file"]

_Text: TypeAlias = Annotated[str, StringConstraints(pattern=r"\S")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _HubTable(_Table):
    """What a file says about a model of the hub."""

    revision: _Text
    size_mb: Annotated[int, Field(ge=0)]
    licence: _Text
    architecture: Annotated[_Text, Field(alias="class")]


class _PresetTable(_Table):
    """What a file says about a preset."""

    description: _Text
    first_of: list[_Text] = []
    beside_own_backends: _Text | None = None
    detector: _Text | None = None
    matcher: _Text | None = None
    depth: _Text | None = None
    answerer: _Text | None = None
    language: _Text | None = None


class _File(_Table):
    presets: dict[str, _PresetTable] = {}
    hub: dict[str, _HubTable] = {}


def preset_fault(origin: str, where: str, trouble: str) -> ConfigError:
    """Return the error for a fault of a presets file.

    Args:
        origin: The file.
        where: Dotted name of the table or key.
        trouble: What is wrong.
    """
    return ConfigError(f"In {origin}, {where}: {trouble.strip().rstrip('.')}.")


def read_preset_file(content: bytes, origin: str) -> dict[str, dict[str, Any]]:
    """Return the tables `presets` and `hub` of a file, checked.

    Args:
        content: Content of the file.
        origin: Its path, for messages.

    Raises:
        ConfigError: It is not TOML, or a key or value is wrong; the message names it.
    """
    try:
        checked = _File.model_validate(parse_toml(content))
    except TomlError as error:
        raise ConfigError(f"{origin} {error}.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        trouble = fault["msg"].removeprefix("Input ")
        if fault["type"] == "extra_forbidden":
            *_, key = map(str, fault["loc"])
            tables = {1: _File, 3: _HubTable if fault["loc"][0] == "hub" else _PresetTable}
            trouble = (
                f"is an unknown key. {did_you_mean(key, tables[len(fault['loc'])].model_fields)}"
            )
        elif fault["type"] != "missing":
            trouble += f", but is {fault['input']!r}"
        raise preset_fault(origin, place, trouble) from None
    return checked.model_dump(by_alias=True, exclude_unset=True)
