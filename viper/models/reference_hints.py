"""What to write for a backend that is given incompletely: a file alone, or a backend without its role.

    yolox_nano.onnx         → detector=onnx:yolox_nano.onnx
    onnx:yolox_nano.onnx    → detector=onnx:yolox_nano.onnx

The kind of a file is guessed from its name, that of a folder from the files in it; nothing is opened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from viper.errors import ConfigError
from viper.models.roles import Role
from viper.storage.user_cache import expand_user

__all__ = ["either", "with_backend", "with_role"]

_BY_SUFFIX = {".onnx": "onnx", ".pt": "ultralytics", ".json": "truth"}
_BY_CONTENT = {
    "limber.json": "limber",
    "open_clip_config.json": "open_clip",
    "config.json": "transformers",
}
_MODEL_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)


def with_backend(
    role: Role, text: str, backends: Mapping[Role, Collection[str]]
) -> tuple[str, ...]:
    """Return complete forms of a reference that names a file, a folder or a model, but no backend.

    Args:
        role: The role that it was given for.
        text: As the user wrote it.
        backends: The names of the backends of each role.

    Returns:
        Such as `detector=onnx:yolox_nano.onnx`, for another role where this one has no such backend; with
        `NAME` for the backend where the kind of file is unknown; empty where it is something else.
    """
    name, _, rest = text.partition("=")
    if name.strip() in backends.get(role, ()) and rest:
        return (f"{role}={name.strip()}:{rest.strip()}",)
    likely = _likely(text)
    fitting = [name for name in likely if name in backends.get(role, ())]
    if fitting:
        return tuple(f"{role}={name}:{text}" for name in fitting)
    if not _exists(text) and not _suffix_of(text):
        return ()
    return _in_roles(likely, text, backends) or (f"{role}=NAME:{text}",)


def with_role(text: str, backends: Mapping[Role, Collection[str]]) -> tuple[str, ...]:
    """Return complete forms of a backend that is given without `ROLE=`; one for each role that it may have.

    Args:
        text: As the user wrote it.
        backends: The names of the backends of each role.
    """
    first, _, rest = text.partition(":")
    if first.strip() in backends and rest:
        return (f"{first.strip()}={rest.strip()}",)
    named = _in_roles((first.strip(),), rest.strip(), backends) if rest else ()
    return named or _in_roles(_likely(text), text, backends)


def either(forms: Sequence[str]) -> str:
    """Return forms as a choice, such as "a, b or c"."""
    return " or ".join([", ".join(forms[:-1]), forms[-1]] if len(forms) > 1 else forms)


def _in_roles(
    names: Collection[str], reference: str, backends: Mapping[Role, Collection[str]]
) -> tuple[str, ...]:
    return tuple(
        f"{role}={name}:{reference}"
        for role, available in backends.items()
        for name in names
        if name in available
    )


def _likely(text: str) -> tuple[str, ...]:
    """Return the backends that read this kind of file or folder, by its look."""
    if name := _suffix_of(text):
        return (name,)
    if _exists(text):
        path = _path_of(text)
        return tuple(name for file, name in _BY_CONTENT.items() if (path / file).is_file())
    return ("transformers",) if _MODEL_ID.fullmatch(str(_path_of(text))) else ()


def _suffix_of(text: str) -> str:
    """Return the backend of a file's suffix; empty for others, and behind what may be a backend's name."""
    path = _path_of(text)
    named = ":" in str(path) and not _exists(text)
    return "" if named else _BY_SUFFIX.get(path.suffix.lower(), "")


def _exists(text: str) -> bool:
    path = _path_of(text)
    try:
        return path != Path() and path.exists()
    except (OSError, ValueError):  # too long, or with a null byte
        return False


def _path_of(text: str) -> Path:
    place = text.partition("?")[0].strip()
    try:
        return expand_user(place)
    except ConfigError:  # whoever loads it says so
        return Path(place)
