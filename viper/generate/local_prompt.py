"""How a conversation is laid out for a model of transformers, and made to fit its context.

A tokenizer with a chat template lays it out itself; where its template knows no system role, the
system text goes before the first question. Without a template the layout is

    SYSTEM

    QUESTION
    PROGRAM        fenced; the next question follows after an empty line
    …
    QUESTION
    ```python      the model goes on from here

A conversation that is too long loses its least similar examples, then the longer descriptions of
the API, then the examples that are left, and last of all the attempts before the latest one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from viper.backends.model_source import ModelSource, locate, one_line
from viper.backends.torch_common import load_pretrained
from viper.errors import ConfigError, GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.local_settings import LocalSettings
from viper.generate.prompt import Prompt, PromptStyle, build_messages, shorter_styles
from viper.llm.client import Message
from viper.models.registry import IMPORTING

__all__ = ["WHAT", "FittedPrompt", "LocalPrompts"]

WHAT = "generator"
_OPENING = "```python\n"
_UNBOUNDED = 10**6
"""Tokenizers that know no longest text say 10^30; no model reads a million tokens of prompt here."""
_CONTROL = re.compile(r"<.+>|\[.+\]")
"""How added tokens look that steer a model; others, such as runs of blanks, are plain text."""


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """A conversation as the model reads it."""

    messages: tuple[Message, ...]
    token_ids: tuple[int, ...]
    tokenizer: str

    def to_prompt(self) -> Prompt:
        """Return it for people."""
        return Prompt(self.messages, len(self.token_ids), self.tokenizer)


class LocalPrompts:
    """Writes the prompts of one model.

    Args:
        tokenizer: The model's tokenizer; untyped, since the library promises no class.
        context_tokens: Longest text that the model reads and writes.
        max_tokens: Most tokens of a program.
        style: The prompt as it is when there is room.
        reference: Names the model in messages.

    Raises:
        ConfigError: The chat template cannot lay out a conversation.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        context_tokens: int,
        max_tokens: int,
        style: PromptStyle,
        reference: str,
    ) -> None:
        self.tokenizer = tokenizer
        self.opening = "" if tokenizer.chat_template else _OPENING
        """What the layout itself has written of the model's answer."""
        self.program_tokens = min(max_tokens, max(1, context_tokens // 4))
        """Tokens kept free for the program, and the most that one gets."""
        self._context_tokens = context_tokens
        self._style = style
        self._reference = reference
        self._marks = _control_marks(tokenizer)
        # Models that think before they write would use up their tokens. Templates that know no such
        # switch make the library complain of it.
        thinks = "enable_thinking" in str(tokenizer.chat_template)
        self._template_options = {"enable_thinking": False} if thinks else {}
        self._system_role = not tokenizer.chat_template or self._knows_system_role()

    @classmethod
    def load(cls, settings: LocalSettings, source: ModelSource | None = None) -> LocalPrompts:
        """Load tokenizer and configuration, no weights.

        Raises:
            ConfigError: There is no such model, or its files cannot be read.
        """
        with IMPORTING:
            from transformers import AutoConfig, AutoTokenizer

        if source is None:
            source = locate(
                settings.reference,
                what=WHAT,
                revision=settings.revision,
                download=settings.download,
            )
        config = load_pretrained(AutoConfig, source, what=WHAT)
        tokenizer = load_pretrained(AutoTokenizer, source, what=WHAT)
        positions = getattr(config.get_text_config(), "max_position_embeddings", None)
        return cls(
            tokenizer,
            context_tokens=min(positions or _UNBOUNDED, tokenizer.model_max_length, _UNBOUNDED),
            max_tokens=settings.max_tokens,
            style=settings.style,
            reference=settings.reference,
        )

    def fit(self, request: GenerationRequest) -> FittedPrompt:
        """Return the longest form of the conversation that leaves room for a program.

        Raises:
            GenerationError: Even the shortest form does not fit.
        """
        most = self._context_tokens - self.program_tokens
        token_ids: list[int] = []
        # Of several failures the last one matters most: it is what the next program must mend.
        for attempts in (request, replace(request, rejected=request.rejected[-1:])):
            for style in shorter_styles(self._style):
                messages = build_messages(attempts, style)
                token_ids = self.encode(messages)
                if len(token_ids) <= most:
                    return FittedPrompt(tuple(messages), tuple(token_ids), self._reference)
        raise GenerationError(
            f"The prompt takes {len(token_ids)} tokens in its shortest form, but 'local:"
            f"{self._reference}' reads {self._context_tokens}, of which {self.program_tokens} are "
            "kept for the program. Ask a shorter question, lower max_tokens, or use a model with a "
            "longer context."
        )

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a conversation, ready for the model to go on from."""
        text = self.render(messages)
        # A template writes the marks of the beginning itself.
        encoded = self.tokenizer(text, add_special_tokens=not self.tokenizer.chat_template)
        token_ids: list[int] = encoded["input_ids"]
        return token_ids

    def render(self, messages: Sequence[Message]) -> str:
        """Return a conversation as one text."""
        turns = [(message.role, self._harmless(message.text)) for message in messages]
        if not self.tokenizer.chat_template:
            return _plain(turns)
        if not self._system_role and turns[0][0] == "system":
            (_, system), (_, question), *rest = turns
            turns = [("user", f"{system}\n\n{question}"), *rest]
        return self._templated(turns)

    def _templated(self, turns: Sequence[tuple[str, str]]) -> str:
        text: str = self.tokenizer.apply_chat_template(
            [{"role": role, "content": text} for role, text in turns],
            tokenize=False,
            add_generation_prompt=True,
            **self._template_options,
        )
        return text

    def _knows_system_role(self) -> bool:
        """Try the template: some refuse a system text, and some leave it out without a word."""
        turns = [("user", "question"), ("assistant", "program"), ("user", "question")]
        # A template is a stranger's program: it may raise anything.
        try:
            if "ground rules" in self._templated([("system", "ground rules"), *turns]):
                return True
        except Exception:  # noqa: S110 # tried again without the system text, and told there
            pass
        try:
            self._templated(turns)
        except Exception as error:
            raise ConfigError(
                f"The chat template of 'local:{self._reference}' cannot lay out a conversation of "
                f"user and assistant: {one_line(error)}. Give an instruction-tuned model."
            ) from error
        return False

    def _harmless(self, text: str) -> str:
        """Break the marks of the model in a text: they could end a turn or begin another."""
        for mark in self._marks:
            if mark in text:
                text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return text.encode("utf-8", "replace").decode("utf-8")


def _plain(turns: Sequence[tuple[str, str]]) -> str:
    """Lay out a conversation for a model that was trained on plain text."""
    parts = []
    for role, text in turns:
        parts.append(f"{text}\n" if role == "user" else f"{text}\n\n")
    return "".join(parts) + _OPENING


def _control_marks(tokenizer: Any) -> list[str]:
    added = {token for token in tokenizer.get_added_vocab() if _CONTROL.fullmatch(token)}
    marks = {mark for mark in {*tokenizer.all_special_tokens, *added} if len(mark) > 1}
    return sorted(marks, key=len, reverse=True)
