"""Plugins are reported by the distribution that brings them, extras with the line that installs them."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from viper.doctor import plugins
from viper.doctor.plugins import (
    Extra,
    extras_checks,
    find_extras,
    plugins_checks,
)
from viper.plugins import Plugin, installed, unreadable


def entry(group, name, distribution, version="1.0"):
    return Plugin(f"viper.{group}", name, f"{distribution}:X", distribution, version)


def test_each_distribution_is_reported_with_what_it_brings():
    checks = plugins_checks(
        [
            entry("modules", "depth", "viper-more", "0.2"),
            entry("backends", "yolo", "viper-more", "0.2"),
            entry("benchmarks", "birds", "a-birds"),
        ]
    )
    assert [(one.level, one.title, one.found) for one in checks] == [
        ("ok", "a-birds", "1.0; benchmarks: birds"),
        ("ok", "viper-more", "0.2; modules: depth, backends: yolo"),
    ]


def test_one_name_of_two_distributions_is_a_problem_that_names_both():
    *_, found = plugins_checks(
        [entry("backends", "yolo", "one"), entry("backends", "yolo", "other", "3")]
    )
    assert (found.level, found.title) == ("problem", "yolo")
    assert found.found == "one 1.0 and other 3 both register this name in the group viper.backends."
    assert found.fix == "Uninstall one of them: pip uninstall other"


def test_one_name_in_two_groups_is_no_problem():
    checks = plugins_checks([entry("backends", "yolo", "one"), entry("modules", "yolo", "two")])
    assert {one.level for one in checks} == {"ok"}


def test_without_plugins_it_says_so():
    (found,) = plugins_checks([])
    assert (found.level, found.found) == ("ok", "none installed")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs distributions with metadata alone: importing one fails."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def add(name, points):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (folder / "METADATA").write_text(text)
        (folder / "entry_points.txt").write_text(points)
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")

    return add


def test_plugins_are_found_by_their_metadata_and_not_imported(install):
    install("birds", "[viper.benchmarks]\nbirds = birds:TASK\n[console_scripts]\nb = birds:main\n")
    checks = plugins_checks(installed(tuple(sys.path)))
    assert ("birds", "1.0; benchmarks: birds") in [(one.title, one.found) for one in checks]
    assert "birds" not in sys.modules


def test_what_viper_itself_registers_is_no_plugin():
    assert "viper-vision" not in {one.title for one in plugins_checks(installed(tuple(sys.path)))}


def test_broken_metadata_is_a_warning_and_hides_no_other_plugin(install):
    install("broken", "[viper.backends]\nthis is no entry point\n")
    install("birds", "[viper.benchmarks]\nbirds = birds:TASK\n")
    path = tuple(sys.path)
    checks = plugins_checks(installed(path), unreadable(path))
    assert "birds" in {one.title for one in checks}
    warning = checks[-1]
    assert warning.level == "warning"
    assert warning.found == "A distribution cannot be read: broken-1.0.dist-info."
    assert warning.fix == "Uninstall or reinstall it."


def test_each_extra_is_reported_and_a_missing_one_with_its_pip_line():
    checks = extras_checks(
        [
            Extra("onnx", ("onnxruntime 1.22",), ()),
            Extra("ray", (), ("ray",)),
            Extra("bench", ("matplotlib 3.9",), ("pycocotools",)),
        ]
    )
    assert [(one.level, one.title, one.found, one.fix) for one in checks] == [
        ("ok", "onnx", "onnxruntime 1.22", ""),
        (
            "note",
            "ray",
            "not installed (benchmarks on a cluster)",
            "pip install 'viper-vision[ray]'",
        ),
        (
            "note",
            "bench",
            "in part (benchmarks of the RefCOCO family, drawings): without pycocotools",
            "pip install 'viper-vision[bench]'",
        ),
    ]


def test_extras_are_those_of_the_project_but_for_developers():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    users = set(project["optional-dependencies"]) - {"all", "dev", "docs", "onnx"}  # onnx is empty
    assert set(plugins._PURPOSES) == users
    assert {extra.name for extra in find_extras()} == users


def test_installed_packages_come_with_their_versions():
    extras = {extra.name: extra for extra in find_extras()}
    packages = extras["train"].installed + extras["train"].missing
    names = {package.split(" ")[0] for package in packages}
    assert {"onnx", "torch"} < names  # an extra has the packages of the one that it builds on
    assert "viper-vision" not in names
