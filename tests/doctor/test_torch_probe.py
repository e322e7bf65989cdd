"""The script that torch is asked with, run here with the real torch and with others."""

from __future__ import annotations

import json
import sys
import warnings
from types import SimpleNamespace

import pytest

from viper.doctor import _torch_probe


@pytest.fixture
def probe(monkeypatch, capsys):
    """Returns what the script prints with this torch in place; None is a torch that is not there."""

    def run(torch):
        monkeypatch.setitem(sys.modules, "torch", torch)
        _torch_probe.main()
        return json.loads(capsys.readouterr().out)

    return run


def fake(*, cuda=None, hip=None, devices=(), mps=False, available=None):
    return SimpleNamespace(
        __version__="2.11.0",
        version=SimpleNamespace(cuda=cuda, hip=hip),
        cuda=SimpleNamespace(
            is_available=available or (lambda: bool(devices)),
            device_count=lambda: len(devices),
            mem_get_info=lambda index: devices[index][1:],
            get_device_name=lambda index: devices[index][0],
        ),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
        mps=SimpleNamespace(recommended_max_memory=lambda: 12),
    )


def test_the_torch_of_this_machine_answers(capsys):
    import torch

    _torch_probe.main()
    reported = json.loads(capsys.readouterr().out)
    assert reported["version"] == torch.__version__
    assert bool(reported["devices"]) == (
        torch.cuda.is_available() or torch.backends.mps.is_available()
    )


def test_devices_are_reported_with_total_and_free_memory(probe):
    reported = probe(fake(cuda="12.8", devices=[("GPU A", 60, 100), ("GPU B", 5, 80)]))
    assert reported == {
        "version": "2.11.0",
        "build": "CUDA 12.8",
        "devices": [
            {"name": "cuda:0 GPU A", "total_bytes": 100, "free_bytes": 60},
            {"name": "cuda:1 GPU B", "total_bytes": 80, "free_bytes": 5},
        ],
        "error": "",
    }


def test_a_build_for_amd_and_a_mac_are_known(probe):
    assert probe(fake(hip="6.4"))["build"] == "ROCm 6.4"
    reported = probe(fake(mps=True))
    assert (reported["build"], reported["devices"]) == (
        "",
        [{"name": "mps", "total_bytes": 12, "free_bytes": None}],
    )


def test_what_torch_warns_of_is_the_reason_why_there_is_no_device(probe):
    def warn():
        warnings.warn("The NVIDIA driver on your system is too old.", stacklevel=1)
        return False

    reported = probe(fake(cuda="12.8", available=warn))
    assert reported["error"] == "The NVIDIA driver on your system is too old."


def test_a_driver_that_raises_is_reported(probe):
    def fail():
        raise RuntimeError("no kernel image")

    reported = probe(fake(cuda="12.8", available=fail))
    assert (reported["version"], reported["error"]) == ("2.11.0", "RuntimeError: no kernel image")


def test_a_torch_that_cannot_be_imported_is_reported(probe):
    class Broken:
        @property
        def __version__(self):
            raise ImportError("libcudart.so: no such file")

    reported = probe(Broken())
    assert reported["version"] is None
    assert reported["error"] == "ImportError: libcudart.so: no such file"


def test_a_torch_that_is_not_installed_is_no_error(probe):
    assert probe(None) == {"version": None, "build": "", "devices": [], "error": ""}
