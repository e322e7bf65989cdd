"""Which presets fit, which one to choose, and the command that fetches it."""

from __future__ import annotations

import pytest

from viper.doctor.machine import Machine
from viper.doctor.models import (
    PresetOnDisk,
    TargetDevice,
    broken_presets_check,
    models_checks,
    needed_bytes,
    presets_on_disk,
    target_device,
)
from viper.doctor.torch_facts import Device, TorchFacts
from viper.engine.presets import Preset, PresetModel, load_presets

MACHINE = Machine("CPython 3.11.7", "Linux", 8, 16_000_000_000, 12_000_000_000)
NO_GPU = TorchFacts("2.11.0")


def shipped(**missing):
    """The presets of Viper, with so many models missing of each; all are, where nothing is said."""
    return [
        PresetOnDisk(preset, missing.get(name, len(preset.models)))
        for name, preset in load_presets().items()
        if preset.models
    ]


def reported(presets, place):
    return {one.title: one for one in models_checks(presets, place)}


def gpu(gigabytes, free=None):
    free = None if free is None else int(free * 1e9)
    return TargetDevice(f"a GPU with {gigabytes} GB", int(gigabytes * 1e9), free)


def test_memory_is_the_weights_a_quarter_and_one_gigabyte():
    models = tuple(
        PresetModel(role, f"me/{role}", "main", size, "MIT", "Any")
        for role, size in (("detector", 1000), ("answerer", 3000))
    )
    preset = Preset("mine", "What I use.", {}, models)
    assert needed_bytes(preset, is_cpu=False) == 4_000e6 * 1.25 + 1e9
    assert needed_bytes(preset, is_cpu=True) == (1_000e6 + 2 * 3_000e6) * 1.25 + 1e9


def test_the_estimate_says_what_it_is():
    assert gpu(12).estimate.startswith("Memory is estimated, not measured: the weights")
    assert "twice" not in gpu(12).estimate
    assert "twice" in TargetDevice("the CPU", 1, is_cpu=True).estimate


@pytest.mark.parametrize(
    ("vram_gb", "fitting", "chosen"),
    [
        (4, {"small"}, "small"),
        (12, {"small", "base"}, "base"),
        (32, {"small", "base", "large"}, "large"),
        (80, {"small", "base", "large"}, "large"),
    ],
)
def test_the_largest_that_fits_a_gpu_is_chosen_as_the_presets_promise(vram_gb, fitting, chosen):
    place = target_device(MACHINE, NO_GPU, vram_gb)
    checks = reported(shipped(), place)
    choice = checks.pop("choice")
    assert {name for name, one in checks.items() if one.found.endswith(": fits.")} == fitting
    assert choice.level == "note"
    assert choice.found.startswith(
        f"For a GPU with {vram_gb} GB: --models {chosen}, the largest that fits. About "
    )
    assert choice.fix == f"viper models pull {chosen}"


def test_what_does_not_fit_is_not_to_be_fetched():
    found = reported(shipped(), gpu(12))["large"]
    assert found.level == "note"
    assert found.found == "0 of 4 models on disk; needs 30.4 GB: too large for 12.0 GB."
    assert found.fix == ""


def test_on_a_processor_the_fastest_is_chosen_though_others_fit():
    checks = reported(shipped(), target_device(MACHINE, NO_GPU))
    assert "needs 14.8 GB: fits" in checks["base"].found.replace("fits, but", "fits")
    assert checks["choice"].found.startswith("For the CPU: --models small, the fastest.")


def test_a_preset_that_is_on_disk_needs_no_fix():
    checks = reported(shipped(base=0), gpu(12))
    assert checks["base"].level == checks["choice"].level == "ok"
    assert checks["base"].found == "all on disk; needs 9.5 GB: fits."
    assert checks["base"].fix == checks["choice"].fix == ""


def test_what_is_on_disk_in_part_is_to_be_fetched():
    found = reported(shipped(small=1), gpu(12))["small"]
    assert (found.level, found.fix) == ("note", "viper models pull small")
    assert found.found.startswith("3 of 4 models on disk; ")


def test_memory_that_others_use_is_reported():
    checks = reported(shipped(base=0), gpu(12, free=5))
    assert checks["base"].level == "note"
    assert checks["base"].found.endswith(": fits, but only 5.0 GB are free now.")
    assert (
        checks["base"].fix
        == "Stop other programs that use this memory, or choose a smaller preset."
    )
    assert checks["small"].found.endswith(": fits.")


def test_where_nothing_fits_it_says_what_does():
    choice = reported(shipped(), gpu(2))["choice"]
    assert choice.level == "warning"
    assert choice.found == "No preset for photographs fits into a GPU with 2 GB."
    assert "--models builtin" in choice.fix


def test_where_memory_is_unknown_only_the_disk_is_reported():
    checks = reported(shipped(small=0), None)
    assert "choice" not in checks
    assert checks["small"].found == "all on disk."
    assert checks["base"].fix == "viper models pull base"


def test_models_run_on_the_first_device_else_on_the_processor():
    devices = (Device("cuda:0 A", 12, 10), Device("cuda:1 B", 80, 80))
    assert target_device(MACHINE, TorchFacts("2", "CUDA 12", devices)) == TargetDevice(
        "cuda:0 A", 12, 10
    )
    processor = TargetDevice("the CPU", 16_000_000_000, 12_000_000_000, is_cpu=True)
    assert target_device(MACHINE, NO_GPU) == processor
    assert target_device(Machine("", "", 1, None), NO_GPU) is None


def test_the_disk_is_looked_at(hub_cache):
    assert [(one.preset.name, one.missing) for one in presets_on_disk()] == [
        ("small", 4),
        ("base", 4),
        ("large", 4),
    ]


def test_a_broken_file_of_presets_is_a_problem(monkeypatch):
    found = broken_presets_check("It is not TOML.", {"VIPER_PRESETS": "my.toml"})
    assert (found.level, found.found) == ("problem", "It is not TOML.")
    assert found.fix == "Correct the file, or unset VIPER_PRESETS."
    assert broken_presets_check("It is not TOML.", {}).fix == "Reinstall viper-vision."
