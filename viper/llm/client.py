"""Client for language models behind OpenAI-compatible endpoints, with retries and a concurrency limit.

A call sends a conversation (`Message`s) and returns a `Completion`. What a service refuses of a request
(`viper.llm.refusals`) is left out from then on. Every failure becomes a `ModelError` of one line: which model
at which address, what failed, what to do. The API key is read from OPENAI_API_KEY when a client is created
and not stored here. Exceptions of the library are never chained to our errors, because their requests contain
the key.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from viper.environment.connections import check_connections
from viper.errors import ConfigError, MissingError, ModelError
from viper.llm.bounded_replies import UnacceptableReplyError, bounded_client
from viper.llm.conversation import Message, estimated_prompt_tokens, without_system
from viper.llm.failures import (
    KEY_VARIABLE,
    RequestFailure,
    api_key,
    is_sendable,
    request_failure,
    timeout_failure,
    unacceptable_reply,
)
from viper.llm.prices import Prices
from viper.llm.refusals import SYSTEM_ROLE, refused_by, refused_part
from viper.llm.replies import read_completion
from viper.models.options import Options
from viper.models.roles import Completion
from viper.texts.hosts import url_host
from viper.usage import Usage

if TYPE_CHECKING:
    import openai

__all__ = ["ChatModel", "ChatSettings", "Message", "Sampling"]

_OPENAI_URL = "https://api.openai.com/v1"
_URL_VARIABLE = "OPENAI_BASE_URL"
_NO_KEY = "none"
"""Sent when no key is set: the library requires one, local servers ignore it."""
_MAX_CONCURRENT = 8
_CONNECT_S = 10.0
_BACKOFF_S = 0.5


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters of one reply that override the settings of the model."""

    temperature: float | None = None
    """None keeps the temperature of the settings."""
    seed: int | None = None
    """Left out when None, and for a service that does not support it."""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """The model, its address and its options."""

    model: str
    base_url: str = _OPENAI_URL
    """Base address of `/chat/completions`, without credentials, query or fragment."""
    temperature: float = 0.0
    max_tokens: int | None = None
    """Most tokens of a reply; None leaves the limit to each request."""
    timeout_s: float = 60.0
    """Timeout of one request."""
    max_retries: int = 2
    """Most retries of a request after HTTP 408, 409, 429, 5xx or a connection error."""
    prices: Prices | None = None
    """Prices of the tokens; None if the user gave none."""

    @classmethod
    def parse(cls, model: str, options: Mapping[str, str]) -> ChatSettings:
        """Read a reference `MODEL?base_url=…&temperature=…&max_tokens=…&timeout=…&max_retries=…`.

        The options `input_usd` and `output_usd` are the prices of its tokens, see `Prices`.

        Raises:
            ConfigError: As in `read`, or an option is unknown.
        """
        with Options(options, f"openai:{model}") as read:
            return cls.read(model, read)

    @classmethod
    def read(cls, model: str, read: Options, *, needs_key: bool = True) -> ChatSettings:
        """Read the settings among options that may contain others.

        Without `base_url`, the environment variable OPENAI_BASE_URL is used, then OpenAI's address.

        Args:
            model: Name of the model.
            read: The options.
            needs_key: Whether requests will be sent; OpenAI's own service needs a key for them.

        Raises:
            ConfigError: The model has no name, a value is invalid, a key was given as an option, or
                the address is OpenAI's and no key is set.
        """
        if not model:
            raise ConfigError("The name of the model is missing. Write openai:MODEL.")
        if read.optional_text("api_key") is not None:
            raise ConfigError(
                "A key was given as the option 'api_key', which logs and traces would reveal. "
                f"Set the environment variable {KEY_VARIABLE} instead."
            )
        base_url = read.optional_text("base_url") or os.environ.get(_URL_VARIABLE) or _OPENAI_URL
        settings = cls(
            model,
            _checked_url(base_url),
            read.number("temperature", 0.0, low=0.0),
            read.integer("max_tokens", 0, low=1) or None,
            read.number("timeout", 60.0, low=0.001),
            read.integer("max_retries", 2, low=0),
            Prices.read(read, f"openai:{model}"),
        )
        if needs_key and settings.is_openai and not api_key():
            raise MissingError(
                f"openai:{model} needs an API key. Set the environment variable {KEY_VARIABLE}, "
                "or give base_url=http://… of a local server."
            )
        return settings

    @property
    def is_openai(self) -> bool:
        """True for OpenAI's own service, which requires a key."""
        return urlsplit(self.base_url).hostname == urlsplit(_OPENAI_URL).hostname

    @property
    def label(self) -> str:
        """The model and its address, as the subject of error messages."""
        return f"The model {self.model!r} at {self.base_url}"

    @property
    def fingerprint(self) -> str:
        """Model, address and settings; equal when the same prompt should get the same reply."""
        limit = f"&max_tokens={self.max_tokens}" if self.max_tokens is not None else ""
        return f"openai:{self.model}@{self.base_url}?temperature={self.temperature:g}{limit}"


class ChatModel:
    """Client for one model, with at most eight concurrent requests per call.

    `chat` keeps its connections open for the event loop that calls it, until `aclose` is awaited
    there. `chat_blocking` is for threads without an event loop; it opens and closes its own connections.
    """

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self._refused = refused_by(settings.base_url, settings.model)
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = (
            weakref.WeakKeyDictionary()
        )

    async def chat(
        self,
        conversations: Sequence[Sequence[Message]],
        max_tokens: Sequence[int],
        samplings: Sequence[Sampling] | None = None,
    ) -> list[Completion]:
        """Return the completion of each conversation, in order.

        Args:
            conversations: One conversation per completion.
            max_tokens: Most tokens of each completion; the limit of the settings takes precedence.
            samplings: Sampling parameters of each completion; None for those of the settings.

        Raises:
            ModelError: A call failed or returned no text. It is raised when all calls have finished, and
                its `usage` is that of all of them.
        """
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = self._client()
        results = await self._complete_all(client, conversations, max_tokens, samplings)
        errors = [result for result in results if isinstance(result, ModelError)]
        if errors:
            billed = [result.usage for result in results if result.usage is not None]
            errors[0].usage = sum(billed, Usage()) if billed else None
            raise errors[0]
        return [result for result in results if isinstance(result, Completion)]

    def chat_blocking(
        self, conversations: Sequence[Sequence[Message]], max_tokens: Sequence[int]
    ) -> list[Completion | ModelError]:
        """Return completions as `chat` does, with the error of each failed call in its place."""

        async def run() -> list[Completion | ModelError]:
            async with self._client() as client:
                return await self._complete_all(client, conversations, max_tokens)

        return asyncio.run(run())

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _client(self) -> openai.AsyncOpenAI:
        try:
            check_connections()
        except ConfigError as error:
            raise ModelError(f"{self.settings.label} cannot be reached. {error}") from None
        import openai

        settings, key = self.settings, api_key()
        if not is_sendable(key):
            # The HTTP library would quote the whole header in its error.
            raise ModelError(
                f"{KEY_VARIABLE} holds characters that no key has (blanks, line ends or "
                "typographic quotes). Copy the key again."
            )
        timeout = openai.Timeout(settings.timeout_s, connect=min(_CONNECT_S, settings.timeout_s))
        try:
            return openai.AsyncOpenAI(
                api_key=key or _NO_KEY,
                base_url=settings.base_url,
                timeout=timeout,
                http_client=bounded_client(timeout),
                max_retries=0,  # the library would wait up to two minutes when a server asks for it
            )
        except (ValueError, OSError, ImportError) as error:
            # Of a proxy or a certificate; not chained, because it may quote the proxy's password.
            raise ModelError(
                f"{settings.label} cannot be reached: {type(error).__name__} in the client. Check the "
                "variables of proxies and certificates: viper doctor."
            ) from None

    async def _complete_all(
        self,
        client: openai.AsyncOpenAI,
        conversations: Sequence[Sequence[Message]],
        max_tokens: Sequence[int],
        samplings: Sequence[Sampling] | None = None,
    ) -> list[Completion | ModelError]:
        slots = asyncio.Semaphore(_MAX_CONCURRENT)

        async def complete(
            conversation: Sequence[Message], limit: int, sampling: Sampling
        ) -> Completion:
            async with slots:
                return await self._complete(client, conversation, limit, sampling)

        samplings = samplings or [Sampling()] * len(conversations)
        calls = itertools.starmap(complete, zip(conversations, max_tokens, samplings, strict=True))
        completions = []
        # All calls are awaited even if one raises, so that no request outlives its client.
        for result in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, ModelError):
                raise result
            completions.append(result)
        return completions

    async def _complete(
        self,
        client: openai.AsyncOpenAI,
        conversation: Sequence[Message],
        limit: int,
        sampling: Sampling,
    ) -> Completion:
        """Send one conversation, with retries, and parse the reply.

        Raises:
            ModelError: There is no completion; its `usage` is what failed attempts were billed.
        """
        retries, billed = 0, Usage()
        while True:
            parameters = self._parameters(limit, sampling)
            folds = SYSTEM_ROLE in self._refused.parts
            sent = without_system(conversation) if folds else conversation
            try:
                reply = await self._send(client, sent, parameters)
            except ModelError as error:
                error.usage = (error.usage or Usage()) + billed
                raise
            if isinstance(reply, Completion):
                return replace(reply, usage=reply.usage + billed)
            billed += reply.usage or Usage()
            roles = {message.role for message in sent}
            refused = refused_part(reply.rejection, parameters, roles)
            if refused is not None:
                self._refused.add(refused)
                continue
            if reply.retry_after_s is None or retries == self.settings.max_retries:
                failure = ModelError(reply.message)
                failure.usage = None if billed == Usage() else billed
                raise failure
            await asyncio.sleep(max(reply.retry_after_s, _BACKOFF_S * 2**retries))
            retries += 1

    async def _send(
        self,
        client: openai.AsyncOpenAI,
        conversation: Sequence[Message],
        parameters: Mapping[str, Any],
    ) -> Completion | RequestFailure:
        """Send one request.

        Raises:
            ModelError: The reply is no completion.
        """
        import openai

        settings = self.settings
        try:
            # The timeout of the library limits the gap between two packets, ours the whole request.
            async with asyncio.timeout(settings.timeout_s):
                raw = await client.chat.completions.with_raw_response.create(
                    model=settings.model,
                    messages=[message.to_wire() for message in conversation],  # type: ignore[misc] # TypedDicts of the library, one per role
                    **parameters,
                )
        except openai.OpenAIError as error:
            return request_failure(error, settings.label, settings.timeout_s)
        except UnacceptableReplyError as error:  # wrapped by some versions of the library only
            return unacceptable_reply(error, settings.label)
        except TimeoutError:
            return timeout_failure(settings.label, settings.timeout_s)
        # In a thread, because parsing a long one would hold up everything else in the event loop.
        return await asyncio.to_thread(
            read_completion,
            raw.content,
            settings.label,
            settings.prices,
            prompt_tokens=estimated_prompt_tokens(conversation),
            headers=raw.headers,
        )

    def _parameters(self, limit: int, sampling: Sampling) -> dict[str, Any]:
        """Return the optional parameters that this model is not known to refuse.

        OpenAI's models need `max_completion_tokens`, older servers support only `max_tokens`, and
        reasoning models accept no temperature.
        """
        settings, refused = self.settings, self._refused.parts
        names = ["max_tokens", "max_completion_tokens"]
        limits = [
            name
            for name in (reversed(names) if settings.is_openai else names)
            if name not in refused
        ]
        own = sampling.temperature
        parameters: dict[str, Any] = {
            **dict.fromkeys(limits[:1], settings.max_tokens or limit),
            "temperature": settings.temperature if own is None else own,
            **({} if sampling.seed is None else {"seed": sampling.seed}),
        }
        return {name: parameters[name] for name in parameters if name not in refused}


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = url_host(url) is not None and parts.port != 0
        secret = bool(parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:  # an invalid port or IPv6 address
        valid, secret = False, "@" in url
    if secret:
        # Not quoted, because it may contain a password.
        raise ConfigError(
            "base_url holds a user name, a password or a query, which logs and traces would reveal. "
            f"Give scheme://host:port/path alone, and the key in {KEY_VARIABLE}."
        )
    if not valid:
        raise ConfigError(f"base_url {url!r} is not an http address. Write http://host:port/v1.")
    return url.rstrip("/")
