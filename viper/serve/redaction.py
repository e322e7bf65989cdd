"""What of an answer strangers may see: no paths, addresses or options of the models that serve it.

A backend may be a file in somebody's home, a service on an inner network; its messages may name both. The
log keeps what was taken out.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

__all__ = ["public", "public_message", "public_reference"]

_PROGRAMS_OWN = frozenset({"syntax", "policy", "check", "runtime", "memory", "limit"})
# Kinds whose message is about the client's own program, and comes from the sandbox.
_REFERENCES = frozenset({"model", "generator"})
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\")\]]+", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/.~])(?:~|\.{1,2})?(?:/[^\s/'\",;:)\]]+)+/?([^\s/'\",;:)\]]*)")


def public(value: Any) -> Any:
    """Return an answer, trace or step as JSON values for strangers."""
    match value:
        case dict():
            made = {key: public(item) for key, item in value.items()}
            if isinstance(models := made.get("models"), dict):
                made["models"] = {role: public_reference(str(ref)) for role, ref in models.items()}
            for key in _REFERENCES & made.keys():
                if isinstance(made[key], str):
                    made[key] = public_reference(made[key])
            if (
                isinstance(text := made.get("message"), str)
                and made.get("kind") not in _PROGRAMS_OWN
            ):
                made["message"] = public_message(text)
            return made
        case list() | tuple():
            return [public(item) for item in value]
        case _:
            return value


@functools.lru_cache(maxsize=256)
def public_reference(reference: str) -> str:
    """Return the reference of a backend or generator: a file by its name only, and no options."""
    bare = reference.partition("?")[0]
    for colon in re.finditer(":", bare):  # auto:local:FOLDER has two
        if _is_path(rest := bare[colon.end() :]):
            return bare[: colon.end()] + _last(rest)
    return _last(bare) if _is_path(bare) else bare


def public_message(text: str) -> str:
    """Return a message with addresses taken out and paths cut to their last part."""
    text = _ADDRESS.sub("(address withheld)", text)
    return _PATH.sub(lambda found: f"…/{_last(found[0])}", text)


def _is_path(text: str) -> bool:
    if text.startswith(("/", "~", ".")) or "\\" in text:
        return True
    try:
        return "/" in text and Path(text).exists()
    except OSError:
        return True


def _last(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
