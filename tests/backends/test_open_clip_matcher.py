from __future__ import annotations

import json
import logging
import random

import numpy as np
import pytest
import torch
from PIL import Image

from fakes import tiny_models
from fakes.views import view

pytest.importorskip("open_clip", reason="needs the extra open-clip")

import open_clip

from viper.backends.prompt_templates import CAPTIONS
from viper.errors import ConfigError, ModelError
from viper.images.image import View
from viper.models.registry import BackendRef, open_backend
from viper.weights.pull import pull


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.open_clip(tmp_path_factory.mktemp("models") / "open_clip")


@pytest.fixture(scope="module")
def sigmoid_folder(tmp_path_factory):
    return tiny_models.open_clip(tmp_path_factory.mktemp("models") / "siglip", sigmoid=True)


def load(reference, query=""):
    return open_backend(BackendRef.parse("matcher", f"open_clip:{reference}?device=cpu{query}"))


def test_embeds_images_as_unit_vectors_in_the_order_of_the_views(folder):
    matcher = load(folder)
    views = [view(48, 32, 1), view(20, 90, 2), view(1, 1, 3)]
    together = matcher.embed_images(views)
    assert len(together) == 3
    for vector, one in zip(together, views, strict=True):
        assert vector.shape == (16,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(vector, matcher.embed_images([one])[0], atol=1e-4)


def test_embeds_texts_as_the_mean_of_their_captions(folder):
    matcher, plain = load(folder), load(folder, "&templates=plain")
    mug, cup = matcher.embed_texts(["red mug", "blue cup"])
    captions = plain.embed_texts([caption.replace("{}", "red mug") for caption in CAPTIONS])
    mean = np.mean(captions, axis=0)
    np.testing.assert_allclose(mug, mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(cup, matcher.embed_texts(["blue cup"])[0], atol=1e-4)
    assert matcher.embed_texts([]) == matcher.embed_images([]) == []


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_a_similarity_equals_the_logits_of_the_library(kind, folder, sigmoid_folder):
    where = folder if kind == "softmax" else sigmoid_folder
    matcher = load(where, "&templates=plain")
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{where}")
    seen = view(32, 32, 5)
    picture = preprocess(Image.fromarray(np.array(seen.pixels())))
    tokens = open_clip.get_tokenizer(f"local-dir:{where}")(["red mug"])
    with torch.inference_mode():
        expected = model.eval().get_logits(picture[None], tokens)[0].item()
    cosine = float(matcher.embed_images([seen])[0] @ matcher.embed_texts(["red mug"])[0])
    logit = matcher.logit_scale * cosine + (matcher.logit_bias or 0.0)
    assert logit == pytest.approx(expected, abs=1e-4)
    assert (matcher.logit_bias is None) == (kind == "softmax")


def test_looks_at_the_ends_of_a_long_patch(folder):
    matcher = load(folder)
    middle = View(view(90, 30, 6).image, (30.0, 0.0, 60.0, 30.0))
    whole, part = matcher.embed_images([view(90, 30, 6), middle])
    assert np.abs(whole - part).max() > 1e-3


def test_a_text_that_is_too_long_is_cut(folder):
    assert np.isfinite(load(folder).embed_texts(["red mug " * 500])[0]).all()


def test_loads_weights_from_a_file_into_a_model_of_the_list(folder, tmp_path, monkeypatch):
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", config)
    weights = folder / "open_clip_model.safetensors"
    matcher = load("tiny", f"&pretrained={weights}")
    np.testing.assert_allclose(
        matcher.embed_texts(["red mug"])[0], load(folder).embed_texts(["red mug"])[0], atol=1e-5
    )
    assert matcher.fingerprint.startswith("tiny@")


def test_half_precision_gives_nearly_the_same_vectors(folder):
    full, half = load(folder), load(folder, "&dtype=bfloat16")
    (a,), (b,) = full.embed_images([view(32, 32)]), half.embed_images([view(32, 32)])
    assert b.dtype == np.float32
    assert float(a @ b) > 0.99
    (c,), (d,) = full.embed_texts(["red mug"]), half.embed_texts(["red mug"])
    assert float(c @ d) > 0.99


@pytest.mark.parametrize(
    ("reference", "query", "expected"),
    [
        ("ViT-B-32", "", r"is an architecture without weights\. Add \?pretrained=TAG .*laion400m"),
        ("ViT-B-32", "&pretrained=laion400", "neither a tag .* nor a file. Did you mean 'laion4"),
        ("ViT-B-23", "", "Unknown open_clip model 'ViT-B-23'. Did you mean 'ViT-B-32'"),
        (
            "ViT-B-23",
            "&pretrained=x",
            "is not a name in open_clip's list, and .* Did you mean 'ViT-B-32'",
        ),
        ("", "", "Unknown open_clip model ''."),
    ],
)
def test_an_unknown_model_or_tag_is_refused_with_near_names(reference, query, expected):
    with pytest.raises(ConfigError, match=expected):
        load(reference, query)


def test_a_folder_without_weights_is_refused_and_the_root_logger_left_alone(folder, tmp_path):
    (tmp_path / "open_clip_config.json").write_bytes(
        (folder / "open_clip_config.json").read_bytes()
    )
    handlers = list(logging.getLogger().handlers)
    with pytest.raises(ConfigError, match="cannot be loaded: Required pretrained weights"):
        load(tmp_path)
    assert logging.getLogger().handlers == handlers


def test_a_folder_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"open_clip_config\.json"):
        load(tmp_path)


def test_weights_of_a_tag_that_are_not_on_disk_are_named_with_the_command(hub):
    with pytest.raises(
        ConfigError,
        match=r"fetch it with: viper models pull timm/vit_base_patch32_clip_224.openai --library open_",
    ):
        load("ViT-B-32", "&pretrained=openai")
    assert not hub.requests


@pytest.fixture
def tag(folder, monkeypatch, hub):
    """A tag of a tiny model in the library's list, whose weights are on the hub."""
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", config)
    entry = {"hf_hub": "tiny/clip/", "mean": (0.1, 0.2, 0.3), "quick_gelu": False}
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda name: ["mine"])
    monkeypatch.setattr(
        open_clip, "get_pretrained_cfg", lambda name, tag: entry if tag == "mine" else {}
    )
    hub.add("tiny/clip", folder)


def test_weights_of_a_tag_are_those_of_the_cache_with_the_preprocessing_of_the_tag(
    tag, hub, folder
):
    pull("tiny/clip", library="open_clip")
    before = len(hub.requests)
    matcher = load("tiny", "&pretrained=mine")
    np.testing.assert_allclose(
        matcher.embed_texts(["red mug"])[0], load(folder).embed_texts(["red mug"])[0], atol=1e-5
    )
    assert matcher.fingerprint.startswith("tiny@mine")
    assert matcher.model.visual.preprocess_cfg["mean"] == (0.1, 0.2, 0.3)
    assert len(hub.requests) == before


def test_a_model_of_the_hub_is_fetched_only_when_asked_for(tag, hub):
    with pytest.raises(ConfigError, match="viper models pull tiny/clip --library open_clip"):
        load("hf-hub:tiny/clip")
    assert not hub.requests
    first = load("hf-hub:tiny/clip", "&download=true")
    assert load("hf-hub:tiny/clip").fingerprint == first.fingerprint


WORDS = {
    "letters": "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=32_000)),
    "one letter": "a" * 32_000,
    "accents": "é" * 32_000,
    "characters of other scripts": "漢字" * 16_000,
    "signs": "!?" * 16_000,
}


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_a_word_without_end_costs_its_tokenizer_a_bounded_number_of_steps(
    folder, word, monkeypatch
):
    matcher = load(folder, "&templates=plain")
    lengths = []
    original = matcher.tokenizer

    def measured(sentences):
        lengths.extend(len(part) for sentence in sentences for part in sentence.split())
        return original([sentence[:50] for sentence in sentences])

    monkeypatch.setattr(matcher, "tokenizer", measured)
    matcher.embed_texts([word, "a " + word])
    assert max(lengths) <= 400
    lengths.clear()
    monkeypatch.setattr("viper.backends.open_clip_matcher._LONGEST_WORD", 10**9)  # the control
    matcher.embed_texts([word])
    assert max(lengths) == 32_000


def test_the_tokenizer_of_the_library_keeps_no_words_without_end(folder, monkeypatch):
    matcher = load(folder, "&templates=plain")
    matcher.tokenizer = open_clip.tokenizer.SimpleTokenizer(context_length=4)
    special = list(matcher.tokenizer.cache)
    monkeypatch.setattr("viper.backends.open_clip_matcher._MOST_CACHED_WORDS", 50)
    monkeypatch.setattr(type(matcher.model), "encode_text", lambda self, t: torch.ones(len(t), 16))
    random_words = ["".join(random.choices("bcdfghjklm", k=12)) for _ in range(400)]
    for start in range(0, 400, 20):
        matcher.embed_texts(random_words[start : start + 20])
        assert len(matcher.tokenizer.cache) <= 50
    assert list(matcher.tokenizer.cache)[: len(special)] == special
    monkeypatch.setattr("viper.backends.open_clip_matcher._MOST_CACHED_WORDS", 10**9)
    matcher.embed_texts(random_words)
    assert len(matcher.tokenizer.cache) > 300  # the control


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 0.0])
def test_vectors_that_mean_nothing_are_an_error_of_the_model(folder, wrong):
    matcher = load(folder)
    with torch.no_grad():
        matcher.model.visual.proj.fill_(wrong)
        matcher.model.text_projection.fill_(wrong)
    for embed, given in ((matcher.embed_images, view(8, 8)), (matcher.embed_texts, "a dog")):
        with pytest.raises(ModelError, match=r"NaN or infinity|a vector of zeros"):
            embed([given])


def test_a_scale_of_nan_is_refused(folder, monkeypatch):
    created = open_clip.create_model

    def damaged(*args, **kwargs):
        model = created(*args, **kwargs)
        if not model.logit_scale.is_meta:
            model.logit_scale.data.fill_(float("nan"))
        return model

    monkeypatch.setattr(open_clip, "create_model", damaged)
    with pytest.raises(ConfigError, match="scale nan"):
        load(folder)
