"""Parse replies of an OpenAI-compatible endpoint: the text of a completion and what it was billed.

The endpoint is untrusted. Bodies are validated here, because the client library builds its typed objects
without validation; messages are reduced to one printable line with secrets redacted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from viper.errors import ModelError
from viper.llm.bounded_replies import MAX_REPLY_BYTES
from viper.llm.budget import estimated_tokens
from viper.llm.error_bodies import error_in
from viper.llm.failures import RequestFailure, reply_failure, short_line
from viper.llm.prices import Prices
from viper.models.roles import Completion
from viper.storage.bounded_json import parse_json
from viper.usage import Usage
from viper_sandbox.thoughts import after_thoughts

__all__ = ["read_completion"]

# Enough for every detail, and little work.
_MAX_READ_CHARS = 10_000
_MAX_TOKENS = 10**9
"""Of one reply; a larger number is not a count."""

_THOUGHTS = ("reasoning_content", "reasoning")
"""Where services put what a model thinks; it is billed, and no part of the text."""


def read_completion(
    body: bytes,
    model: str,
    prices: Prices | None,
    *,
    prompt_tokens: int = 0,
    headers: Mapping[str, str] | None = None,
) -> Completion | RequestFailure:
    """Return the text and the usage in the body of a reply with a status of success.

    Args:
        body: Body of the reply.
        model: The model and its address, as the subject of a message.
        prices: Prices of the tokens; None if unknown.
        prompt_tokens: About how many the prompt has, for a service that does not say it.
        headers: Those of the reply.

    Returns:
        The completion, or the failure that the body reports in its place.

    Raises:
        ModelError: The body is not JSON of a chat completion, or contains no text.
    """
    try:
        # Any JSON: every step below checks its type.
        reply: Any = parse_json(body, max_bytes=MAX_REPLY_BYTES)
    except ValueError:
        raise _not_a_completion(body, model, "a reply that is not JSON") from None
    if isinstance(reply, list) and len(reply) == 1:
        (reply,) = reply
    if isinstance(reply, dict) and (error := error_in(reply)) is not None:
        reported = reply.get("usage")
        billed = _usage_of(reported, prices, 0, 0) if isinstance(reported, dict) else None
        return reply_failure(error, model, headers or {}, billed)
    match reply:
        case {"choices": [{"message": dict() as message, **choice}, *_]}:
            written = _text_of(message.get("content"))
            text = written[after_thoughts(written) :]
        case {"choices": list()}:
            raise ModelError(
                f"{model} sent a completion without a choice. Try again, or another model."
            )
        case _:
            raise _not_a_completion(body, model, "JSON that is not a chat completion")
    thought = "".join(_text_of(message.get(name)) for name in _THOUGHTS)
    completion_tokens = estimated_tokens(len(written) + len(thought))
    usage = _usage_of(reply.get("usage"), prices, prompt_tokens, completion_tokens)
    if not text.strip():
        failure = ModelError(f"{model} {_empty_reason(choice.get('finish_reason'), message)}")
        failure.usage = usage  # thinking without an answer is billed like any other output
        raise failure
    return Completion(text, usage)


def _not_a_completion(body: bytes, model: str, what: str) -> ModelError:
    text = body[:_MAX_READ_CHARS].decode("utf-8", "replace")
    return ModelError(
        f"{model} sent {what}: {short_line(text)!r}. Check that base_url is the "
        "address of an OpenAI-compatible API (…/v1)."
    )


def _text_of(content: object) -> str:
    parts = content if isinstance(content, list) else [{"text": content}]  # some servers send parts
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _empty_reason(finish_reason: object, message: dict[str, Any]) -> str:
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return f"refused to answer: {short_line(refusal)!r}. Ask in other words, or another model."
    if finish_reason == "content_filter":
        return "withheld its answer (content filter). Ask in other words."
    if finish_reason == "length":
        return (
            "used up its tokens before it wrote an answer (a model that thinks first does this). "
            "Give a larger max_tokens."
        )
    return "sent an empty completion. Try again, or use another model."


def _usage_of(
    usage: object, prices: Prices | None, prompt_tokens: int, completion_tokens: int
) -> Usage:
    """Return what a reply says it was billed; the estimates stand for counts that it lacks.

    A budget that counts nothing where nothing is said would never be spent.
    """
    fields = usage if isinstance(usage, dict) else {}
    prompt = _count(fields, "prompt_tokens", "input_tokens")
    completion = _count(fields, "completion_tokens", "output_tokens")
    total = _count(fields, "total_tokens")
    # Zero is no count of a prompt or a text: some servers fill in zeros.
    estimated = not (prompt or not prompt_tokens) or not (completion or not completion_tokens)
    if not prompt:
        prompt = total - completion if total > completion > 0 else prompt_tokens
    if not completion:
        completion = total - prompt if total > prompt else completion_tokens
    tokens = Usage(prompt, completion, cost_usd=None, is_estimated=estimated)
    return tokens if prices is None else prices.priced(tokens)


def _count(fields: Mapping[str, Any], *names: str) -> int:
    """Return the first number of tokens among fields; 0 if there is none."""
    for name in names:
        count = fields.get(name)
        if type(count) is int and 0 <= count <= _MAX_TOKENS:
            return count
    return 0
