"""A conversation with a language model: its turns, and about how many tokens they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from viper.llm.budget import estimated_tokens

__all__ = ["Message", "estimated_prompt_tokens", "without_system"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[str, ...] = ()
    """Images as `data:` URLs, placed before the text."""
    image_tokens: int = 0
    """About how many tokens the images have."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object of the chat completions API."""
        # A question from a command line may contain surrogates, which UTF-8 cannot encode.
        text = self.text.encode("utf-8", "replace").decode("utf-8")
        if not self.images:
            return {"role": self.role, "content": text}
        images = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        return {"role": self.role, "content": [*images, {"type": "text", "text": text}]}


def estimated_prompt_tokens(conversation: Sequence[Message]) -> int:
    """Return the approximate number of tokens of a conversation."""
    characters = sum(len(message.text) for message in conversation)
    return estimated_tokens(characters) + sum(message.image_tokens for message in conversation)


def without_system(conversation: Sequence[Message]) -> list[Message]:
    """Return a conversation whose first turn of the user begins with what the system messages say."""
    rules = [message.text for message in conversation if message.role == "system"]
    turns = [message for message in conversation if message.role != "system"]
    first = next((at for at, message in enumerate(turns) if message.role == "user"), None)
    if first is None:
        return [Message("user", "\n\n".join(rules)), *turns]
    turns[first] = replace(turns[first], text="\n\n".join([*rules, turns[first].text]))
    return turns
