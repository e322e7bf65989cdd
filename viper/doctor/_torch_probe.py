"""A script that prints what torch reports about this machine, as JSON; runs in a separate process.

Importing torch and initializing a GPU takes seconds, may hang with a faulty driver, and may crash the
process. The script imports only torch and the standard library, and loads no model or image.
"""

from __future__ import annotations

import json
import warnings
from typing import Any


def main() -> None:
    """Print version, build and devices, or why torch cannot be imported."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        facts = _probe()
    if caught and not facts["error"] and not facts["devices"]:
        facts["error"] = str(caught[0].message)
    print(json.dumps(facts))  # noqa: T201 # the purpose of this script


def _probe() -> dict[str, Any]:
    facts: dict[str, Any] = {"version": None, "build": "", "devices": [], "error": ""}
    try:
        import torch

        facts["version"] = str(torch.__version__)
        if torch.version.cuda:
            facts["build"] = f"CUDA {torch.version.cuda}"
        elif torch.version.hip:
            facts["build"] = f"ROCm {torch.version.hip}"
        if torch.cuda.is_available():
            for index in range(torch.cuda.device_count()):
                free, total = torch.cuda.mem_get_info(index)
                name = f"cuda:{index} {torch.cuda.get_device_name(index)}"
                facts["devices"].append({"name": name, "total_bytes": total, "free_bytes": free})
        elif torch.backends.mps.is_available():
            # Memory is shared with the CPU; the free part is not reported.
            total = torch.mps.recommended_max_memory()
            facts["devices"].append({"name": "mps", "total_bytes": total, "free_bytes": None})
    except ModuleNotFoundError as error:
        if error.name != "torch":  # else it is not installed, which is no error
            facts["error"] = f"{type(error).__name__}: {error}"
    except Exception as error:  # broken installations and drivers may raise anything
        facts["error"] = f"{type(error).__name__}: {error}"
    return facts


if __name__ == "__main__":
    main()
