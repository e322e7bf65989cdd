"""Reads and checks presets: the model of each role, its repository, size and license.

    preset = load_presets()["small"]
    preset.backends["detector"]     # "transformers:google/owlv2-base-patch16-ensemble"
    preset.models[0].repository     # what `viper models pull small` fetches

The shipped file is `presets.toml`; a file named by the environment variable `VIPER_PRESETS` adds
presets of the same form, or replaces those of the same name.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from viper.errors import ConfigError, InputError, did_you_mean, install_command
from viper.models.registry import BackendRef, backend_names, backends_for
from viper.models.roles import ROLES, Role
from viper.storage.files import read_regular_file
from viper.weights.cache import find_on_disk

__all__ = [
    "PRESETS_VARIABLE",
    "Preset",
    "PresetModel",
    "advice",
    "choose",
    "fetch_command",
    "load_presets",
    "missing_extra",
    "missing_models",
    "repositories",
]

PRESETS_VARIABLE = "VIPER_PRESETS"
"""Environment variable with the path of a file of further presets."""

# The backend whose references are repositories of the hub.
_FROM_HUB = "transformers"


@dataclass(frozen=True, slots=True)
class PresetModel:
    """A model of the hub in a preset."""

    role: Role
    repository: str
    """Such as `google/owlv2-base-patch16-ensemble`."""
    revision: str
    """A commit, or `main` if none has been verified."""
    size_mb: int
    """Approximate size of the download, in millions of bytes."""
    licence: str
    """SPDX identifier of its license."""
    architecture: str
    """Class of the transformers library that loads it."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of models, chosen with `--models`."""

    name: str
    description: str
    backends: Mapping[Role, str]
    """Role → `NAME` or `NAME:REFERENCE`, as written."""
    models: tuple[PresetModel, ...] = ()
    """The models that come from the hub, in the order of the roles."""
    first_of: tuple[str, ...] = ()
    """Presets to choose from: the first whose weights and libraries are all here, else the last."""
    beside_own_backends: str | None = None
    """Replaces the last preset of `first_of` if the user names backends."""

    def reference(self, role: Role) -> BackendRef:
        """Return the backend of a role; for a model of the hub, with its revision.

        Raises:
            ConfigError: There is no such backend for this role.
        """
        text = self.backends[role]
        revision = next((model.revision for model in self.models if model.role == role), "main")
        if revision != "main":
            text += f"?revision={revision}"
        return BackendRef.parse(role, text)

    @property
    def size_mb(self) -> int:
        """Approximate size of all downloads, in millions of bytes; a shared model counts once."""
        return sum({model.repository: model.size_mb for model in self.models}.values())


def load_presets() -> dict[str, Preset]:
    """Return all presets by name, in the order of the files.

    Raises:
        ConfigError: A file cannot be read, or is not valid.
    """
    shipped = files("viper.engine") / "presets.toml"
    origin = "presets.toml"
    file = tomllib.loads(shipped.read_text(encoding="utf-8"))
    if own := os.environ.get(PRESETS_VARIABLE):
        from viper.engine.preset_file import read_preset_file  # only somebody's own file is checked
        from viper.texts.toml import MAX_TOML_BYTES

        origin = own
        try:
            content = read_regular_file(own, max_bytes=MAX_TOML_BYTES, what="presets file")
        except InputError as error:
            raise ConfigError(
                f"The presets of {PRESETS_VARIABLE}={own!r} cannot be read: {error}"
            ) from error
        for kind, tables in read_preset_file(content, own).items():
            file[kind] |= tables
    loaded = {
        name: _preset(name, table, file["hub"], origin) for name, table in file["presets"].items()
    }
    for preset in loaded.values():
        for name in filter(None, (*preset.first_of, preset.beside_own_backends)):
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
    """Return a preset by name; for one with `first_of`, the preset that it chooses.

    Args:
        name: Of the preset.
        own_backends: Whether the user names backends as well.

    Raises:
        ConfigError: There is no such preset, or a file of presets is unusable.
    """
    presets = load_presets()
    if name not in presets:
        from viper.models.reference_hints import either, with_role  # only for this message

        forms = with_role(name.partition("=")[2] or name, backend_names())
        own = f"A model of your own is given by --backend {either(forms)}. " if forms else ""
        raise ConfigError(
            f"Unknown preset {name!r}. {did_you_mean(name, presets)}{own}"
            f"Presets: {', '.join(presets)}, truth:FILE."
        )
    preset = presets[name]
    if not preset.first_of:
        return preset
    *better, last = (presets[choice] for choice in preset.first_of)
    if own_backends and preset.beside_own_backends is not None:
        last = presets[preset.beside_own_backends]
    usable = (one for one in better if not missing_extra(one) and not missing_models(one))
    return next(usable, last)


def advice(name: str, *, own_backends: bool = False) -> str | None:
    """Return how to get the first choice of a preset that fell back to another; None if it did not.

    Args:
        name: Of the preset.
        own_backends: Whether the user names backends; then `beside_own_backends` needs no advice.

    Raises:
        ConfigError: A file of presets is unusable.
    """
    presets = load_presets()
    if name not in presets or not presets[name].first_of:
        return None
    best, chosen = presets[presets[name].first_of[0]], choose(name, own_backends=own_backends)
    if chosen.name in (best.name, presets[name].beside_own_backends) or not chosen.backends:
        return None
    return (
        f"--models {name} uses the preset '{chosen.name}'. {chosen.description} For '{best.name}' "
        f"(about {best.size_mb / 1000:.1f} GB): {fetch_command(best)}"
    )


def fetch_command(preset: Preset) -> str:
    """Return the command that installs the libraries a preset lacks, and fetches its weights."""
    extra = missing_extra(preset)
    steps = [*([install_command(extra)] if extra else []), f"viper models pull {preset.name}"]
    return " && ".join(steps)


def missing_extra(preset: Preset) -> str | None:
    """Return the extra of `viper-vision` whose libraries a preset needs and that is not installed."""
    entries = (
        backends_for(role).get(text.partition(":")[0]) for role, text in preset.backends.items()
    )
    return next((entry.extra for entry in entries if entry and not entry.is_installed), None)


def missing_models(preset: Preset, roles: Iterable[Role] = ROLES) -> list[PresetModel]:
    """Return the models of these roles that are not complete in the hub's cache."""
    wanted = set(roles)
    return [
        model
        for model in preset.models
        if model.role in wanted
        and find_on_disk(model.repository, model.revision, role=model.role).state != "complete"
    ]


def _preset(
    name: str, table: Mapping[str, Any], hub: Mapping[str, Mapping[str, Any]], origin: str
) -> Preset:
    backends: dict[Role, str] = {role: table[role] for role in ROLES if role in table}
    models = []
    for role, text in backends.items():
        backend, _, repository = text.partition(":")
        if backend == _FROM_HUB:
            if (model := hub.get(repository)) is None:
                trouble = f"{role} names {repository!r}, which [hub] does not list"
                raise _fault(origin, f"presets.{name}", trouble)
            facts = {key if key != "class" else "architecture": v for key, v in model.items()}
            models.append(PresetModel(role, repository, **facts))
    return Preset(
        name,
        table["description"],
        backends,
        tuple(models),
        tuple(table.get("first_of", ())),
        table.get("beside_own_backends"),
    )


def _fault(origin: str, where: str, trouble: str) -> ConfigError:
    from viper.engine.preset_file import preset_fault

    return preset_fault(origin, where, trouble)
