"""A folder without a file that its model needs is refused by name; none answers nonsense."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fakes import tiny_detectors, tiny_models
from fakes.peak_memory import peak_megabytes, restart_peak
from fakes.views import view
from viper.errors import ConfigError, ModelError
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import AnswerRequest, DetectRequest

TOKENIZER = re.compile(
    r"tokenizer.*|vocab\..*|merges\.txt|special_tokens.*|added_tokens.*|.*\.model"
)
IMAGES = re.compile(r"(pre)?processor_config\.json")
WEIGHTS = re.compile(r".*\.(safetensors|bin)")

WITH_TEXTS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "clip": ("matcher", tiny_models.clip),
    "siglip": ("matcher", tiny_models.siglip),
    "siglip2": ("matcher", tiny_models.siglip2),
    "siglip2_naflex": ("matcher", tiny_models.siglip2_naflex),
    "owlvit": ("detector", tiny_detectors.owlvit),
    "owlv2": ("detector", tiny_detectors.owlv2),
    "grounding_dino": ("detector", tiny_detectors.grounding_dino),
    "mm_grounding_dino": ("detector", tiny_detectors.mm_grounding_dino),
    "omdet_turbo": ("detector", tiny_detectors.omdet_turbo),
    "idefics3": ("answerer", tiny_models.idefics3),
    "llava": ("answerer", tiny_models.llava),
    "blip2": ("answerer", tiny_models.blip2),
}
WITHOUT = {
    "yolos": ("detector", tiny_detectors.yolos),
    "depth_anything": ("depth", tiny_models.depth_anything),
}
ALL = {**WITH_TEXTS, **WITHOUT}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the whole folder of a family, built when it is first asked for."""
    root, built = tmp_path_factory.mktemp("whole"), {}

    def build(family: str) -> Path:
        if family not in built:
            built[family] = ALL[family][1](root / family)
        return built[family]

    return build


def load(family: str, folder: Path) -> object:
    return open_backend(BackendRef.parse(ALL[family][0], f"transformers:{folder}?device=cpu"))


def without(folder: Path, pattern: re.Pattern[str], target: Path) -> list[str]:
    """Copy a folder but for some files; return their names."""
    left_out = [path.name for path in folder.iterdir() if pattern.fullmatch(path.name)]
    shutil.copytree(folder, target, ignore=lambda _, names: [n for n in names if n in left_out])
    return left_out


@pytest.mark.parametrize("family", WITH_TEXTS)
def test_a_folder_without_its_tokenizer_is_refused(
    family: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    load(family, whole(family))  # control
    assert without(whole(family), TOKENIZER, tmp_path / "cut")
    with pytest.raises(ConfigError, match=r"(?i)token|chat template") as caught:
        load(family, tmp_path / "cut")
    assert str(tmp_path / "cut") in str(caught.value)


@pytest.mark.parametrize("family", ALL)
@pytest.mark.parametrize("pattern", [IMAGES, WEIGHTS], ids=["image processor", "weights"])
def test_a_folder_without_another_of_its_files_is_refused(
    family: str, pattern: re.Pattern[str], whole: Callable[[str], Path], tmp_path: Path
) -> None:
    assert without(whole(family), pattern, tmp_path / "cut")
    with pytest.raises(ConfigError, match=r"cut"):
        load(family, tmp_path / "cut")


@pytest.mark.parametrize("kept", ["vocab.json", "merges.txt"])
def test_half_a_tokenizer_is_refused(
    kept: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    folder, cut = whole("clip"), tmp_path / "cut"
    without(folder, TOKENIZER, cut)
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    parts = {
        "vocab.json": json.dumps(model["vocab"]),
        "merges.txt": "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]),
    }
    (cut / kept).write_text(parts[kept])
    with pytest.raises(ConfigError, match=r"has no whole tokenizer"):
        load("clip", cut)
    for name, text in parts.items():
        (cut / name).write_text(text)
    first, second = load("clip", cut).embed_texts(["red mug", "the dog"])  # control
    assert np.abs(first - second).max() > 1e-4


def test_a_tokenizer_without_words_is_refused(whole: Callable[[str], Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(whole("clip"), cut)
    table = json.loads((cut / "tokenizer.json").read_text())
    special = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    table["model"] |= {"vocab": special, "merges": [], "unk_token": "<|endoftext|>"}
    table["added_tokens"] = []
    (cut / "tokenizer.json").write_text(json.dumps(table))
    with pytest.raises(ConfigError, match=r"are the same to it|are the same text"):
        load("clip", cut)


def test_a_matcher_whose_tokenizer_ends_no_text_is_refused(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    """As with a tokenizer of another model: the text is read at its first token, which is always the same."""
    cut = tmp_path / "cut"
    shutil.copytree(whole("clip"), cut)
    config = json.loads((cut / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 399_999
    (cut / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="are the same text"):
        load("clip", cut)


def changed_weights(
    folder: Path, target: Path, change: Callable[[dict[str, torch.Tensor]], object]
) -> Path:
    shutil.copytree(folder, target)
    weights = load_file(target / "model.safetensors")
    change(weights)
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    return target


def test_weights_that_are_missing_are_never_random(
    whole: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = changed_weights(
        whole("yolos"),
        tmp_path / "cut",
        lambda weights: weights.pop("class_labels_classifier.layers.2.weight"),
    )
    detector = load("yolos", folder)
    assert "class_labels_classifier.layers.2.weight" in caplog.text
    with pytest.raises(ModelError, match="NaN or infinity"):
        detector.detect([DetectRequest(view(48, 32, 1), ())])


def test_weights_that_are_missing_and_not_used_do_no_harm(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    # Of a token that stands for hidden patches in training.
    folder = changed_weights(
        whole("depth_anything"),
        tmp_path / "cut",
        lambda weights: weights.pop("backbone.embeddings.mask_token"),
    )
    image = view(48, 32, 1).image
    found = load("depth_anything", folder).estimate([image])
    right = load("depth_anything", whole("depth_anything")).estimate([image])
    np.testing.assert_array_equal(found[0], right[0])


def test_an_answerer_that_lacks_weights_says_nothing(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    def drop(weights: dict[str, torch.Tensor]) -> None:
        del weights[next(name for name in weights if "mlp.down_proj" in name)]

    answerer = load("idefics3", changed_weights(whole("idefics3"), tmp_path / "cut", drop))
    with pytest.raises(ModelError, match="NaN or infinity"):
        answerer.answer([AnswerRequest(view(48, 32, 1), "what colour is the dog?")])


@pytest.mark.parametrize(
    "change",
    [
        {"text_config": {"num_hidden_layers": 1_500, "intermediate_size": 32_000}},
        {"text_config": {"vocab_size": 9_000_000}},
        {"vision_config": {"intermediate_size": 9_000_000}},
    ],
    ids=["layers", "words", "width"],
)
def test_a_configuration_that_asks_for_gigabytes_is_refused_without_taking_them(
    change: dict[str, dict[str, int]], whole: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(whole("clip"), folder)
    config = json.loads((folder / "config.json").read_text())
    for part, entries in change.items():
        config[part] |= entries
    (folder / "config.json").write_text(json.dumps(config))
    load("clip", whole("clip"))  # what it takes anyway
    restart_peak()
    before = peak_megabytes()
    with pytest.raises(ConfigError, match="do not fit its configuration"):
        load("clip", folder)
    assert peak_megabytes() - before < 100


def test_the_same_holds_for_open_clip(tmp_path: Path) -> None:
    folder = tiny_models.open_clip(tmp_path / "model")
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"] |= {"layers": 40, "width": 2048}
    reference = BackendRef.parse("matcher", f"open_clip:{folder}?device=cpu")
    open_backend(reference)  # control
    restart_peak()
    before = peak_megabytes()
    path.write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="do not fit its configuration"):
        open_backend(reference)
    assert peak_megabytes() - before < 200
