"""Checks of settings: no secrets anywhere, and nothing dangerous in a file that was only found.

A file in the working directory may come from a stranger, together with images.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from viper.errors import ConfigError
from viper.models.reference_hints import either, with_backend
from viper.models.registry import backend_names
from viper.texts.hosts import is_loopback, url_host
from viper.texts.secrets import SECRETS, holds_secret, reveals_secret

__all__ = ["CONFIG_VARIABLE", "check_found", "received", "refuse_secrets"]

CONFIG_VARIABLE = "VIPER_CONFIG"

# Options of a model that a found file may set; others may name a file, or fetch one.
_PLAIN_OPTIONS = frozenset(
    "batch_size compile device dtype image_splitting max_side max_tokens polarity score_threshold size "
    "text_threshold".split()
)
_GENERATORS = frozenset({"grammar", "openai"})


def check_found(name: str, value: Any, file: Path, variable: str) -> None:
    """Refuse a dangerous setting of a file that was found, not named by the user.

    Args:
        name: Name of the setting.
        value: Its value, as written in the file.
        file: The file.
        variable: Its environment variable, for the message.

    Raises:
        ConfigError: It would weaken the sandbox, run code of a model file, open the server, send
            requests to another machine, choose a folder or file to read and write, fetch a model, or
            load one that no preset names.
    """
    query = _query_of(value)
    if name == "sandbox" and value != "full":
        reason = "weaken the sandbox"
    elif name == "serve.host" and not is_loopback(str(value)):
        reason = "open the server to a network"
    elif not all(is_loopback(url_host(url) or "") for url in query.get("base_url", [])):
        reason = "send questions, images and keys to another machine"
    elif "trust" in query:
        reason = "run the code that a model file may hold"
    elif (name == "cache" and isinstance(value, str)) or (name == "text_cache" and value != "off"):
        reason = "choose the folder that results are read from and written to"
    elif name == "program_cache" and value != "off":
        reason = "choose the file that programs are read from and written to"
    elif isinstance(value, str) and not _is_shipped(name, value):
        reason = "name a model, a file or an option beyond the presets"
    else:
        return
    raise ConfigError(
        f"{file} sets {name} = {received(value)}. A file that lies in the working directory may not "
        f"{reason}: give it on the command line{_flag(name, value)}, as {variable}, or name the file with "
        f"{CONFIG_VARIABLE}."
    )


def _flag(name: str, value: Any) -> str:
    """Return how the command line gives a backend, complete where the file names a model alone."""
    table, _, role = name.partition(".")
    if table != "backends" or not isinstance(value, str) or holds_secret(value):
        return ""
    forms = with_backend(role, value.strip(), backend_names()) or (f"{role}={value}",)
    return f" (--backend {either(forms)})"


def refuse_secrets(name: str, value: Any, origin: object) -> None:
    """Refuse a reference that holds a secret, without repeating it.

    Raises:
        ConfigError: An option of the reference looks like a secret, or its address holds a password.
    """
    if isinstance(value, str) and reveals_secret(value):
        raise ConfigError(
            f"The setting {name} ({origin}) holds a secret. Set an environment variable instead "
            f"({', '.join(SECRETS)})."
        )


def _is_shipped(name: str, value: str) -> bool:
    """Return whether a value refers only to what Viper or the user's presets file also names.

    Any other reference may be a stranger's file, which a loader would open.
    """
    if name == "models":
        # An unknown preset is refused by the lookup, which suggests the nearest names.
        return ":" not in value and "/" not in value and "\\" not in value
    if name == "generator":
        kind, _, rest = (part.strip() for part in value.partition(":"))
        return kind in _GENERATORS or (kind == "auto" and (not rest or _is_shipped(name, rest)))
    if not name.startswith("backends."):
        return True
    from viper.engine.presets import load_presets

    named = {
        preset.backends.get(name.removeprefix("backends.")) for preset in load_presets().values()
    }
    return value.partition("?")[0].strip() in named and _query_of(value).keys() <= _PLAIN_OPTIONS


def _query_of(value: Any) -> dict[str, list[str]]:
    """Return the options of a reference; empty for a value that is not a text."""
    return (
        parse_qs(value.partition("?")[2], keep_blank_values=True) if isinstance(value, str) else {}
    )


def received(value: Any) -> str:
    """Return a value for an error message; tables and lists are not shown, as they may hold secrets."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return "something like a key" if holds_secret(str(value)) else repr(value)
