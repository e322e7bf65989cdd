"""The checked configuration of an engine: its options, and the backends resolved from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from viper.engine.options import EngineOptions, SandboxLevel
from viper.engine.presets import choose, missing_models
from viper.errors import ConfigError, MissingError
from viper.models.registry import STUB, TRUTH, BackendRef, Loader, parse_role
from viper.models.roles import ROLES, Backend, Role
from viper.scheduling.operation import OPERATIONS
from viper_sandbox import Limits

__all__ = ["DEFAULT_PRESET", "EngineConfig", "LoadedBackend", "SandboxLevel", "resolve_backends"]

DEFAULT_PRESET = EngineOptions().models

# Roles that a scene file can serve; depth only if the file contains it.
_TRUE_ROLES: tuple[Role, ...] = ("detector", "matcher", "depth", "answerer")


@dataclass(frozen=True, kw_only=True)
class EngineConfig(EngineOptions):
    """Everything that decides how an engine works; checked on creation.

    Raises:
        ConfigError: A value is out of its range; the message names it.
    """

    generator: str = "grammar"
    """Name of the generator."""
    backends: Mapping[Role, BackendRef]
    """The backend of each role, including the roles of modules."""
    modules: tuple[str, ...] = ()
    """Names of the modules that add methods to the API."""
    vote_temperature: float | None = None
    """Temperature of the language model when programs vote; None for the model's own."""
    limits: Limits = field(default_factory=Limits)
    """What one program may use."""

    @property
    def is_stubbed(self) -> bool:
        """True when a role gives stub results, which say nothing about the image."""
        return any(ref.name == STUB for ref in self.backends.values())


class LoadedBackend:
    """Loader that returns an already loaded backend; equal to another of the same object."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, reference: str, options: Mapping[str, str]) -> Backend:
        """Return the backend."""
        return self._backend

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoadedBackend) and other._backend is self._backend

    def __hash__(self) -> int:
        return id(self._backend)


def resolve_backends(
    models: str,
    overrides: Mapping[str, str | Backend] | None = None,
    data_folder: Path | None = None,
    module_roles: Mapping[Role, tuple[str, Loader]] | None = None,
) -> dict[Role, BackendRef]:
    """Return the backend of each role: the preset's, replaced by the given ones.

    Args:
        models: Name of a preset, or `truth:FILE` for answers from a scene file.
        overrides: Role → `NAME:REFERENCE`, or a loaded backend.
        data_folder: Where to look for a relative scene file after the working directory.
        module_roles: Roles that modules add, each with the module's name and loader; the module
            serves its role itself unless an override names another backend.

    Raises:
        ConfigError: The preset, a role or a backend is unknown, weights of the preset are not on
            disk, a scene file is unusable, or an object lacks what its role requires.
    """
    brought = module_roles or {}
    given: dict[Role, BackendRef] = {}
    for name, backend in (overrides or {}).items():
        role = parse_role(name, brought)
        given[role] = (
            _located(BackendRef.parse(role, backend, brought.get(role)), data_folder)
            if isinstance(backend, str)
            else _loaded(role, backend)
        )
    own = {role: BackendRef(role, name, "", (), load) for role, (name, load) in brought.items()}
    replaced = [role for role in given if role in ROLES]
    return _preset_backends(models, data_folder, replaced) | own | given


def _loaded(role: Role, backend: Backend) -> BackendRef:
    """Return the reference of a loaded backend, named in traces by its `name`, else its class."""
    methods = [operation.method for operation in OPERATIONS if operation.role == role]
    # A depth model needs only one of its methods, a matcher both.
    enough = any if role == "depth" else all
    kind = type(backend).__name__
    if methods and not enough(callable(getattr(backend, method, None)) for method in methods):
        raise ConfigError(
            f"The {role} must be NAME:REFERENCE, or an object with {' and '.join(methods)} (see "
            f"viper.models.roles), but got {kind}."
        )
    if not isinstance(getattr(backend, "fingerprint", None), str):
        raise ConfigError(
            f"The {role} {kind!r} must have an attribute 'fingerprint', a text that names its weights and "
            "settings."
        )
    name, _, reference = str(getattr(backend, "name", kind)).partition(":")
    return BackendRef(role, name, reference, (), LoadedBackend(backend))


def _preset_backends(
    models: str, data_folder: Path | None, replaced: Collection[Role]
) -> dict[Role, BackendRef]:
    name, colon, _ = models.partition(":")
    if name == TRUTH and colon:
        from viper.oracle.scene_file import open_scenes

        refs: dict[Role, BackendRef] = {
            role: _located(BackendRef.parse(role, models), data_folder) for role in _TRUE_ROLES
        }
        if not open_scenes(refs["depth"].reference).has_depth:
            del refs["depth"]
        return refs
    preset = choose(models, own_backends=bool(replaced))
    kept: list[Role] = [role for role in preset.backends if role not in replaced]
    if missing := missing_models(preset, kept):
        raise MissingError(
            f"The preset '{preset.name}' lacks weights on this machine: "
            f"{', '.join(f'{model.role} {model.repository}' for model in missing)}. "
            f"Fetch them with: viper models pull {preset.name}"
        )
    return {role: preset.reference(role) for role in kept}


def _located(ref: BackendRef, data_folder: Path | None) -> BackendRef:
    """Return a reference to a scene file with the path at which the file was found."""
    if ref.name != TRUTH or data_folder is None or Path(ref.reference).exists():
        return ref
    beside = data_folder / ref.reference
    if not beside.exists():
        raise ConfigError(
            f"There is no file {ref.reference!r}, and no {str(beside)!r} in the data folder. Give the "
            f"path of a scene file: {TRUTH}:FILE."
        )
    return replace(ref, reference=str(beside))
