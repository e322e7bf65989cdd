"""Names of version 0.1 that documents mention: each still stands for what it stood for."""

import importlib
import subprocess
import sys

import pytest

MODULES = {
    "viper.modules.contract_test": "viper.testing.module_check",
    "viper.program": "viper.programs.program",
    "viper.query": "viper.engine.query",
    "viper.vision.builtin.world": "viper.builtin.world",
    "viper.vision.builtin.world.clevr": "viper.builtin.world.clevr",
    "viper.vision.method_request": "viper.scheduling.method_request",
    "viper.vision.patch": "viper.images.region",
    "viper.vision.roles": "viper.models.roles",
    "viper.vision.worker": "viper.scheduling.worker",
}
NAMES = """
    viper.engine.Engine viper.engine.ask viper.generate.generator.Generator
    viper.modules.contract_test.check_module
    viper.program.CallSite viper.program.CheckReport viper.program.Failure viper.program.FailureKind
    viper.program.Finding viper.program.Program viper.program.StringLiteral viper.program.Task
    viper.program.Usage viper.query.ImageSource viper.replay.replay viper.settings.load_settings
    viper.trace.Attempt viper.trace.CallRecord viper.trace.ImageInfo viper.trace.Votes
    viper.trace.read.read_trace viper.vision.method_request.MethodRequest
    viper.vision.roles.Detection viper.vision.roles.Detector viper.vision.roles.ImageRef
    viper.vision.roles.Pixels viper.vision.roles.View viper.vision.worker.Load
    viper_benchmarks.sample.Sample viper_benchmarks.task.BenchmarkTask
    viper_benchmarks.tasks.jsonl.JsonlSamples
""".split()


@pytest.mark.parametrize(("old", "new"), MODULES.items(), ids=MODULES)
def test_a_module_of_0_1_is_the_same_module_under_its_new_name(old, new):
    module = importlib.import_module(old)
    assert module is importlib.import_module(new)
    assert module.__name__ == new
    assert module.__spec__.name == new


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_0_1_can_be_imported(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", ["viper.vision.nothing", "viper.vision.errors", "viper.nothing"])
def test_a_module_that_0_1_had_not_is_not_found(name):
    with pytest.raises(ModuleNotFoundError, match=name):
        importlib.import_module(name)


def test_the_old_name_of_the_training_runs_it():
    command = [sys.executable, "-m", "viper.vision.builtin.train", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Train the built-in models" in done.stdout, done.stderr
