"""What is said of a call whose role has no model: what was to be found out, and what that takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from viper.methods.doubts import Remedy
from viper.models.roles import Role
from viper_sandbox.findings import capped

__all__ = ["unserved"]

_MODELS: dict[Role, str] = {
    "detector": "a detector, a model that finds things",
    "matcher": "a matcher, a model that compares pictures with words",
    "depth": "a depth model, which estimates how far away things are",
    "answerer": "an answerer, a model that answers questions about pictures",
    "language": "a language model",
}
_MOST_OPTIONS = 3


def unserved(method: str, arguments: Sequence[Any], role: Role, remedy: Remedy) -> str:
    """Return why a call cannot be served, in words of what it asks, and how to get a model.

    Args:
        method: Qualified name.
        arguments: Its arguments, checked.
        role: The role that no backend serves.
        remedy: Says how models for some roles can be had.
    """
    model = _MODELS.get(role, f"a model for the role {role!r}")
    advice = remedy([role])
    return (
        f"{capped(_task(method, arguments))} needs {model}, and there is none. "
        f"{advice[:1].upper()}{advice[1:]}."
    )


def _task(method: str, arguments: Sequence[Any]) -> str:
    texts = [argument for argument in arguments if isinstance(argument, str)]
    first = _quoted(texts[0]) if texts else ""
    match method.rpartition(".")[2]:
        case "find" | "exists":
            return f"Finding {first}"
        case "verify_property":
            return f"Whether {first} is {_quoted(texts[1])}"
        case "best_text_match":
            return f"The choice between {_options(arguments[0])}"
        case "best_image_match":
            return f"The choice of what is most like {_options(arguments[1])}"
        case "compute_depth":
            return "How far away something is"
        case "simple_query" | "llm_query" | "process_guesses":
            return f"The question {first}"
        case name:  # of a module
            return f"The method {name} of a module"


def _options(value: Any) -> str:
    listed = [value] if isinstance(value, str) else list(value)
    more = [] if len(listed) <= _MOST_OPTIONS else ["…"]
    return ", ".join([*map(_quoted, listed[:_MOST_OPTIONS]), *more])


def _quoted(text: str) -> str:
    return f'"{" ".join(text.split())}"'
