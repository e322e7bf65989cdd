"""Which models are on disk, and which presets fit into the memory that there is.

How the memory is estimated: the weights as they are stored, a quarter more to work with, and 1 GB for torch
and what it keeps. It is a rule of thumb, not measured. On a processor an answerer counts twice, because it
is stored in 16 bits a number and loaded in 32; a GPU keeps it as it is stored.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from viper.doctor.check_result import CheckResult, FindingLevel, gigabytes
from viper.doctor.machine import Machine
from viper.doctor.torch_facts import TorchFacts
from viper.engine.presets import PRESETS_VARIABLE, Preset

__all__ = ["Place", "PresetOnDisk", "broken_presets_finding", "how_estimated", "models_findings"]
__all__ += ["needed_bytes", "place_of", "presets_on_disk"]

_WORK = 1.25
# On the safe side of what presets.toml says of its presets: base asks for 12 GB, large for 32.
_TORCH_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where models would run, and how much memory is there."""

    name: str
    """As a sentence goes on: `cuda:0 NVIDIA H200`, `the processor`."""
    total_bytes: int
    free_bytes: int | None = None
    """None where nothing says it."""
    is_processor: bool = False


@dataclass(frozen=True, slots=True)
class PresetOnDisk:
    """A preset that takes its models from the hub, and how many of them are there."""

    preset: Preset
    missing: int

    @property
    def state(self) -> str:
        """What is on disk, in words; names the command that fetches the rest."""
        needed = len(self.preset.models)
        if not self.missing:
            return "complete"
        name = self.preset.name
        return f"{needed - self.missing} of {needed} models on disk; viper models pull {name}"


def presets_on_disk() -> list[PresetOnDisk]:
    """Look for the models of each preset in the hub's cache; no network is asked.

    Raises:
        ConfigError: A file of presets is unusable.
    """
    from viper.engine.presets import load_presets, missing_models

    return [
        PresetOnDisk(preset, len(missing_models(preset)))
        for preset in load_presets().values()
        if preset.models
    ]


def place_of(machine: Machine, torch: TorchFacts, vram_gb: float | None = None) -> Place | None:
    """Return where models run: the first device of torch, else the processor.

    Args:
        machine: For the memory of the processor.
        torch: For devices. Models of one preset share the first.
        vram_gb: Memory of another GPU than there is here, in 10⁹ bytes.

    Returns:
        None where nothing says how much memory there is.
    """
    if vram_gb is not None:
        return Place(f"a GPU with {vram_gb:g} GB", round(vram_gb * 1e9))
    if torch.devices:
        first = torch.devices[0]
        return Place(first.name, first.total_bytes, first.free_bytes)
    if machine.ram_bytes is None:
        return None
    return Place("the processor", machine.ram_bytes, machine.ram_free_bytes, is_processor=True)


def needed_bytes(preset: Preset, *, is_processor: bool) -> int:
    """Estimate the memory that a preset needs; the docstring of this module says how."""
    megabytes = {
        model.repository: model.size_mb * (2 if is_processor and model.role == "answerer" else 1)
        for model in preset.models
    }
    return round(sum(megabytes.values()) * 1e6 * _WORK) + _TORCH_BYTES


def how_estimated(place: Place) -> str:
    """Say how `needed_bytes` counts."""
    twice = (
        " On a processor an answerer counts twice: it is loaded in 32 bits a number, not in 16."
        if place.is_processor
        else ""
    )
    return (
        "Memory is estimated, not measured: the weights as they are stored, a quarter more to work with, "
        f"and 1 GB for torch.{twice}"
    )


def models_findings(presets: Sequence[PresetOnDisk], place: Place | None) -> list[CheckResult]:
    """Return what is on disk of each preset and whether it fits, and last which one to choose."""
    findings = [_preset_finding(one, place) for one in presets]
    if place is not None and presets:
        findings.append(_choice(presets, place))
    return findings


def broken_presets_finding(trouble: str, environ: Mapping[str, str] = os.environ) -> CheckResult:
    """Return the finding for a file of presets that cannot be used."""
    own = environ.get(PRESETS_VARIABLE)
    cure = f"Correct the file, or unset {PRESETS_VARIABLE}." if own else "Reinstall viper-vision."
    return CheckResult("models", "problem", "presets", trouble, cure)


def _fits(preset: Preset, place: Place) -> bool:
    return needed_bytes(preset, is_processor=place.is_processor) <= place.total_bytes


def _preset_finding(one: PresetOnDisk, place: Place | None) -> CheckResult:
    preset = one.preset
    there = len(preset.models) - one.missing
    disk = f"{there} of {len(preset.models)} models on disk" if one.missing else "all on disk"
    pull = f"viper models pull {preset.name}" if one.missing else ""
    level: FindingLevel = "note" if pull else "ok"
    if place is None:
        return CheckResult("models", level, preset.name, f"{disk}.", pull)
    needed = needed_bytes(preset, is_processor=place.is_processor)
    cure = pull
    if needed > place.total_bytes:
        level, cure = "note", ""
        fit = f"too large for {gigabytes(place.total_bytes)}"
    elif place.free_bytes is not None and needed > place.free_bytes:
        level = "note"
        cure = pull or "End what else uses this memory, or take a smaller preset."
        fit = f"fits, but only {gigabytes(place.free_bytes)} are free now"
    else:
        fit = "fits"
    return CheckResult(
        "models", level, preset.name, f"{disk}; needs {gigabytes(needed)}: {fit}.", cure
    )


def _choice(presets: Sequence[PresetOnDisk], place: Place) -> CheckResult:
    fitting = [one for one in presets if _fits(one.preset, place)]
    if not fitting:
        return CheckResult(
            "models",
            "warning",
            "choice",
            f"No preset for photographs fits into {place.name}.",
            "Use --models builtin (cubes, spheres and cylinders only), or put single models where they "
            "fit: --backend detector=onnx:FILE, or ?device=cpu behind a reference.",
        )
    by_size = sorted(fitting, key=lambda one: one.preset.size_mb)
    # A processor has room for models that it is far too slow for.
    best = by_size[0] if place.is_processor else by_size[-1]
    name = best.preset.name
    why = "the fastest" if place.is_processor else "the largest that fits"
    found = f"For {place.name}: --models {name}, {why}."
    if best.missing:
        size = gigabytes(best.preset.size_mb * 1e6)
        return CheckResult(
            "models",
            "note",
            "choice",
            f"{found} About {size} to fetch.",
            f"viper models pull {name}",
        )
    return CheckResult("models", "ok", "choice", found)
