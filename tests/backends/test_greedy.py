"""Settings for generation of a stranger do not reach the library."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import load_file, save_file

from fakes import tiny_models
from fakes.views import view
from viper.backends.greedy import generate_greedily
from viper.errors import ModelError
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import AnswerRequest


def load(folder):
    return open_backend(BackendRef.parse("answerer", f"transformers:{folder}?device=cpu"))


@pytest.fixture
def spoiled(tmp_path):
    """A model whose answers are NaN, and whose files ask for that to be hidden."""
    folder = tiny_models.idefics3(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    [head] = [name for name in weights if "lm_head" in name]
    weights[head].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"remove_invalid_values": True}))
    return folder


def test_nan_is_an_error_whatever_the_settings_say(spoiled):
    with pytest.raises(ModelError, match="returned NaN"):
        load(spoiled).answer([AnswerRequest(view(32, 32), "What is this?")])


def test_control_the_setting_of_the_library_hides_nan(spoiled):
    answerer = load(spoiled)
    answerer.model.generation_config.remove_invalid_values = True
    assert answerer.answer([AnswerRequest(view(32, 32), "What is this?")])


def test_only_the_tokens_are_kept_and_in_every_part(tmp_path):
    model = load(tiny_models.blip2(tmp_path / "model")).model
    for part in (model, model.language_model):
        part.generation_config.update(suppress_tokens=[5], eos_token_id=[1, 2], pad_token_id=3)
    generate_greedily(model, pad_token_id=4)
    for part in (model, model.language_model):
        settings = part.generation_config
        assert settings.eos_token_id == [1, 2]
        assert settings.pad_token_id == 4
        assert settings.suppress_tokens is None
