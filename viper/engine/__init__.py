"""The engine: from a question about an image to its answer.

`Engine` and `ask` import their module when they are first used: other modules of this package are
imported where nothing heavy may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viper.engine.engine import Engine, ask

__all__ = ["Engine", "ask"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from viper.engine import engine

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
