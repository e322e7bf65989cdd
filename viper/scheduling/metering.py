"""Meters a module function's calls of language models, whether or not it reports them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from viper.models.roles import Completion
from viper.usage import Usage

__all__ = ["Metered"]

# Methods of roles that return completions.
_BILLED = ("answer", "complete")


class Metered:
    """Proxy of a role's model that adds up the usage of its completions.

    Args:
        model: The model; all its attributes are passed through.
    """

    _model: Any
    used: Usage
    """Usage of all completions so far."""

    def __init__(self, model: Any) -> None:
        vars(self).update(_model=model, used=Usage())

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the model; billed methods are metered."""
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
