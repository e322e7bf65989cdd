from __future__ import annotations

import importlib.metadata
import logging
import sys
import types

import pytest

from fakes.plugins import plug
from viper import plugins
from viper.errors import ConfigError
from viper.generate.registry import open_generator
from viper.models.registry import BackendRef, backends_for, open_backend
from viper.plugins import (
    BACKENDS,
    GENERATORS,
    MODULES,
    Plugin,
    _may_have_plugins,
    find_plugins,
)


def distribution(folder, name, entry_points, version="1.0"):
    """Lay a distribution's metadata into a folder of installed packages."""
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (place / "entry_points.txt").write_text(entry_points)
    return place


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Make folders of installed packages the only ones there are; return how to add to them."""
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr(plugins.sys, "path", [str(first), str(second)])
    monkeypatch.delenv("VIPER_PLUGINS")
    plugins._scan.cache_clear()
    yield lambda *about, where=first: distribution(where, *about)
    plugins._scan.cache_clear()


def test_plugins_are_listed_by_name_without_being_imported(installed):
    installed("sign-reader", "[viper.modules]\nsigns = no_such_package.api:MODULE\n")
    installed("other", "[console_scripts]\nsigns = other:main\n")
    assert find_plugins(MODULES) == {
        "signs": Plugin(MODULES, "signs", "no_such_package.api:MODULE", "sign-reader", "1.0")
    }
    assert "no_such_package" not in sys.modules


def test_control_the_library_imports_a_plugin_that_it_loads(installed, tmp_path, monkeypatch):
    (tmp_path / "first").mkdir(exist_ok=True)
    (tmp_path / "first" / "imported_guest.py").write_text("MODULE = 7\n")
    installed("sign-reader", "[viper.modules]\nsigns = imported_guest:MODULE\n")
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    assert list(find_plugins(MODULES)) == ["signs"]
    assert "imported_guest" not in sys.modules
    (entry,) = entry_points(tmp_path / "first")
    assert entry.load() == 7
    assert "imported_guest" in sys.modules


def entry_points(folder):
    """The entry points of modules in a folder, as the library reads them."""
    found = []
    for one in importlib.metadata.distributions(path=[str(folder)]):
        found += [entry for entry in one.entry_points if entry.group == MODULES]
    return found


def test_of_two_copies_of_a_distribution_the_first_on_the_path_counts(installed, tmp_path):
    installed("sign-reader", "[viper.modules]\nsigns = a:M\n", "2.0")
    distribution(tmp_path / "second", "Sign_Reader", "[viper.modules]\nsigns = b:M\n")
    assert find_plugins(MODULES)["signs"].origin == "sign-reader 2.0"


def test_two_distributions_with_one_name_are_an_error_that_names_both(installed):
    installed("one", "[viper.modules]\nsigns = a:M\n")
    installed("two", "[viper.modules]\nsigns = b:M\n")
    with pytest.raises(
        ConfigError, match=r"the module 'signs': (one 1\.0 and two|two 1\.0 and one) 1\.0"
    ):
        find_plugins(MODULES)


def test_metadata_that_cannot_be_read_is_left_out_with_a_warning(installed, caplog):
    place = installed("broken", "[viper.modules]\nthis is no entry point\n")
    installed("sign-reader", "[viper.modules]\nsigns = a:M\n")
    with caplog.at_level(logging.WARNING):
        assert list(find_plugins(MODULES)) == ["signs"]
    assert f"{place.name} cannot be read" in caplog.text
    with pytest.raises((ValueError, AttributeError, TypeError)):  # the control
        [entry.module for entry in entry_points(place.parent)]


def test_names_that_would_write_on_the_terminal_are_made_harmless(installed, tmp_path):
    installed("evil", "[viper.modules]\n\x1b[31mred = a:M\n" + "n" * 300 + " = a:M\n")
    names = list(find_plugins(MODULES))
    assert all(name.isprintable() and len(name) <= 101 for name in names)
    raw = [entry.name for entry in entry_points(tmp_path / "first")]
    assert "\x1b[31mred" in raw  # the control
    assert "n" * 300 in raw


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("sign-reader", {"signs"}),
        ("Sign_Reader", {"signs"}),
        ("signs,faces", {"signs", "faces"}),
        (" faces , ", {"faces"}),
        ("none", set()),
        ("", set()),
    ],
)
def test_a_variable_chooses_by_distribution_or_entry(installed, monkeypatch, wanted, found):
    installed("sign-reader", "[viper.modules]\nsigns = a:M\n")
    installed("face-finder", "[viper.modules]\nfaces = b:M\n")
    monkeypatch.setenv("VIPER_PLUGINS", wanted)
    assert set(find_plugins(MODULES)) == found


def test_choosing_what_is_not_installed_is_an_error(installed, monkeypatch):
    installed("sign-reader", "[viper.modules]\nsigns = a:M\n")
    monkeypatch.setenv("VIPER_PLUGINS", "sings")
    with pytest.raises(
        ConfigError, match=r"names 'sings', .* Did you mean 'signs'\? Installed: sign"
    ):
        find_plugins(MODULES)


def test_tests_meet_no_plugin_unless_they_ask_for_it():
    assert find_plugins(MODULES) == {}


@pytest.fixture
def module(monkeypatch):
    """A module `guest` that a plugin may live in."""
    made = types.ModuleType("guest")
    monkeypatch.setitem(sys.modules, "guest", made)
    return made


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("guest:missing", "AttributeError: module 'guest' has no attribute 'missing'"),
        ("nowhere_at_all:load", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("guest", "ValueError: 'guest' is not of the form package.module:attribute"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_names_its_distribution(module, value, complaint):
    broken = Plugin(BACKENDS, "detector.mine", value, "mine", "0.3")
    with pytest.raises(
        ConfigError, match=r"The backend 'detector.mine' of mine 0\.3 cannot be"
    ) as caught:
        broken.load()
    assert complaint in str(caught.value)


def test_a_plugin_that_ends_the_process_at_import_is_broken_too(tmp_path, monkeypatch):
    (tmp_path / "leaving_guest.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot be loaded: SystemExit"):
        Plugin(MODULES, "x", "leaving_guest:M", "x", "1").load()


class Model:
    fingerprint = "mine 1"

    def __init__(self, reference, options):
        self.made_of = reference, options


def test_a_backend_of_a_plugin_is_found_by_role_and_name(monkeypatch, module):
    plug(monkeypatch, (BACKENDS, "detector.mine", "guest:load", "mine"))
    module.load = Model
    ref = BackendRef.parse("detector", "mine:file.onnx?device=cpu")
    assert open_backend(ref).made_of == ("file.onnx", {"device": "cpu"})
    assert "mine" not in backends_for("matcher")
    with pytest.raises(ConfigError, match=r"Did you mean 'mine'\?"):
        BackendRef.parse("detector", "mne")


def test_a_model_without_a_fingerprint_is_refused(monkeypatch, module):
    plug(monkeypatch, (BACKENDS, "detector.mine", "guest:load", "mine"))
    module.load = lambda reference, options: object()
    with pytest.raises(
        ConfigError, match=r"'mine' of mine 1\.0 must have an attribute 'fingerprint'"
    ):
        open_backend(BackendRef.parse("detector", "mine"))


@pytest.mark.parametrize("name", ["detector.onnx", "depth.stub"])
def test_a_backend_cannot_take_the_name_of_one_of_vipers(monkeypatch, name):
    plug(monkeypatch, (BACKENDS, name, "guest:load", "mine"))
    with pytest.raises(ConfigError, match=f"the backend '{name}': Viper itself and mine 1.0"):
        backends_for("detector")


def test_a_backend_must_say_its_role(monkeypatch):
    plug(monkeypatch, (BACKENDS, "mine", "guest:load", "mine"))
    with pytest.raises(ConfigError, match=r"'mine' of mine 1\.0 must be called ROLE.NAME"):
        backends_for("detector")


class Writer:
    can_repair = False

    def __init__(self, reference):
        self.name = f"mine:{reference}"

    async def generate(self, requests):
        raise NotImplementedError

    async def aclose(self):
        pass


def test_a_generator_of_a_plugin_is_opened_with_its_reference(monkeypatch, module):
    plug(monkeypatch, (GENERATORS, "mine", "guest:open", "mine"))
    module.open = Writer
    assert open_generator("mine:x?y=1").name == "mine:x?y=1"
    with pytest.raises(ConfigError, match=r"Unknown generator 'mina'.*mine: of mine 1.0"):
        open_generator("mina")


def test_a_generator_that_lacks_what_generators_have_is_refused(monkeypatch, module):
    plug(monkeypatch, (GENERATORS, "mine", "guest:open", "mine"))
    module.open = lambda reference: object()
    with pytest.raises(
        ConfigError, match=r"must have name, generate, aclose, billed, deterministic, repairs"
    ):
        open_generator("mine")


def test_a_generator_whose_factory_fails_names_its_distribution(monkeypatch, module):
    plug(monkeypatch, (GENERATORS, "mine", "guest:open", "mine"))
    module.open = lambda reference: 1 / 0
    with pytest.raises(
        ConfigError, match=r"'mine' of mine 1\.0 cannot be loaded: ZeroDivisionError"
    ):
        open_generator("mine")


def test_vipers_own_distribution_brings_no_plugin():
    names = {point.group for point in importlib.metadata.distribution("viper-vision").entry_points}
    assert not names & set(plugins.GROUPS)


def test_an_installation_without_plugins_is_known_as_such_without_reading_metadata(
    tmp_path, monkeypatch
):
    for name, text in {
        "plain-1.dist-info": None,
        "other-1.dist-info": "[console_scripts]\nother = other:main\n",
        "verbs-1.dist-info": "[viper.commands]\nverb = other:main\n",
        "old.egg-info": "",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "METADATA").write_text("Name: x\nVersion: 1\n")
        if text is not None:
            (tmp_path / name / "entry_points.txt").write_text(text)
    (tmp_path / "flat.egg-info").write_text("Name: flat\n")
    monkeypatch.setattr("viper.plugins._scan", lambda path: pytest.fail("it was read"))
    path = (str(tmp_path), "", str(tmp_path / "missing.zip"))
    assert importlib.import_module("viper.plugins").installed(path) == ()


@pytest.mark.parametrize("text", ["[viper.modules]\na = b:C\n", "[ viper.backends ]\na = b:C"])
def test_an_entry_point_of_any_form_is_found(tmp_path, text):
    folder = tmp_path / "plugin-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(text)
    assert _may_have_plugins((str(tmp_path),))


def test_where_another_importer_knows_distributions_all_are_read(tmp_path, monkeypatch):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            return None

        def find_distributions(self, context=None):
            return []

    assert not _may_have_plugins((str(tmp_path),))
    monkeypatch.setattr("sys.meta_path", [*sys.meta_path, Finder()])
    _may_have_plugins.cache_clear()
    assert _may_have_plugins((str(tmp_path),))
    (tmp_path / "archive.egg").write_bytes(b"")
    monkeypatch.undo()
    _may_have_plugins.cache_clear()
    assert _may_have_plugins((str(tmp_path),))
