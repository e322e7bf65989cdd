"""The state of one call of an API method, and the error by which a method rejects an argument."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from viper.images.region import Patch
from viper.methods.doubts import Remedy, how_to_add
from viper.programs.program import Doubt
from viper.scheduling.metrics import CallMetrics
from viper.scheduling.vision_client import VisionClient
from viper.trace import CallError

__all__ = ["ArgumentError", "Method", "MethodCall"]


class ArgumentError(ValueError):
    """An argument has a value that the method cannot use; the program gets a `ValueError`.

    It is a separate class, because a `ValueError` of a model or of a bug must not reach the program.
    """


@dataclass(slots=True)
class MethodCall:
    """A call in progress: made by the dispatcher, passed to the method, then written to the trace."""

    client: VisionClient
    """Model client of the program."""
    whole: Patch
    """The whole image."""
    best_effort: bool = False
    """Whether the user wants answers that may be wrong."""
    remedy: Remedy = how_to_add
    """Says how models can be had for what none can test."""
    vocabulary: tuple[str, ...] = ()
    """The classes of the detector that was asked, if it knows no others."""
    cost: CallMetrics = field(init=False)
    """Model time, forwards and tokens, which the client counts."""
    notes: list[str] = field(default_factory=list)
    """Remarks for the trace, such as "'sofa' detected as 'couch'"."""
    score: float | None = None
    """The model's confidence, 0 … 1."""
    threshold: float | None = None
    """The score at which the result becomes another; None where there is none."""
    doubts: list[Doubt] = field(default_factory=list)
    """Conditions that were not tested, or only in part."""
    receiver: Patch | None = None
    """The patch whose method is called; None for a function."""
    arguments: list[Any] = field(default_factory=list)
    """Arguments in the order of the parameters, converted and checked."""
    result: Any = None  # of the method's return type
    error: CallError | None = None
    """Why the call has no result."""

    def __post_init__(self) -> None:
        self.cost = self.client.begin_call()


Method: TypeAlias = Callable[..., Awaitable[Any]]
"""Serves a method: takes the `MethodCall`, the receiver if there is one, and the checked arguments."""
