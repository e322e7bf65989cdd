from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForObjectDetection,
    AutoModelForZeroShotObjectDetection,
    AutoProcessor,
    BertConfig,
    YolosImageProcessor,
)

from fakes.views import image, view
from viper.errors import ConfigError, ModelError, UnservedError
from viper.images.image import View
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import Detection, DetectRequest

ZERO_SHOT = ("owlvit", "owlv2", "grounding_dino", "mm_grounding_dino", "omdet_turbo")
PHRASES = ("red mug", "dog")


def load(folder, query=""):
    text = f"transformers:{folder}?device=cpu&score_threshold=0{query}"
    return open_backend(BackendRef.parse("detector", text))


@pytest.fixture(params=ZERO_SHOT)
def family(request):
    return request.param


@pytest.fixture
def detector(family, detector_folders):
    query = "&text_threshold=0" if "dino" in family else ""
    return load(detector_folders[family], query)


def ask(detector, one_view, *phrases):
    return detector.detect([DetectRequest(one_view, phrases)])[0]


def assert_same(left: list[Detection], right: list[Detection]) -> None:
    assert [d.phrase for d in left] == [d.phrase for d in right]
    if left:
        boxes = [np.array([d.box_xyxy for d in side]) for side in (left, right)]
        np.testing.assert_allclose(*boxes, atol=1e-3)  # pixels
        scores = [np.array([d.score for d in side]) for side in (left, right)]
        np.testing.assert_allclose(*scores, atol=1e-4)


def sort_key(detection):
    return (detection.phrase, *np.round(detection.box_xyxy, 1))


def test_any_phrase_may_be_asked_of_a_zero_shot_detector(detector):
    assert detector.vocabulary is None
    found = ask(detector, view(50, 40), *PHRASES)
    assert {d.phrase for d in found} == set(PHRASES)
    for detection in found:
        x1, y1, x2, y2 = detection.box_xyxy
        assert 0 <= x1 < x2 <= 50
        assert 0 <= y1 < y2 <= 40
        assert 0 <= detection.score <= 1


def test_a_batch_gives_what_its_requests_give_one_by_one(detector):
    requests = [
        DetectRequest(view(50, 40, 1), ("dog",)),
        DetectRequest(view(90, 30, 2), PHRASES),
        DetectRequest(view(50, 40, 3), ("a red mug", "cat", "frisbee")),
        DetectRequest(view(50, 40, 1), PHRASES),
    ]
    together = detector.detect(requests)
    assert len(together) == 4
    for result, request in zip(together, requests, strict=True):
        alone = detector.detect([request])[0]
        assert_same(sorted(result, key=sort_key), sorted(alone, key=sort_key))


def test_no_requests_give_no_results(detector):
    assert detector.detect([]) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (1, 40)], ids=str)
def test_crops_of_extreme_shape_are_served(detector, size):
    for detection in ask(detector, view(*size), "dog"):
        assert detection.box_xyxy[2] <= size[0]
        assert detection.box_xyxy[3] <= size[1]


def test_boxes_are_in_the_frame_of_the_crop(detector):
    whole = image(80, 60)
    box = View(whole, (20.0, 10.0, 70.0, 50.0))
    crop = whole.pixels()[10:50, 20:70]
    inside = ask(detector, box, "dog")
    cut_out = type(whole)("other", (50, 40), load=lambda: crop)
    assert_same(inside, ask(detector, View(cut_out, (0.0, 0.0, 50.0, 40.0)), "dog"))


@pytest.mark.parametrize("phrases", [(), ("",), ("dog", "  ")], ids=str)
def test_a_request_without_a_phrase_is_refused(detector, phrases):
    with pytest.raises(UnservedError, match="at least one"):
        ask(detector, view(50, 40), *phrases)


@pytest.mark.parametrize("name", ["owlvit", "owlv2"])
def test_owl_says_what_the_library_says(name, detector_folders):
    folder = detector_folders[name]
    one_view = view(50, 40)
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    picture = Image.fromarray(one_view.pixels())
    inputs = processor(text=[["a photo of a dog"]], images=picture, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs)
    (expected,) = processor.post_process_grounded_object_detection(
        outputs, threshold=0.0, target_sizes=[(40, 50)]
    )
    boxes = expected["boxes"].clamp(min=0)
    boxes[:, 0::2].clamp_(max=50)
    boxes[:, 1::2].clamp_(max=40)
    pairs = zip(boxes.tolist(), expected["scores"].tolist(), strict=True)
    known = {tuple(np.round(box, 2)): score for box, score in pairs}
    found = ask(load(folder), one_view, "dog")
    assert found
    for detection in found:
        key = tuple(np.round(detection.box_xyxy, 2))
        assert known[key] == pytest.approx(detection.score, abs=1e-4)


@pytest.mark.parametrize("name", ["owlvit", "owlv2"])
def test_the_answer_of_owl_for_a_phrase_does_not_depend_on_the_other_phrases(
    name, detector_folders
):
    detector = load(detector_folders[name])
    alone = ask(detector, view(50, 40), "dog")
    among = [d for d in ask(detector, view(50, 40), *PHRASES, "cat") if d.phrase == "dog"]
    assert_same(alone, among)


def test_owl_takes_phrases_longer_than_its_text_tower(detector_folders):
    assert ask(load(detector_folders["owlv2"]), view(50, 40), "a dog that sleeps on " * 20)


def test_the_template_of_owl_surrounds_the_phrase(detector_folders):
    plain = load(detector_folders["owlv2"], "&template={}")
    usual = load(detector_folders["owlv2"])
    assert_same(
        ask(plain, view(50, 40), "a photo of a dog")[:5],
        [
            Detection(d.box_xyxy, "a photo of a dog", d.score)
            for d in ask(usual, view(50, 40), "dog")[:5]
        ],
    )
    assert plain.fingerprint != usual.fingerprint


def library_token_scores(folder, one_view, prompt):
    """Boxes in pixels, scores per token and the tokens, from the library alone."""
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    picture = Image.fromarray(one_view.pixels())
    inputs = processor(images=picture, text=prompt, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs)
    words = processor.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
    width, height = one_view.image.size
    cx, cy, w, h = outputs.pred_boxes[0].unbind(-1)
    boxes = torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], dim=1)
    boxes = (boxes * torch.tensor([width, height] * 2)).clamp(min=0)
    boxes = torch.minimum(boxes, torch.tensor([width, height] * 2))
    return boxes.numpy(), outputs.logits[0].sigmoid().numpy(), words


@pytest.mark.parametrize("name", ["grounding_dino", "mm_grounding_dino"])
def test_grounding_dino_maps_boxes_to_the_phrases_by_their_tokens(name, detector_folders):
    folder = detector_folders[name]
    one_view = view(50, 40)
    boxes, scores, words = library_token_scores(folder, one_view, "red frisbee. dog.")
    assert words == ["[CLS]", "red", "fris", "##bee", ".", "dog", ".", "[SEP]"]
    columns = {"The red FRISBEE": [1, 2, 3], "dog?": [5]}
    found = ask(load(folder, "&text_threshold=0"), one_view, *columns)
    assert {d.phrase for d in found} == set(columns)  # as asked, not as the prompt spells them
    for detection in found:
        distance = np.abs(boxes - np.array(detection.box_xyxy)).max(axis=1)
        expected = scores[distance < 1e-2][:, columns[detection.phrase]].max(axis=1)
        assert np.abs(expected - detection.score).min() < 1e-4


def test_grounding_dino_wants_the_mean_of_a_phrase_above_the_text_threshold(detector_folders):
    folder = detector_folders["grounding_dino"]
    one_view = view(50, 40)
    _, scores, _ = library_token_scores(folder, one_view, "red mug.")
    means = scores[:, [1, 2]].mean(axis=1)
    threshold = float(np.median(means))
    found = ask(
        load(folder, f"&text_threshold={threshold}&score_threshold=0.0001"), one_view, "red mug"
    )
    best = np.sort(scores[:, [1, 2]].max(axis=1)[means >= threshold])
    np.testing.assert_allclose(sorted(d.score for d in found), best, atol=1e-4)


def test_grounding_dino_splits_phrases_that_exceed_its_text_length(detector_folders):
    detector = load(detector_folders["grounding_dino"], "&text_threshold=0")
    phrases = tuple(f"red mug of a {word} frisbee" for word in ("dog", "cat", "blue", "light"))
    found = ask(detector, view(50, 40), *phrases)  # 4 × 8 tokens, where 24 fit
    assert {d.phrase for d in found if d.score > 0} == set(phrases)


def test_grounding_dino_refuses_a_phrase_of_punctuation(detector_folders):
    with pytest.raises(UnservedError, match="contains only punctuation"):
        ask(load(detector_folders["grounding_dino"]), view(50, 40), "?.")


def test_a_closed_vocabulary_model_reports_its_classes_as_the_library_does(detector_folders):
    folder = detector_folders["yolos"]
    detector = load(folder)
    assert detector.vocabulary == ("mug", "dog", "cat")
    one_view = view(90, 60)
    model = AutoModelForObjectDetection.from_pretrained(folder).eval()
    processor = YolosImageProcessor.from_pretrained(folder)
    inputs = processor(Image.fromarray(one_view.pixels()), return_tensors="pt")
    with torch.no_grad():
        outputs = model(pixel_values=inputs["pixel_values"])
    (expected,) = processor.post_process_object_detection(outputs, 0.0, [(60, 90)])
    named = [
        (model.config.id2label[label], score)
        for label, score in zip(
            expected["labels"].tolist(), expected["scores"].tolist(), strict=True
        )
    ]
    wanted = sorted(score for name, score in named if name != "N/A")
    found = ask(detector, one_view)
    assert found
    np.testing.assert_allclose(sorted(d.score for d in found), wanted, atol=1e-4)


def test_a_closed_vocabulary_model_keeps_the_order_of_a_batch(detector_folders):
    detector = load(detector_folders["yolos"])
    requests = [DetectRequest(view(*size), ()) for size in ((90, 60), (40, 80), (90, 60), (1, 1))]
    for result, request in zip(detector.detect(requests), requests, strict=True):
        assert_same(result, detector.detect([request])[0])


def test_scores_below_the_threshold_are_left_out(detector_folders):
    folder = detector_folders["owlv2"]
    every = ask(load(folder), view(50, 40), *PHRASES)
    threshold = sorted(d.score for d in every)[len(every) // 2]
    some = ask(load(folder, f"&score_threshold={threshold}"), view(50, 40), *PHRASES)
    assert 0 < len(some) < len(every)
    assert min(d.score for d in some) >= threshold


def test_half_precision_gives_nearly_the_same_scores(detector_folders):
    exact = ask(load(detector_folders["owlv2"]), view(50, 40), "dog")
    rough = ask(load(detector_folders["owlv2"], "&dtype=bfloat16"), view(50, 40), "dog")
    assert rough[0].score == pytest.approx(exact[0].score, abs=0.05)


def test_the_fingerprint_names_weights_and_settings(detector_folders, tmp_path):
    first = load(detector_folders["owlv2"]).fingerprint
    assert first == load(detector_folders["owlv2"]).fingerprint
    assert first != load(detector_folders["owlv2"], "&score_threshold=0.2").fingerprint
    changed = tmp_path / "owlv2"
    shutil.copytree(detector_folders["owlv2"], changed)
    weights = load_file(changed / "model.safetensors")
    weights["class_head.dense0.bias"] += 1
    save_file(weights, changed / "model.safetensors", {"format": "pt"})
    assert load(changed).fingerprint.split("@")[1] != first.split("@")[1]


def test_a_model_that_is_no_detector_is_refused(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(
        ConfigError, match=r"of type 'bert', which is not a supported detector.* owlv2"
    ):
        load(tmp_path)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("score_treshold=1", "Unknown option 'score_treshold' .* mean 'score_threshold'"),
        ("score_threshold=2", "a number from 0 to 1"),
        ("template=photo", r"has no \{\}"),
        ("dtype=float3", "mean 'float32'"),
        ("device=cud", "mean 'cuda'"),
    ],
)
def test_wrong_options_are_refused(query, message, detector_folders):
    ref = BackendRef.parse("detector", f"transformers:{detector_folders['owlv2']}?{query}")
    with pytest.raises(ConfigError, match=message):
        open_backend(ref)


def test_weights_that_the_files_lack_are_reported(detector_folders, tmp_path, caplog, capfd):
    damaged = tmp_path / "owlv2"
    shutil.copytree(detector_folders["owlv2"], damaged)
    weights = load_file(damaged / "model.safetensors")
    del weights["box_head.dense0.weight"]
    save_file(weights, damaged / "model.safetensors", {"format": "pt"})
    with caplog.at_level(logging.WARNING, logger="viper"):
        load(damaged)
    assert "box_head.dense0.weight" in caplog.text
    assert capfd.readouterr().err == ""


def test_loading_writes_nothing_to_the_terminal(detector, capfd):
    ask(detector, view(50, 40), "dog")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_damaged_weights_are_a_configuration_error(detector_folders, tmp_path):
    damaged = tmp_path / "owlv2"
    shutil.copytree(detector_folders["owlv2"], damaged)
    (damaged / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(damaged)


def test_owl_encodes_a_crop_and_a_phrase_once_whatever_is_asked(detector_folders, monkeypatch):
    detector = load(detector_folders["owlv2"])
    model = detector.family.model
    seen = {"images": 0, "texts": 0}
    embed, texts = model.image_embedder, model.owlv2.get_text_features

    def image_embedder(pixels, *rest):
        seen["images"] += len(pixels)
        return embed(pixels, *rest)

    def get_text_features(input_ids, **rest):
        seen["texts"] += len(input_ids)
        return texts(input_ids=input_ids, **rest)

    monkeypatch.setattr(model, "image_embedder", image_embedder)
    monkeypatch.setattr(model.owlv2, "get_text_features", get_text_features)
    first = ask(detector, view(50, 40), "dog")
    second = ask(detector, view(50, 40), "cat")
    assert seen == {"images": 1, "texts": 2}
    assert ask(detector, view(50, 40), "dog") == first
    assert ask(detector, view(50, 40), "cat") == second
    assert seen == {"images": 1, "texts": 2}
    fresh = load(detector_folders["owlv2"])
    assert ask(fresh, view(50, 40), "cat") == second


def test_what_owl_remembers_is_bounded_in_bytes():
    from viper.backends.owl import DeviceCache

    cache = DeviceCache(1_000)
    for number in range(20):
        cache.put(number, torch.zeros(50))  # 200 bytes
    assert [number for number in range(20) if cache.get(number) is not None] == [15, 16, 17, 18, 19]
    cache.put("large", torch.zeros(500))
    assert cache.get("large") is None


def damaged(model, part, value):
    """Fill the weights of a part with a value that is no number."""
    with torch.no_grad():
        for parameter in model.get_submodule(part).parameters():
            parameter.fill_(value)


SCORES = {
    "owlvit": "class_head",
    "owlv2": "class_head",
    "grounding_dino": "model.text_projection",
    "mm_grounding_dino": "model.text_projection",
    "omdet_turbo": "decoder.decoder_class_head",
}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error_and_not_an_empty_list(family, detector, value):
    damaged(detector.family.model, SCORES[family], value)
    with pytest.raises(ModelError, match="NaN or infinity"):
        ask(detector, view(50, 40), *PHRASES)


@pytest.mark.parametrize("part", ["class_labels_classifier", "bbox_predictor"])
def test_the_same_holds_for_a_closed_detector(detector_folders, part):
    detector = load(detector_folders["yolos"])
    damaged(detector.model, part, float("nan"))
    with pytest.raises(ModelError, match="NaN or infinity"):
        ask(detector, view(50, 40))
