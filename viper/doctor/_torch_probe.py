"""A script that prints what torch says of this machine, as JSON; run in a process of its own.

Importing torch and waking a GPU takes seconds, may never end with a sick driver, and may end the whole
process. It imports torch and the standard library alone, and no model or picture comes near it.
"""

from __future__ import annotations

import json
import warnings
from typing import Any


def main() -> None:
    """Print version, build and devices, or why torch cannot be imported."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        facts = _look()
    if not facts["trouble"] and not facts["devices"]:
        facts["trouble"] = "; ".join(str(warning.message) for warning in caught[:1])
    print(json.dumps(facts))  # noqa: T201 # what this script is for


def _look() -> dict[str, Any]:
    facts: dict[str, Any] = {"version": None, "build": "", "devices": [], "trouble": ""}
    try:
        import torch
    except Exception as error:  # a broken installation may raise anything
        facts["trouble"] = f"{type(error).__name__}: {error}"
        return facts
    facts["version"] = str(torch.__version__)
    if torch.version.cuda:
        facts["build"] = f"CUDA {torch.version.cuda}"
    elif torch.version.hip:
        facts["build"] = f"ROCm {torch.version.hip}"
    try:
        if torch.cuda.is_available():
            for index in range(torch.cuda.device_count()):
                free, total = torch.cuda.mem_get_info(index)
                name = f"cuda:{index} {torch.cuda.get_device_name(index)}"
                facts["devices"].append({"name": name, "total": total, "free": free})
        elif torch.backends.mps.is_available():
            # Memory is shared with the processor: nothing says how much of it is free.
            total = torch.mps.recommended_max_memory()
            facts["devices"].append({"name": "mps", "total": total, "free": None})
    except Exception as error:  # drivers raise what they like
        facts["trouble"] = f"{type(error).__name__}: {error}"
    return facts


if __name__ == "__main__":
    main()
