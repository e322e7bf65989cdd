"""What a hostile checkpoint of ultralytics cannot do, with the same files run as their makers meant."""

from __future__ import annotations

import inspect
import os
import re
from importlib.util import find_spec

import pytest
import torch

from viper.errors import ConfigError

if find_spec("ultralytics") is None:
    pytest.skip("the extra ultralytics is not installed", allow_module_level=True)

# The backend first: it imports the library with settings in a temporary folder.
from viper.backends import ultralytics_checkpoint
from viper.backends.ultralytics_network import read_checkpoint


class Payload:
    """A pickle that makes a folder when it is run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


class Call:
    """A pickle that calls something."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.fixture(autouse=True)
def no_list_of_the_test_before():
    """What the library puts on torch's list stays there for the process; the controls use it."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    yield
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(before)


@pytest.fixture(scope="module")
def student_file(tmp_path_factory):
    from fakes import tiny_yolo

    return tiny_yolo.closed(tmp_path_factory.mktemp("yolo") / "student.pt")


@pytest.fixture
def student(student_file):
    return read_checkpoint(student_file, trust=False)


@pytest.fixture
def second(tmp_path):
    """A second file, which is hostile, and the folder that it would make."""
    torch.save({"model": Payload(tmp_path / "ran")}, tmp_path / "second.pt")
    return tmp_path / "second.pt", tmp_path / "ran"


@pytest.fixture
def double(tmp_path, second, student):
    """A file of allowed classes, one of which loads the second file."""
    from ultralytics.nn.distill_model import DistillationModel

    path = tmp_path / "double.pt"
    torch.save({"model": Call(DistillationModel, str(second[0]), student)}, path)
    return path


def test_a_class_that_loads_a_second_file_is_refused(double, second):
    with pytest.raises(
        ConfigError, match=r"DistillationModel, which loads other files.*trust=true"
    ):
        read_checkpoint(double, trust=False)
    assert not second[1].exists()


def test_control_the_safe_mode_of_the_library_alone_runs_the_second_file(double, second):
    from ultralytics.nn import tasks

    with pytest.raises(Exception):  # noqa: B017 # what it trips over does not matter
        tasks.torch_safe_load(str(double), safe_only=True)
    assert second[1].exists()


def test_a_second_file_is_not_run_even_by_a_class_that_is_not_known_to_load_one(
    double, second, monkeypatch
):
    monkeypatch.setattr(ultralytics_checkpoint, "READS_FILES", frozenset())
    monkeypatch.setattr(ultralytics_checkpoint, "_READING_MODULES", ())
    with pytest.raises(ConfigError, match="it calls DistillationModel, which no checkpoint needs"):
        read_checkpoint(double, trust=False)
    assert not second[1].exists()


def test_a_second_file_goes_through_the_list_even_where_classes_may_be_called(
    double, second, monkeypatch
):
    import contextlib

    monkeypatch.setattr(ultralytics_checkpoint, "READS_FILES", frozenset())
    monkeypatch.setattr(ultralytics_checkpoint, "_READING_MODULES", ())
    monkeypatch.setattr(ultralytics_checkpoint, "_no_constructors", contextlib.nullcontext)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        read_checkpoint(double, trust=False)
    assert not second[1].exists()


def test_every_class_of_the_library_that_loads_a_file_is_known():
    from ultralytics.nn import distill_model, modules, tasks

    loading = re.compile(
        r"load_checkpoint|torch_load|torch_safe_load|torch\.load|jit\.load|get_model\(|"
        r"attempt_download|clip\.load|pickle"
    )
    found = set()
    for module in (modules, tasks, distill_model):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, torch.nn.Module) and kind.__module__.startswith("ultralytics.nn"):
                makers = [kind.__init__, getattr(kind, "__setstate__", None)]
                if any(loading.search(inspect.getsource(m)) for m in makers if is_source(m)):
                    found.add(name)
    assert found <= ultralytics_checkpoint.READS_FILES
    assert "DistillationModel" in found  # the search finds something


def is_source(function):
    return inspect.isfunction(function)


def test_a_class_that_fetches_weights_is_refused(tmp_path, monkeypatch):
    import torchvision
    from ultralytics.nn.modules.block import TorchVision

    asked = []
    monkeypatch.setattr(torchvision.models, "get_model", lambda *a, **k: asked.append(a))
    torch.save({"model": Call(TorchVision, "resnet18")}, tmp_path / "fetching.pt")
    with pytest.raises(ConfigError, match="TorchVision, which loads other files"):
        read_checkpoint(tmp_path / "fetching.pt", trust=False)
    assert not asked
    from ultralytics.nn import tasks

    with pytest.raises(Exception):  # noqa: B017 # control: the library calls it
        tasks.torch_safe_load(str(tmp_path / "fetching.pt"), safe_only=True)
    assert asked


def test_the_list_of_one_file_is_not_that_of_the_next(student, tmp_path):
    before = torch.serialization.get_safe_globals()
    torch.save({"model": student}, tmp_path / "again.pt")
    read_checkpoint(tmp_path / "again.pt", trust=False)
    assert torch.serialization.get_safe_globals() == before
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(tmp_path / "again.pt", weights_only=True)


@pytest.mark.parametrize("place", ["hook", "class", "method"])
def test_code_that_would_run_later_is_refused(student, tmp_path, place):
    from ultralytics.nn.modules import Conv

    if place == "hook":
        student.model[0]._forward_hooks[1] = Conv
    elif place == "class":
        student.model[0].__dict__["chosen"] = Conv
    else:
        student.__dict__["float"] = student.model[0].forward
    torch.save({"model": student}, tmp_path / "later.pt")
    with pytest.raises(ConfigError, match="holds code to be run later"):
        read_checkpoint(tmp_path / "later.pt", trust=False)


@pytest.fixture
def untried():
    ultralytics_checkpoint._library_refuses_code.cache_clear()
    yield
    ultralytics_checkpoint._library_refuses_code.cache_clear()


def test_a_library_whose_safe_mode_does_nothing_is_not_believed(
    untried, second, tmp_path, monkeypatch
):
    from ultralytics.nn import tasks

    # As with a torch that is too old: the argument is taken, and the file is run.
    monkeypatch.setattr(tasks._SafeLoad, "SUPPORTED", False)
    with pytest.raises(ConfigError, match="only by running the code in it"):
        read_checkpoint(second[0], trust=False)
    assert not second[1].exists()
    tasks.torch_safe_load(str(second[0]), safe_only=True)
    assert second[1].exists()  # control


def test_a_library_without_a_safe_mode_is_told(untried, second, monkeypatch):
    from ultralytics.nn import tasks

    monkeypatch.setattr(tasks, "torch_safe_load", lambda weight: ({"model": None}, weight))
    with pytest.raises(ConfigError, match="only by running the code in it"):
        read_checkpoint(second[0], trust=False)
