"""The API of one engine's programs: Viper's own, extended by the modules that the engine uses."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from viper.errors import ConfigError, ViperError, did_you_mean
from viper.methods.image_patch import METHODS
from viper.methods.method_call import Method
from viper.methods.stub_models import STUB_METHODS
from viper.models.registry import Loader
from viper.models.roles import Role
from viper.modules.module import Module
from viper.plugins import MODULES, Plugin, find_plugins
from viper.programs.api_spec import ApiSpec, load_spec

__all__ = ["ProgramApi", "load_module", "open_modules"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProgramApi:
    """What programs may call, with the implementations."""

    spec: ApiSpec
    methods: Mapping[str, Method]
    """Implementations by qualified name."""
    stub_methods: Mapping[str, Method]
    """Implementations for roles that `stub` serves."""
    roles: Mapping[Role, tuple[str, Loader]]
    """Roles that modules add, each with the module's name and the loader."""
    modules: tuple[str, ...] = ()
    """Names of the modules."""

    @classmethod
    def of(cls, modules: Sequence[Module] = ()) -> ProgramApi:
        """Extend Viper's own API by modules.

        Raises:
            ConfigError: Two modules add a method, function, class or role of the same name.
        """
        spec = load_spec()
        owners: dict[tuple[str, str], Module] = {}
        methods, stubs = dict(METHODS), dict(STUB_METHODS)
        roles: dict[Role, tuple[str, Loader]] = {}
        for module in modules:
            for what in _names(module):
                if (other := owners.setdefault(what, module)) is not module:
                    raise ConfigError(
                        f"Two modules bring the {what[0]} {what[1]!r}: {other.label} and {module.label}. "
                        "Use one of them: VIPER_PLUGINS=NAME,NAME, or Engine(modules=[…])."
                    )
            spec = spec.with_more(module.api.callables, module.api.handles)
            methods |= module.coroutines()
            stubs |= module.stub_coroutines()
            roles |= {role: (module.name, loader) for role, loader in module.roles.items()}
        return cls(spec, methods, stubs, roles, tuple(module.name for module in modules))


def open_modules(wanted: Iterable[str | Module] | None = None) -> list[Module]:
    """Load the modules that an engine uses.

    Args:
        wanted: Modules, or names of installed ones; None for all that are installed and selected by
            `VIPER_PLUGINS`, except broken ones, which are skipped with a warning.

    Raises:
        ConfigError: A module that is named is broken or not installed.
    """
    if wanted is not None:
        if isinstance(wanted, str):
            raise ConfigError(f"modules must be a list of names or modules, but got {wanted!r}.")
        return [one if isinstance(one, Module) else load_module(one) for one in wanted]
    modules: list[Module] = []
    for plugin in find_plugins(MODULES).values():
        try:
            modules.append(_loaded(plugin))
        except ViperError as error:
            _log.debug("The module %s is broken.", plugin.name, exc_info=True)
            _log.warning("%s The module is skipped.", error)
    return modules


def load_module(name: str) -> Module:
    """Load one installed module.

    Raises:
        ConfigError: It is not installed, or broken; the message names its distribution.
    """
    plugins = find_plugins(MODULES)
    if name not in plugins:
        raise ConfigError(
            f"There is no module {name!r:.80}. {did_you_mean(name, plugins)}"
            f"Installed: {', '.join(plugins) or 'none'} (see viper modules list)."
        )
    return _loaded(plugins[name])


def _loaded(plugin: Plugin) -> Module:
    loaded: Any = plugin.load()
    if callable(loaded) and not isinstance(loaded, Module):
        try:
            loaded = loaded()
        except (Exception, SystemExit) as error:  # a plugin's factory may raise anything
            raise plugin.load_error(error) from error
    if not isinstance(loaded, Module):
        raise ConfigError(
            f"The entry point {plugin.value!r} of {plugin.origin} must name a viper.modules.Module, or a "
            f"function that returns one, but it is {type(loaded).__name__}."
        )
    if loaded.name != plugin.name:
        raise ConfigError(
            f"The module {loaded.name!r} of {plugin.origin} has an entry point named {plugin.name!r}: "
            "its name and that of its entry point must be equal."
        )
    return replace(loaded, origin=plugin.origin)


def _names(module: Module) -> Iterable[tuple[str, str]]:
    yield "module", module.name
    for entry in module.api.callables:
        yield ("method" if entry.is_method else "name"), entry.name
    for handle in module.api.handles:
        yield "name", handle.name
    for role in module.roles:
        yield "role", role
