"""What a hostile checkpoint of ultralytics cannot do, with the same files run as their makers meant.

Every attack is a file; its control loads the same file with trust, or with the library's safe mode alone, and
shows that the attack works there.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from copy import deepcopy
from importlib.util import find_spec

import pytest
import torch
from torch import nn

from viper.errors import ConfigError

if find_spec("ultralytics") is None:
    pytest.skip("the extra ultralytics is not installed", allow_module_level=True)

# The backend first: it imports the library with settings in a temporary folder.
from viper.backends import ultralytics_checkpoint, ultralytics_rebuild
from viper.backends.ultralytics_network import Network, read_checkpoint
from viper.backends.ultralytics_yaml import checked_yaml

NOT_WITHOUT_TRUST = r"If you trust its origin, add trust=true"


class Call:
    """A pickle that calls something."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def payload(path):
    """A pickle that makes a folder when it is run."""
    return Call(os.mkdir, str(path))


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
def content(student_file):
    """The content of an ordinary checkpoint, to be changed and saved."""
    return torch.load(student_file, weights_only=False)


@pytest.fixture
def ran(tmp_path):
    """The folder that an attack makes."""
    return tmp_path / "ran"


def run_as_meant(path):
    """Load and run a file as the library does in its safe mode."""
    from ultralytics.nn import tasks

    checkpoint, _ = tasks.torch_safe_load(str(path), safe_only=True)
    with torch.inference_mode():
        checkpoint["model"].predict(torch.zeros(1, 3, 64, 64))


# Networks of harmless objects that do harm together. Each takes the network and the folder to make.


def code_in_its_activation(model, ran):
    """An object that hands a description to the library, which evaluates its activation."""
    from ultralytics.nn.modules.conv import Index
    from ultralytics.nn.tasks import DetectionModel

    described = {
        "nc": 3,
        "activation": f"__import__('os').mkdir({str(ran)!r}) or torch.nn.SiLU()",
        "backbone": [[-1, 1, "Conv", [8, 3, 2]]],
        "head": [],
        "channels": 3,
    }
    constant = nn.Sequential()
    constant._modules["0"] = described
    constant.__dict__["forward"] = Index(0)
    constant.__dict__["append"] = nn.Identity()
    constant._forward_pre_hooks = OrderedDict({0: nn.ParameterList.extend})  # returns `self`
    chain = nn.Sequential()
    chain._modules.update({"0": constant, "1": DetectionModel})
    return chain


def replaced_predict(model, ran):
    model.__dict__["predict"] = code_in_its_activation(model, ran)


def replaced_part(model, ran):
    model.model._modules["0"] = code_in_its_activation(model, ran)
    model.model._modules["0"].__dict__.update(i=0, f=-1)


def replaced_forward(model, ran):
    model.model[0].__dict__["forward"] = code_in_its_activation(model, ran)


def replaced_method_of_the_head(model, ran):
    model.model[-1].__dict__["_inference"] = code_in_its_activation(model, ran)


def replaced_part_of_the_head(model, ran):
    model.model[-1].cv2._modules["0"] = code_in_its_activation(model, ran)


def replaced_activation(model, ran):
    model.model[0]._modules["act"] = code_in_its_activation(model, ran)


COMPOSED = [
    replaced_predict,
    replaced_part,
    replaced_forward,
    replaced_method_of_the_head,
    replaced_part_of_the_head,
    replaced_activation,
]


@pytest.mark.parametrize("attack", COMPOSED)
def test_harmless_objects_that_do_harm_together_are_not_run(content, tmp_path, ran, attack):
    attack(content["model"], ran)
    torch.save(content, tmp_path / "composed.pt")
    with pytest.raises(ConfigError, match=NOT_WITHOUT_TRUST):
        Network.of(read_checkpoint(tmp_path / "composed.pt", trust=False), tmp_path, None).forward(
            torch.zeros(1, 3, 64, 64), None
        )
    assert not ran.exists()


@pytest.mark.parametrize("attack", COMPOSED)
def test_control_the_safe_mode_of_the_library_runs_them(content, tmp_path, ran, attack):
    attack(content["model"], ran)
    torch.save(content, tmp_path / "composed.pt")
    try:
        run_as_meant(tmp_path / "composed.pt")
    except Exception:  # what it trips over afterwards does not matter
        assert ran.exists()
    assert ran.exists()


# Objects that load or call something while the file is read.


def loads_a_second_file(model, ran):
    from ultralytics.nn.distill_model import DistillationModel

    second = ran.with_name("second.pt")
    torch.save({"model": payload(ran)}, second)
    return Call(DistillationModel, str(second), model)


def calls_a_function(model, ran):
    return payload(ran)


def calls_a_function_in_a_part(model, ran):
    model.model[2].__dict__["extra"] = payload(ran)
    return model


def calls_a_function_in_its_description(model, ran):
    model.yaml["nc"] = payload(ran)
    return model


def calls_a_function_in_its_names(model, ran):
    model.names = payload(ran)
    return model


def evaluates_its_description(model, ran):
    from ultralytics.nn.tasks import DetectionModel

    described = deepcopy(model.yaml)
    described["activation"] = f"__import__('os').mkdir({str(ran)!r}) or torch.nn.SiLU()"
    return Call(DetectionModel, described)


CALLING = [
    loads_a_second_file,
    calls_a_function,
    calls_a_function_in_a_part,
    calls_a_function_in_its_description,
    calls_a_function_in_its_names,
    evaluates_its_description,
]


@pytest.mark.parametrize("attack", CALLING)
def test_what_a_file_calls_is_not_called(content, tmp_path, ran, attack):
    torch.save({"model": attack(content["model"], ran)}, tmp_path / "calling.pt")
    with pytest.raises(ConfigError, match=NOT_WITHOUT_TRUST):
        read_checkpoint(tmp_path / "calling.pt", trust=False)
    assert not ran.exists()


@pytest.mark.parametrize("attack", CALLING)
def test_control_with_trust_it_is_called(content, tmp_path, ran, attack):
    torch.save({"model": attack(content["model"], ran)}, tmp_path / "calling.pt")
    try:
        read_checkpoint(tmp_path / "calling.pt", trust=True)
    except Exception:  # what it trips over afterwards does not matter
        assert ran.exists()
    assert ran.exists()


def test_nothing_that_a_file_names_is_made(content, tmp_path, monkeypatch):
    """Not one class, on no list: the library's constructors and states are not even looked at."""
    torch.save(content, tmp_path / "ordinary.pt")
    made = []
    original = nn.Module.__setstate__
    monkeypatch.setattr(
        nn.Module, "__setstate__", lambda self, state: made.append(self) or original(self, state)
    )
    ultralytics_checkpoint.read_parts(tmp_path / "ordinary.pt")
    assert not made
    torch.load(tmp_path / "ordinary.pt", weights_only=False)
    assert made  # control


# Descriptions that the library would evaluate, call or build without end.


def row(layer, arguments, source=-1, repeats=1):
    return lambda described: described["backbone"].__setitem__(
        0, [source, repeats, layer, arguments]
    )


def entry(name, value):
    return lambda described: described.__setitem__(name, value)


DESCRIPTIONS = {
    "code as an activation": entry("activation", "print('code') or torch.nn.SiLU()"),
    "an activation in disguise": entry("activation", "nn.SiLU() if 1 else nn.SiLU()"),
    "a layer that fetches weights": row("TorchVision", [64, "resnet18", "DEFAULT", True, 2]),
    "a function as a layer": row("torch_safe_load", ["second.pt"]),
    "a function of torch as a layer": row("nn.init.eye_", [8]),
    "a function of torchvision": row("torchvision.ops.misc.interpolate", [8]),
    "a module as a layer": row("pickle", []),
    "a local variable as an argument": row("Conv", ["layers", 3, 2]),
    "an expression as an argument": row("Conv", ["[0]*10**9", 3, 2]),
    "a description as an argument": row("Conv", [{"a": 1}, 3, 2]),
    "many repeats": row("Conv", [8, 3, 2], repeats=10**6),
    "many repeats by scaling": entry("scales", {"n": [1e4, 0.1, 1024]}),
    "a number of many digits": row("Conv", [10**5000, 3, 2]),
    "no number": row("Conv", [float("nan"), 3, 2]),
    "a huge enlargement": row("nn.Upsample", ["None", 4096, "nearest"]),
    "many layers": entry("head", [[-1, 1, "Conv", [8, 1, 1]]] * 1000),
    "deep arguments": row("Conv", [[[[[[[8]]]]]]]),
    "no classes": entry("nc", 0),
    "another kind of table": entry("backbone", {}),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_of_other_things_is_refused(content, name):
    described = content["model"].yaml
    assert checked_yaml(described) is not None  # control: without the change it is taken
    DESCRIPTIONS[name](described)
    assert checked_yaml(described) is None


def test_a_description_that_is_refused_is_not_built(content, tmp_path, ran):
    model = content["model"]
    model.yaml["activation"] = f"__import__('os').mkdir({str(ran)!r}) or torch.nn.SiLU()"
    torch.save(content, tmp_path / "described.pt")
    with pytest.raises(ConfigError, match=r"its description \(yaml\).*add trust=true"):
        read_checkpoint(tmp_path / "described.pt", trust=False)
    assert not ran.exists()
    from ultralytics.nn.tasks import DetectionModel

    DetectionModel(model.yaml, verbose=False)
    assert ran.exists()  # control


def test_the_descriptions_of_all_detectors_of_the_library_are_taken():
    from pathlib import Path

    import ultralytics
    import yaml

    taken = set()
    for path in sorted(Path(ultralytics.__file__).parent.glob("cfg/models/**/*.yaml")):
        described = yaml.safe_load(path.read_text())
        if checked_yaml(described) is not None:
            taken.add(described["head"][-1][2])
        else:
            assert described["head"][-1][2] in (
                "Classify Depth OBB OBB26 RTDETRDecoder SemanticSegment".split()
            ), path
    assert {"Detect", "v10Detect", "Segment", "Pose", "WorldDetect", "YOLOEDetect"} <= taken


def test_a_description_that_fails_halfway_leaves_the_activation_of_others(content, tmp_path):
    from ultralytics.nn.modules.conv import Conv

    before = Conv.default_act
    content["model"].yaml["activation"] = "nn.ReLU()"
    content["model"].yaml["head"][-1][0] = [99]  # no such layer
    torch.save(content, tmp_path / "halfway.pt")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        read_checkpoint(tmp_path / "halfway.pt", trust=False)
    assert Conv.default_act is before


# Files whose weights would mean something else in the library's own network.


def other_activation(model):
    model.yaml["activation"] = "nn.ReLU()"


def other_setting(model):
    model.model[0].conv.padding = (0, 0)


def other_epsilon(model):
    model.model[0].bn.eps = 0.5


def other_source(model):
    model.model[-1].f = [16, 16, 16]


def fewer_weights(model):
    del model.model[0].bn.running_mean


def other_shape(model):
    model.model[0].conv.weight = nn.Parameter(torch.zeros(1))


def complex_weights(model):
    weight = model.model[0].conv.weight.detach()
    model.model[0].conv.weight = nn.Parameter(weight.to(torch.complex64), requires_grad=False)


def hook(model):
    model.model[0]._forward_hooks[1] = type(model.model[0])


def hidden_method(model):
    model.model[0].__dict__["forward"] = model.model[0].forward_fuse


def another_part(model):
    model.model[0].add_module("more", nn.Identity())


def fused(model):
    model.fuse()


def names_of_tensors(model):
    model.names = {0: torch.zeros(3)}


OTHERS = [
    other_activation,
    other_setting,
    other_epsilon,
    other_source,
    fewer_weights,
    other_shape,
    complex_weights,
    hook,
    hidden_method,
    another_part,
    fused,
    names_of_tensors,
]


@pytest.mark.parametrize("change", OTHERS)
def test_a_network_other_than_its_description_is_refused(content, tmp_path, change):
    change(content["model"])
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ConfigError, match=NOT_WITHOUT_TRUST):
        read_checkpoint(tmp_path / "other.pt", trust=False)


def test_control_the_network_itself_computes_what_the_file_holds(content, tmp_path):
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = content["model"].predict(picture)[0]  # its head keeps shapes and anchors
        torch.save(content, tmp_path / "same.pt")
        model = read_checkpoint(tmp_path / "same.pt", trust=False)
        assert torch.equal(model.predict(picture)[0], expected)
    assert type(model) is type(content["model"])


def test_weights_larger_than_the_file_need_no_memory(content, tmp_path, monkeypatch):
    model = content["model"]
    model.yaml["scales"] = {"n": [0.5, 60.0, 65_536]}
    torch.save(content, tmp_path / "wide.pt")
    built = []
    from ultralytics.nn import tasks

    original = tasks.DetectionModel.__init__
    monkeypatch.setattr(
        tasks.DetectionModel,
        "__init__",
        lambda self, *a, **k: built.append(self) or original(self, *a, **k),
    )
    with pytest.raises(ConfigError, match="have another shape"):
        read_checkpoint(tmp_path / "wide.pt", trust=False)
    assert not built
    monkeypatch.setattr(ultralytics_rebuild, "_weights", lambda *_: {})  # control
    model.yaml["scales"] = {"n": [0.5, 0.125, 1024]}
    torch.save(content, tmp_path / "wide.pt")
    with pytest.raises(ConfigError):
        read_checkpoint(tmp_path / "wide.pt", trust=False)
    assert built


def test_the_list_of_one_file_is_not_that_of_the_next(content, tmp_path):
    before = torch.serialization.get_safe_globals()
    torch.save(content, tmp_path / "again.pt")
    read_checkpoint(tmp_path / "again.pt", trust=False)
    assert torch.serialization.get_safe_globals() == before
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(tmp_path / "again.pt", weights_only=True)


def test_the_state_of_random_numbers_is_left_alone(student_file):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    read_checkpoint(student_file, trust=False)
    assert torch.equal(torch.rand(3), expected)
