"""Prompts of a local language model: chat template or plain layout, shortened to fit the context.

A tokenizer with a chat template renders the conversation; if the template has no system role, the system
text precedes the first question. Without a template the layout is

    SYSTEM

    QUESTION
    PROGRAM        fenced; the next question follows after an empty line
    …
    QUESTION
    ```python      the model continues from here

A conversation that is too long loses its least similar examples, then the longer descriptions of the API,
then the other examples, and last the attempts before the latest one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from viper.backends.chat_template import TemplateFailure, render_chat
from viper.backends.model_source import ModelSource, locate, reason_of
from viper.backends.torch_common import load_pretrained
from viper.errors import ConfigError, GenerationError
from viper.generate.generator import GenerationRequest
from viper.generate.local_settings import LocalSettings
from viper.generate.prompt import Prompt, build_messages, shorter_styles
from viper.llm.client import Message
from viper.models.registry import IMPORTING
from viper_sandbox.thoughts import opens_thoughts

__all__ = ["WHAT", "FittedPrompt", "LocalPrompts", "locate_model"]

WHAT = "generator"
_OPENING = "```python\n"
_UNBOUNDED = 10**6
"""Tokenizers without a limit report 10^30; no prompt here reaches a million tokens."""
_CONTROL = re.compile(r"<.+>|\[.+\]")
"""Format of added tokens that control a model; others, such as runs of blanks, are plain text."""


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """A conversation as the tokens that the model reads."""

    messages: tuple[Message, ...]
    token_ids: tuple[int, ...]
    tokenizer: str

    def to_prompt(self) -> Prompt:
        """Return the conversation for display."""
        return Prompt(self.messages, len(self.token_ids), self.tokenizer)


def locate_model(settings: LocalSettings) -> ModelSource:
    """Return the folder of a model, downloading it if the settings allow that.

    Raises:
        ConfigError: There is no such model.
    """
    return locate(
        settings.reference, what=WHAT, revision=settings.revision, download=settings.download
    )


class LocalPrompts:
    """Builds the prompts of one model.

    Args:
        tokenizer: The model's tokenizer; untyped, since the library promises no class.
        settings: The model's settings.
        context_tokens: Context length of the model, prompt and program together.

    Raises:
        ConfigError: The chat template cannot render a conversation.
    """

    def __init__(
        self,
        tokenizer: Any,
        settings: LocalSettings,
        *,
        context_tokens: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.opening = "" if tokenizer.chat_template else _OPENING
        """Beginning of the model's reply, which is part of the layout: a tag, if it opens thoughts."""
        self.program_tokens = min(settings.max_tokens, max(1, context_tokens // 4))
        """Tokens reserved for the program, and its limit."""
        self._context_tokens = context_tokens
        self._style = settings.style
        self._reference = settings.reference
        self._marks = _control_marks(tokenizer)
        # Thinking would use up the tokens of the program. Only templates that have the switch get it: for
        # others the library prints a warning.
        thinks = "enable_thinking" in str(tokenizer.chat_template)
        self._template_options = {"enable_thinking": False} if thinks else {}
        self._system_role = not tokenizer.chat_template or self._has_system_role()

    @classmethod
    def load(cls, settings: LocalSettings, source: ModelSource | None = None) -> LocalPrompts:
        """Load tokenizer and configuration, no weights.

        Raises:
            ConfigError: There is no such model, or its files cannot be read.
        """
        with IMPORTING:
            from transformers import AutoConfig, AutoTokenizer

        source = source or locate_model(settings)
        config = load_pretrained(AutoConfig, source, what=WHAT)
        tokenizer = load_pretrained(AutoTokenizer, source, what=WHAT)
        positions = getattr(config.get_text_config(), "max_position_embeddings", None)
        return cls(
            tokenizer,
            settings,
            context_tokens=min(positions or _UNBOUNDED, tokenizer.model_max_length, _UNBOUNDED),
        )

    def fit(self, request: GenerationRequest) -> FittedPrompt:
        """Return the longest form of the conversation that leaves space for a program.

        Raises:
            GenerationError: Even the shortest form does not fit.
        """
        most = self._context_tokens - self.program_tokens
        token_ids: list[int] = []
        # Of several failures the last one matters most, because the next program must repair it.
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
        """Return the tokens of a conversation, for the model to continue."""
        text = self.render(messages)
        # A chat template already contains the beginning-of-sequence token.
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
        try:
            return self._templated(turns)
        except TemplateFailure as error:
            raise GenerationError(
                f"The chat template of 'local:{self._reference}' failed: {error}. Use another model."
            ) from error

    def _templated(self, turns: Sequence[tuple[str, str]]) -> str:
        messages = [{"role": role, "content": text} for role, text in turns]
        return render_chat(self.tokenizer, messages, **self._template_options)

    def _has_system_role(self) -> bool:
        """Return whether the template keeps a system text: some raise, and some silently drop it."""
        turns = [("user", "question"), ("assistant", "program"), ("user", "question")]
        # Tried again without the system text, and reported there.
        with contextlib.suppress(TemplateFailure):
            text = self._templated([("system", "ground rules"), *turns])
            self.opening = opens_thoughts(text)
            if "ground rules" in text:
                return True
        try:
            self.opening = opens_thoughts(self._templated(turns))
        except TemplateFailure as error:
            raise ConfigError(
                f"The chat template of 'local:{self._reference}' cannot lay out a conversation of "
                f"user and assistant: {reason_of(error)}. Give an instruction-tuned model."
            ) from error
        return False

    def _harmless(self, text: str) -> str:
        """Break control tokens in a text: they could end a turn or begin another."""
        for mark in self._marks:
            if mark in text:
                text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return text.encode("utf-8", "replace").decode("utf-8")


def _plain(turns: Sequence[tuple[str, str]]) -> str:
    """Render a conversation for a model that was trained on plain text."""
    return "".join(text + ("\n" if role == "user" else "\n\n") for role, text in turns) + _OPENING


def _control_marks(tokenizer: Any) -> list[str]:
    added = {token for token in tokenizer.get_added_vocab() if _CONTROL.fullmatch(token)}
    marks = {mark for mark in {*tokenizer.all_special_tokens, *added} if len(mark) > 1}
    return sorted(marks, key=len, reverse=True)
