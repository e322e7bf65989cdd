from __future__ import annotations

import sys
import types

import pytest
from click.testing import CliRunner

from fakes import bench
from fakes.plugins import plug as plug_all
from viper.cli import cli
from viper.errors import ConfigError
from viper.plugins import BENCHMARKS
from viper_benchmarks import registry
from viper_benchmarks.task import BenchmarkTask
from viper_benchmarks.tasks.jsonl import JsonlSamples


def read(data, split):
    return JsonlSamples(data / f"{split}.jsonl")


TASK = BenchmarkTask(
    "streets", 2, "Questions about streets.", "val.jsonl", "a stranger", read, {"val": 6}, "val"
)


def plug(monkeypatch, *plugins):
    """Let distributions bring benchmarks: (name, value, distribution)."""
    plug_all(monkeypatch, *((BENCHMARKS, *plugin) for plugin in plugins))


@pytest.fixture
def streets(monkeypatch):
    module = types.ModuleType("street_bench")
    module.TASK, module.NONE = TASK, 3
    monkeypatch.setitem(sys.modules, "street_bench", module)


def test_a_plugin_is_scored_like_any_other_task(monkeypatch, streets, tmp_path):
    plug(monkeypatch, ("streets", "street_bench:TASK", "street-bench"))
    bench.folder(tmp_path).rename(tmp_path / "val.jsonl")
    result = CliRunner().invoke(
        cli, ["bench", "streets", "--data", str(tmp_path), "--models", "stub"]
    )
    assert result.exit_code == 0, result.stderr
    assert "streets val: 6 samples" in result.stdout


def test_plugins_are_listed_with_their_distribution_and_not_imported(monkeypatch):
    plug(monkeypatch, ("streets", "no_such_module:TASK", "street-bench"))
    for arguments in (["bench", "list"], ["bench", "--help"]):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0
        assert "from street-bench 1.0" in result.stdout


def test_a_broken_plugin_fails_only_when_it_is_asked_for(monkeypatch, tmp_path):
    plug(monkeypatch, ("streets", "no_such_module:TASK", "street-bench"))
    result = CliRunner().invoke(cli, ["bench", "streets", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "'streets' of street-bench 1.0 cannot be loaded: ModuleNotFoundError" in result.stderr


def test_a_plugin_must_name_a_task(monkeypatch, streets):
    plug(monkeypatch, ("streets", "street_bench:NONE", "street-bench"))
    with pytest.raises(ConfigError, match="must name a BenchmarkTask, but it is int"):
        registry.load_task("streets")


@pytest.mark.parametrize(
    ("plugins", "complaint"),
    [
        ([("a", "x:T", "one"), ("a", "y:T", "two")], "'a': one 1.0 and two 1.0"),
        ([("gqa", "x:T", "one")], "'gqa': Viper itself and one 1.0"),
    ],
)
def test_two_tasks_of_one_name_are_an_error_that_names_both(monkeypatch, plugins, complaint):
    plug(monkeypatch, *plugins)
    with pytest.raises(ConfigError, match=complaint):
        registry.plugin_tasks()


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_built_in_task_is_whole(name):
    task = registry.load_task(name)
    assert task.name == name
    assert task.version >= 1
    assert task.summary.endswith(".")
    assert task.layout
    assert task.origin
    assert not task.splits or task.default_split in task.splits
    assert set(task.subsets) == {"mini", "standard"}


def test_an_unknown_task_is_answered_with_the_near_one():
    with pytest.raises(ConfigError, match=r"no benchmark 'refcco'. Did you mean 'refcoco'"):
        registry.load_task("refcco")
