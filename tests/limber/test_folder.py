"""A map's folder of a stranger: it is read without waiting, and names only harmless things."""

from __future__ import annotations

import os

import pytest
import torch
from safetensors.torch import save_file

from viper.errors import ConfigError
from viper.limber.answerer import _without_fetching
from viper.limber.folder import Wiring, read_map
from viper.limber.model import SoftPrompts
from viper.models.registry import BackendRef

WIRING = Wiring("transformers:a/b", "c/d", features=4, prompts=2, width=3)


def state(**changes):
    return {**SoftPrompts(4, 2, 3).half().state_dict(), **changes}


def test_a_map_is_read_in_single_precision(tmp_path):
    save_file(state(mean=torch.ones(4).half()), tmp_path / "map.safetensors")
    soft = read_map(tmp_path, WIRING)
    assert {tensor.dtype for tensor in soft.state_dict().values()} == {torch.float32}
    assert soft(torch.ones(1, 4)).shape == (1, 2, 3)


def a_pipe(path):
    os.mkfifo(path)


def a_link_to_a_device(path):
    path.symlink_to("/dev/zero")


def a_folder(path):
    path.mkdir()


def another_shape(path):
    save_file(state(mean=torch.zeros(5)), path)


def no_weights(path):
    path.write_bytes(b"\xff" * 100)


def fewer_weights(path):
    save_file({"mean": torch.zeros(4)}, path)


@pytest.mark.parametrize(
    "attack", [a_pipe, a_link_to_a_device, a_folder, another_shape, no_weights, fewer_weights]
)
def test_a_hostile_map_is_refused(tmp_path, attack):
    attack(tmp_path / "map.safetensors")
    with pytest.raises(ConfigError, match="holds no map of this shape"):
        read_map(tmp_path, WIRING)


def test_a_large_shape_needs_no_memory(tmp_path):
    save_file(state(), tmp_path / "map.safetensors")
    large = Wiring("transformers:a/b", "c/d", features=1 << 19, prompts=1 << 19, width=1 << 19)
    with pytest.raises(ConfigError, match="holds no map of this shape"):
        read_map(tmp_path, large)
    with pytest.raises(RuntimeError):  # control: the map itself asks for it
        SoftPrompts(1 << 19, 1 << 19, 1 << 19)


@pytest.mark.parametrize(
    "option",
    [
        "templates=/etc/hostname",
        "templates=../secret",
        "download=true",
        "trust=true",
        "pretrained=/etc/passwd",
        "text_encoder=onnx:x",
        "unknown=1",
    ],
)
def test_a_folder_gives_its_matcher_harmless_options_alone(option):
    ref = BackendRef.parse("matcher", f"transformers:a/b?dtype=float16&{option}&templates=plain")
    kept = _without_fetching(ref).options
    assert kept == (("dtype", "float16"), ("templates", "plain"))
