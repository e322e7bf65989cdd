"""Which backends exist, and how a reference such as `onnx:yolox.onnx?device=cpu` is read.

Reading a reference imports nothing; `open_backend` imports one module and loads one model.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from viper.errors import ConfigError, MissingExtraError, did_you_mean
from viper.vision.roles import ROLES, Backend, Role

__all__ = ["BackendEntry", "BackendRef", "backends_for", "open_backend", "parse_role"]


class BackendEntry(NamedTuple):
    """Where a backend's factory lives and what it needs."""

    factory: str
    """`module:function`; called as `function(reference, options)`, returns the loaded model."""
    extra: str | None = None
    """Extra of viper-vision that brings the library, None for a core dependency."""
    package: str | None = None
    """Import name of that library."""
    remote: bool = False
    """Called over a network: never speculated, and its calls may cost money."""
    judges: tuple[str, ...] | None = None
    """Of a matcher: the kinds of attributes that it knows, such as `color`; None for any text."""


TRUTH = "truth"
"""Name of the backends that answer from a file of scenes (see `viper.vision.truth`)."""

BUILTIN = "builtin"
"""Name of the backends that come with Viper (see `viper.vision.builtin`)."""

_BACKENDS = "viper.vision.backends"
_TRUTH = "viper.vision.truth"
_SHIPPED = "viper.vision.builtin"

_BUILT_IN: Mapping[tuple[Role, str], BackendEntry] = {
    ("detector", BUILTIN): BackendEntry(f"{_SHIPPED}.detector:load"),
    ("matcher", BUILTIN): BackendEntry(f"{_SHIPPED}.matcher:load"),
    ("depth", BUILTIN): BackendEntry(f"{_SHIPPED}.depth:load"),
    ("answerer", BUILTIN): BackendEntry(f"{_SHIPPED}.answerer:load"),
    ("answerer", "limber"): BackendEntry(f"{_BACKENDS}.limber_answerer:load"),
    ("detector", "onnx"): BackendEntry(f"{_BACKENDS}.onnx:load", "onnx", "onnxruntime"),
    ("detector", "ultralytics"): BackendEntry(
        f"{_BACKENDS}.ultralytics:load", "ultralytics", "ultralytics"
    ),
    ("detector", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_detector:load"),
    ("matcher", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_matcher:load"),
    ("matcher", "colors"): BackendEntry(f"{_BACKENDS}.colors:load", judges=("color",)),
    ("matcher", "open_clip"): BackendEntry(
        f"{_BACKENDS}.open_clip_matcher:load", "open-clip", "open_clip"
    ),
    ("depth", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_depth:load"),
    ("answerer", "transformers"): BackendEntry(f"{_BACKENDS}.transformers_answerer:load"),
    ("answerer", "openai"): BackendEntry(f"{_BACKENDS}.openai_answerer:load", remote=True),
    ("language", "openai"): BackendEntry(f"{_BACKENDS}.openai_language:load", remote=True),
    ("detector", TRUTH): BackendEntry(f"{_TRUTH}.detector:load"),
    ("matcher", TRUTH): BackendEntry(f"{_TRUTH}.matcher:load"),
    ("depth", TRUTH): BackendEntry(f"{_TRUTH}.depth:load"),
    ("answerer", TRUTH): BackendEntry(f"{_TRUTH}.answerer:load"),
}

STUB = "stub"
"""Name of the pseudo backend whose fixed results need no model (see `viper.vision.stub`)."""


@dataclass(frozen=True, slots=True)
class BackendRef:
    """A backend as the user wrote it, not loaded."""

    role: Role
    name: str
    reference: str
    """A model id, a file or a folder; may be empty."""
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, role: Role, text: str) -> BackendRef:
        """Read `NAME:REFERENCE?option=value&…`.

        Raises:
            ConfigError: The name is unknown for this role.
        """
        name, _, rest = text.partition(":")
        name = name.strip()
        if name == STUB:
            return cls(role, STUB, "")
        known = backends_for(role)
        if name not in known:
            raise ConfigError(
                f"Unknown {role} backend {name!r} in {text!r}. {did_you_mean(name, known)}"
                f"Known for this role: {', '.join(sorted(known))}."
            )
        reference, _, query = rest.partition("?")
        return cls(role, name, reference.strip(), tuple(parse_qsl(query, keep_blank_values=True)))

    @property
    def entry(self) -> BackendEntry:
        """Where its factory lives."""
        return backends_for(self.role)[self.name]

    @property
    def is_remote(self) -> bool:
        """True when its calls go over a network and may cost money, or nobody knows where they go."""
        entry = backends_for(self.role).get(self.name)
        return entry is None or entry.remote

    @property
    def judges(self) -> tuple[str, ...] | None:
        """Kinds of attributes that a matcher knows; None for any text."""
        return None if self.name == STUB else self.entry.judges

    def __str__(self) -> str:
        query = "&".join(f"{key}={value}" for key, value in self.options)
        text = f"{self.name}:{self.reference}" if self.reference else self.name
        return f"{text}?{query}" if query else text


def parse_role(text: str) -> Role:
    """Return a role by name.

    Raises:
        ConfigError: There is no such role.
    """
    for role in ROLES:
        if role == text.strip():
            return role
    raise ConfigError(
        f"Unknown role {text!r}. {did_you_mean(text, ROLES)}Roles: {', '.join(ROLES)}."
    )


def backends_for(role: Role) -> dict[str, BackendEntry]:
    """Return the backends that can fill a role, by name; imports none of them."""
    return {name: entry for (r, name), entry in _BUILT_IN.items() if r == role}


def open_backend(ref: BackendRef) -> Backend:
    """Import a backend's module and load its model; slow.

    Raises:
        MissingExtraError: The library is not installed.
        ConfigError: The model cannot be found or is not of a kind that the backend can load.
    """
    entry = ref.entry
    module_name, _, function = entry.factory.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if entry.package is not None and error.name is not None and entry.extra is not None:
            raise MissingExtraError(
                error.name, entry.extra, f"The {ref.name} {ref.role}"
            ) from error
        raise
    # A factory is looked up by name, so its type is known by convention only.
    factory: Callable[[str, Mapping[str, str]], Any] = getattr(module, function)
    loaded: Backend = factory(ref.reference, dict(ref.options))
    return loaded
