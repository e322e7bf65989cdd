"""The models that a map's folder names: of the hub, of a library's list, or in the folder itself.

A folder may come from a stranger, who must not choose which files of this machine are opened as models, nor
have errors tell whether they exist. With `limber:FOLDER?trust=true` a folder may name any model, as that of a
map that was trained with models in other folders does.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from viper.errors import ConfigError
from viper.models.registry import BackendRef
from viper.weights.cache import REVISION

__all__ = ["is_foreign", "language_of", "matcher_of"]

_MODEL_ID = re.compile(r"(?:\w[\w.-]{0,95}/)?\w[\w.-]{0,95}", re.ASCII)
_HUB = "hf-hub:"
# Backends of matchers whose reference is of the hub, of the library's list, or a folder.
_LIBRARIES = ("transformers", "open_clip")
# Options that a folder may give its matcher, and the form of their values.
_HARMLESS_OPTIONS = {
    "batch_size": r"\d{1,6}",
    "compile": r"\w{1,20}",
    "device": r"[\w:]{1,20}",
    "dtype": r"\w{1,20}",
    "pretrained": r"[\w-]{1,60}",  # a tag
    "revision": REVISION.pattern,
    "templates": r"plain|captions",
}


def language_of(folder: Path, reference: str, *, trust: bool = False) -> tuple[str, bool]:
    """Return the reference of the language model that a folder names, and whether it must be of the hub.

    Raises:
        ConfigError: It is neither a model id nor a folder inside, and the folder is not trusted.
    """
    if (inside := _inside(folder, reference)) is not None:
        return str(inside), False
    if trust:
        return reference, False
    if _MODEL_ID.fullmatch(reference):
        return reference, True
    raise _refusal(folder, "language model", reference)


def matcher_of(folder: Path, reference: str, *, trust: bool = False) -> BackendRef:
    """Return the reference of the matcher that a folder names, with harmless options only.

    Raises:
        ConfigError: Its backend is unknown; or the folder is not trusted, and the backend is not allowed, or
            it is neither a model of the hub or of the library's list, nor a folder inside.
    """
    name, _, _ = reference.partition(":")
    if not trust and name.strip() not in (*_LIBRARIES, "builtin"):
        raise _refusal(folder, "matcher", reference)
    ref = BackendRef.parse("matcher", reference)
    options = tuple(
        (key, value)
        for key, value in ref.options
        if key in _HARMLESS_OPTIONS and re.fullmatch(_HARMLESS_OPTIONS[key], value, re.ASCII)
    )
    inside = _inside(folder, ref.reference)
    if inside is not None and ref.reference:
        return replace(ref, reference=str(inside), options=options)
    if not trust:
        _check_matcher(folder, ref, dict(options))
    return replace(ref, options=options)


def is_foreign(folder: Path, matcher: str, language: str) -> bool:
    """Return whether a folder needs trust, because it names models in other folders."""
    try:
        language_of(folder, language)
        matcher_of(folder, matcher)
    except ConfigError:
        return True
    return False


def _check_matcher(folder: Path, ref: BackendRef, options: dict[str, str]) -> None:
    text = ref.reference
    if ref.name == "builtin":
        is_allowed = not text
    elif ref.name == "open_clip" and _MODEL_ID.fullmatch(text) and "/" not in text:
        # The library takes a name of its list first, and a tag of the name; then they may be files here.
        is_allowed = not Path(text).exists() and not Path(options.get("pretrained", "/")).is_file()
    else:
        is_hub = ref.name != "open_clip" or text.startswith(_HUB)
        # A folder here with the name of a model would be loaded in its place.
        model_id = text.removeprefix(_HUB) if ref.name == "open_clip" else text
        is_allowed = bool(is_hub and _MODEL_ID.fullmatch(model_id)) and not Path(text).exists()
    if not is_allowed:
        raise _refusal(folder, "matcher", str(ref))


def _inside(folder: Path, reference: str) -> Path | None:
    """Return the real path of a folder inside of another, None if there is no such folder."""
    if not reference or "\0" in reference or len(reference) > 1_000:
        return None
    try:
        place = (folder / reference).resolve()
        return place if place.is_relative_to(folder.resolve()) and place.is_dir() else None
    except (OSError, RuntimeError):  # too long, or a circle of links
        return None


def _refusal(folder: Path, what: str, reference: str) -> ConfigError:
    return ConfigError(
        f"The map in '{folder}' names the {what} {reference[:100]!r}, which is neither a model of the hub "
        f"nor in this folder. If you trust the folder, write limber:{folder}?trust=true."
    )
