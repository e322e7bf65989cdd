"""Checkpoints of a training whose folder may be a stranger's: torch's reader alone is the control."""

from __future__ import annotations

import pickle
import time
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from fakes.torch_files import Call, archive, nested
from viper.errors import InputError
from viper.limber.experiment import _features
from viper.limber.training_loop import TrainingConfig, TrainingLoop, load_complete, save_complete


class MakesAFolder:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        import os

        return os.mkdir, (self.path,)


def seconds(function, *arguments, **options):
    started_s = time.process_time()
    function(*arguments, **options)
    return time.process_time() - started_s


@pytest.mark.parametrize("new", [True, False], ids=["archive", "old"])
def test_a_checkpoint_that_is_code_is_not_run(tmp_path, new):
    path = tmp_path / "map.pt"
    attack = {"step": MakesAFolder(tmp_path / "made")}
    torch.save(attack, path, _use_new_zipfile_serialization=new)
    with pytest.raises(InputError, match=r"its pickle calls [\w.]+mkdir, which no file of weights"):
        load_complete(path)
    assert not (tmp_path / "made").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "made").is_dir()  # the control


def test_a_checkpoint_whose_key_takes_for_ever_is_refused(tmp_path):
    path = archive(tmp_path / "map.pt", nested(60))
    with pytest.raises(InputError, match="a tuple of more than"):
        load_complete(path)


def test_control_torch_alone_takes_twice_as_long_for_every_level_of_a_key(tmp_path):
    few, many = (archive(tmp_path / f"{n}.pt", nested(n)) for n in (14, 20))
    alone = seconds(torch.load, many, weights_only=True)
    assert alone > 5 * seconds(torch.load, few, weights_only=True)


def test_a_checkpoint_of_memory_that_nobody_has_written_is_refused(tmp_path):
    path = tmp_path / "map.pt"
    torch.save({"soft": Call(torch.Tensor, 16, 16)}, path)
    with pytest.raises(InputError, match="its pickle calls"):
        load_complete(path)
    assert torch.load(path, weights_only=True)["soft"].shape == (16, 16)  # the control


def test_a_tensor_of_a_checkpoint_that_has_no_memory_is_refused(tmp_path):
    path = tmp_path / "map.pt"
    torch.save({"soft": torch.zeros(1).expand(10**9)}, path)
    with pytest.raises(InputError, match="larger than its memory"):
        load_complete(path)
    assert torch.load(path, weights_only=True)["soft"].numel() == 10**9  # the control


def loop_of(path, width=3):
    module = nn.Linear(width, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    return TrainingLoop(TrainingConfig(steps=2, save_every=1), {"soft": module}, optimizer, path)


def test_a_training_continues_from_its_own_checkpoint(tmp_path):
    first = loop_of(tmp_path / "map.pt")
    first.update(first.modules["soft"](torch.ones(1, 3)).sum())
    first.save()
    second = loop_of(tmp_path / "map.pt")
    assert (second.step, second.left) == (1, 1)
    for name, tensor in first.modules["soft"].state_dict().items():
        assert torch.equal(second.modules["soft"].state_dict()[name], tensor)
    second.update(second.modules["soft"](torch.ones(1, 3)).sum())
    assert second.left == 0


def another_shape(state):
    state["soft"]["weight"] = torch.zeros(2, 9)


def without_a_module(state):
    del state["soft"]


def a_step_that_is_none(state):
    state["step"] = "x"


def an_optimizer_of_another(state):
    state["optimizer"] = {}


@pytest.mark.parametrize(
    "change", [another_shape, without_a_module, a_step_that_is_none, an_optimizer_of_another]
)
def test_a_checkpoint_of_another_training_is_one_line(tmp_path, change):
    first = loop_of(tmp_path / "map.pt")
    first.update(first.modules["soft"](torch.ones(1, 3)).sum())
    first.save()
    state = load_complete(tmp_path / "map.pt")
    change(state)
    save_complete(state, tmp_path / "map.pt")
    with pytest.raises(InputError, match=r"Cannot continue .*map\.pt.* Delete it") as refused:
        loop_of(tmp_path / "map.pt")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "kept",
    [torch.zeros(3, 4), torch.zeros(2), {"a": 1}, torch.full((2, 4), torch.nan)],
    ids=["of three images", "flat", "dict", "nan"],
)
def test_features_that_do_not_fit_the_images_are_refused(tmp_path, kept):
    save_complete(kept, tmp_path / "features.pt")
    examples = [SimpleNamespace(), SimpleNamespace()]
    with pytest.raises(InputError, match="does not hold the vectors of these images"):
        _features(None, examples, tmp_path / "features.pt", print)
    save_complete(torch.ones(2, 4), tmp_path / "features.pt")
    assert _features(None, examples, tmp_path / "features.pt", print).shape == (2, 4)  # the control


def test_control_the_pickle_of_the_attack_is_one():
    assert pickle.loads(nested(3)) == {_pair(3): 1}


def _pair(levels):
    made = (1,)
    for _ in range(levels):
        made = (made, made)
    return made
