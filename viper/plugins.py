"""What other distributions bring: entry points of four groups, listed without importing any.

    viper.modules      methods for programs       NAME = "package.module:MODULE"
    viper.backends     models that fill a role    ROLE.NAME = "package.module:load"
    viper.generators   writers of programs        NAME = "package.module:open"
    viper.benchmarks   data sets                  NAME = "package.module:TASK"

`VIPER_PLUGINS=a,b` uses those alone, each named by its distribution or by an entry; unset, all that are
installed; `none` or nothing, none. What a distribution says of itself is a stranger's text: it is cut and
made printable here, once.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from typing import Any

from viper.errors import ConfigError, did_you_mean

__all__ = ["BACKENDS", "BENCHMARKS", "GENERATORS", "GROUPS", "MODULES", "VARIABLE", "Plugin"]
__all__ += ["find_plugins", "installed", "unreadable"]

MODULES = "viper.modules"
BACKENDS = "viper.backends"
GENERATORS = "viper.generators"
BENCHMARKS = "viper.benchmarks"
GROUPS = (MODULES, BACKENDS, GENERATORS, BENCHMARKS)

VARIABLE = "VIPER_PLUGINS"
"""Environment variable that chooses among what is installed."""

_KINDS = {MODULES: "module", BACKENDS: "backend", GENERATORS: "generator", BENCHMARKS: "benchmark"}
_LONGEST = 100
# Characters of a name or version that are shown.

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of a distribution; nothing of it is imported yet."""

    group: str
    name: str
    value: str
    """`package.module:attribute`."""
    distribution: str
    version: str

    @property
    def kind(self) -> str:
        """What it is, as in "module" or "backend"."""
        return _KINDS[self.group]

    @property
    def origin(self) -> str:
        """Name and version of its distribution."""
        return f"{self.distribution} {self.version}".strip()

    def load(self) -> Any:  # Any: what a stranger's entry point names; the caller checks it
        """Import it.

        Raises:
            ConfigError: That fails; the message names the distribution.
        """
        module, colon, attribute = self.value.partition(":")
        try:
            if not colon:
                raise ValueError(f"{self.value!r} is not of the form package.module:attribute")
            loaded: Any = importlib.import_module(module.strip())
            for part in attribute.strip().split("."):
                loaded = getattr(loaded, part)
        except (Exception, SystemExit) as error:  # a stranger's module may raise anything
            raise self.broken(error) from error
        return loaded

    def broken(self, error: BaseException) -> ConfigError:
        """Return the error that tells what a part of this plugin raised."""
        first = (str(error).strip().splitlines() or ["no message"])[0]
        return ConfigError(
            f"The {self.kind} {self.name!r} of {self.origin} cannot be loaded: "
            f"{type(error).__name__}: {_shown(first, 300)}. Update or uninstall that distribution."
        )


def find_plugins(group: str, *, taken: Collection[str] = ()) -> dict[str, Plugin]:
    """Return the plugins of a group that are to be used, by name; imports none of them.

    Args:
        group: One of `GROUPS`.
        taken: Names that Viper itself has given.

    Raises:
        ConfigError: Two distributions bring one name, or one brings a name of Viper's; or `VIPER_PLUGINS`
            names what is not installed.
    """
    found: dict[str, Plugin] = {}
    for plugin in _chosen():
        if plugin.group != group:
            continue
        other = "Viper itself" if plugin.name in taken else None
        if plugin.name in found:
            other = found[plugin.name].origin
        if other is not None:
            raise ConfigError(
                f"Two distributions bring the {plugin.kind} {plugin.name!r}: {other} and "
                f"{plugin.origin}. Uninstall one of them, or leave it out of {VARIABLE}=NAME,NAME."
            )
        found[plugin.name] = plugin
    return dict(sorted(found.items()))


def _chosen() -> list[Plugin]:
    """Return what `VIPER_PLUGINS` chooses among what is installed."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return list(installed(tuple(sys.path)))
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    if not wanted - {"none"}:
        return []
    there = installed(tuple(sys.path))
    known = {name for p in there for name in (p.distribution, p.name)}
    for name in sorted(wanted - {"none"}):
        if not any(_names(name, plugin) for plugin in there):
            raise ConfigError(
                f"{VARIABLE} names {name!r}, which is no installed plugin. {did_you_mean(name, known)}"
                f"Installed: {', '.join(sorted(known)) or 'none'}."
            )
    return [plugin for plugin in there if any(_names(name, plugin) for name in wanted)]


def _names(name: str, plugin: Plugin) -> bool:
    return name == plugin.name or _normal(name) == _normal(plugin.distribution)


def _normal(name: str) -> str:
    """Return a distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Return all entry points of the four groups of the distributions on a path.

    Of two distributions of one name the first on the path counts, as for `import`. Remembered: a
    distribution that is installed while this process runs is seen by the next one.
    """
    return _look(path)[0]


def unreadable(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the folders of metadata on a path that cannot be read."""
    return _look(path)[1]


@functools.lru_cache(maxsize=4)
def _look(path: tuple[str, ...]) -> tuple[tuple[Plugin, ...], tuple[str, ...]]:
    found: list[Plugin] = []
    broken: list[str] = []
    seen: set[str] = set()
    for distribution in distributions(path=list(path)):
        try:
            plugins = list(_plugins_of(distribution))
        except Exception as error:  # metadata that nobody can read is nobody's plugin
            place = getattr(distribution, "_path", None)  # the name may be what cannot be read
            broken.append(_shown(str(getattr(place, "name", "of unknown place"))))
            _log.warning(
                "The distribution %s cannot be read: %s.",
                _shown(str(place)),
                type(error).__name__,
            )
            continue
        if plugins and _normal(plugins[0].distribution) not in seen:
            seen.add(_normal(plugins[0].distribution))
            found += plugins
    return tuple(found), tuple(broken)


def _plugins_of(distribution: Distribution) -> Iterator[Plugin]:
    text = distribution.read_text("entry_points.txt") or ""
    if "[viper." not in text.replace(" ", ""):  # most have none, and reading their names takes long
        return
    for point in distribution.entry_points:
        if point.group in GROUPS:
            yield Plugin(
                point.group,
                _shown(point.name),
                _shown(point.value),
                _shown(distribution.name or "a nameless distribution"),
                _shown(distribution.version or ""),
            )


def _shown(text: str, longest: int = _LONGEST) -> str:
    flat = " ".join(str(text).split())
    clean = "".join(character if character.isprintable() else "\ufffd" for character in flat)
    return clean if len(clean) <= longest else clean[:longest] + "…"
