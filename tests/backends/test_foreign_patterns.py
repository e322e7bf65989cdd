"""Patterns in place of names of modules are refused; the library alone runs them (the control)."""

from __future__ import annotations

import json
import time

import pytest

from fakes import tiny_models
from viper.backends.foreign_config import check_transformers
from viper.backends.foreign_patterns import names_fault
from viper.errors import ConfigError

quantizers = pytest.importorskip("transformers.quantizers.quantizers_utils")

BOMB = "([a-z_.]{1,%d})+[a-z_.]+!"
LAYER = "text_model.encoder.layer"
USUAL = [
    "lm_head",
    "model.visual.blocks.0.attn.proj",
    "model.layers.*.self_attn",
    "model.layers.*.mlp.*.router",
    "gptqmodel:5.0",
    ".mlp",
]


@pytest.mark.parametrize(
    "table",
    [
        {"quant_method": "fp8", "modules_to_not_convert": [BOMB % 9]},
        {"quant_method": "bitsandbytes", "llm_int8_skip_modules": ["(a|a)*b"]},
        {"quant_method": "compressed-tensors", "ignore": ["re:.*lm_head.*.*.*"]},
        {"quant_method": "compressed-tensors", "config_groups": {"g": {"targets": ["a+"]}}},
        {"quant_method": "gptq", "dynamic": {"+:(a|a)*b": {}}},
        {"quant_method": "gptq", "modules_in_block_to_quantize": [["a", "a|b"]]},
        {"quant_method": "awq", "modules_to_not_convert": ["x" * 300]},
        {"quant_method": "awq", "modules_to_not_convert": [""]},
        {"quant_method": "awq", "modules_to_not_convert": ["a.*.*.*b"]},
        {"quant_method": "awq", "modules_to_not_convert": ["a\n"]},
        {"quant_method": "mxfp4", "modules_to_not_convert": [f"l.{n}" for n in range(2000)]},
    ],
)
def test_what_is_no_name_of_a_module_is_refused(tmp_path, table):
    assert names_fault(table)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"text_config": {"quantization_config": table}}))
    with pytest.raises(ConfigError, match=r"quantization_config has .*names? of modules"):
        check_transformers(tmp_path)


def test_a_plan_of_layers_has_names_as_well(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"base_model_tp_plan": {"(a|a)*": "x"}}))
    with pytest.raises(ConfigError, match="in place of a name of modules"):
        check_transformers(tmp_path)


def test_usual_names_are_kept_and_cost_nothing(tmp_path):
    folder = tiny_models.clip(tmp_path / "clip")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "fp8", "modules_to_not_convert": USUAL}
    (folder / "config.json").write_text(json.dumps(config))
    check_transformers(folder)
    started_s = time.process_time()
    assert quantizers.should_convert_module("x." * 200, USUAL)
    assert time.process_time() - started_s < 0.5


def test_control_the_library_runs_a_pattern_and_each_letter_takes_longer():
    def seconds(letters):
        started_s = time.process_time()
        quantizers.should_convert_module(LAYER[:letters], [BOMB % 9])
        return time.process_time() - started_s

    seconds(4)
    assert seconds(20) > 20 * seconds(10)
