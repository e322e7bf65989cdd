"""Remove paths, addresses and options of models from what clients see.

A backend may be a file in somebody's home folder or a service in an internal network, and its messages
may name both. The log keeps the full text.
"""

from __future__ import annotations

import functools
import re
from itertools import islice
from pathlib import Path
from typing import Any

from viper.texts.secrets import hide_secrets

__all__ = ["redact", "redact_message", "redact_reference"]

# Kinds whose message is about the client's own program and comes from the sandbox.
_PROGRAM_FAILURES = frozenset({"syntax", "policy", "check", "runtime", "memory", "limit"})
_REFERENCES = frozenset({"model", "generator"})

# A sentence has some hundred characters; this much is cleaned in a millisecond on the server's loop.
_MAX_MESSAGE_CHARS = 5_000

# Both patterns take linear time: a match can begin only where the run of characters in front of it begins.
_ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s'\")\]]+", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/.~])(?:~|\.{1,2})?(?:/[^\s/'\",;:)\]]+)+/?([^\s/'\",;:)\]]*)")


def redact(value: Any) -> Any:
    """Return the JSON value of an answer, trace or step as clients may see it."""
    match value:
        case dict():
            made = {key: redact(item) for key, item in value.items()}
            if isinstance(models := made.get("models"), dict):
                made["models"] = {role: redact_reference(str(ref)) for role, ref in models.items()}
            for key in _REFERENCES & made.keys():
                if isinstance(made[key], str):
                    made[key] = redact_reference(made[key])
            text = made.get("message")
            if isinstance(text, str) and made.get("kind") not in _PROGRAM_FAILURES:
                made["message"] = redact_message(text)
            return made
        case list() | tuple():
            return [redact(item) for item in value]
        case _:
            return value


@functools.lru_cache(maxsize=256)
def redact_reference(reference: str) -> str:
    """Return the reference of a backend or generator without options, and a file as its name only."""
    bare = reference.partition("?")[0]
    for colon in islice(re.finditer(":", bare), 2):  # auto:local:FOLDER has two
        if _is_path(path := bare[colon.end() :]):
            return bare[: colon.end()] + _last_part(path)
    return _last_part(bare) if _is_path(bare) else bare


def redact_message(text: str) -> str:
    """Return a message without secrets and addresses, and with paths cut to their last part.

    What is beyond `_MAX_MESSAGE_CHARS` is left out: a message may quote a text of a megabyte.
    """
    if len(text) > _MAX_MESSAGE_CHARS:
        text = text[:_MAX_MESSAGE_CHARS] + "…"
    text = _ADDRESS.sub("(address withheld)", hide_secrets(text))
    return _PATH.sub(lambda found: f"…/{_last_part(found[0])}", text)


def _is_path(text: str) -> bool:
    if text.startswith(("/", "~", ".")) or "\\" in text:
        return True
    try:
        return "/" in text and Path(text).exists()
    except OSError:
        return True


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
