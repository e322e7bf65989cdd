"""What an engine is made of: presets, backends, limits, as checked values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from viper.engine.presets import choose, missing_models
from viper.errors import ConfigError
from viper.models.registry import STUB, TRUTH, BackendRef, Loader, parse_role
from viper.models.roles import ROLES, Role
from viper.scheduling.operation import MAX_BATCH
from viper_sandbox import Limits

__all__ = ["DEFAULT_CACHE_MB", "DEFAULT_PRESET", "EngineConfig", "SandboxLevel", "resolve_backends"]

DEFAULT_PRESET = "auto"
DEFAULT_CACHE_MB = 512.0

SandboxLevel = Literal["full", "partial"]

_TRUE_ROLES: tuple[Role, ...] = ("detector", "matcher", "depth", "answerer")
# What a file of scenes can answer; depth only where it tells it.


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Everything that decides how an engine works; checked on creation.

    Raises:
        ConfigError: A value is out of its range; the message names it.
    """

    backends: Mapping[Role, BackendRef]
    """What serves which role, those of modules included."""
    modules: tuple[str, ...] = ()
    """Names of the modules that add methods to the contract."""
    models: str = DEFAULT_PRESET
    """The preset that the backends came from."""
    generator: str = "grammar"
    """`grammar`, `openai:MODEL` or `auto:openai:MODEL`, as the user named it."""
    timeout_s: float = 300.0
    """Longest time for a whole answer: repairs and model loading included."""
    model_call_s: float = 60.0
    """Longest wait for one vision or language call, model loading excluded."""
    max_attempts: int = 3
    """Programs that a language model writes for one question before its failure is final."""
    votes: int = 1
    """Programs that are asked for at once, to vote on the answer; 1 for no vote."""
    vote_temperature: float | None = None
    """What the temperature of the language model is replaced by when programs vote; None for the
    model's own."""
    max_cost_usd: float | None = None
    """Most US dollars that the engine may spend on language models; None for no limit."""
    max_tokens: int | None = None
    """Most tokens that language models may use for the engine; None for no limit."""
    program_cache: Path | None = None
    """File in which programs of language models are remembered; None to remember nothing."""
    cache_mb: float = DEFAULT_CACHE_MB
    """Memory for results of models that later answers may use again, in MB; 0 for none."""
    cache: Path | None = None
    """Folder where results outlive the process; None for nowhere."""
    prefetch: bool = True
    """Whether models are asked beforehand what a program will probably ask next."""
    max_batch: int = MAX_BATCH
    """Most requests per forward, where a model's memory allows as many."""
    sandbox: SandboxLevel = "full"
    """Least level accepted for programs that a model or a stranger wrote."""
    limits: Limits = field(default_factory=Limits)
    """What one program may use."""

    def __post_init__(self) -> None:
        for name in ("timeout_s", "model_call_s"):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(f"{name} must be a number of seconds above 0, but got {value!r}.")
        if not 0 <= self.cache_mb < float("inf"):
            raise ConfigError(
                f"cache_mb must be a number of megabytes, 0 or more, but got {self.cache_mb!r}."
            )
        if self.cache is not None and not self.cache_mb:
            raise ConfigError(
                f"A cache in {str(self.cache)!r} needs some memory as well, but cache_mb is 0."
            )
        for name in ("max_attempts", "votes", "max_tokens", "max_batch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, but got {value!r}.")
        if self.max_cost_usd is not None and not self.max_cost_usd > 0:
            raise ConfigError(
                f"max_cost_usd must be a number of US dollars above 0, but got {self.max_cost_usd!r}."
            )
        if self.sandbox not in get_args(SandboxLevel):
            raise ConfigError(f"sandbox must be 'full' or 'partial', but got {self.sandbox!r}.")

    @property
    def is_stubbed(self) -> bool:
        """True when some role gives stub results, which say nothing about the picture."""
        return any(ref.name == STUB for ref in self.backends.values())


def resolve_backends(
    models: str,
    overrides: Mapping[str, str] | None = None,
    data_folder: Path | None = None,
    module_roles: Mapping[Role, tuple[str, Loader]] | None = None,
) -> dict[Role, BackendRef]:
    """Return what serves each role: the preset's backends, replaced by the given ones.

    Args:
        models: Name of a preset, or `truth:FILE` for true perception from a file of scenes.
        overrides: Role → `NAME:REFERENCE`.
        data_folder: Where a relative file of scenes is looked for if the working directory has none.
        module_roles: Roles that modules bring, each with the module's name and loader; the module
            serves its role itself where no override says otherwise.

    Raises:
        ConfigError: The preset, a role or a backend is unknown, weights of the preset are not on
            disk, or a file of scenes is unusable.
    """
    brought = module_roles or {}
    given: dict[Role, BackendRef] = {}
    for name, text in (overrides or {}).items():
        role = parse_role(name, brought)
        given[role] = _found(BackendRef.parse(role, text, brought.get(role)), data_folder)
    own = {role: BackendRef(role, name, "", (), load) for role, (name, load) in brought.items()}
    known = [role for role in given if role in ROLES]
    return _preset_backends(models, data_folder, known) | own | given


def _preset_backends(
    models: str, data_folder: Path | None, replaced: Collection[Role]
) -> dict[Role, BackendRef]:
    name, colon, _ = models.partition(":")
    if name == TRUTH and colon:
        from viper.oracle.scene_file import open_scenes

        refs: dict[Role, BackendRef] = {
            role: _found(BackendRef.parse(role, models), data_folder) for role in _TRUE_ROLES
        }
        if not open_scenes(refs["depth"].reference).has_depth:
            del refs["depth"]
        return refs
    preset = choose(models, own_backends=bool(replaced))
    kept: list[Role] = [role for role in preset.backends if role not in replaced]
    if missing := missing_models(preset, kept):
        raise ConfigError(
            f"The preset '{preset.name}' lacks weights on this machine: "
            f"{', '.join(f'{model.role} {model.repository}' for model in missing)}. "
            f"Fetch them with: viper models pull {preset.name}"
        )
    return {role: preset.reference(role) for role in kept}


def _found(ref: BackendRef, data_folder: Path | None) -> BackendRef:
    """Return a reference to a file of scenes with the path that it was found under."""
    if ref.name != TRUTH or data_folder is None or Path(ref.reference).exists():
        return ref
    beside = data_folder / ref.reference
    if not beside.exists():
        raise ConfigError(
            f"There is no file {ref.reference!r}, nor {str(beside)!r} in the folder of the data. Give the "
            f"path of a file of scenes: {TRUTH}:FILE."
        )
    return replace(ref, reference=str(beside))
