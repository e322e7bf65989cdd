"""Check which models are on disk, and which presets fit into the memory of this machine.

Memory estimate: the weights as they are stored, 25 % more for activations, and 1 GB for torch and its
caches. It is a rule of thumb, not a measurement. On a CPU an answerer counts twice, because it is stored
in 16-bit numbers and loaded in 32-bit ones; a GPU keeps the stored width.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from viper.doctor.check_result import CheckLevel, CheckResult, gigabytes
from viper.doctor.machine import Machine
from viper.doctor.torch_facts import TorchFacts
from viper.engine.presets import (
    PRESETS_VARIABLE,
    Preset,
    fetch_command,
    load_presets,
    missing_models,
)

__all__ = ["PresetOnDisk", "TargetDevice", "broken_presets_check", "models_checks", "needed_bytes"]
__all__ += ["presets_on_disk", "target_device"]

# Keeps estimates below the memory that presets.toml states: 12 GB for base, 32 GB for large.
_ACTIVATIONS = 1.25
_TORCH_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TargetDevice:
    """The device on which models would run, and its memory."""

    name: str
    """As in a sentence: `cuda:0 NVIDIA H200`, `the CPU`."""
    total_bytes: int
    free_bytes: int | None = None
    """None if unknown."""
    is_cpu: bool = False

    @property
    def estimate(self) -> str:
        """How `needed_bytes` counts, in a sentence for people."""
        twice = (
            " On a CPU an answerer counts twice: it is loaded in 32-bit numbers, not in 16-bit ones."
            if self.is_cpu
            else ""
        )
        return (
            "Memory is estimated, not measured: the weights as they are stored, 25 % more for activations, "
            f"and 1 GB for torch.{twice}"
        )


@dataclass(frozen=True, slots=True)
class PresetOnDisk:
    """A preset with models from the hub, and how many of them are on disk."""

    preset: Preset
    missing: int

    @property
    def state(self) -> str:
        """What is on disk, and the command that fetches the rest."""
        return f"{self.counts}; {self.pull_command}" if self.missing else "complete"

    @property
    def counts(self) -> str:
        """How many models are on disk."""
        needed = len(self.preset.models)
        return f"{needed - self.missing} of {needed} models on disk"

    @property
    def pull_command(self) -> str:
        """The command that fetches what is missing, or ""."""
        return fetch_command(self.preset) if self.missing else ""


def presets_on_disk() -> list[PresetOnDisk]:
    """Look for the models of each preset in the hub's cache, without network access.

    Raises:
        ConfigError: A presets file is unusable.
    """
    return [
        PresetOnDisk(preset, len(missing_models(preset)))
        for preset in load_presets().values()
        if preset.models
    ]


def target_device(
    machine: Machine, torch: TorchFacts, vram_gb: float | None = None
) -> TargetDevice | None:
    """Return where models run: on the first device of torch, else on the CPU.

    Args:
        machine: For the memory of the CPU.
        torch: For devices. All models of a preset share the first one.
        vram_gb: Memory of a GPU to assume instead of this machine's, in 10⁹ bytes.

    Returns:
        None if the size of the memory is unknown.
    """
    if vram_gb is not None:
        return TargetDevice(f"a GPU with {vram_gb:g} GB", round(vram_gb * 1e9))
    if torch.devices:
        first = torch.devices[0]
        return TargetDevice(first.name, first.total_bytes, first.free_bytes)
    if machine.ram_bytes is None:
        return None
    return TargetDevice("the CPU", machine.ram_bytes, machine.ram_free_bytes, is_cpu=True)


def needed_bytes(preset: Preset, *, is_cpu: bool) -> int:
    """Estimate the memory that a preset needs; see the docstring of this module."""
    megabytes = {
        model.repository: model.size_mb * (2 if is_cpu and model.role == "answerer" else 1)
        for model in preset.models
    }
    return round(sum(megabytes.values()) * 1e6 * _ACTIVATIONS) + _TORCH_BYTES


def models_checks(
    presets: Sequence[PresetOnDisk], device: TargetDevice | None
) -> list[CheckResult]:
    """Check for each preset what is on disk and whether it fits; the last result recommends one."""
    checks = [_preset_check(one, device) for one in presets]
    if device is not None and presets:
        checks.append(_recommendation(presets, device))
    return checks


def broken_presets_check(error: str, environ: Mapping[str, str] = os.environ) -> CheckResult:
    """Return the result for a presets file that cannot be used."""
    own = environ.get(PRESETS_VARIABLE)
    fix = f"Correct the file, or unset {PRESETS_VARIABLE}." if own else "Reinstall viper-vision."
    return CheckResult("models", "problem", "presets", error, fix)


def _preset_check(one: PresetOnDisk, device: TargetDevice | None) -> CheckResult:
    name = one.preset.name
    found = one.counts if one.missing else "all on disk"
    fix = one.pull_command
    level: CheckLevel = "note" if fix else "ok"
    if device is None:
        return CheckResult("models", level, name, f"{found}.", fix)
    needed = needed_bytes(one.preset, is_cpu=device.is_cpu)
    fit = "fits"
    if needed > device.total_bytes:
        level, fix = "note", ""
        fit = f"too large for {gigabytes(device.total_bytes)}"
    elif device.free_bytes is not None and needed > device.free_bytes:
        level = "note"
        fix = fix or "Stop other programs that use this memory, or choose a smaller preset."
        fit = f"fits, but only {gigabytes(device.free_bytes)} are free now"
    return CheckResult("models", level, name, f"{found}; needs {gigabytes(needed)}: {fit}.", fix)


def _recommendation(presets: Sequence[PresetOnDisk], device: TargetDevice) -> CheckResult:
    fitting = [
        one
        for one in presets
        if needed_bytes(one.preset, is_cpu=device.is_cpu) <= device.total_bytes
    ]
    if not fitting:
        return CheckResult(
            "models",
            "warning",
            "choice",
            f"No preset for photographs fits into {device.name}.",
            "Use --models builtin (cubes, spheres and cylinders only), or load single models where they "
            "fit: --backend detector=onnx:FILE, or ?device=cpu after a reference.",
        )
    # A CPU has room for models that are far too slow on it.
    choose, why = (min, "the fastest") if device.is_cpu else (max, "the largest that fits")
    best = choose(fitting, key=lambda one: one.preset.size_mb)
    found = f"For {device.name}: --models {best.preset.name}, {why}."
    if not best.missing:
        return CheckResult("models", "ok", "choice", found)
    found = f"{found} About {gigabytes(best.preset.size_mb * 1e6)} to fetch."
    return CheckResult("models", "note", "choice", found, best.pull_command)
