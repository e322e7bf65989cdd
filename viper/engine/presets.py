"""Presets as checked values: which model serves which role, from where, how large, under what licence.

    preset = load_presets()["small"]
    preset.backends["detector"]     # "transformers:google/owlv2-base-patch16-ensemble"
    preset.models[0].repository     # what `viper models pull small` fetches

The shipped file is `presets.toml`; a file named by the environment variable `VIPER_PRESETS` adds
presets of the same form, or replaces those of the same name. Nothing heavy is imported here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from viper.errors import ConfigError, did_you_mean
from viper.models.registry import BackendRef
from viper.models.roles import ROLES, Role
from viper.weights.cache import find_on_disk

__all__ = [
    "PRESETS_VARIABLE",
    "Preset",
    "PresetModel",
    "advice",
    "choose",
    "load_presets",
    "repositories",
]
__all__ += ["missing_models", "repositories"]

PRESETS_VARIABLE = "VIPER_PRESETS"
"""Environment variable with the path of a file of further presets."""

_FROM_HUB = "transformers"
# The backend whose references in a preset are repositories of the hub.


@dataclass(frozen=True, slots=True)
class PresetModel:
    """A model of the hub in its place in a preset."""

    role: Role
    repository: str
    """Such as `google/owlv2-base-patch16-ensemble`."""
    revision: str
    """A commit, or `main` where none has been verified."""
    size_mb: int
    """What is fetched, in millions of bytes, about."""
    licence: str
    """As SPDX names it."""
    architecture: str
    """Class of transformers that loads it."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What a name after `--models` stands for."""

    name: str
    description: str
    backends: Mapping[Role, str]
    """Role → `NAME` or `NAME:REFERENCE`, as written."""
    models: tuple[PresetModel, ...] = ()
    """The models among them that come from the hub, in the order of the roles."""
    first_of: tuple[str, ...] = ()
    """Presets to choose from: the first whose weights are all on disk, else the last."""
    beside_own_backends: str | None = None
    """What stands in the place of the last where backends were given by hand."""

    def reference(self, role: Role) -> BackendRef:
        """Return what serves a role, with the revision of a model of the hub.

        Raises:
            ConfigError: There is no such backend for this role.
        """
        text = self.backends[role]
        revisions = [model.revision for model in self.models if model.role == role]
        if revisions and revisions != ["main"]:
            text += f"?revision={revisions[0]}"
        return BackendRef.parse(role, text)

    @property
    def size_mb(self) -> int:
        """Millions of bytes that the whole preset fetches, about; a shared model counts once."""
        return sum({model.repository: model.size_mb for model in self.models}.values())


def load_presets() -> dict[str, Preset]:
    """Return all presets by name, in the order of the files.

    Raises:
        ConfigError: A file cannot be read, or something in it is not as it must be.
    """
    shipped = files("viper.engine") / "presets.toml"
    tables = _read(shipped.read_text(encoding="utf-8"), "presets.toml")
    origin = "presets.toml"
    if own := os.environ.get(PRESETS_VARIABLE):
        origin = own
        try:
            text = Path(own).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The presets of {PRESETS_VARIABLE}={own!r} cannot be read: {error}."
            ) from error
        added = _read(text, own)
        tables = {kind: {**tables[kind], **added[kind]} for kind in tables}
    loaded = {
        name: _preset(name, _table(entry, f"presets.{name}", origin), tables["hub"], origin)
        for name, entry in tables["presets"].items()
    }
    for preset in loaded.values():
        named = [preset.beside_own_backends] if preset.beside_own_backends else []
        for name in (*preset.first_of, *named):
            if name not in loaded or loaded[name].first_of:
                raise _fault(origin, f"presets.{preset.name}", f"cannot choose {name!r}")
    return loaded


def repositories() -> tuple[str, ...]:
    """Return every repository that a preset names, each once."""
    return tuple(
        dict.fromkeys(
            model.repository for preset in load_presets().values() for model in preset.models
        )
    )


def choose(name: str, *, own_backends: bool = False) -> Preset:
    """Return a preset by name; one that chooses among others gives the chosen one.

    Args:
        name: Of the preset.
        own_backends: Backends were given by hand that the preset is to stand beside.

    Raises:
        ConfigError: There is no such preset, or a file of presets is unusable.
    """
    known = load_presets()
    if name not in known:
        raise ConfigError(
            f"Unknown preset {name!r}. {did_you_mean(name, known)}"
            f"Presets: {', '.join(known)}, truth:FILE."
        )
    preset = known[name]
    if not preset.first_of:
        return preset
    *better, last = (known[choice] for choice in preset.first_of)
    if own_backends and preset.beside_own_backends is not None:
        last = known[preset.beside_own_backends]
    return next((choice for choice in better if not missing_models(choice)), last)


def advice(name: str, *, own_backends: bool = False) -> str | None:
    """Say what a preset that chooses among others had to do without; None when nothing.

    Args:
        name: Of the preset.
        own_backends: Backends were given by hand; nothing is said of what then stands beside them.

    Raises:
        ConfigError: A file of presets is unusable.
    """
    known = load_presets()
    if name not in known or not known[name].first_of:
        return None
    best, chosen = known[known[name].first_of[0]], choose(name, own_backends=own_backends)
    if chosen.name in (best.name, known[name].beside_own_backends) or not chosen.backends:
        return None
    return (
        f"--models {name} uses the preset '{chosen.name}'. {chosen.description} For '{best.name}' "
        f"(about {best.size_mb / 1000:.1f} GB): viper models pull {best.name}"
    )


def missing_models(preset: Preset, roles: Iterable[Role] = ROLES) -> list[PresetModel]:
    """Return the models of these roles that are not whole in the hub's cache."""
    wanted = set(roles)
    return [
        model
        for model in preset.models
        if model.role in wanted
        and find_on_disk(model.repository, model.revision, role=model.role).state != "complete"
    ]


def _preset(
    name: str, entry: Mapping[str, object], hub: Mapping[str, object], origin: str
) -> Preset:
    where = f"presets.{name}"
    _refuse_others(entry, {"description", "first_of", "beside_own_backends", *ROLES}, where, origin)
    backends: dict[Role, str] = {
        role: _text(entry, role, where, origin) for role in ROLES if role in entry
    }
    models = []
    for role, text in backends.items():
        backend, _, reference = text.partition(":")
        if backend == _FROM_HUB:
            if reference not in hub:
                raise _fault(
                    origin, where, f"{role} names {reference!r}, which [hub] does not list"
                )
            place = f'hub."{reference}"'
            models.append(_model(role, reference, _table(hub[reference], place, origin), origin))
    choices = entry.get("first_of", [])
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise _fault(origin, where, "first_of must be a list of names of presets")
    description = _text(entry, "description", where, origin)
    beside = (
        _text(entry, "beside_own_backends", where, origin)
        if "beside_own_backends" in entry
        else None
    )
    return Preset(name, description, backends, tuple(models), tuple(choices), beside)


def _model(role: Role, repository: str, entry: Mapping[str, object], origin: str) -> PresetModel:
    where = f'hub."{repository}"'
    _refuse_others(entry, {"revision", "size_mb", "licence", "class"}, where, origin)
    size_mb = entry.get("size_mb")
    if not isinstance(size_mb, int) or size_mb < 0:
        raise _fault(origin, where, f"size_mb must be a whole number, but is {size_mb!r}")
    return PresetModel(
        role,
        repository,
        _text(entry, "revision", where, origin),
        size_mb,
        _text(entry, "licence", where, origin),
        _text(entry, "class", where, origin),
    )


def _read(text: str, origin: str) -> dict[str, dict[str, object]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not TOML: {error}.") from error
    _refuse_others(table, {"presets", "hub"}, "the file", origin)
    return {kind: dict(_table(table.get(kind, {}), kind, origin)) for kind in ("presets", "hub")}


def _table(value: object, where: str, origin: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _fault(origin, where, f"must be a table, but is {value!r}")
    return cast("dict[str, Any]", value)


def _text(entry: Mapping[str, object], key: str, where: str, origin: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _fault(origin, where, f"{key} must be a text, but is {value!r}")
    return value


def _refuse_others(entry: Mapping[str, object], known: set[str], where: str, origin: str) -> None:
    for key in entry:
        if key not in known:
            hint = did_you_mean(key, known).strip() or f"Known: {', '.join(sorted(known))}."
            raise _fault(origin, where, f"has an unknown key {key!r}. {hint}")


def _fault(origin: str, where: str, trouble: str) -> ConfigError:
    return ConfigError(f"In {origin}, {where}: {trouble.rstrip('.')}.")
