"""Entries of configurations that libraries take for files, and those of known models, which are no fault."""

from __future__ import annotations

import json

import pytest
from transformers import AutoTokenizer

from viper.backends.foreign_arguments import arguments_fault, texts_fault, without_places
from viper.backends.model_source import ModelSource
from viper.backends.torch_common import load_pretrained
from viper.errors import ConfigError

SECRET = "db_password=hunter2"


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.env"
    path.write_text(f"{SECRET}\n[UNK]\n")
    return path


@pytest.fixture
def folder(tmp_path):
    """A model whose tokenizer has no file of its own."""
    place = tmp_path / "model"
    place.mkdir()
    (place / "config.json").write_text('{"model_type": "bert"}')
    return place


def put(folder, **entries):
    table = {"tokenizer_class": "BertTokenizer", **entries}
    (folder / "tokenizer_config.json").write_text(json.dumps(table))


@pytest.mark.parametrize(
    ("file", "entries"),
    [
        ("tokenizer_config.json", {"vocab": "PATH"}),
        ("tokenizer_config.json", {"init_inputs": ["PATH"]}),
        ("tokenizer_config.json", {"gguf_file": "PATH"}),
        ("tokenizer_config.json", {"sp_model_kwargs": {"model_file": "PATH"}}),
        ("tokenizer_config.json", {"mecab_kwargs": {"mecab_dic": "PATH"}}),
        ("tokenizer_config.json", {"padding_side": "PATH"}),
        ("tokenizer_config.json", {"extra_vocab_file": "PATH"}),
        ("tokenizer_config.json", {"vocab": {"a": 0}}),
        ("tokenizer_config.json", {"bos_token": {"content": "a", "path": "PATH"}}),
        ("special_tokens_map.json", {"vocab": "PATH"}),
        ("special_tokens_map.json", {"merges": ["PATH"]}),
        ("preprocessor_config.json", {"class_info_file": "PATH"}),
        ("preprocessor_config.json", {"repo_path": "PATH", "size": {"height": 8, "width": 8}}),
        ("video_preprocessor_config.json", {"size": {"font": "PATH"}}),
        ("processor_config.json", {"image_processor": {"metadata_file": "PATH"}}),
        ("processor_config.json", {"audio_tokenizer": {"audio_tokenizer_name_or_path": "PATH"}}),
        ("config.json", {"detectron2_config": "PATH"}),
        ("config.json", {"text_config": {"weights": ["../../PATH"]}}),
        ("generation_config.json", {"draft": "~/PATH"}),
    ],
    ids=str,
)
def test_no_text_that_may_be_a_file_reaches_a_constructor(folder, secret, file, entries):
    put(folder)
    path = folder / file
    table = json.loads(path.read_text()) if path.is_file() else {}
    text = json.dumps({**table, **entries}).replace("PATH", str(secret))
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"is not an entry that|is the path of a file") as caught:
        load_pretrained(AutoTokenizer, ModelSource(str(folder), folder), what="matcher")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("entries", [{"vocab": "PATH"}, {"init_inputs": ["PATH"]}], ids=str)
def test_control_the_library_alone_reads_the_file(folder, secret, entries):
    put(folder, **json.loads(json.dumps(entries).replace("PATH", str(secret))))
    assert SECRET in AutoTokenizer.from_pretrained(folder).get_vocab()


@pytest.mark.parametrize("name", ["a_file.env", ".env"])
def test_a_file_of_the_working_directory_is_no_word(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert texts_fault({"anything": name}) is None
    (tmp_path / name).touch()
    assert texts_fault({"anything": name}) == ("anything", f"is the path of a file ({name!r})")
    assert arguments_fault({"padding_side": name}) is not None


def test_places_on_the_authors_machine_are_taken_out_at_any_depth():
    table = {
        "_name_or_path": "/fsx/runs/7",
        "special_tokens_map_file": "/home/a/special_tokens_map.json",
        "text_config": {"_name_or_path": "./x", "model_type": "clip"},
        "vision_config": {"_name_or_path": "google/siglip-base"},
    }
    assert without_places(table) == {
        "text_config": {"model_type": "clip"},
        "vision_config": {"_name_or_path": "google/siglip-base"},
    }
    plain = {"a": {"_name_or_path": "owner/name"}, "tokenizer_file": None}
    assert without_places(plain) is plain


def token(text):
    return {"__type": "AddedToken", "content": text, "lstrip": True, "normalized": False,
            "rstrip": False, "single_word": False, "special": True}  # fmt: skip


ARGUMENTS = {
    "clip": {
        "add_prefix_space": False, "bos_token": token("<|startoftext|>"), "do_lower_case": True,
        "errors": "replace", "model_max_length": 77, "name_or_path": "openai/clip-vit-base-patch32",
        "pad_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer",
        "special_tokens_map_file": "./special_tokens_map.json",
    },
    "siglip 2": {
        "add_bos_token": False, "added_tokens_decoder": {"0": token("<pad>"), "235": token("</b>")},
        "additional_special_tokens": ["<start_of_turn>", "</s>"], "sp_model_kwargs": {},
        "spaces_between_special_tokens": False, "tokenizer_class": "GemmaTokenizer",
        "padding_side": "right", "processor_class": "SiglipProcessor", "use_default_system_prompt": False,
    },
    "bert": {
        "cls_token": "[CLS]", "never_split": None, "strip_accents": None, "tokenize_chinese_chars": True,
        "model_input_names": ["input_ids", "attention_mask"], "tokenizer_class": "BertTokenizer",
        "do_basic_tokenize": True, "max_length": 512, "pad_to_multiple_of": None, "stride": 0,
        "truncation_strategy": "longest_first",
    },
    "idefics 3": {
        "additional_special_tokens": ["<fake_token_around_image>", token("<image>")],
        "chat_template": "{% for m in messages %}</s>/home{% endfor %}", "image_token": "<image>",
        "extra_special_tokens": {"image_token": "<image>"}, "legacy": False, "truncation_side": "left",
    },
    "qwen": {
        "chat_template": [{"name": "default", "template": "{{ a/b }}"}], "errors": "replace",
        "auto_map": {"AutoTokenizer": ["tokenization_qwen.QWenTokenizer", None]},
        "split_special_tokens": False, "eos_token": "<|im_end|>", "unk_token": None,
    },
    "fine-tuned": {
        "max_length": 128, "model_specific_special_tokens": {"boi_token": "<b>"}, "is_local": True,
        "cls_token_box": [0, 0, 0, 0], "entity_token_1": token("<ent>"), "tgt_lang": "en_XX",
        "id2lang": {"0": "de"}, "backend": "tokenizers", "extra_special_tokens": [],
    },
    "processor of clip": {
        "crop_size": {"height": 224, "width": 224}, "do_center_crop": True, "image_mean": [0.48, 0.45, 0.4],
        "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3, "size": {"shortest_edge": 224},
        "_valid_processor_keys": ["images", "do_resize"], "data_format": "channels_first",
    },
    "processor of grounding dino": {
        "format": "coco_detection", "image_processor_type": "GroundingDinoImageProcessor",
        "pad_size": None, "rescale_factor": 0.00392156862745098, "processor_class": "GroundingDinoProcessor",
        "size": {"longest_edge": 1333, "shortest_edge": 800},
    },
    "processor of idefics 3": {
        "image_seq_len": 64, "processor_class": "Idefics3Processor", "chat_template": "a/b",
        "image_processor": {"max_image_size": {"longest_edge": 512}, "image_processor_type": "X"},
    },
    "processor of llava": {
        "image_grid_pinpoints": [[336, 672], [672, 336]], "vision_feature_select_strategy": "default",
        "image_token": "<image>", "patch_size": 14, "num_additional_image_tokens": 1,
    },
    "processor of videos": {
        "size": {"longest_edge": 16777216, "shortest_edge": 65536}, "temporal_patch_size": 2,
        "merge_size": 2, "video_processor_type": "Qwen3VLVideoProcessor", "return_metadata": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_of_known_models_are_accepted(name):
    assert arguments_fault(without_places(ARGUMENTS[name])) is None


TEXTS = {
    "depth": {"backbone": None, "backbone_config": {"model_type": "dinov2", "out_features": ["stage9"]}},
    "detr": {"backbone": "resnet50", "id2label": {"0": "N/A", "1": "/a/b", "2": "car/truck/bus"}},
    "idefics 3": {
        "text_config": {"_name_or_path": "/fsx/m4/experiments/opt_step-1000/unwrapped_model"},
        "vision_config": {"hidden_act": "gelu_pytorch_tanh"}, "architectures": ["Idefics3For"],
    },
    "phi": {"auto_map": {"AutoConfig": "microsoft/phi-2--configuration_phi.PhiConfig"}},
    "t5": {"task_specific_params": {"summarization": {"prefix": "summarize: "}}},
    "timm": {"pretrained_cfg": {"tag": "a1_in1k", "url": "https://example.org/a/b.pth"}},
    "generation": {"stop_strings": ["</s>"], "transformers_version": "4.45.0.dev0"},
    "old llava": {"mm_vision_tower": "openai/clip-vit-large-patch14"},
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_known_models_are_accepted(name):
    assert texts_fault(without_places(TEXTS[name])) is None
