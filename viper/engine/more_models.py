"""One command that gets models for what an engine cannot find out, for its messages."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from viper.engine.presets import Preset, fetch_command, load_presets, missing_extra, missing_models
from viper.errors import ConfigError
from viper.methods.doubts import SMALL_DETECTOR, Remedy, how_to_add
from viper.models.registry import BackendRef
from viper.models.roles import Role

__all__ = ["more_models"]


def more_models(backends: Mapping[Role, BackendRef]) -> Remedy:
    """Return what says how models for some roles can be had beside, or instead of, those of an engine.

    The first preset of open models that serves all of the roles is named, with the command that fetches it
    unless it is here. Where none does, as for `language`, the backends are named.

    Args:
        backends: Those of the engine.
    """

    @functools.cache  # the disk is looked at once, not for each question
    def remedy(roles: tuple[Role, ...]) -> str:
        try:
            preset = _preset_for(roles, backends)
            if preset is None:
                return how_to_add(roles)
            use = _use_of(preset, _in_the_way(roles, backends))
            has_none = roles == ("detector",) and "detector" not in backends
            return f"{SMALL_DETECTOR}, or {use}" if has_none else use
        except ConfigError:  # the user's file of presets was changed meanwhile
            return how_to_add(roles)

    return lambda roles: remedy(tuple(roles))


def _preset_for(roles: Sequence[Role], backends: Mapping[Role, BackendRef]) -> Preset | None:
    """Return the first preset with other models for the roles than the engine has."""
    for preset in load_presets().values():
        is_serving = set(roles) <= {model.role for model in preset.models}
        if is_serving and any(backends.get(role) != preset.reference(role) for role in roles):
            return preset
    return None


def _use_of(preset: Preset, in_the_way: Sequence[Role]) -> str:
    """Return how to use a preset, with the command that fetches what is missing."""
    without = "".join(f", without --backend {role}" for role in in_the_way)
    use = f"ask with --models {preset.name}{without}"
    if missing_extra(preset) is None and not missing_models(preset):
        return use
    size = f"{preset.size_mb / 1000:.1f} GB"
    return f"run {fetch_command(preset)} ({size}) and {use}"


def _in_the_way(roles: Sequence[Role], backends: Mapping[Role, BackendRef]) -> list[Role]:
    """Return the roles for which a backend of the user's own would replace that of a preset."""
    of_presets = {
        (role, text) for preset in load_presets().values() for role, text in preset.backends.items()
    }
    return [
        role
        for role in roles
        if role in backends and (role, _without_options(backends[role])) not in of_presets
    ]


def _without_options(ref: BackendRef) -> str:
    return f"{ref.name}:{ref.reference}" if ref.reference else ref.name
