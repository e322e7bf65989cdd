"""The registry of backends, and the parser of references such as `onnx:yolox.onnx?device=cpu`.

Parsing imports nothing; `open_backend` imports one module and loads one model.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from viper.errors import ConfigError, MissingExtraError, did_you_mean
from viper.models.roles import ROLES, Backend, Role
from viper.plugins import BACKENDS, Plugin, find_plugins
from viper.texts.secrets import SECRET_REFERENCE, reveals_secret

__all__ = ["BackendEntry", "BackendRef", "Loader", "backends_for", "open_backend", "parse_role"]
__all__ += ["IMPORTING", "backend_names", "identity", "plugin_backends"]

IMPORTING = threading.RLock()
"""Held while a backend's module is imported, and while a library with lazy imports loads a model.

Two threads that import parts of transformers at the same time see half-initialized modules, and fail.
"""

Loader: TypeAlias = Callable[[str, Mapping[str, str]], Any]  # Any: a backend of whichever role
"""Loads a model from a reference (a file, a folder, a name; may be empty) and options."""


class BackendEntry(NamedTuple):
    """Location and requirements of a backend's factory."""

    factory: str
    """`module:function`; called as `function(reference, options)`, returns the loaded model."""
    extra: str | None = None
    """Extra of viper-vision that installs the library; None for a core dependency."""
    packages: tuple[str, ...] = ()
    """Import names of what the extra installs and the backend imports."""
    remote: bool = False
    """Called over a network: never prefetched, and its calls may cost money."""
    plugin: Plugin | None = None
    """The distribution that provides it; None for Viper's own."""
    judges: tuple[str, ...] | None = None
    """Kinds of attributes that a matcher supports, such as `color`; None for any text."""

    @property
    def is_installed(self) -> bool:
        """Whether its libraries are installed; imports none of them."""
        return all(importlib.util.find_spec(package) for package in self.packages)


TRUTH = "truth"
"""Name of the backends that answer from a scene file (see `viper.oracle`)."""

BUILTIN = "builtin"
"""Name of the backends that come with Viper (see `viper.builtin`)."""

_BACKENDS = "viper.backends"

# Extra and packages of the backends that load models of the hub.
_TORCH = ("torch", ("torch", "transformers"))

_BUILT_IN: Mapping[tuple[Role, str], BackendEntry] = {
    **{
        (role, name): BackendEntry(f"{package}.{role}:load")
        for name, package in ((BUILTIN, "viper.builtin"), (TRUTH, "viper.oracle"))
        for role in ("detector", "matcher", "depth", "answerer")
    },
    ("answerer", "limber"): BackendEntry("viper.limber.answerer:load", *_TORCH),
    ("detector", "onnx"): BackendEntry(f"{_BACKENDS}.onnx:load"),
    ("detector", "ultralytics"): BackendEntry(
        f"{_BACKENDS}.ultralytics:load", "ultralytics", ("torch", "ultralytics")
    ),
    ("detector", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_detector:load", *_TORCH),
    ("matcher", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_matcher:load", *_TORCH),
    ("matcher", "colors"): BackendEntry(f"{_BACKENDS}.colors:load", judges=("color",)),
    ("matcher", "open_clip"): BackendEntry(
        f"{_BACKENDS}.open_clip_matcher:load", "open-clip", ("torch", "open_clip")
    ),
    ("depth", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_depth:load", *_TORCH),
    ("answerer", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_answerer:load", *_TORCH),
    ("answerer", "openai"): BackendEntry(f"{_BACKENDS}.openai_models:load_answerer", remote=True),
    ("language", "openai"): BackendEntry(
        f"{_BACKENDS}.openai_models:load_language_model", remote=True
    ),
}

STUB = "stub"
"""Name of the pseudo backend with fixed results (see `viper.methods.stub_models`)."""


@dataclass(frozen=True, slots=True)
class BackendRef:
    """A parsed reference to a backend, not loaded."""

    role: Role
    name: str
    reference: str
    """A model id, a file or a folder; may be empty."""
    options: tuple[tuple[str, str], ...] = ()
    loader: Loader | None = field(default=None, repr=False)
    """Loader of a role that a module adds; None for a backend in the registry."""

    def __post_init__(self) -> None:
        """Refuse a secret, since traces, pages and logs name the backend.

        Raises:
            ConfigError: The reference or an option holds one.
        """
        _refuse_secret(self.role, str(self))

    @classmethod
    def parse(cls, role: Role, text: str, own: tuple[str, Loader] | None = None) -> BackendRef:
        """Read `NAME:REFERENCE?option=value&…`.

        Args:
            role: The role that it serves.
            text: As written by the user.
            own: Name and loader of the module that adds the role.

        Raises:
            ConfigError: The name is unknown for this role, or the reference holds a secret.
        """
        _refuse_secret(role, text)  # as it is written, before anything repeats it
        name, _, rest = text.partition(":")
        name = name.strip()
        if name == STUB:
            return cls(role, STUB, "")
        names = {*backends_for(role), *([own[0]] if own else [])}
        if name not in names:
            raise ConfigError(_unknown(role, name, text, names))
        reference, _, query = rest.partition("?")
        options = tuple(parse_qsl(query, keep_blank_values=True))
        loader = own[1] if own and name == own[0] else None
        return cls(role, name, reference.strip(), options, loader)

    @property
    def entry(self) -> BackendEntry:
        """Its entry in the registry."""
        if self.loader is not None:
            return BackendEntry(f"the module {self.name}")
        return backends_for(self.role)[self.name]

    @property
    def is_remote(self) -> bool:
        """True if its calls go over a network and may cost money, or if the backend is unknown."""
        entry = self.entry if self.loader else backends_for(self.role).get(self.name)
        return entry is None or entry.remote

    @property
    def judges(self) -> tuple[str, ...] | None:
        """Kinds of attributes that a matcher supports; None for any text."""
        return None if self.name == STUB else self.entry.judges

    def __str__(self) -> str:
        query = "&".join(f"{key}={value}" for key, value in self.options)
        text = f"{self.name}:{self.reference}" if self.reference else self.name
        return f"{text}?{query}" if query else text


def _unknown(role: Role, name: str, text: str, names: Collection[str]) -> str:
    """Return what is wrong with a reference that begins with no name of a backend."""
    from viper.models.reference_hints import either, with_backend  # only for this message

    every = f"Known for this role: {', '.join(sorted(names))}."
    if not text.strip():
        return f"No backend is named for the role {role!r}. {every}"
    if forms := with_backend(role, text.strip(), backend_names() | {role: names}):
        is_fitting = forms[0].startswith(f"{role}=")
        why = "does not say which backend reads it" if is_fitting else f"serves no {role}"
        more = f" {every}" if "=NAME:" in forms[0] else ""
        return f"{text!r} {why}. Write {either(forms)}.{more}"
    return f"Unknown {role} backend {name!r} in {text!r}. {did_you_mean(name, names)}{every}"


def _refuse_secret(role: Role, reference: str) -> None:
    if reveals_secret(reference):
        raise ConfigError(f"The reference of the {role} {SECRET_REFERENCE}")


def parse_role(text: str, more: Iterable[Role] = ()) -> Role:
    """Return a role by name.

    Args:
        text: The name.
        more: Roles of modules.

    Raises:
        ConfigError: There is no such role.
    """
    roles = (*ROLES, *more)
    if text.strip() in roles:
        return text.strip()
    raise ConfigError(
        f"Unknown role {text!r}. {did_you_mean(text, roles)}Roles: {', '.join(roles)}."
    )


def backends_for(role: Role) -> dict[str, BackendEntry]:
    """Return the backends that can fill a role, by name; imports none of them.

    Raises:
        ConfigError: Two plugins have one name, or a name is not `ROLE.NAME`.
    """
    entries = {name: entry for (r, name), entry in _BUILT_IN.items() if r == role}
    for (r, name), plugin in plugin_backends().items():
        if r == role:
            entries[name] = BackendEntry(plugin.value, plugin=plugin)
    return entries


def backend_names() -> dict[Role, Collection[str]]:
    """Return the names of the backends of each role of Viper.

    Raises:
        ConfigError: Two plugins have one name, or a name is not `ROLE.NAME`.
    """
    return {role: backends_for(role) for role in ROLES}


def plugin_backends() -> dict[tuple[Role, str], Plugin]:
    """Return the backends of plugins by role and name; imports none of them.

    Raises:
        ConfigError: Two plugins have one name, or a name is not `ROLE.NAME`.
    """
    reserved = {f"{role}.{name}" for role, name in _BUILT_IN} | {f"{role}.{STUB}" for role in ROLES}
    found: dict[tuple[Role, str], Plugin] = {}
    for plugin in find_plugins(BACKENDS, reserved=reserved).values():
        role, dot, name = plugin.name.partition(".")
        if not dot or not re.fullmatch(r"[A-Za-z0-9_-]+", name) or not role.isidentifier():
            raise ConfigError(
                f"The backend {plugin.name!r} of {plugin.origin} must be called ROLE.NAME, as in "
                "detector.mine. Update or uninstall that distribution."
            )
        found[role, name] = plugin
    return found


def open_backend(ref: BackendRef) -> Backend:
    """Import a backend's module and load its model; slow.

    Raises:
        MissingExtraError: The library is not installed.
        ConfigError: The model is not found, or of a kind that the backend cannot load.
    """
    if ref.loader is not None:
        return _load(ref, ref.loader, f"the module {ref.name!r}")
    entry = ref.entry
    if entry.plugin is not None:
        with IMPORTING:
            factory = entry.plugin.load()
        return _load(ref, factory, entry.plugin.origin)
    module_name, _, function = entry.factory.partition(":")
    try:
        with IMPORTING:
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and entry.extra is not None:
            raise MissingExtraError(
                error.name, entry.extra, f"The {ref.name} {ref.role}"
            ) from error
        raise
    loaded: Backend = getattr(module, function)(ref.reference, dict(ref.options))
    return loaded


def identity(ref: BackendRef, backend: Backend) -> str:
    """Return the name of a loaded model in cache keys, unique across roles and backends.

    A fingerprint is not enough: two libraries may load one folder, and one folder may serve two roles, with
    different results.
    """
    return f"{ref.role}={ref.name}:{backend.fingerprint}"


def _load(ref: BackendRef, factory: Loader, origin: str) -> Backend:
    """Call the factory of a plugin or module and check that the model has a fingerprint."""
    if not callable(factory):
        raise ConfigError(
            f"The {ref.role} {ref.name!r} of {origin} must be a function of a reference and options, but "
            f"it is {type(factory).__name__}."
        )
    loaded: Backend = factory(ref.reference, dict(ref.options))
    if not isinstance(getattr(loaded, "fingerprint", None), str):
        raise ConfigError(
            f"The {ref.role} {ref.name!r} of {origin} must have an attribute 'fingerprint', a text that "
            f"names its weights and settings, but {type(loaded).__name__} has none."
        )
    return loaded
