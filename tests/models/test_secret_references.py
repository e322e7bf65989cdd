"""A secret in the reference of a model or generator is refused where it is read, and repeated nowhere."""

from __future__ import annotations

import json

import numpy as np
import pytest

from viper import Engine
from viper.engine import engine as engine_module
from viper.errors import ConfigError
from viper.generate import registry as generators
from viper.generate.registry import open_generator
from viper.models import registry
from viper.models.registry import BackendRef
from viper.settings.guard import refuse_secrets
from viper.texts.secrets import reveals_secret
from viper.trace.files import trace_text

PICTURE = np.zeros((8, 9, 3), dtype=np.uint8)
PROGRAM = "def execute_command(image):\n    return 1\n"
SECRET = "hunter2pw"

SECRETS = {
    "user and password": f"m?base_url=https://alice:{SECRET}@gpu.example.org/v1",
    "user alone": f"m?base_url=https://{SECRET}@gpu.example.org/v1",
    "a long password": f"m?base_url=https://alice:{SECRET}{'x' * 900}@gpu.example.org/v1",
    "a password with escapes": f"m?base_url=https%3A%2F%2Falice%3A{SECRET}%40gpu.example.org",
    "a password without a scheme": f"m?base_url=alice:{SECRET}@gpu.example.org",
    "one slash": f"m?base_url=https:/alice:{SECRET}@gpu.example.org",
    "a query": f"m?base_url=https://gpu.example.org/v1?sig={SECRET}",
    "a query with escapes": f"m?base_url=https://gpu.example.org/v1%3Fsig={SECRET}",
    "a fragment": f"m?base_url=https://gpu.example.org/v1#{SECRET}",
    "an option": f"m?api_key={SECRET}",
    "an option in capitals": f"m?API-KEY={SECRET}",
    "an option with escapes": f"m?%61pi_%6bey={SECRET}",
    "an option behind a semicolon": f"m?device=cpu;token={SECRET}",
    "in place of the model": f"https://alice:{SECRET}@gpu.example.org/m",
    "a key by its form": f"m?device=sk-{SECRET}",
    "an authorization": f"m?device=Bearer {SECRET}",
}


def constructed(role, name, text):
    reference, _, query = text.partition("?")
    return BackendRef(role, name, reference, tuple(o.partition("=")[::2] for o in query.split("&")))


PLACES = {
    "a parsed backend": lambda text: BackendRef.parse("language", f"openai:{text}"),
    "an unknown backend": lambda text: BackendRef.parse("language", f"nothing:{text}"),
    "a constructed backend": lambda text: constructed("language", "openai", text),
    "a backend of an engine": lambda text: Engine(backends={"language": f"openai:{text}"}),
    "a generator": lambda text: open_generator(f"openai:{text}"),
    "a generator of an engine": lambda text: Engine(generator=f"openai:{text}"),
    "the second generator": lambda text: Engine(generator=f"auto:openai:{text}"),
    "a setting": lambda text: refuse_secrets("generator", f"openai:{text}", "a file"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_a_reference_is_refused_and_not_repeated(secret, place):
    with pytest.raises(ConfigError) as refused:
        PLACES[place](SECRETS[secret])
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("secret", ["user and password", "a query"])
def test_control_an_engine_that_does_not_look_writes_it_into_the_trace(secret, monkeypatch):
    monkeypatch.setattr(registry, "reveals_secret", lambda text: False)
    with Engine("none", backends={"language": f"openai:{SECRETS[secret]}"}) as engine:
        trace = engine.run_program(PROGRAM, PICTURE).trace
    assert SECRET in trace_text(trace.to_json())


class Named:
    """A generator, or a backend, whose name holds a secret."""

    name = f"openai:m?base_url=https://alice:{SECRET}@gpu.example.org/v1"
    fingerprint = "none"

    async def generate(self, requests):
        raise AssertionError

    async def aclose(self):
        pass

    def ask(self, requests):
        raise AssertionError


@pytest.mark.parametrize(
    "options",
    [{"generator": Named()}, {"backends": {"language": Named()}}],
    ids=["generator", "backend"],
)
def test_the_name_of_an_object_is_looked_at_as_well(options, monkeypatch):
    with pytest.raises(ConfigError) as refused:
        Engine("none", **options)
    assert SECRET not in str(refused.value)
    for module in (registry, engine_module, generators):  # the control
        monkeypatch.setattr(module, "reveals_secret", lambda text: False)
    if "generator" in options:
        with Engine("none", **options) as engine:
            assert SECRET in json.dumps(
                engine.run_program(PROGRAM, PICTURE).trace.to_json()
                | {"g": engine.config.generator}
            )


@pytest.mark.parametrize(
    "reference",
    [
        "onnx:folder/yolox nano.onnx?score_threshold=0.3&device=cpu",
        "open_clip:hf-hub:org/name",
        "openai:gpt-5-mini?input_usd=0.25&output_usd=2&max_tokens=100",
        "local:org/model?context_tokens=4096&device=cuda:0",
        "openai:m?base_url=http://127.0.0.1:8000/v1",
        "openai:m?base_url=https://[::1]:8000/v1&temperature=0.5",
        "transformers:org/model?revision=v1.0",
        "truth:C:\\scenes\\my file.json",
        "onnx:models/v1@2/model.onnx",
        "grammar",
        "",
    ],
)
def test_an_ordinary_reference_is_not_refused(reference):
    assert not reveals_secret(reference)
