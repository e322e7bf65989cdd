"""What is said of processor, memory, torch and devices, from facts that are made up."""

from __future__ import annotations

import dataclasses

import pytest

from viper.doctor.machine import Machine, machine_checks, read_machine
from viper.doctor.torch_facts import Device, TorchFacts

PLAIN = Machine("CPython 3.11.7", "Linux 6.1 x86_64", 8, 16_000_000_000, 12_000_000_000)
NVIDIA = dataclasses.replace(PLAIN, has_nvidia=True)
GPU = Device("cuda:0 NVIDIA H200", 150_000_000_000, 149_000_000_000)
ON_GPU = TorchFacts("2.11.0+cu128", "CUDA 12.8", (GPU,))


@pytest.fixture(autouse=True)
def runtimes(monkeypatch):
    """Installed variants of onnxruntime, by name."""
    versions = {"onnxruntime": "1.30.0"}
    monkeypatch.setattr("viper.doctor.machine._installed", versions.get)
    return versions


def runtime_check(machine):
    (found,) = (one for one in machine_checks(machine, ON_GPU) if one.title == "onnxruntime")
    return found


def test_two_variants_of_onnxruntime_are_a_problem_with_the_command(runtimes):
    runtimes["onnxruntime-gpu"] = "1.30.0"
    found = runtime_check(NVIDIA)
    assert found.level == "problem"
    assert "onnxruntime 1.30.0 and onnxruntime-gpu 1.30.0 are both installed" in found.found
    assert found.fix == (
        "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
    )


def test_onnxruntime_for_the_cpu_beside_an_nvidia_device_is_noted_with_the_command(runtimes):
    found = runtime_check(NVIDIA)
    assert (found.level, found.found) == ("note", "onnxruntime 1.30.0, for the CPU only")
    assert found.fix == "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"
    del runtimes["onnxruntime"]
    assert runtime_check(NVIDIA).level == "problem"
    runtimes["onnxruntime-gpu"] = "1.30.0"
    assert runtime_check(NVIDIA).level == "ok"


def test_without_torch_there_is_a_note_with_the_command():
    found = torch_check(NVIDIA, TorchFacts(None))
    assert found.level == "note"
    assert found.fix == "pip install 'viper-vision[torch]'"


def torch_check(machine, torch):
    (found,) = (one for one in machine_checks(machine, torch) if one.title == "torch")
    return found


def test_it_names_python_system_cores_memory_torch_and_each_device():
    second = Device("cuda:1 NVIDIA H200", 150_000_000_000, 2_000_000_000)
    facts = dataclasses.replace(ON_GPU, devices=(GPU, second))
    checks = machine_checks(PLAIN, facts)
    assert [(one.level, one.title, one.found, one.fix) for one in checks] == [
        ("ok", "Python", "CPython 3.11.7", ""),
        ("ok", "system", "Linux 6.1 x86_64, 8 cores", ""),
        ("ok", "memory", "16.0 GB, 12.0 GB free", ""),
        ("ok", "torch", "2.11.0+cu128, built for CUDA 12.8", ""),
        ("ok", "onnxruntime", "onnxruntime 1.30.0", ""),
        ("ok", "device", "cuda:0 NVIDIA H200, 150.0 GB, 149.0 GB free", ""),
        ("ok", "device", "cuda:1 NVIDIA H200, 150.0 GB, 2.0 GB free", ""),
    ]


def test_one_core_and_unknown_memory_are_reported_as_such():
    small = dataclasses.replace(PLAIN, cores=1, ram_bytes=None, ram_free_bytes=None)
    found = {one.title: one.found for one in machine_checks(small, ON_GPU)}
    assert found["system"].endswith(", 1 core")
    assert found["memory"] == "unknown size"


def test_memory_that_a_device_shares_has_no_free_part():
    mps = TorchFacts("2.11.0", "", (Device("mps", 12_000_000_000, None),))
    assert machine_checks(PLAIN, mps)[-1].found == "mps, 12.0 GB"
    assert torch_check(PLAIN, mps).level == "ok"


def test_a_torch_for_processors_beside_an_nvidia_device_is_a_warning_with_the_command():
    found = torch_check(NVIDIA, TorchFacts("2.11.0+cpu"))
    assert found.level == "warning"
    assert found.found == (
        "2.11.0+cpu, built for the CPU only, but this machine has an NVIDIA device: "
        "models run many times slower."
    )
    assert found.fix.startswith("pip install --force-reinstall torch torchvision")


@pytest.mark.parametrize("build", ["", "CUDA 12.8"])
def test_a_machine_without_a_gpu_lacks_nothing(build):
    found = torch_check(PLAIN, TorchFacts("2.11.0", build))
    assert (found.level, found.fix) == ("ok", "")
    assert "no GPU found" in found.found


@pytest.mark.parametrize(
    ("machine", "trouble", "reported"),
    [
        (NVIDIA, "", "finds no such device. Models run on the CPU."),
        (PLAIN, "The driver is too old.", "no such device: The driver is too old. Models run"),
    ],
    ids=["hidden", "old driver"],
)
def test_a_torch_for_cuda_that_finds_no_device_is_sent_to_the_driver(machine, trouble, reported):
    found = torch_check(machine, TorchFacts("2.11.0", "CUDA 12.8", error=trouble))
    assert found.level == "warning"
    assert reported in found.found
    assert "nvidia-smi" in found.fix
    assert "CUDA_VISIBLE_DEVICES" in found.fix


def test_a_torch_that_cannot_be_imported_is_a_problem():
    found = torch_check(PLAIN, TorchFacts(None, error="ImportError: libfoo.so"))
    assert found.level == "problem"
    assert found.found == "cannot be used: ImportError: libfoo.so"
    assert found.fix == "pip install --force-reinstall torch torchvision"


@pytest.fixture
def root(tmp_path):
    """A file system with 16 GiB of memory."""
    (tmp_path / "proc").mkdir()
    text = "MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:   8388608 kB\n"
    (tmp_path / "proc/meminfo").write_text(text)
    return tmp_path


def test_memory_is_what_linux_says(root):
    seen = read_machine(root)
    assert (seen.ram_bytes, seen.ram_free_bytes) == (16 << 30, 8 << 30)
    assert seen.cores >= 1
    assert not seen.has_nvidia


@pytest.mark.parametrize(
    ("limit", "memory"),
    [("4294967296\n", (4 << 30, 4 << 30)), ("max\n", (16 << 30, 8 << 30))],
    ids=["4 GiB", "no limit"],
)
def test_the_limit_of_a_container_counts(root, limit, memory):
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/memory.max").write_text(limit)
    seen = read_machine(root)
    assert (seen.ram_bytes, seen.ram_free_bytes) == memory


def test_without_proc_the_system_is_asked(tmp_path):
    seen = read_machine(tmp_path)
    assert seen.ram_bytes is None or seen.ram_bytes > 0
    assert seen.ram_free_bytes is None


@pytest.mark.parametrize("sign", ["proc/driver/nvidia/version", "dev/nvidia0"])
def test_the_driver_of_nvidia_is_seen_without_torch(root, sign):
    (root / sign).parent.mkdir(parents=True, exist_ok=True)
    (root / sign).touch()
    assert read_machine(root).has_nvidia
