"""Replies of reasoning models: what they thought aloud and the tokens around it are not what they say.

A reply may begin with thoughts in `<think>…</think>`, `<thinking>…`, `[THINK]…[/THINK]` or a channel of its
own. Where the chat template opens them, the reply holds the closing tag alone, with a draft before it. A
server that does not know the model leaves its tokens in the text, such as `<|im_end|>`.

The child uses this for programs, the host for answers.
"""

from __future__ import annotations

import re

__all__ = ["after_thoughts", "final_reply", "has_marks", "opens_thoughts"]

_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think|analysis"
_OPENING = re.compile(
    rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|channel\|>\s{{0,9}}analysis\b",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>"
    r"|<\|channel\|>\s{0,9}final\b[^<]{0,40}<\|message\|>",
    re.IGNORECASE,
)
# What comes after one of these belongs to another turn of the conversation.
_END = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end|return|endoftext|end_of_text|END_RESPONSE|END_OF_TURN_TOKEN)\|>"
    r"|</s>|<end_of_turn>|<eos>|<｜end▁of▁sentence｜>"
)
_TOKEN = re.compile(
    r"<\|(?:im_start|start|start_header_id)\|>\s{0,9}(?:assistant\b)?|<start_of_turn>\s{0,9}(?:model\b)?"
    r"|<\|[A-Za-z0-9_]{1,40}\|>|<｜[^｜<>\n]{1,40}｜>|<s>|<(?:bos|pad|unk)>|\[/?INST\]"
    r"|</?(?:answer|final_answer|response)>"
)


def has_marks(text: str) -> bool:
    """Return whether a text has a tag of thoughts or a token of a chat template."""
    return any(mark.search(text) for mark in (_OPENING, _CLOSING, _END, _TOKEN))


def final_reply(text: str) -> str:
    """Return what a model says in the end: without thoughts, tokens, and turns that it made up itself.

    Args:
        text: The whole reply.

    Returns:
        The rest, "" if there are thoughts alone: those that were not ended are not the reply.
    """
    text = text[_last_end(text) :]
    opening = _OPENING.search(text)
    if opening is not None:
        text = text[: opening.start()]
    turns = (_TOKEN.sub("", turn) for turn in _END.split(text))
    return next((turn for turn in turns if turn.strip()), "")


def after_thoughts(text: str) -> int:
    """Return where a text goes on after thoughts that it begins with: its length if they have not ended."""
    opening = _OPENING.match(text, len(text) - len(text.lstrip()))
    if opening is None:
        return 0
    closing = _CLOSING.search(text, opening.end())
    return closing.end() if closing else len(text)


def opens_thoughts(prompt: str) -> str:
    """Return the tag that a prompt ends with, so that the reply begins with thoughts; else ""."""
    last = prompt.rstrip()
    openings = list(_OPENING.finditer(last, max(0, len(last) - 40)))
    return openings[-1].group() if openings and openings[-1].end() == len(last) else ""


def _last_end(text: str) -> int:
    end = 0
    for closing in _CLOSING.finditer(text):
        end = closing.end()
    return end
