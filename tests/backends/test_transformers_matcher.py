from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

from fakes import tiny_models
from fakes.views import view
from viper.backends.prompt_templates import CAPTIONS, read_templates, templates_id
from viper.errors import ConfigError, ModelError
from viper.images.image import View
from viper.models.registry import BackendRef, open_backend

FAMILIES = {
    "clip": tiny_models.clip,
    "siglip": tiny_models.siglip,
    "siglip2": tiny_models.siglip2,
    "siglip2_naflex": tiny_models.siglip2_naflex,
}
TEXTS = ["red mug", "blue cup", "a dog that stands left of the car"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        name: build(tmp_path_factory.mktemp("models") / name) for name, build in FAMILIES.items()
    }


@pytest.fixture(params=FAMILIES)
def folder(request, folders):
    return folders[request.param]


def load(folder, query=""):
    return open_backend(BackendRef.parse("matcher", f"transformers:{folder}?device=cpu{query}"))


def test_embeds_images_as_unit_vectors_in_the_order_of_the_views(folder):
    matcher = load(folder)
    views = [view(48, 32, 1), view(20, 90, 2), view(1, 1, 3), view(300, 2, 4)]
    together = matcher.embed_images(views)
    assert len(together) == 4
    for vector, one in zip(together, views, strict=True):
        assert vector.shape == (16,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(vector, matcher.embed_images([one])[0], atol=1e-4)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_embeds_texts_as_unit_vectors_in_the_order_of_the_texts(folder):
    matcher = load(folder)
    together = matcher.embed_texts(TEXTS)
    assert len(together) == 3
    for vector, text in zip(together, TEXTS, strict=True):
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(vector, matcher.embed_texts([text])[0], atol=1e-4)


def test_nothing_in_nothing_out(folder):
    matcher = load(folder)
    assert matcher.embed_images([]) == []
    assert matcher.embed_texts([]) == []


def test_a_similarity_equals_the_logits_of_the_library(folder):
    matcher = load(folder, "&templates=plain")
    model = AutoModel.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    seen = view(32, 32, 5)
    sigmoid = matcher.logit_bias is not None
    inputs = processor(
        text=["red mug"],
        images=[Image.fromarray(np.array(seen.pixels()))],
        padding="max_length" if sigmoid else True,
        return_tensors="pt",
        **({"max_length": 16} if sigmoid else {}),
        # The library's combined processor would take its own default, not the checkpoint's.
        **({"max_num_patches": 16} if "naflex" in folder.name else {}),
    )
    with torch.inference_mode():
        expected = model(**inputs).logits_per_image.item()
    cosine = float(matcher.embed_images([seen])[0] @ matcher.embed_texts(["red mug"])[0])
    logit = matcher.logit_scale * cosine + (matcher.logit_bias or 0.0)
    assert logit == pytest.approx(expected, abs=1e-4)


def test_a_text_is_the_mean_of_its_captions(folder):
    matcher, plain = load(folder), load(folder, "&templates=plain")
    captions = plain.embed_texts([caption.replace("{}", "red mug") for caption in CAPTIONS])
    mean = np.mean(captions, axis=0)
    np.testing.assert_allclose(
        matcher.embed_texts(["red mug"])[0], mean / np.linalg.norm(mean), atol=1e-5
    )


def test_a_text_that_is_too_long_is_cut(folder):
    matcher = load(folder)
    assert np.isfinite(matcher.embed_texts(["red mug " * 500])[0]).all()


def test_capitals_do_not_matter(folder):
    matcher = load(folder)
    lower, upper = matcher.embed_texts(["red mug", "RED Mug"])
    np.testing.assert_allclose(lower, upper, atol=1e-6)


def test_braces_in_a_text_are_only_characters(folder):
    matcher = load(folder)
    assert len(matcher.embed_texts(["{} {0} {name}", "}{"])) == 2


def test_softmax_models_have_no_bias_and_sigmoid_models_have_one(folders):
    assert load(folders["clip"]).logit_bias is None
    assert load(folders["clip"]).logit_scale == pytest.approx(14.2857, abs=1e-3)  # exp(2.6592)
    assert load(folders["siglip"]).logit_bias == pytest.approx(-3.0)


def test_clip_looks_at_the_ends_of_a_long_patch(folders):
    matcher = load(folders["clip"])
    middle = View(view(90, 30, 6).image, (30.0, 0.0, 60.0, 30.0))
    whole, part = matcher.embed_images([view(90, 30, 6), middle])
    assert np.abs(whole - part).max() > 1e-3


def test_naflex_keeps_the_aspect_ratio(folders):
    seen = []
    matcher = load(folders["siglip2_naflex"])
    inner = matcher.model.get_image_features

    def spy(**inputs):
        seen.extend(inputs["spatial_shapes"].tolist())
        assert "pixel_attention_mask" in inputs
        return inner(**inputs)

    matcher.model.get_image_features = spy
    matcher.embed_images([view(64, 64), view(160, 20)])
    square, long = seen
    assert square == [4, 4]
    assert long[0] < long[1]


def test_all_sentences_of_all_texts_go_through_the_model_at_once(folder):
    matcher = load(folder)
    batches = []
    inner = matcher.model.get_text_features

    def spy(**inputs):
        batches.append(len(inputs["input_ids"]))
        return inner(**inputs)

    matcher.model.get_text_features = spy
    matcher.embed_texts(TEXTS)
    assert batches == [len(TEXTS) * len(CAPTIONS)]


def test_the_fingerprint_depends_on_weights_templates_and_dtype(folders, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("here is {}\n\nlook at the {}!\n")
    clip, siglip = folders["clip"], folders["siglip"]
    prints = {
        load(clip).fingerprint,
        load(siglip).fingerprint,
        load(clip, "&templates=plain").fingerprint,
        load(clip, f"&templates={own}").fingerprint,
        load(clip, "&dtype=bfloat16").fingerprint,
    }
    assert len(prints) == 5
    assert load(clip).fingerprint in prints


def test_half_precision_gives_nearly_the_same_vectors(folders):
    full, half = load(folders["clip"]), load(folders["clip"], "&dtype=bfloat16")
    (a,), (b,) = full.embed_images([view(32, 32)]), half.embed_images([view(32, 32)])
    assert b.dtype == np.float32
    assert float(a @ b) > 0.99


def test_values_that_are_no_numbers_are_an_error_of_the_model(folders):
    matcher = load(folders["clip"])
    matcher.model.visual_projection.weight.data.fill_(float("nan"))
    with pytest.raises(ModelError, match=r"returned NaN or infinity\. Use dtype=float32"):
        matcher.embed_images([view(8, 8)])


def test_a_byte_order_mark_is_no_part_of_the_first_template(tmp_path):
    file = tmp_path / "templates.txt"
    file.write_text("{} on a table\na {}\n", encoding="utf-8-sig")
    assert read_templates(str(file)) == ("{} on a table", "a {}")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a photo", "The template 'a photo' in .* must have exactly one {}"),
        ("{} and {}", "The template '{} and {}' in .* must have exactly one {}"),
        ("", "The template '' in .* must have exactly one {}"),
    ],
)
def test_a_template_needs_one_place_for_the_text(folders, tmp_path, content, expected):
    file = tmp_path / "templates.txt"
    file.write_text(content)
    with pytest.raises(ConfigError, match=expected):
        load(folders["clip"], f"&templates={file}")


def test_an_unknown_list_of_templates_is_refused(folders):
    with pytest.raises(ConfigError, match="templates='plane' is neither one of captions, plain"):
        load(folders["clip"], "&templates=plane")


def test_a_model_that_compares_nothing_is_refused(tmp_path):
    folder = tiny_models.dpt(tmp_path / "dpt")
    with pytest.raises(ConfigError, match=r"\(dpt\) is not a matcher: it does not compare images"):
        load(folder)


def test_an_unknown_option_is_refused(folders):
    with pytest.raises(ConfigError, match=r"Unknown option 'templats' .* Did you mean 'templates'"):
        load(folders["clip"], "&templats=plain")


def test_a_folder_without_a_known_architecture_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no-such-architecture"}))
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_compiled_model_gives_the_same_vectors(folders):
    plain, compiled = load(folders["clip"]), load(folders["clip"], "&compile=true")
    views = [view(50, 40, n) for n in range(3)]
    for ask in ("embed_images", "embed_texts"):
        items = views if ask == "embed_images" else TEXTS
        expected, found = getattr(plain, ask)(items), getattr(compiled, ask)(items)
        np.testing.assert_allclose(np.stack(found), np.stack(expected), atol=1e-5)
    assert compiled.fingerprint == plain.fingerprint


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_two_lists_of_templates_have_two_names(bits):
    """Two lists whose names begin alike are found within a second; the whole names differ."""
    seen: dict[str, str] = {}
    for number in range(200_000):
        text = f"a photo of a {{}}, number {number}."
        start = templates_id([text])[: bits // 4]
        if start in seen:
            break
        seen[start] = text
    assert start in seen  # the control: names of so few bits would be equal
    assert templates_id([text]) != templates_id([seen[start]])


@pytest.mark.parametrize("known", [("{}",), read_templates("captions")])
def test_known_lists_keep_the_names_that_they_had(known):
    assert len(templates_id(known)) == 8
    assert templates_id([*known, "{}"]) != templates_id(known)
