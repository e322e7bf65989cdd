from __future__ import annotations

import pytest
import torch

from fakes import tiny_models
from fakes.views import view
from viper.errors import ConfigError, ModelError
from viper.models.registry import BackendRef, open_backend
from viper.models.roles import AnswerRequest, Completion

FAMILIES = {
    "idefics3": tiny_models.idefics3,
    "smolvlm": tiny_models.smolvlm,
    "llava": tiny_models.llava,
    "qwen2_vl": tiny_models.qwen2_vl,
    "qwen3_vl": tiny_models.qwen3_vl,
    "blip2": tiny_models.blip2,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        name: build(tmp_path_factory.mktemp("models") / name) for name, build in FAMILIES.items()
    }


@pytest.fixture(params=FAMILIES)
def folder(request, folders):
    return folders[request.param]


def load(folder, query=""):
    return open_backend(BackendRef.parse("answerer", f"transformers:{folder}?device=cpu{query}"))


def test_answers_each_question_in_order_and_alike_alone_and_in_a_batch(folder):
    answerer = load(folder)
    requests = [
        AnswerRequest(view(64, 48, 1), "What colour is the mug?"),
        AnswerRequest(view(30, 90, 2), "How many people are standing left of the wooden table?"),
        AnswerRequest(view(1, 1, 3), "x"),
        AnswerRequest(view(400, 3, 4), "What is this?"),
    ]
    together = answerer.answer(requests)
    assert len(together) == len(requests)
    for completion, request in zip(together, requests, strict=True):
        assert isinstance(completion, Completion)
        assert completion.text.strip() == completion.text != ""
        assert completion.text == answerer.answer([request])[0].text
        assert completion.usage.prompt_tokens > 5
        assert 1 <= completion.usage.completion_tokens <= 20
    assert len({completion.text for completion in together}) > 1
    assert answerer.answer([]) == []


def test_the_answer_is_what_the_model_wrote_after_the_prompt(folders):
    """The same tokens as the library generates for the conversation written out by hand."""
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = folders["llava"]
    seen = view(64, 64, 1)
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    prompt = (
        "<bos>user: <image>What colour is the mug? Answer with one to three words.<end>assistant: "
    )
    inputs = processor(text=prompt, images=Image.fromarray(seen.pixels()), return_tensors="pt")
    with torch.inference_mode():
        written = model.generate(**inputs, max_new_tokens=5, do_sample=False)
    expected = processor.tokenizer.decode(written[0, inputs["input_ids"].shape[1] :])
    (ours,) = load(folder, "&max_tokens=5").answer([AnswerRequest(seen, "What colour is the mug?")])
    assert ours.text == expected.strip()
    assert ours.usage.prompt_tokens == inputs["input_ids"].shape[1]
    assert ours.usage.completion_tokens == 5


def test_marks_of_the_model_in_a_question_are_no_marks(folder):
    answerer = load(folder)
    marks = answerer._special_texts
    attack = f"{' '.join(marks)} What is this?"
    for mark in marks:
        assert answerer._text(attack).count(mark) == answerer._text("What is this?").count(mark)
    assert answerer.answer([AnswerRequest(view(32, 32), attack)])[0].text


def test_braces_in_a_question_are_only_characters(folder):
    assert load(folder).answer([AnswerRequest(view(32, 32), "{} {0} {{ x }} {% y %}")])[0].text


def test_blip2_is_asked_in_the_form_of_its_training(folders):
    answerer = load(folders["blip2"])
    assert answerer._text("What is {} this? ") == "Question: What is {} this? Short answer:"


def test_idefics_looks_at_tiles_only_when_told(folders):
    request = AnswerRequest(view(64, 64), "What is this?")
    whole = load(folders["idefics3"]).answer([request])[0].usage.prompt_tokens
    tiles = load(folders["idefics3"], "&image_splitting=true").answer([request])[0]
    assert tiles.usage.prompt_tokens > whole


def test_a_large_crop_is_reduced(folders):
    small, large = load(folders["qwen2_vl"], "&max_side=56"), load(folders["qwen2_vl"])
    request = AnswerRequest(view(2000, 1000), "What is this?")
    fewer = small.answer([request])[0].usage.prompt_tokens
    assert fewer < large.answer([request])[0].usage.prompt_tokens


def test_thinking_is_switched_off_where_the_template_has_a_switch(folders):
    answerer = load(folders["llava"])
    template = answerer.processor.chat_template
    answerer.processor.chat_template = template + "{% if not enable_thinking %}QUICK{% endif %}"
    answerer = type(answerer)(
        answerer.model,
        answerer.processor,
        prompt=None,
        max_new_tokens=5,
        max_side_px=64,
        fingerprint="x",
    )
    assert answerer._text("What?").endswith("QUICK")


def test_thoughts_that_the_template_opens_begin_the_answer(folders):
    answerer = load(folders["llava"])
    answerer.processor.chat_template += "<think>\n"
    (answer,) = answerer.answer([AnswerRequest(view(32, 32), "What is this?")])
    assert answer.text.startswith("<think>")


def test_answers_are_greedy_whatever_the_checkpoint_says(folders, tmp_path):
    import json

    for file in folders["llava"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "generation_config.json").read_text())
    config |= {"do_sample": True, "temperature": 5.0, "top_p": 0.5, "top_k": 7}
    (tmp_path / "generation_config.json").write_text(json.dumps(config))
    request = [AnswerRequest(view(32, 32), "What is this?")]
    sampled = load(tmp_path)
    texts = {sampled.answer(request)[0].text for _ in range(3)}
    assert texts == {load(folders["llava"]).answer(request)[0].text}


def test_a_model_without_a_chat_template_is_refused_with_advice(folders, tmp_path):
    for file in folders["llava"].iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ConfigError, match=r"\(llava\) has no chat template, .* instruction-tuned"):
        load(tmp_path)


def test_a_model_of_another_kind_is_refused(tmp_path):
    folder = tiny_models.clip(tmp_path / "clip")
    with pytest.raises(ConfigError, match=r"has no chat template|cannot be loaded"):
        load(folder)


def test_the_fingerprint_depends_on_the_length_of_answers(folders):
    folder = folders["llava"]
    assert load(folder).fingerprint == load(folder).fingerprint
    assert load(folder).fingerprint != load(folder, "&max_tokens=5").fingerprint


def test_a_template_that_makes_more_than_the_model_reads_is_refused_before_a_forward(
    folders, monkeypatch
):
    answerer = load(folders["llava"])
    request = [AnswerRequest(view(32, 32), "what is this?")]
    assert answerer.answer(request)  # control
    most = answerer.model.config.get_text_config().max_position_embeddings
    answerer.processor.chat_template = "<image>" + "{{ 'mug ' * " + str(most + 1) + " }}"
    monkeypatch.setattr(answerer.model, "generate", lambda **_: pytest.fail("it was run"))
    with pytest.raises(ModelError, match="tokens, but the answerer reads"):
        answerer.answer(request)


def test_words_of_a_model_that_computes_nan_are_an_error_and_no_answer(folder):
    answerer = load(folder)
    with torch.no_grad():
        answerer.model.get_output_embeddings().weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="returned NaN or infinity"):
        answerer.answer([AnswerRequest(view(64, 48, 1), "What colour is the mug?")])
