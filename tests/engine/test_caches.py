from __future__ import annotations

import numpy as np
import pytest

from fakes import tiny_models
from viper import ConfigError, Engine
from viper.engine.caches import opened_cache
from viper.scheduling.operation import EMBED_IMAGES, EMBED_TEXTS

PROGRAM = """\
def execute_command(image):
    return ImagePatch(image).best_text_match(["a red mug", "a blue cup"])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.clip(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture
def counted(monkeypatch):
    """How many texts were embedded, call by call."""
    from viper.backends import transformers_matcher

    calls = []
    plain = transformers_matcher.TransformersMatcher.embed_texts

    def counting(self, texts):
        calls.append(("embed_texts", len(texts)))
        return plain(self, texts)

    monkeypatch.setattr(transformers_matcher.TransformersMatcher, "embed_texts", counting)
    return calls


def ask(folder, **options):
    backends = {"matcher": f"transformers:{folder}?device=cpu"}
    with Engine("none", backends=backends, sandbox="partial", **options) as engine:
        answer = engine.run_program(PROGRAM, np.full((40, 40, 3), 90, np.uint8))
    assert answer.failure is None, answer.failure
    return answer.text


def test_texts_are_embedded_once_and_images_again(folder, tmp_path, counted):
    first = ask(folder, text_cache=tmp_path / "texts")
    assert "embed_texts" in dict(counted)
    counted.clear()
    assert ask(folder, text_cache=tmp_path / "texts") == first
    assert "embed_texts" not in dict(counted)


def test_without_the_option_nothing_is_kept(folder, tmp_path, counted, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        counted.clear()
        ask(folder)
        assert ("embed_texts", 2) in counted
    assert not [*tmp_path.iterdir()]


def config(**options):
    with Engine("none", **options) as engine:
        return engine.config


def test_a_cache_of_all_results_takes_its_place(folder, tmp_path):
    backends = {"matcher": f"transformers:{folder}"}
    folders = {"cache": tmp_path / "all", "text_cache": tmp_path / "texts"}
    cache = opened_cache(config(backends=backends, **folders))
    assert cache.is_stored(EMBED_IMAGES)
    cache.close()
    assert not (tmp_path / "texts").exists()


@pytest.mark.parametrize("matcher", ["builtin", "colors"])
def test_a_matcher_that_needs_no_file_gets_none(tmp_path, matcher):
    cache = opened_cache(config(backends={"matcher": matcher}, text_cache=tmp_path / "texts"))
    assert not cache.is_stored(EMBED_TEXTS)
    assert not (tmp_path / "texts").exists()


def test_a_default_folder_that_cannot_be_written_is_no_error(folder, tmp_path):
    (tmp_path / "taken").write_text("not a folder")
    backends = {"matcher": f"transformers:{folder}"}
    cache = opened_cache(config(backends=backends, text_cache=tmp_path / "taken"))
    assert not cache.is_stored(EMBED_TEXTS)
    with pytest.raises(ConfigError, match="cannot be used"):
        config(backends=backends, cache=tmp_path / "taken")
