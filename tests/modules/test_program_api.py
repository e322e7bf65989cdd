from __future__ import annotations

import logging
import sys
import types
from dataclasses import replace

import pytest

from fakes.plugins import plug
from viper import Engine
from viper.errors import ConfigError
from viper.modules import Module
from viper.modules.program_api import ProgramApi, load_module, open_modules
from viper.plugins import MODULES

STUB = '''
@needs("{role}")
def {name}() -> str:
    """Say."""
'''


def answer(model, requests):
    return ["yes"] * len(requests)


def module(name="saying", function="say", role="voice", **changes):
    parts = {
        "stub": STUB.format(role=role, name=function),
        "methods": {function: answer},
        "roles": {role: lambda reference, options: None},
    }
    return Module(name, **(parts | changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "Bad Name"}, "name must be lower-case"),
        ({"name": "stub"}, "A module cannot be called 'stub'"),
        ({"methods": {}}, "declares say in saying.pyi, but has no function"),
        (
            {"methods": {"say": answer, "sing": answer}},
            "function for sing, which saying.pyi does not",
        ),
        ({"methods": {"say": 3}}, "say of the module 'saying' of this process must be a function"),
        ({"roles": {"voice": 3}}, "loader of the role 'voice' .* it is int"),
        ({"roles": {"detector": answer}}, "role 'detector', which is Viper's own"),
        ({"roles": {"Voice": answer}}, "the role 'Voice', which must be"),
        (
            {"roles": {"voice": answer, "ear": answer}},
            "adds the role ear, but no method needs it",
        ),
        ({"roles": {}}, "needs the unknown role 'voice'"),
    ],
)
def test_a_module_that_does_not_fit_its_stub_is_refused(changes, complaint):
    with pytest.raises(ConfigError, match=complaint):
        module(**changes)


def test_a_stub_that_is_not_packed_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"stub saying/api\.pyi cannot be read: .* packed with"):
        module(stub=tmp_path / "api.pyi")


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (("saying", "tell", "mouth"), "Two modules bring the module 'saying'"),
        (
            ("telling", "say", "mouth"),
            "the name 'say': the module 'saying' of one 1 and .*of two 2",
        ),
        (("telling", "tell", "voice"), "Two modules bring the role 'voice'"),
    ],
)
def test_two_modules_cannot_bring_the_same(other, complaint):
    with pytest.raises(ConfigError, match=complaint):
        ProgramApi.of([replace(module(), origin="one 1"), replace(module(*other), origin="two 2")])


@pytest.fixture
def guest(monkeypatch):
    made = types.ModuleType("guest")
    monkeypatch.setitem(sys.modules, "guest", made)
    made.MODULE = module()
    made.make = lambda: module()
    made.fail = lambda: 1 / 0
    made.nothing = 3
    return made


@pytest.mark.parametrize("value", ["guest:MODULE", "guest:make"])
def test_an_entry_names_a_module_or_a_function_that_makes_one(monkeypatch, guest, value):
    plug(monkeypatch, (MODULES, "saying", value, "talk"))
    (loaded,) = open_modules()
    assert (loaded.name, loaded.origin) == ("saying", "talk 1.0")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("saying", "no_guest:MODULE", "'saying' of talk 1.0 cannot be loaded: ModuleNotFoundError"),
        ("saying", "guest:fail", "'saying' of talk 1.0 cannot be loaded: ZeroDivisionError"),
        ("saying", "guest:nothing", "'guest:nothing' of talk 1.0 must name a viper.modules.Module"),
        ("spoken", "guest:MODULE", "'saying' of talk 1.0 has an entry point named 'spoken'"),
    ],
)
def test_a_broken_module_warns_and_fails_only_if_asked_for(
    monkeypatch, guest, caplog, name, value, complaint
):
    plug(monkeypatch, (MODULES, name, value, "talk"))
    with caplog.at_level(logging.WARNING, "viper"):
        assert open_modules() == []
    assert complaint in caplog.text
    assert "The module is skipped." in caplog.text
    with pytest.raises(ConfigError, match=complaint):
        load_module(name)
    with pytest.raises(ConfigError, match=complaint):
        Engine("none", modules=[name])


def test_a_module_that_is_not_there_is_answered_with_the_near_one(monkeypatch):
    plug(monkeypatch, (MODULES, "saying", "guest:MODULE", "talk"))
    with pytest.raises(ConfigError, match=r"no module 'sayin'. Did you mean 'saying'\?"):
        load_module("sayin")


def test_a_name_alone_is_no_list_of_names():
    with pytest.raises(ConfigError, match="must be a list of names or modules"):
        open_modules("saying")


def test_without_modules_the_api_is_vipers_own():
    assert ProgramApi.of().spec.handles == ()
    assert ProgramApi.of().roles == {}
