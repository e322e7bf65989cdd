"""The engine: takes a question about an image and returns an answer.

`Engine` and `ask` are imported on first use, because code that must start fast imports other modules of
this package.
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
