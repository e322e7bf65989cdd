"""Every kind of model, loaded from disk as a user would name it, answers a call of a sandboxed program.

The models are small and random: what is tested is the way from `--backend` through the sandbox to the
network and back, not what they say.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from fakes import llm_server, tiny_detectors, tiny_models
from viper import Engine

PICTURE = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)


def run(backends, body):
    source = f"def execute_command(image):\n    patch = ImagePatch(image)\n    return {body}"
    with Engine(backends=backends, model_call_s=60) as engine:
        answer = engine.run_program(source, PICTURE, best_effort=True)
    assert answer.failure is None, answer.failure
    assert set(answer.trace.forwards) == set(backends)
    return answer


@pytest.mark.parametrize(
    "build",
    [tiny_detectors.owlvit, tiny_detectors.owlv2, tiny_detectors.grounding_dino,
     tiny_detectors.mm_grounding_dino, tiny_detectors.omdet_turbo],
    ids=lambda build: build.__name__,
)  # fmt: skip
def test_an_open_vocabulary_detector_finds_patches_inside_the_image(build, tmp_path):
    folder = build(tmp_path / "model")
    # Even the least score counts: random weights give some architectures nothing else.
    answer = run({"detector": f"transformers:{folder}?score_threshold=0"}, "patch.find('red dog')")
    assert answer.value
    for patch in answer.value:
        x1, y1, x2, y2 = patch.box_xyxy
        assert 0 <= x1 < x2 <= 90
        assert 0 <= y1 < y2 <= 60
        assert patch.category == "red dog"
    scores = [patch.score for patch in answer.value]
    assert scores == sorted(scores, reverse=True)


def test_a_closed_vocabulary_detector_of_transformers_answers(tmp_path):
    folder = tiny_detectors.yolos(tmp_path / "model")
    backends = {"detector": f"transformers:{folder}?score_threshold=0.01"}
    with Engine(backends=backends) as engine:
        vocabulary = engine.capabilities().vocabulary
        assert vocabulary
        answer = engine.run_program(f"return image.exists({vocabulary[0]!r})", PICTURE)
        refused = engine.run_program("return image.exists('zyzzyva')", PICTURE)
    assert isinstance(answer.value, bool)
    assert refused.failure is not None
    assert refused.failure.kind == "model"


@pytest.mark.parametrize("format_", ["yolox", "nanodet"])
def test_a_detector_in_an_onnx_file_answers(format_, tmp_path):
    if find_spec("onnxruntime") is None or find_spec("onnx") is None:
        pytest.skip("needs onnxruntime, and onnx to write the file")
    from fakes import tiny_onnx

    path = getattr(tiny_onnx, format_)(tmp_path / "tiny.onnx", classes=2)
    classes = tmp_path / "classes.txt"
    classes.write_text("dog\ncat\n")
    backends = {"detector": f"onnx:{path}?classes={classes}&score_threshold=0.01"}
    answer = run(backends, "[len(patch.find('dogs')), patch.exists('kitten')]")
    assert isinstance(answer.value[0], int)
    assert answer.unverified == ("'kitten' detected as 'cat'",)
    assert answer.trace.forwards == {"detector": 1}


@pytest.mark.parametrize("kind", ["closed", "end_to_end", "world", "yoloe"])
def test_a_detector_of_ultralytics_answers(kind, tmp_path):
    if find_spec("ultralytics") is None:
        pytest.skip("the extra ultralytics is not installed")
    from fakes import tiny_yolo
    from viper.backends import ultralytics  # noqa: F401  # imports the library sealed

    path = getattr(tiny_yolo, kind)(tmp_path / "tiny.pt")
    reference = f"ultralytics:{path}?device=cpu&score_threshold=0.01"
    if kind in ("world", "yoloe"):
        reference += f"&text_encoder=transformers:{tiny_yolo.clip(tmp_path / 'clip')}"
    name = "red dog" if kind in ("world", "yoloe") else "dog"
    answer = run({"detector": reference}, f"patch.find('{name}')")
    for patch in answer.value:
        x1, y1, x2, y2 = patch.box_xyxy
        assert 0 <= x1 < x2 <= 90
        assert 0 <= y1 < y2 <= 60


@pytest.mark.parametrize(
    "build",
    [tiny_models.clip, tiny_models.siglip, tiny_models.siglip2, tiny_models.siglip2_naflex],
    ids=lambda build: build.__name__,
)
def test_a_matcher_of_transformers_compares_texts_with_patches(build, tmp_path):
    folder = build(tmp_path / "model")
    body = (
        "[patch.best_text_match(['a cat', 'a dog']), patch.verify_property('dog', 'red'), "
        "best_image_match([patch, patch.crop(0, 0, 20, 50)], 'a dog', return_index=True)]"
    )
    best, holds, index = run({"matcher": f"transformers:{folder}"}, body).value
    assert best in ("a cat", "a dog")
    assert isinstance(holds, bool)
    assert index in (0, 1)


@pytest.mark.parametrize("sigmoid", [False, True], ids=["clip", "siglip"])
def test_a_matcher_of_open_clip_compares_texts_with_patches(sigmoid, tmp_path):
    pytest.importorskip("open_clip")
    folder = tiny_models.open_clip(tmp_path / "model", sigmoid=sigmoid)
    answer = run({"matcher": f"open_clip:{folder}"}, "patch.best_text_match(['a cat', 'a dog'])")
    assert answer.text in ("a cat", "a dog")


@pytest.mark.parametrize(
    "build",
    [tiny_models.depth_anything, tiny_models.dpt, tiny_models.zoedepth, tiny_models.glpn],
    ids=lambda build: build.__name__,
)
def test_a_depth_model_measures_patches_in_one_map(build, tmp_path):
    folder = build(tmp_path / "model")
    answer = run(
        {"depth": f"transformers:{folder}"},
        "[patch.crop(0, 0, 30, 60).compute_depth(), patch.crop(60, 0, 90, 60).compute_depth()]",
    )
    assert all(np.isfinite(depth) for depth in answer.value)
    assert answer.trace.forwards == {"depth": 1}


@pytest.mark.parametrize(
    "build",
    [tiny_models.smolvlm, tiny_models.llava, tiny_models.qwen2_vl, tiny_models.blip2],
    ids=lambda build: build.__name__,
)
def test_an_answerer_of_transformers_says_something(build, tmp_path):
    folder = build(tmp_path / "model")
    answer = run({"answerer": f"transformers:{folder}"}, "patch.simple_query('What is this?')")
    assert isinstance(answer.value, str)


def test_an_openai_compatible_server_sees_the_patch_and_answers(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with llm_server.LLMServer([llm_server.text("A Red Kite.")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answer = run({"answerer": "openai:fake-vision"}, "patch.simple_query('What is this?')")
    assert answer.text == "a red kite"
    assert "data:image/" in str(server.requests[0].body)
    assert answer.to_json()["usage"]["prompt_tokens"] == 11


def test_an_openai_compatible_server_answers_in_words(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with llm_server.LLMServer([llm_server.text("Paris.")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answer = run({"language": "openai:fake"}, "llm_query('Capital of {France}?', False)")
    assert answer.text == "paris"
    assert "Capital of {France}?" in str(server.requests[0].body)
