"""Names of modules in configurations that libraries run as regular expressions.

    fault = names_fault(config["quantization_config"])

What is not to be quantized, for instance, is compared by `re.match` with the name of every layer, so that a
stranger's pattern could hold the interpreter, and its lock, for ever.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["names_fault"]

# Each is compared with each layer. `re` keeps 512 compiled patterns; the longest known list has 400.
_MOST_NAMES = 1_000
_MOST_KEYS = 1_000
# The signs are literal in a pattern, but for the dot. Quantized models of OpenAI name "layers.*.router": each
# ".*" multiplies the time by the length of a name.
_NAME = re.compile(
    r"(?=.)(?:[\w/: -]|\.(?!\*)){0,200}(?:\.\*(?:[\w/: -]|\.(?!\*)){0,200}){0,2}", re.ASCII
)


def names_fault(table: Any) -> str | None:
    """Return why a table of modules is refused, at any depth; None if it is not.

    Args:
        table: Its keys, and the texts of its lists, are names of modules or may be.
    """
    waiting, names, keys = [table], 0, 0
    while waiting:
        part = waiting.pop()
        texts: list[str] = []
        if isinstance(part, dict):
            keys += len(part)
            texts = [str(key) for key in part]
            waiting += [value for value in part.values() if isinstance(value, (dict, list))]
        elif isinstance(part, list):
            texts = [entry for entry in part if isinstance(entry, str)]
            names += len(texts)
            waiting += [entry for entry in part if isinstance(entry, (dict, list))]
        if names > _MOST_NAMES or keys > _MOST_KEYS:
            return f"has more than {_MOST_NAMES:,} names of modules"
        for text in texts:
            if not _NAME.fullmatch(text):
                return f"has {text[:60]!r} in place of a name of modules, and would run it as a pattern"
    return None
