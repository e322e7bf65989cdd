"""Plugins of other distributions: entry points of four groups, listed without importing any.

    viper.modules      methods for programs       NAME = "package.module:MODULE"
    viper.backends     models that fill a role    ROLE.NAME = "package.module:load"
    viper.generators   program generators         NAME = "package.module:open"
    viper.benchmarks   data sets                  NAME = "package.module:TASK"

`VIPER_PLUGINS=a,b` enables only these plugins, each given as a distribution or an entry point name. When the
variable is unset, all installed plugins are enabled; when it is `none` or empty, none is. Metadata of other
distributions is untrusted text: it is shortened and made printable here, once.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import logging
import os
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viper.errors import ConfigError, did_you_mean, summarize_error
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["BACKENDS", "BENCHMARKS", "GENERATORS", "GROUPS", "MODULES", "VARIABLE", "Plugin"]
__all__ += ["find_plugins", "installed", "unreadable"]

MODULES = "viper.modules"
BACKENDS = "viper.backends"
GENERATORS = "viper.generators"
BENCHMARKS = "viper.benchmarks"
GROUPS = (MODULES, BACKENDS, GENERATORS, BENCHMARKS)

VARIABLE = "VIPER_PLUGINS"
"""Environment variable that selects the plugins to enable."""

_MAX_CHARACTERS = 100
"""Most characters kept of a name or a version."""

_METADATA = (".dist-info", ".egg-info")
_GROUP = re.compile(rb"\[\s*(%s)\s*\]" % "|".join(map(re.escape, GROUPS)).encode())

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of a distribution, not imported yet."""

    group: str
    name: str
    value: str
    """`package.module:attribute`."""
    distribution: str
    version: str

    @property
    def kind(self) -> str:
        """Kind of plugin, such as "module" or "backend"."""
        return self.group.removeprefix("viper.").removesuffix("s")

    @property
    def origin(self) -> str:
        """Name and version of the distribution."""
        return f"{self.distribution} {self.version}".strip()

    def load(self) -> Any:  # Any: the caller checks what the entry point refers to
        """Import the object that the entry point refers to.

        Raises:
            ConfigError: The import fails; the message names the distribution.
        """
        module, colon, attribute = self.value.partition(":")
        try:
            if not colon:
                raise ValueError(f"{self.value!r} is not of the form package.module:attribute")
            loaded: Any = importlib.import_module(module.strip())
            for part in attribute.strip().split("."):
                loaded = getattr(loaded, part)
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            raise self.load_error(error) from error
        return loaded

    def load_error(self, error: BaseException) -> ConfigError:
        """Return the error that reports an exception raised by this plugin."""
        return ConfigError(
            f"The {self.kind} {self.name!r} of {self.origin} cannot be loaded: "
            f"{_printable(summarize_error(error), 400)}. Update or uninstall that distribution."
        )


def find_plugins(group: str, *, reserved: Collection[str] = ()) -> dict[str, Plugin]:
    """Return the enabled plugins of a group by name, without importing them.

    Args:
        group: One of `GROUPS`.
        reserved: Names that Viper itself defines.

    Raises:
        ConfigError: A name is defined twice, or `VIPER_PLUGINS` names a plugin that is not installed.
    """
    found: dict[str, Plugin] = {}
    for plugin in _enabled():
        if plugin.group != group:
            continue
        if plugin.name in reserved or plugin.name in found:
            other = "Viper itself" if plugin.name in reserved else found[plugin.name].origin
            raise ConfigError(
                f"Two distributions define the {plugin.kind} {plugin.name!r}: {other} and "
                f"{plugin.origin}. Uninstall one of them, or leave it out of {VARIABLE}=NAME,NAME."
            )
        found[plugin.name] = plugin
    return dict(sorted(found.items()))


def _enabled() -> list[Plugin]:
    """Return the installed plugins that `VIPER_PLUGINS` enables."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return list(installed(tuple(sys.path)))
    selected = {name for part in text.split(",") if (name := part.strip()) not in ("", "none")}
    if not selected:
        return []
    plugins = installed(tuple(sys.path))
    for name in sorted(selected):
        if not any(_matches(name, plugin) for plugin in plugins):
            names = {name for p in plugins for name in (p.distribution, p.name)}
            raise ConfigError(
                f"{VARIABLE} names {name!r}, which is not an installed plugin. "
                f"{did_you_mean(name, names)}Installed: {', '.join(sorted(names)) or 'none'}."
            )
    return [plugin for plugin in plugins if any(_matches(name, plugin) for name in selected)]


def _matches(name: str, plugin: Plugin) -> bool:
    return name == plugin.name or _normalize(name) == _normalize(plugin.distribution)


def _normalize(name: str) -> str:
    """Return a distribution name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Return all plugins of the distributions on a path, whether enabled or not.

    Of several distributions with one name the first on the path counts, as for `import`. The result is
    cached: a distribution installed while this process runs is not found before the next process.
    """
    return _scan(path)[0] if _may_have_plugins(path) else ()


def unreadable(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the metadata folders on a path that cannot be read."""
    return _scan(path)[1]


@functools.lru_cache(maxsize=4)
def _may_have_plugins(path: tuple[str, ...]) -> bool:
    """Return False only if no distribution on a path can have an entry point of `GROUPS`.

    Most installations have none, and then do not need `importlib.metadata`, which is slow to import.
    """
    finders = (finder for finder in sys.meta_path if finder is not PathFinder)
    # An importer of another kind may know distributions of its own.
    knows_others = any(hasattr(finder, "find_distributions") for finder in finders)
    return knows_others or any(map(_folder_may_have_plugins, path))


def _folder_may_have_plugins(folder: str) -> bool:
    try:
        for entry in Path(folder or ".").iterdir():
            if entry.suffix == ".egg":
                return True  # an old form, with the metadata inside
            points = entry / "entry_points.txt"
            if (
                entry.suffix in _METADATA
                and points.is_file()
                and _GROUP.search(points.read_bytes())
            ):
                return True
    except FileNotFoundError:  # a path may name folders that do not exist
        return False
    except OSError:  # an archive, or metadata that cannot be read
        return True
    return False


@functools.lru_cache(maxsize=4)
def _scan(path: tuple[str, ...]) -> tuple[tuple[Plugin, ...], tuple[str, ...]]:
    found: dict[str, list[Plugin]] = {}
    broken: list[str] = []
    from importlib.metadata import distributions

    for distribution in distributions(path=list(path)):
        try:
            plugins = list(_plugins_of(distribution))
        except Exception as error:  # unreadable metadata must not disable the other plugins
            folder = getattr(distribution, "_path", None)  # reading the name may be what fails
            broken.append(_printable(getattr(folder, "name", "unknown folder")))
            _log.warning(
                "The distribution %s cannot be read: %s.",
                _printable(folder),
                type(error).__name__,
            )
            continue
        if plugins:
            found.setdefault(_normalize(plugins[0].distribution), plugins)
    return tuple(itertools.chain(*found.values())), tuple(broken)


def _plugins_of(distribution: Distribution) -> Iterator[Plugin]:
    text = distribution.read_text("entry_points.txt") or ""
    if "[viper." not in text.replace(" ", ""):  # most have none, and reading their names takes long
        return
    for point in distribution.entry_points:
        if point.group in GROUPS:
            name = distribution.name or "a nameless distribution"
            texts = (point.name, point.value, name, distribution.version or "")
            yield Plugin(point.group, *map(_printable, texts))


def _printable(value: object, max_characters: int = _MAX_CHARACTERS) -> str:
    text = one_line(str(value))
    return text if len(text) <= max_characters else text[:max_characters] + "…"
