"""Viper answers questions about images by writing programs and running them in a sandbox.

    >>> import viper
    >>> answer = viper.ask("street.jpg", "How many people are there?",
    ...                    backends={"detector": "onnx:yolox_nano.onnx"})
    >>> answer.text, answer.patches, answer.program, answer.failure

Importing this package imports nothing else; a public name brings its module when it is first used.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

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
    from viper.programs.program import Doubt, Failure, Program
    from viper.trace import Trace

__all__ = [
    "Answer",
    "BudgetError",
    "ConfigError",
    "Doubt",
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

# Names that are not here live in viper.errors.
_HOMES = {
    "Answer": "viper.engine.answer",
    "Doubt": "viper.programs.program",
    "Engine": "viper.engine.engine",
    "Failure": "viper.programs.program",
    "Patch": "viper.images.region",
    "Program": "viper.programs.program",
    "Query": "viper.engine.query",
    "Trace": "viper.trace",
    "ask": "viper.engine.engine",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'viper' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES.get(name, "viper.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


_MOVED = {
    "viper.modules.contract_test": "viper.testing.module_check",
    "viper.program": "viper.programs.program",
    "viper.query": "viper.engine.query",
    "viper.vision": "viper",
    "viper.vision.builtin": "viper.builtin",
    "viper.vision.method_request": "viper.scheduling.method_request",
    "viper.vision.patch": "viper.images.region",
    "viper.vision.roles": "viper.models.roles",
    "viper.vision.worker": "viper.scheduling.worker",
}
"""Where the documented modules of 0.1 are now; modules inside a moved package moved with it."""


class _MovedModules:
    """Finds a module of 0.1 under its new name; both names then stand for the same module."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        new = self._new_name(name) if name.startswith("viper.") else None
        spec = importlib.util.find_spec(new) if new else None
        if spec is None:
            return None
        return ModuleSpec(
            name,
            self,  # type: ignore[arg-type]
            origin=spec.origin,
            is_package=spec.submodule_search_locations is not None,
        )

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name == "viper.vision":
            return ModuleType(spec.name)  # the package is gone; only its modules have new places
        module = importlib.import_module(self._new_name(spec.name) or "")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give a module its own spec back; it has run under its new name."""
        if module.__spec__ and module.__spec__.loader_state:
            module.__spec__ = module.__spec__.loader_state

    def get_code(self, name: str) -> CodeType | None:
        """Return the code of a module that `python -m` runs."""
        spec = importlib.util.find_spec(self._new_name(name) or "")
        loader: Any = (
            spec.loader if spec else None
        )  # a source loader, whose base class is slow to import
        return loader.get_code(spec.name) if spec else None

    def _new_name(self, name: str) -> str | None:
        if name in _MOVED:
            return _MOVED[name]
        package, _, module = name.rpartition(".")
        outer = self._new_name(package) if package.startswith("viper.vision.") else None
        return f"{outer}.{module}" if outer else None


# First, since Python would load a module of a moved package a second time under its old name.
sys.meta_path.insert(0, _MovedModules())
