from __future__ import annotations

import json
import sys
import types

import pytest
from click.testing import CliRunner

from fakes.plugins import plug
from viper.cli import cli
from viper.modules import Module
from viper.plugins import BACKENDS, MODULES

STUB = '''
class ImagePatch:
    @needs("sizer")
    def size_of(self) -> float:
        """Measure the width.

        Returns:
            The width.

        Example:
            >>> return image_patch.size_of()
        """
'''


class Sizer:
    fingerprint = "sizer 1"


@pytest.fixture
def guest(monkeypatch):
    made = types.ModuleType("guest")
    made.MODULE = Module(
        "sizing",
        stub=STUB,
        methods={"ImagePatch.size_of": lambda m, rs: [r.view.pixels().shape[1] for r in rs]},
        roles={"sizer": lambda reference, options: Sizer()},
    )
    monkeypatch.setitem(sys.modules, "guest", made)
    plug(
        monkeypatch,
        (MODULES, "sizing", "guest:MODULE", "sizes"),
        (MODULES, "broken", "no_guest:MODULE", "ruins"),
        (BACKENDS, "detector.mine", "no_guest:load", "ruins"),
    )


def run(*arguments):
    return CliRunner().invoke(cli, ["modules", *arguments])


def test_listing_says_where_plugins_come_from_and_imports_none(guest):
    result = run("list")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "broken               module     ruins 1.0",
        "sizing               module     sizes 1.0",
        "detector.mine        backend    ruins 1.0",
    ]
    listed = json.loads(run("list", "--json").stdout)
    assert [row["name"] for row in listed["modules"]] == ["broken", "sizing"]
    assert listed["others"][0]["kind"] == "backend"


def test_nothing_installed_is_said_on_stderr():
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "viper modules new NAME" in result.stderr


def test_two_of_one_name_are_an_error(monkeypatch):
    plug(monkeypatch, (MODULES, "a", "x:M", "one"), (MODULES, "a", "y:M", "two"))
    result = run("list")
    assert result.exit_code == 1
    assert "the module 'a': one 1.0 and two 1.0" in result.stderr


def test_a_module_is_shown_with_its_methods_and_roles(guest):
    result = run("show", "sizing")
    assert result.exit_code == 0
    assert "image_patch.size_of() -> float" in result.stdout
    assert "--backend sizer=sizing:REFERENCE" in result.stdout
    shown = json.loads(run("show", "sizing", "--json").stdout)
    assert shown["origin"] == "sizes 1.0"
    assert shown["methods"][0]["needs"] == "sizer"


def test_a_broken_module_fails_when_it_is_asked_for(guest):
    for verb in ("show", "check"):
        result = run(verb, "broken")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "The module 'broken' of ruins 1.0 cannot be loaded" in result.stderr


def test_the_contract_test_prints_a_line_for_each_thing_tried(guest):
    result = run("check", "sizing")
    assert result.exit_code == 0, result.stdout
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok    sizing.pyi: 1 method, 0 functions, 0 classes of objects;")
    assert lines[-1] == "All checks passed."


def test_a_contract_that_is_not_kept_exits_with_1(guest):
    result = run("check", "sizing", "--backend", "sizer=stub", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["passed"] is False
    assert any(verdict["state"] == "fail" for verdict in told["verdicts"])


def test_a_new_module_is_written_and_what_to_do_next_is_said(tmp_path):
    result = run("new", "reading", "--into", str(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == str(tmp_path / "viper-reading" / "pyproject.toml")
    assert (
        f"pip install -e {tmp_path / 'viper-reading'} && viper modules check reading"
        in result.stderr
    )
    assert run("new", "reading", "--into", str(tmp_path)).exit_code == 1


def test_backends_of_plugins_stand_in_the_list_of_models(guest):
    result = CliRunner().invoke(cli, ["models", "list"])
    assert "detector  mine:…" in result.stdout
    assert "of ruins 1.0" in result.stdout
