"""Settings of the command line: `viper.toml` and `VIPER_*`, each value with where it comes from.

    command line  >  VIPER_NAME  >  viper.toml  >  default

The file is the one that `VIPER_CONFIG` names, else `viper.toml` in the working directory. Only verbs read
settings; `Engine` takes arguments and looks at no file. A file that merely lies in the working directory may
come from a stranger, with the pictures: it cannot weaken the sandbox, nor send a key to another machine.
Secrets are read from the environment by those who need them, and are no settings.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from viper.engine.config import SandboxLevel
from viper.errors import ConfigError, did_you_mean
from viper.serve.settings import ServerSettings
from viper.settings.guard import (
    CONFIG_VARIABLE,
    SECRETS,
    check_found,
    is_secret,
    received,
    refuse_secrets,
)

__all__ = ["FILE_NAME", "OTHER_VARIABLES", "SECRETS", "Origin", "ServeSettings", "Settings"]
__all__ += ["SettingsTree", "load_settings", "strange_variables"]

FILE_NAME = "viper.toml"
PREFIX = "VIPER_"

OTHER_VARIABLES: Mapping[str, str] = {
    CONFIG_VARIABLE: "the file of settings",
    "VIPER_LLM": "the model that --generator auto stands for",
    "VIPER_MEMO": "the file of remembered programs, or off",
    "VIPER_PLUGINS": "the plugins that are used",
    "VIPER_PRESETS": "a file of presets of your own",
    "VIPER_SERVE_TOKEN": "the token that viper serve asks for",
    "VIPER_TEST_DATA": "the folder of photographs for the tests",
}
"""Variables with the prefix that are no settings, and what they name."""

_SERVER = ServerSettings()

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True
    )


class BackendSettings(_Table):
    """What serves a role instead of the preset's model: `NAME:REFERENCE`."""

    detector: str | None = None
    """What finds objects."""
    matcher: str | None = None
    """What compares pictures with words."""
    depth: str | None = None
    """What measures how far away things are."""
    answerer: str | None = None
    """What answers short questions about a picture."""
    language: str | None = None
    """What answers questions of general knowledge."""


class ServeSettings(_Table):
    """How `viper serve` serves."""

    host: str = _SERVER.host
    """Address to listen on; another than loopback needs VIPER_SERVE_TOKEN."""
    port: Annotated[int, Field(ge=0, le=65535)] = _SERVER.port
    """Port to listen on; 0 takes a free one."""
    concurrency: Count = _SERVER.concurrency
    """Questions that are answered at the same time."""
    queue: Annotated[int, Field(ge=0)] = _SERVER.queue
    """Questions that may wait; one more is told to come again later."""
    max_upload_mb: Positive = _SERVER.max_upload_mb
    """Largest upload, in MB."""
    max_pixels: Count = _SERVER.max_pixels
    """Width times height of the largest picture."""
    grace_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _SERVER.grace_s
    """How long running questions may go on when the server is told to stop."""


class Settings(_Table):
    """Everything that can be set; names are those of `Engine`'s arguments."""

    models: str = "auto"
    """Preset that says which model serves which role."""
    generator: str = "grammar"
    """What writes programs."""
    sandbox: SandboxLevel = "full"
    """Least level of the sandbox for programs that a model or a stranger wrote; not in a file."""
    timeout_s: Positive = 300.0
    """Longest time for a whole answer, in seconds."""
    model_call_s: Positive = 60.0
    """Longest wait for one vision or language call, in seconds."""
    cache: Path | None = None
    """Folder in which results of models outlive the process."""
    cache_mb: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 512.0
    """Memory for results of models, in MB; 0 for none."""
    max_batch: Count = 64
    """Most requests per forward of a model."""
    lookahead: bool = True
    """Whether models are asked beforehand what a program will probably ask next."""
    max_attempts: Count = 3
    """Programs that a language model writes before a failure is final."""
    votes: Count = 1
    """Programs that vote on an answer."""
    max_cost_usd: Positive | None = None
    """Most US dollars for language models."""
    max_tokens: Count | None = None
    """Most tokens of language models."""
    backends: BackendSettings = BackendSettings()
    """What serves a role instead of the preset's model."""
    serve: ServeSettings = ServeSettings()
    """How `viper serve` serves."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from."""

    kind: Literal["default", "file", "environment"]
    name: str = ""
    """The file or the variable."""

    def __str__(self) -> str:
        return self.name or self.kind


@dataclass(frozen=True, slots=True)
class SettingsTree:
    """Settings, and where each value comes from."""

    values: Settings
    origins: Mapping[str, Origin]
    """By dotted name, such as `serve.port`, for those that are no defaults."""
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
        """Return the values that are no defaults, by dotted name."""
        return {name: value for name, value, origin in self.rows() if origin.kind != "default"}


def names() -> Iterator[str]:
    """Yield the dotted names of all settings, tables last."""
    tables: dict[str, type[_Table]] = {"backends": BackendSettings, "serve": ServeSettings}
    yield from (name for name in Settings.model_fields if name not in tables)
    for table, model in tables.items():
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
        folder: Where `viper.toml` is looked for; the working directory if None.

    Raises:
        ConfigError: The file cannot be read, or a value is unknown, of the wrong type or out of range; the
            message names file or variable, the key, and what was received.
    """
    variables = os.environ if environment is None else environment
    file, is_named = _find_file(variables, folder or Path())
    origins: dict[str, Origin] = {}
    raw: dict[str, Any] = {}
    if file is not None:
        for name, value in _flat(_read(file), file):
            refuse_secrets(name, value, Origin("file", str(file)))
            if not is_named:
                check_found(name, value, file, variable_of(name))
            raw[name], origins[name] = value, Origin("file", str(file))
        _check_types(raw, origins)
    for name in names():
        variable = variable_of(name)
        if value := variables.get(variable, "").strip():
            raw[name], origins[name] = value, Origin("environment", variable)
    for name, value in raw.items():
        refuse_secrets(name, value, origins[name])
    try:
        return SettingsTree(Settings.model_validate(_nested(raw)), origins, file)
    except ValidationError as error:
        raise ConfigError(_told(error, raw, origins)) from None  # the cause repeats the value


def strange_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence for each variable with our prefix that means nothing."""
    variables = os.environ if environment is None else environment
    known = {*OTHER_VARIABLES, *map(variable_of, names())}
    return [
        f"The variable {name} is unknown and does nothing. {did_you_mean(name, known)}".strip()
        for name in sorted(variables)
        if name.startswith(PREFIX) and name not in known and variables[name].strip()
    ]


def _find_file(variables: Mapping[str, str], folder: Path) -> tuple[Path | None, bool]:
    """Return the file, and whether the user named it."""
    if named := variables.get(CONFIG_VARIABLE, "").strip():
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(f"{CONFIG_VARIABLE} names {named!r}, but there is no such file.")
        return path, True
    path = folder / FILE_NAME
    return (path, False) if path.is_file() else (None, False)


def _read(file: Path) -> dict[str, Any]:
    from viper.storage.files import read_regular_file

    try:
        text = read_regular_file(str(file), max_bytes=1_000_000, what="file of settings")
        return tomllib.loads(text.decode("utf-8"))
    except ConfigError:
        raise
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text.") from error
    except Exception as error:  # an InputError about the file, which is a setting here
        raise ConfigError(str(error)) from error


def _flat(table: Mapping[str, Any], file: Path) -> Iterator[tuple[str, Any]]:
    known = list(names())
    tables = {name.partition(".")[0] for name in known if "." in name}
    for key, value in table.items():
        if isinstance(value, dict) and key in tables:
            pairs = [(f"{key}.{inner}", entry) for inner, entry in value.items()]
        else:
            pairs = [(key, value)]
        for name, entry in pairs:
            if name not in known:
                raise ConfigError(_unknown(name, file, known, tables))
            yield name, entry


def _unknown(name: str, file: Path, known: list[str], tables: set[str]) -> str:
    if is_secret(name):
        return (
            f"{file} has {name!r}. Secrets do not belong into a file: set an environment variable "
            f"({', '.join(SECRETS)})."
        )
    if name in tables:
        return f"In {file}, {name!r} must be a table: [{name}]."
    hint = did_you_mean(name, known)
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
    """Refuse values of a file that are of another type; only texts of variables are converted.

    Raises:
        ConfigError: A number is written as a text, or a truth value stands for a number.
    """
    paths = {
        name: Path(value) for name, value in raw.items() if name == "cache" and value == str(value)
    }
    try:
        Settings.model_validate(_nested({**raw, **paths}), strict=True)
    except ValidationError as error:
        raise ConfigError(_told(error, raw, origins)) from None


def _told(error: ValidationError, raw: Mapping[str, Any], origins: Mapping[str, Origin]) -> str:
    """Return the first thing that is wrong as a sentence."""
    first = error.errors()[0]
    name = next(
        (
            n
            for n in raw
            if tuple(n.split(".")) == tuple(map(str, first["loc"]))[: n.count(".") + 1]
        ),
        ".".join(map(str, first["loc"])),
    )
    origin = origins.get(name)
    wrong = first["msg"].removeprefix("Input ").rstrip(".")
    where = f" ({origin})" if origin is not None else ""
    return f"The setting {name}{where} {wrong}, but got {received(raw.get(name))}."
