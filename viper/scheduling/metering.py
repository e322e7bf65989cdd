"""Counts what a module's function lets a language model do for it, whether it tells or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from viper.models.roles import Completion
from viper.usage import Usage

__all__ = ["Metered"]

_BILLED = ("answer", "complete")
# Methods of roles that give completions.


class Metered:
    """Stands for a role's model, and adds up the usage of the completions that it gives.

    Args:
        model: A stranger's; everything but its usage is left to it.
    """

    _model: Any
    used: Usage
    """Of all completions so far."""

    def __init__(self, model: Any) -> None:
        vars(self).update(_model=model, used=Usage())

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the model; its methods that are billed are counted."""
        value = getattr(self._model, name)
        return self._counting(value) if name in _BILLED and callable(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of the model."""
        setattr(self._model, name, value)

    def _counting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            results = method(*arguments, **options)
            for result in results if isinstance(results, (list, tuple)) else ():
                usage = getattr(result, "usage", None)
                if isinstance(result, (Completion, Exception)) and isinstance(usage, Usage):
                    vars(self)["used"] = self.used + usage
            return results

        return counted
