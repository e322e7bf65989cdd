"""A module: its stub, functions and roles, checked on construction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any

from viper.errors import ConfigError
from viper.methods.method_call import Method
from viper.methods.module_functions import Batch, BatchedFunction, module_method, stub_method
from viper.models.registry import STUB, Loader
from viper.models.roles import ROLES, Role
from viper.modules.stub import ModuleApi, read_stub
from viper.programs.api_spec import HandleClass
from viper.scheduling.operation import Operation

__all__ = ["Module"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class Module:
    """Methods that a plugin adds to what programs may call.

    Raises:
        ConfigError: The stub cannot be part of the API, or does not fit the functions and roles; the
            message says where and why.
    """

    name: str
    """The name that users write, also that of its entry point in `viper.modules`, such as "reading"."""
    stub: str | Traversable = field(repr=False)
    """Text of the stub, or its file: from `importlib.resources`, or a `Path`."""
    methods: Mapping[str, BatchedFunction] = field(repr=False)
    """An implementation for each `ImagePatch.method` and function of the stub. It is called with the role's
    model and a list of `MethodRequest`, in the model's thread, and returns one result per request in the same
    order. In place of a result it may return a `ValueError`, which the program can catch, or a
    `ModelError`, which ends the program."""
    roles: Mapping[Role, Loader] = field(default_factory=dict, repr=False)
    """Roles it adds. A loader is called as `load(reference, options)` when the role is first needed, with
    the values of `--backend ROLE=NAME:REFERENCE?option=value`, or "" and no options. The model needs an
    attribute `fingerprint`, a string that identifies its weights and settings."""
    origin: str = "this process"
    """Name and version of its distribution; filled in by `load_module`."""
    api: ModuleApi = field(init=False, repr=False)
    """The parsed stub."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"A module's name must be lower-case letters, digits, - and _, but got {self.name!r:.80}."
            )
        if self.name == STUB:
            raise ConfigError(
                f"A module cannot be called {STUB!r}: that name is reserved for fixed results without a "
                "model."
            )
        for role, loader in self.roles.items():
            self._check_role(role, loader)
        object.__setattr__(self, "api", read_stub(self._stub_text(), self.file, self.roles))
        self._check_methods()

    @property
    def file(self) -> str:
        """Name of the stub, for messages."""
        return f"{self.name}.pyi" if isinstance(self.stub, str) else f"{self.name}/{self.stub.name}"

    @property
    def label(self) -> str:
        """Name of the module and its distribution, for messages."""
        return f"the module {self.name!r} of {self.origin}"

    def batches(self) -> dict[str, Batch]:
        """Return the functions with the check of their results, by qualified name."""
        return {
            name: Batch(entry, self._handles, self.methods[name], self.label)
            for entry in self.api.callables
            for name in [entry.qualified_name]
        }

    def coroutines(self) -> dict[str, Method]:
        """Return the implementations of its methods, by qualified name."""
        methods = {}
        for name, batch in self.batches().items():
            entry = batch.entry
            assert entry.needs is not None, "read_stub ensures this"
            # Results are cached on disk, so the name includes the version of the code.
            label = f"{self.name} ({self.origin}) {name} -> {entry.returns}"
            methods[name] = module_method(Operation(entry.needs, label, batch), batch)
        return methods

    def stub_coroutines(self) -> dict[str, Method]:
        """Return the implementations for roles that `stub` serves, by qualified name."""
        return {c.qualified_name: stub_method(c, self._handles) for c in self.api.callables}

    @property
    def _handles(self) -> dict[str, HandleClass]:
        return {handle.name: handle for handle in self.api.handles}

    def _stub_text(self) -> str:
        if isinstance(self.stub, str):
            return self.stub
        try:
            return self.stub.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError) as error:
            raise ConfigError(
                f"The stub {self.file} cannot be read: {error}. Is it packed with the distribution?"
            ) from error

    def _check_role(self, role: Any, loader: Any) -> None:
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            raise ConfigError(
                f"{self.label} adds the role {role!r:.80}, which must be lower-case letters, digits and _."
            )
        if role in ROLES:
            raise ConfigError(
                f"{self.label} adds the role {role!r}, which is Viper's own. A model for it is a plugin of "
                "the group viper.backends."
            )
        if not callable(loader):
            raise ConfigError(
                f"The loader of the role {role!r} of {self.label} must be a function of a reference and "
                f"options, but it is {type(loader).__name__}."
            )

    def _check_methods(self) -> None:
        declared = {entry.qualified_name for entry in self.api.callables}
        if missing := sorted(declared - set(self.methods)):
            raise ConfigError(
                f"{self.label} declares {', '.join(missing)} in {self.file}, but has no function for it: "
                f"add methods={{{missing[0]!r}: …}}."
            )
        if undeclared := sorted(set(self.methods) - declared):
            raise ConfigError(
                f"{self.label} has a function for {', '.join(undeclared)}, which {self.file} does not "
                f"declare. Declared: {', '.join(sorted(declared))}."
            )
        for name, function in self.methods.items():
            if not callable(function):
                raise ConfigError(
                    f"{name} of {self.label} must be a function, got {function!r:.80}."
                )
        needed = {entry.needs for entry in self.api.callables}
        if unused := sorted(set(self.roles) - needed):
            raise ConfigError(
                f"{self.label} adds the role {', '.join(unused)}, but no method needs it: write "
                f'@needs("{unused[0]}") in {self.file}.'
            )
