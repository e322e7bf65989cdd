"""Replies of reasoning models."""

import time

import pytest

from viper_sandbox.extract import extract
from viper_sandbox.thoughts import after_thoughts, final_reply, opens_thoughts

PROGRAM = "def execute_command(image):\n    return 1\n"
DRAFT = "def execute_command(image):\n    return 0\n"

THOUGHTS = [
    "<think>{}</think>",
    "{}</think>",
    "<thinking>{}</thinking>",
    "{}</thinking>",
    "[THINK]{}[/THINK]",
    "{}[/THINK]",
    "<THINK>{}</THINK>",
    "<reasoning>{}</reasoning>",
    "<seed:think>{}</seed:think>",
    "◁think▷{}◁/think▷",
    "<|START_THINKING|>{}<|END_THINKING|>",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "<think>{}</think> or rather <think>{}</think>",
]
ENDS = [
    "",
    "<|im_end|>",
    "</s>",
    "<|eot_id|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<|return|>",
]


@pytest.mark.parametrize("thoughts", THOUGHTS)
@pytest.mark.parametrize("end", ENDS)
def test_the_answer_is_what_follows_the_thoughts(thoughts, end):
    text = thoughts.replace("{}", "It may be blue. It looks red.")
    assert final_reply(f"{text}\n\ngreen{end}").strip() == "green"


@pytest.mark.parametrize("thoughts", THOUGHTS)
@pytest.mark.parametrize("end", ENDS)
def test_the_program_is_what_follows_the_thoughts(thoughts, end):
    text = thoughts.replace("{}", f"\nFirst I try\n{DRAFT}\nNo.\n")
    assert extract(f"{text}\n{PROGRAM}{end}") == PROGRAM
    assert extract(f"{text}\n```python\n{PROGRAM}```{end}") == PROGRAM


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("red", "red"),
        ("<|im_start|>assistant\nred<|im_end|>\n<|im_start|>user\nIs it blue?", "red"),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nred<|eot_id|>", "red"),
        ("<start_of_turn>model\nred<end_of_turn>", "red"),
        ("<think></think><answer>red</answer>", "red"),
        ("<|begin_of_box|>red<|end_of_box|>", "red"),
        ("<s>red</s></s>", "red"),
        ("[INST] [/INST] red", "red"),
        ("a < b and b > c, s|b", "a < b and b > c, s|b"),
        ("<think>It is", ""),
        ("It is red.</think>", ""),
        ("<|channel|>analysis<|message|>It is", ""),
        ("", ""),
    ],
)
def test_tokens_and_turns_of_others_are_left_out(text, said):
    assert final_reply(text).strip() == said


@pytest.mark.parametrize("opening", ["<think>", "<thinking>", "[THINK]"])
def test_thoughts_that_do_not_end_are_no_program(opening):
    assert extract(f"{opening}\nMaybe:\n{DRAFT}").strip() == ""


def test_tags_inside_a_program_are_texts():
    source = 'def execute_command(image):\n    return "</think> <|im_end|> <s>"\n'
    assert extract(source) == source


def test_a_text_goes_on_after_its_thoughts():
    assert after_thoughts("  <think>a</think>b") == len("  <think>a</think>")
    assert after_thoughts("<thinking>a") == len("<thinking>a")
    assert after_thoughts("b<think>a</think>") == 0
    assert after_thoughts("a</think>b") == 0


@pytest.mark.parametrize(
    ("prompt", "tag"),
    [
        ("<|im_start|>assistant\n<think>\n", "<think>"),
        ("[/INST][THINK]", "[THINK]"),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", ""),
        ("<|im_start|>assistant\n", ""),
        ("Write <think> first.", ""),
    ],
)
def test_knows_a_prompt_that_opens_thoughts(prompt, tag):
    assert opens_thoughts(prompt) == tag


@pytest.mark.parametrize(
    "text",
    ["<think>" * 9_000, "<" * 60_000, "</s>" * 15_000, "<|channel|> " * 5_000, "</think>" * 8_000,
     "<|channel|>final" + "x" * 60_000, "<|im_start|>" * 5_000, "<s>x</s>" * 8_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_takes_time_in_proportion_to_the_text(text):
    began = time.process_time()
    final_reply(text)
    extract(text)
    assert time.process_time() - began < 2.0
