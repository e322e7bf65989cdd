"""Places that messages of the host may name: folders, files of models, addresses of services.

What is known can be replaced wherever it stands, however messages write it: also a host without a dot, or a
folder that begins no path. That is only for messages that quote no client (`viper.serve.redaction`);
in others the look decides (`viper.texts.places`).
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from viper.storage.user_cache import user_cache_folder
from viper.texts.places import HIDDEN_ADDRESS

if TYPE_CHECKING:
    from viper.engine.config import EngineConfig

__all__ = ["FOLDER", "NO_PLACES", "HostPlaces", "host_places", "is_path"]

FOLDER = "\0"
"""Stands for a known folder in a text: what follows it is the rest of a path."""

# Variables with folders or addresses, beside those that options name.
_VARIABLES = (
    "HOME TMPDIR XDG_CACHE_HOME XDG_CONFIG_HOME HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE VIRTUAL_ENV "
    "OPENAI_BASE_URL HTTP_PROXY HTTPS_PROXY ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR"
).split()


class HostPlaces:
    """Paths and addresses, and how to hide them.

    Args:
        files: Files and folders of models: their last part may be displayed.
        folders: Other folders; nothing of them may be displayed, nor of the folders above all of these.
        addresses: URLs, of which host and port are hidden.
    """

    def __init__(
        self,
        files: Iterable[str] = (),
        folders: Iterable[str] = (),
        addresses: Iterable[str] = (),
    ) -> None:
        self._displayed: dict[str, str] = {}
        for text in files:
            for path in _absolute_too(text):
                self._learn(path, Path(path).name)
                for parent in Path(path).parents:
                    self._learn(str(parent), "")
        for text in folders:
            for path in _absolute_too(text):
                for folder in (Path(path), *Path(path).parents):
                    self._learn(str(folder), "")
        self._hosts = {host for url in addresses for host in _hosts(url)}
        self._pattern = _any_of(self._displayed, r"(?P<more>(?=[\\/]))?")
        self._host_pattern = _any_of(
            self._hosts, r"(?::\d+)?", start=r"(?<![\w-])", flags=re.IGNORECASE
        )

    def hide(self, text: str) -> str:
        """Return a text with files cut to their last part, and with `FOLDER` for each known folder."""
        if self._pattern is not None:
            text = self._pattern.sub(self._replaced, text)
        if self._host_pattern is not None:
            text = self._host_pattern.sub(HIDDEN_ADDRESS, text)
        return text

    def _learn(self, path: str, displayed: str) -> None:
        # "/" and "." are everywhere; of a relative path, one folder may be any word.
        if path.strip("/\\.") and (Path(path).is_absolute() or len(Path(path).parts) > 1):
            for form in _forms(path):
                self._displayed[form] = self._displayed.get(form) or displayed

    def _replaced(self, found: re.Match[str]) -> str:
        displayed = self._displayed[found["place"]]
        return FOLDER if found["more"] is not None or not displayed else f"…/{displayed}"


def host_places(config: EngineConfig, variables: Mapping[str, str] = os.environ) -> HostPlaces:
    """Return the places that an engine of this process uses."""
    options = {field.name: getattr(config, field.name) for field in fields(config)}
    texts = [options.pop("models"), options.pop("generator")]
    caches = [os.fspath(one) for one in options.values() if isinstance(one, str | os.PathLike)]
    values = []
    for backend in config.backends.values():
        texts.append(backend.reference)
        values += [value for _, value in backend.options]
    for reference in texts:  # such as auto:local:FOLDER?option=value
        bare, _, query = reference.partition("?")
        parts = bare.split(":")
        values += [":".join(parts[start:]) for start in range(len(parts))]
        values += [option.partition("=")[2] for option in query.split("&")]
    variable = [
        text for name in _VARIABLES for text in (variables.get(name), variables.get(name.lower()))
    ]
    package = str(Path(__file__).parents[2])
    machine = [*variable, tempfile.gettempdir(), sys.prefix, sys.base_prefix, package, _working()]
    machine += [str(Path("~").expanduser()), str(user_cache_folder() or "")]
    return HostPlaces(
        files=[*caches, *(text for text in values if is_path(text))],
        folders=[text for text in machine if text and Path(text).is_absolute()],
        addresses=[text for text in (*values, *variable) if text and "://" in text],
    )


def is_path(text: str) -> bool:
    """Return whether a reference of a model is a file or folder, and no name of a hub."""
    if text.startswith(("/", "~", ".")) or "\\" in text:
        return True
    try:
        return "/" in text and Path(text).exists()
    except (OSError, ValueError):
        return True


def _working() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


def _absolute_too(text: str) -> set[str]:
    """Return a path as given, and as the file system knows it."""
    made = {text, os.path.normpath(text)}
    for path in (text, os.path.expanduser(text)):  # noqa: PTH111  (`Path` would raise without a home)
        for absolute in (os.path.abspath, os.path.realpath):
            with contextlib.suppress(OSError, ValueError):  # such as a working folder that is gone
                made.add(absolute(path))
    return made


def _forms(path: str) -> Iterator[str]:
    """Yield the ways in which messages write a path."""
    import json

    yield path
    for form in (repr(path), ascii(path), json.dumps(path), json.dumps(path, ensure_ascii=False)):
        yield form[1:-1]
    try:
        yield quote(path)
        yield repr(os.fsencode(path))[2:-1]
    except UnicodeError:
        return


def _hosts(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        if parts.hostname:
            yield parts.hostname
            yield parts.netloc.rpartition("@")[2]
    except ValueError:
        return


def _any_of(
    texts: Iterable[str], end: str, *, start: str = "", flags: int = 0
) -> re.Pattern[str] | None:
    """Return an expression for texts that do not go on as a word, the longest first."""
    longest = sorted(filter(None, texts), key=len, reverse=True)
    if not longest:
        return None
    one = "|".join(map(re.escape, longest))
    return re.compile(rf"{start}(?P<place>{one})(?![\w-]){end}", flags)


NO_PLACES = HostPlaces()
