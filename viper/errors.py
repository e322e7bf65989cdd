"""Every error that Viper raises on purpose.

    ViperError
    ├── InputError               the image, question or file cannot be used
    │   └── WriteError           a file cannot be written; what it held before is unchanged
    ├── ConfigError              a preset, backend, option or plugin is unknown or unusable
    │   ├── MissingError         what an option needs is not on this machine: weights, a package, a key
    │   │   └── MissingExtraError    an optional package is not installed
    │   └── DownloadError        model files could not be downloaded from the hub
    ├── GenerationError          no program could be generated
    ├── BudgetError              the language model budget is spent
    ├── ModelError               a vision or language model call failed
    │   ├── UnservedError        no backend serves the role or the phrase
    │   └── ModelMemoryError     a batch does not fit into device memory
    └── TimeoutExceededError     a model call timed out

Faults of a *program* are not exceptions here but `Failure` values (see `viper.programs.program`).
`ViperError.kind` is the kind of the failure that an error becomes when it ends an answer.
"""

from __future__ import annotations

import difflib
import importlib.util
import itertools
from collections.abc import Iterable
from typing import ClassVar, Literal, get_args

from viper.texts.secrets import hide_secrets
from viper.usage import Usage

__all__ = [
    "FAILURE_KINDS",
    "BudgetError",
    "ConfigError",
    "DownloadError",
    "FailureKind",
    "GenerationError",
    "InputError",
    "MissingError",
    "MissingExtraError",
    "ModelError",
    "ModelMemoryError",
    "TimeoutExceededError",
    "UnservedError",
    "ViperError",
    "WriteError",
    "did_you_mean",
    "failure_kind",
    "install_command",
    "require_packages",
    "similar_words",
    "summarize_error",
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
    "absent",
    "unsure",
    "generator",
    "input",
    "config",
    "sandbox",
    "budget",
    "cancelled",
]
FAILURE_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)


def failure_kind(text: str) -> FailureKind:
    """Return a failure kind that the sandbox or a trace names.

    Raises:
        ValueError: The kind is unknown.
    """
    for kind in FAILURE_KINDS:
        if kind == text:
            return kind
    raise ValueError(f"There is no failure kind {text!r}; kinds are {', '.join(FAILURE_KINDS)}.")


class ViperError(Exception):
    """Base class; the message says what was wrong, what was received and what to do.

    Secrets in it are replaced by `[key]`: it goes into logs, traces, answers and prompts.
    """

    kind: ClassVar[FailureKind] = "config"

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(hide_secrets(a) if isinstance(a, str) else a for a in arguments))


class InputError(ViperError):
    """The image, question or file cannot be used."""

    kind = "input"


class WriteError(InputError):
    """A file cannot be written; what it held before is unchanged."""


class ConfigError(ViperError):
    """A preset, backend, option or plugin is unknown or unusable."""


class MissingError(ConfigError):
    """What an option needs is not on this machine: weights that can be fetched, a key, a package.

    A file or folder that an option names and that is not there is a wrong option.
    """


class MissingExtraError(MissingError):
    """An optional package is not installed.

    Args:
        package: Import name of the missing package.
        extra: Extra of `viper-vision` that installs it.
        purpose: What needs the package, such as "The onnx detector".
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed. "
            f"Install it with: {install_command(extra)}"
        )


def install_command(extra: str) -> str:
    """Return the command that installs an extra of Viper."""
    return f"pip install 'viper-vision[{extra}]'"


def require_packages(*packages: str, extra: str, purpose: str) -> None:
    """Raise `MissingExtraError` unless all packages are installed; imports none of them.

    Args:
        packages: Their import names.
        extra: Extra of `viper-vision` that installs them.
        purpose: What needs them, for the message.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra, purpose)


class DownloadError(ConfigError):
    """Model files could not be downloaded from the hub; partial downloads are kept."""


class GenerationError(ViperError):
    """No program could be generated: the question was not understood or the language model failed."""

    kind = "generator"
    usage: Usage | None = None
    """Tokens and cost of the failed call; None when unknown."""


class BudgetError(ViperError):
    """The language model budget is spent; no further call is made."""

    kind = "budget"


class ModelError(ViperError):
    """A vision or language model call failed."""

    kind = "model"
    usage: Usage | None = None
    """Tokens and cost of the failed call; None when unknown."""


class UnservedError(ModelError):
    """No backend serves the role or the phrase; this is never reported as an empty result."""


class ModelMemoryError(ModelError):
    """A batch does not fit into device memory; a smaller batch may."""


class TimeoutExceededError(ViperError):
    """A model call timed out."""

    kind = "timeout"


def summarize_error(error: BaseException) -> str:
    """Return the class and the first line of any exception, for a message."""
    line = (str(error).strip().splitlines() or ["no message"])[0]
    return f"{type(error).__name__}: {hide_secrets(line[:1000])[:300]}"


# Comparing two texts takes time with the product of their lengths, and either may be a stranger's.
_LONGEST_WORD = 80
_MOST_CANDIDATES = 5_000


def similar_words(
    word: str, candidates: Iterable[str], *, limit: int = 3, least: float = 0.6
) -> list[str]:
    """Return the candidates that are spelled most like a word, best first.

    Args:
        word: A word or short phrase; a text longer than 80 characters is like none.
        candidates: Of these, the first 5,000 of at most 80 characters count.
        limit: How many to return at most.
        least: Least similarity, 0 to 1.
    """
    if len(word) > _LONGEST_WORD:
        return []
    first = itertools.islice(candidates, _MOST_CANDIDATES)
    short = [name for name in first if len(name) <= _LONGEST_WORD]
    return difflib.get_close_matches(word, short, limit, least)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return "Did you mean 'a' or 'b'? " for similar candidates, or "" when there are none."""
    matches = similar_words(word, candidates)
    return f"Did you mean {' or '.join(map(repr, matches))}? " if matches else ""
