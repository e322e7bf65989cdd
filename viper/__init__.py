"""Viper answers questions about images by writing programs and running them in a sandbox.

    >>> import viper
    >>> answer = viper.ask("street.jpg", "How many people are there?",
    ...                    backends={"detector": "onnx:yolox_nano.onnx"})
    >>> answer.text, answer.patches, answer.program, answer.failure

Importing this package imports nothing else; a public name brings its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from viper.storage.version import __version__

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.engine.engine import Engine, ask
    from viper.engine.query import Query
    from viper.errors import (
        BudgetError,
        ConfigError,
        GenerationError,
        InputError,
        MissingExtraError,
        ModelError,
        TimeoutExceededError,
        UnservedError,
        ViperError,
    )
    from viper.images.region import Patch
    from viper.programs.program import Failure, Program
    from viper.trace import Trace

__all__ = [
    "Answer",
    "BudgetError",
    "ConfigError",
    "Engine",
    "Failure",
    "GenerationError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "Patch",
    "Program",
    "Query",
    "TimeoutExceededError",
    "Trace",
    "UnservedError",
    "ViperError",
    "__version__",
    "ask",
]

_HOMES = {
    "Answer": "viper.engine.answer",
    "Engine": "viper.engine.engine",
    "Failure": "viper.programs.program",
    "Patch": "viper.images.region",
    "Program": "viper.programs.program",
    "Query": "viper.engine.query",
    "Trace": "viper.trace",
    "ask": "viper.engine.engine",
}
# Names that are not here live in viper.errors.


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'viper' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES.get(name, "viper.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
