"""Every error that Viper raises on purpose.

    ViperError
    ├── InputError               the caller's image, question or file cannot be used
    ├── ConfigError              a preset, backend, option or plugin is unknown or unusable
    │   ├── MissingExtraError    an optional package is not installed
    │   └── DownloadError        files of a model could not be fetched from the hub
    ├── GenerationError          no program could be written
    ├── BudgetError              the next call of a language model would exceed the budget
    ├── ModelError               a vision or language call failed
    │   ├── UnservedError        a role or a phrase that no backend serves
    │   └── ModelMemoryError     a batch does not fit into the memory of the model's device
    └── TimeoutExceededError     the clock of a model call ran out

What a *program* does wrong is never an exception here: it is a `Failure` (see `viper.programs.program`).
Each class names the failure kind that it becomes when it ends an answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, get_args

from viper.usage import Usage

__all__ = [
    "FAILURE_KINDS",
    "BudgetError",
    "ConfigError",
    "DownloadError",
    "FailureKind",
    "GenerationError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "ModelMemoryError",
    "TimeoutExceededError",
    "UnservedError",
    "ViperError",
    "described",
    "did_you_mean",
    "failure_kind",
]

FailureKind = Literal[
    "syntax",
    "policy",
    "check",
    "runtime",
    "timeout",
    "memory",
    "limit",
    "model",
    "generator",
    "input",
    "config",
    "sandbox",
    "budget",
    "cancelled",
]
FAILURE_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)


def failure_kind(text: str) -> FailureKind:
    """Return a kind that came from the sandbox as one of ours.

    Raises:
        ValueError: There is no such kind, so the sandbox and the engine do not fit together.
    """
    for kind in FAILURE_KINDS:
        if kind == text:
            return kind
    raise ValueError(f"There is no failure kind {text!r}; kinds are {', '.join(FAILURE_KINDS)}.")


class ViperError(Exception):
    """Root of all errors; the message says what was wrong, what was received and what to do."""

    kind: ClassVar[FailureKind] = "config"


class InputError(ViperError):
    """The caller's image, question or file cannot be used."""

    kind = "input"


class ConfigError(ViperError):
    """A preset, backend, option or plugin is unknown or unusable."""

    kind = "config"


class MissingExtraError(ConfigError):
    """An optional package is not installed.

    Args:
        package: The import name that is missing.
        extra: The extra of `viper-vision` that brings it.
        purpose: What needs it, as in "The onnx detector".
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed. "
            f"Install it with: pip install 'viper-vision[{extra}]'"
        )


class DownloadError(ConfigError):
    """Files of a model could not be fetched from the hub; what has arrived is kept."""


class GenerationError(ViperError):
    """No program could be written: not understood, or the language model failed."""

    kind = "generator"
    usage: Usage | None = None
    """What the call that failed was billed all the same; None where nothing is known."""


class BudgetError(ViperError):
    """The budget for language models is spent, so that the next call is not made."""

    kind = "budget"


class ModelError(ViperError):
    """A vision or language call failed."""

    kind = "model"
    usage: Usage | None = None
    """What the call that failed was billed all the same; None where nothing is known."""


class UnservedError(ModelError):
    """A role or a phrase that no backend serves; never an empty result."""


class ModelMemoryError(ModelError):
    """A batch does not fit into the memory of the model's device; a smaller one may."""


class TimeoutExceededError(ViperError):
    """The clock of a model call ran out."""

    kind = "timeout"


def described(error: BaseException) -> str:
    """Return the class and the first line of an error that is none of ours, for a message."""
    line = (str(error).strip().splitlines() or ["no message"])[0]
    return f"{type(error).__name__}: {line[:300]}"


def did_you_mean(word: str, known: Iterable[str], *, limit: int = 3) -> str:
    """Return "Did you mean 'a' or 'b'? " for near words, or "" when nothing is near."""
    near: Sequence[str] = difflib.get_close_matches(word, list(known), n=limit, cutoff=0.6)
    if not near:
        return ""
    return f"Did you mean {' or '.join(repr(name) for name in near)}? "
