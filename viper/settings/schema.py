"""Settings of the command line: `viper.toml` and `VIPER_*`, each value with where it comes from.

    command line  >  VIPER_NAME  >  viper.toml  >  default

The file is the one that `VIPER_CONFIG` names, else `viper.toml` in the working directory. Only verbs read
settings; `Engine` takes arguments and reads no file. A file that was found in the working directory may come
from a stranger, together with images: it cannot weaken the sandbox or send a key to another machine. Secrets
are not settings: the code that needs one reads it from the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from viper.engine.options import OLD_NAMES, OPTIONS, Option, OptionalPath
from viper.errors import ConfigError, InputError, did_you_mean
from viper.serve.settings import ServerSettings
from viper.settings.guard import CONFIG_VARIABLE, check_found, received, refuse_secrets
from viper.settings.sources import PREFIX, found_file
from viper.storage.files import read_regular_file
from viper.storage.user_cache import expand_user
from viper.texts.secrets import SECRETS, is_secret
from viper.texts.toml import MAX_TOML_BYTES, TomlError, parse_toml

__all__ = ["OTHER_VARIABLES", "SECRETS", "Origin", "ServeSettings", "Settings"]
__all__ += ["SettingsTree", "load_settings", "unknown_variables"]

OTHER_VARIABLES: Mapping[str, str] = {
    CONFIG_VARIABLE: "the file of settings",
    "VIPER_LLM": "the model that --generator auto stands for",
    "VIPER_PLUGINS": "the plugins that are used",
    "VIPER_PRESETS": "a file of presets of your own",
    "VIPER_SERVE_TOKEN": "the token that viper serve requires",
    "VIPER_TEST_DATA": "the folder of photographs for the tests",
}
"""Variables with the prefix that are not settings, and what they name."""

_SERVER = ServerSettings()

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True
    )


class BackendSettings(_Table):
    """Backends that replace the preset's, by role: `NAME:REFERENCE`."""

    detector: str | None = None
    """Backend that finds objects."""
    matcher: str | None = None
    """Backend that compares images with words."""
    depth: str | None = None
    """Backend that measures how far away objects are."""
    answerer: str | None = None
    """Backend that answers short questions about an image."""
    language: str | None = None
    """Backend that answers questions of general knowledge."""


class ServeSettings(_Table):
    """Settings of `viper serve`."""

    host: str = _SERVER.host
    """Address to listen on; any address other than loopback needs VIPER_SERVE_TOKEN."""
    port: Annotated[int, Field(ge=0, le=65535)] = _SERVER.port
    """Port to listen on; 0 picks a free one."""
    concurrency: Count = _SERVER.concurrency
    """Questions that are answered at the same time."""
    queue: Annotated[int, Field(ge=0)] = _SERVER.queue
    """Questions that may wait; further ones are answered with 429 and Retry-After."""
    max_upload_mb: Positive = _SERVER.max_upload_mb
    """Largest upload, in MB."""
    max_pixels: Count = _SERVER.max_pixels
    """Width times height of the largest image."""
    grace_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _SERVER.grace_s
    """Seconds that running questions get when the server is stopped."""


class _Tables(_Table):
    """The tables of a file; the settings outside a table come from `EngineOptions`."""

    backends: BackendSettings = BackendSettings()
    serve: ServeSettings = ServeSettings()


def _setting(option: Option) -> Any:  # type and default, as `create_model` takes them
    """Return an option of the engine as a field."""
    kind = Path | None if option.kind is OptionalPath else option.kind
    bounds: dict[str, Any] = {"gt": option.above, "ge": option.at_least}
    if option.unit is not None:  # a number that may have decimals
        bounds["allow_inf_nan"] = False
    return Annotated[kind, Field(description=option.help, **bounds)], option.default


Settings = create_model(
    "Settings",
    __base__=_Tables,
    **{name: _setting(option) for name, option in OPTIONS.items()}
    | {
        "generator": _setting(OPTIONS["generator"]._replace(kind=str)),
        "program_cache": _setting(
            OPTIONS["program_cache"]._replace(
                help=f"{OPTIONS['program_cache'].help} off: none. Without this setting it is in the "
                "user's cache folder."
            )
        ),
    },
)
"""Everything that can be set; names are those of `Engine`'s arguments."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a value."""

    kind: Literal["default", "file", "environment"]
    name: str = ""
    """The file or the variable."""

    def __str__(self) -> str:
        return self.name or self.kind


@dataclass(frozen=True, slots=True)
class SettingsTree:
    """Settings, and where each value comes from."""

    values: _Tables
    origins: Mapping[str, Origin]
    """By dotted name, such as `serve.port`; values that are defaults have no entry."""
    file: Path | None = None
    """The file that was read."""

    def rows(self) -> Iterator[tuple[str, Any, Origin]]:
        """Yield name, value and origin of each setting, in the order of the tree."""
        for name in names():
            value: Any = self.values
            for part in name.split("."):
                value = getattr(value, part)
            yield name, value, self.origins.get(name, Origin("default"))

    def changed(self) -> dict[str, Any]:
        """Return the values that are not defaults, by dotted name."""
        return {name: value for name, value, origin in self.rows() if origin.kind != "default"}


def names() -> Iterator[str]:
    """Yield the dotted names of all settings, tables last."""
    yield from OPTIONS
    for table in _Tables.model_fields:
        model: type[_Table] = type(getattr(_Tables(), table))
        yield from (f"{table}.{name}" for name in model.model_fields)


def variable_of(name: str) -> str:
    """Return the environment variable of a setting: `serve.port` → `VIPER_SERVE__PORT`."""
    return PREFIX + name.replace(".", "__").upper()


def load_settings(
    environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> SettingsTree:
    """Read file and environment.

    Args:
        environment: Variables; those of the process if None.
        folder: Folder of `viper.toml`; the working directory if None.

    Raises:
        ConfigError: The file cannot be read, or a value is unknown, of the wrong type or out of range; the
            message names file or variable, the key, and what was received.
    """
    variables = os.environ if environment is None else environment
    file, is_named = _find_file(variables, folder or Path())
    origins: dict[str, Origin] = {}
    raw: dict[str, Any] = {}
    if file is not None:
        origin = Origin("file", str(file))
        for name, value in _flat(_read(file), file):
            refuse_secrets(name, value, origin)
            if not is_named:
                check_found(name, value, file, variable_of(name))
            raw[name], origins[name] = value, origin
        _check_types(raw, origins)
    for variable, name in _variables().items():
        if value := variables.get(variable, "").strip():
            raw[name], origins[name] = value, Origin("environment", variable)
    for name, value in raw.items():
        refuse_secrets(name, value, origins[name])
    try:
        return SettingsTree(Settings.model_validate(_nested(raw)), origins, file)
    except ValidationError as error:
        raise ConfigError(_message(error, raw, origins)) from None  # the cause repeats the value


def _variables() -> dict[str, str]:
    """Return variable → setting; names of version 0.1 come first, so that new names override them."""
    old = {variable_of(old): name for old, name in OLD_NAMES.items()}
    return old | {variable_of(name): name for name in names()}


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence for each variable with the prefix `VIPER_` that Viper does not know."""
    variables = os.environ if environment is None else environment
    read = {*OTHER_VARIABLES, *_variables()}
    return [
        f"The variable {name} is unknown and does nothing. {did_you_mean(name, read)}".strip()
        for name in sorted(variables)
        if name.startswith(PREFIX) and name not in read and variables[name].strip()
    ]


def _find_file(variables: Mapping[str, str], folder: Path) -> tuple[Path | None, bool]:
    """Return the file, and whether the user named it."""
    if named := variables.get(CONFIG_VARIABLE, "").strip():
        path = expand_user(named)
        if not path.is_file():
            raise ConfigError(f"{CONFIG_VARIABLE} names {named!r}, but there is no such file.")
        return path, True
    return found_file(folder), False


def _read(file: Path) -> dict[str, Any]:
    try:
        return parse_toml(
            read_regular_file(str(file), max_bytes=MAX_TOML_BYTES, what="file of settings")
        )
    except TomlError as error:
        raise ConfigError(f"{file} {error}.") from error
    except InputError as error:
        raise ConfigError(str(error)) from error


def _flat(table: Mapping[str, Any], file: Path) -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of a file; old names become new ones."""
    allowed = list(names())
    for key, value in table.items():
        if isinstance(value, dict) and key in _Tables.model_fields:
            pairs = [(f"{key}.{inner}", entry) for inner, entry in value.items()]
        else:
            pairs = [(OLD_NAMES.get(key, key), value)]
        for name, entry in pairs:
            if name not in allowed:
                raise ConfigError(_unknown(name, file, allowed))
            yield name, entry


def _unknown(name: str, file: Path, allowed: list[str]) -> str:
    if is_secret(name):
        return (
            f"{file} has {name!r}. Secrets do not belong in a file: set an environment variable "
            f"({', '.join(SECRETS)})."
        )
    if name in _Tables.model_fields:
        return f"In {file}, {name!r} must be a table: [{name}]."
    hint = did_you_mean(name, allowed)
    return (
        f"{file} has an unknown setting {name!r}. {hint or 'viper config show lists all. '}".strip()
    )


def _nested(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted name as a tree."""
    tree: dict[str, Any] = {}
    for name, value in raw.items():
        table, dot, key = name.rpartition(".")
        (tree.setdefault(table, {}) if dot else tree)[key] = value
    return tree


def _check_types(raw: Mapping[str, Any], origins: Mapping[str, Origin]) -> None:
    """Refuse values of a file that have the wrong type; only the texts of variables are converted.

    Raises:
        ConfigError: A number is written as a text, say, or is a boolean.
    """
    paths = {
        name: Path(value)
        for name, value in raw.items()
        if name in OPTIONS and OPTIONS[name].kind is OptionalPath and isinstance(value, str)
    }
    try:
        Settings.model_validate(_nested({**raw, **paths}), strict=True)
    except ValidationError as error:
        raise ConfigError(_message(error, raw, origins)) from None


def _message(error: ValidationError, raw: Mapping[str, Any], origins: Mapping[str, Origin]) -> str:
    """Return the first fault as a sentence."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    name = next((name for name in raw if f"{place}.".startswith(f"{name}.")), place)
    where = f" ({origins[name]})" if name in origins else ""
    fault = first["msg"].removeprefix("Input ").rstrip(".")
    return f"The setting {name}{where} {fault}, but got {received(raw.get(name))}."
