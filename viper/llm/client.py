"""Asks language models behind OpenAI-compatible endpoints: the one place that builds a client.

A call sends a conversation (`Message`s) and brings back a `Completion`. Whatever goes wrong on the
way becomes a `ModelError` of one line: which model at which address, what happened, what to do.
The API key is read from OPENAI_API_KEY when a client is made; it is kept nowhere here, and nothing
that the library raises is chained to our errors, since its requests carry the key.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from viper.errors import ConfigError, ModelError
from viper.llm.prices import Prices
from viper.llm.replies import KEY_VARIABLE, Trouble, read_completion, timed_out, trouble_of
from viper.models.options import Options
from viper.models.roles import Completion
from viper.usage import Usage

if TYPE_CHECKING:
    import openai

__all__ = ["ChatModel", "ChatSettings", "Message", "Sampling"]

_OPENAI_URL = "https://api.openai.com/v1"
_URL_VARIABLE = "OPENAI_BASE_URL"
_NO_KEY = "none"
"""Sent where no key is set: the library insists on one, local servers do not look at it."""
_CONCURRENT = 8
_CONNECT_S = 10.0
_BACKOFF_S = 0.5


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[str, ...] = ()
    """Pictures as `data:` URLs, shown before the text."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object of the chat completions API."""
        # A question from a command line may hold bytes that no UTF-8 text can.
        text = self.text.encode("utf-8", "replace").decode("utf-8")
        if not self.images:
            return {"role": self.role, "content": text}
        pictures = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        return {"role": self.role, "content": [*pictures, {"type": "text", "text": text}]}


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one reply is drawn, where that differs from the model's settings."""

    temperature: float | None = None
    """None for the settings' own."""
    seed: int | None = None
    """Sent where it is given; a service that refuses it is asked without."""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """Which model is asked, where, and how."""

    model: str
    base_url: str = _OPENAI_URL
    """Address below which `/chat/completions` lies; without credentials, query or fragment."""
    temperature: float = 0.0
    max_tokens: int | None = None
    """Most tokens of a reply; None leaves it to the caller of each request."""
    timeout_s: float = 60.0
    """Seconds that one request may take."""
    max_retries: int = 2
    """How often a request is sent again after HTTP 408, 409, 429, 5xx or a broken connection."""
    prices: Prices | None = None
    """What its tokens cost; None where the user did not say."""

    @classmethod
    def parse(cls, model: str, options: Mapping[str, str]) -> ChatSettings:
        """Read a reference `MODEL?base_url=…&temperature=…&max_tokens=…&timeout=…&max_retries=…`.

        The options `input_usd` and `output_usd` are its prices, see `Prices`.

        Raises:
            ConfigError: As in `read`, or an option is unknown.
        """
        with Options(options, f"openai:{model}") as read:
            return cls.read(model, read)

    @classmethod
    def read(cls, model: str, read: Options) -> ChatSettings:
        """Take the settings out of options that may hold others as well.

        Without `base_url`, the environment variable OPENAI_BASE_URL counts, then OpenAI's address.

        Raises:
            ConfigError: The model has no name, a value is unusable, a key was given as an option,
                or OpenAI itself is to be asked and no key is set.
        """
        if not model:
            raise ConfigError("The name of the model is missing. Write openai:MODEL.")
        if read.optional_text("api_key") is not None:
            raise ConfigError(
                "A key was given as the option 'api_key', where logs and traces would show it. "
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
        if settings.is_openai and not os.environ.get(KEY_VARIABLE, "").strip():
            raise ConfigError(
                f"openai:{model} needs an API key. Set the environment variable {KEY_VARIABLE}, "
                "or give base_url=http://… of a local server."
            )
        return settings

    @property
    def is_openai(self) -> bool:
        """True for OpenAI's own service, which wants a key."""
        return urlsplit(self.base_url).hostname == urlsplit(_OPENAI_URL).hostname

    @property
    def who(self) -> str:
        """The model and its address, as error messages begin."""
        return f"The model {self.model!r} at {self.base_url}"

    @property
    def fingerprint(self) -> str:
        """Equal where the same question should get the same answer."""
        limit = f"&max_tokens={self.max_tokens}" if self.max_tokens is not None else ""
        return f"openai:{self.model}@{self.base_url}?temperature={self.temperature:g}{limit}"


class ChatModel:
    """A model that answers conversations, at most eight at a time.

    `chat` keeps its connections open for the event loop that calls it, until `aclose` is awaited
    there. `chat_blocking` is for threads without a loop; it opens and closes its own connections.
    """

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self._refused: set[str] = set()
        """Parameters of the API that this model was seen to refuse."""
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
            conversations: What to ask, one conversation per completion.
            max_tokens: Most tokens of each completion; the settings' own limit goes before.
            samplings: How each completion is drawn; None for the settings' own way.

        Raises:
            ModelError: A call failed, or brought no text; the others are finished first, and its
                `usage` is that of them all.
        """
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = self._client()
        results = await self._ask_all(client, conversations, max_tokens, samplings)
        failed = next((result for result in results if isinstance(result, ModelError)), None)
        if failed is not None:
            billed = [result.usage for result in results if result.usage is not None]
            failed.usage = sum(billed, Usage()) if billed else None
            raise failed
        return [result for result in results if isinstance(result, Completion)]

    def chat_blocking(
        self, conversations: Sequence[Sequence[Message]], max_tokens: Sequence[int]
    ) -> list[Completion | ModelError]:
        """Do the same in a thread that runs no event loop; a call that failed gives its error."""

        async def run() -> list[Completion | ModelError]:
            async with self._client() as client:
                return await self._ask_all(client, conversations, max_tokens)

        return asyncio.run(run())

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _client(self) -> openai.AsyncOpenAI:
        import openai

        settings = self.settings
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            # The HTTP library would quote the whole header in its complaint.
            raise ModelError(
                f"{KEY_VARIABLE} holds characters that no key has (blanks, line ends or "
                "typographic quotes). Copy the key again."
            )
        return openai.AsyncOpenAI(
            api_key=key or _NO_KEY,
            base_url=settings.base_url,
            timeout=openai.Timeout(settings.timeout_s, connect=min(_CONNECT_S, settings.timeout_s)),
            max_retries=0,  # the library would wait up to two minutes when a server asks it to
        )

    async def _ask_all(
        self,
        client: openai.AsyncOpenAI,
        conversations: Sequence[Sequence[Message]],
        max_tokens: Sequence[int],
        samplings: Sequence[Sampling] | None = None,
    ) -> list[Completion | ModelError]:
        gate = asyncio.Semaphore(_CONCURRENT)
        samplings = samplings or [Sampling()] * len(conversations)

        async def ask(
            conversation: Sequence[Message], limit: int, sampling: Sampling
        ) -> Completion:
            async with gate:
                limit = self.settings.max_tokens or limit
                return await self._ask(client, conversation, limit, sampling)

        # All are awaited even when one fails, so that no request outlives its client.
        results = await asyncio.gather(
            *(
                ask(conversation, limit, sampling)
                for conversation, limit, sampling in zip(
                    conversations, max_tokens, samplings, strict=True
                )
            ),
            return_exceptions=True,
        )
        completions: list[Completion | ModelError] = []
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, ModelError):
                raise result
            completions.append(result)
        return completions

    async def _ask(
        self,
        client: openai.AsyncOpenAI,
        conversation: Sequence[Message],
        limit: int,
        sampling: Sampling,
    ) -> Completion:
        """Send one conversation, again where that may help, and read the reply."""
        retries = 0
        while True:
            parameters = self._parameters(limit, sampling)
            reply = await self._send(client, conversation, parameters)
            if isinstance(reply, str):
                return read_completion(reply, self.settings.who, self.settings.prices)
            refused = _refused_parameter(reply.complaint, parameters)
            if refused is not None:
                self._refused.add(refused)
                continue
            if reply.wait_s is None or retries == self.settings.max_retries:
                raise ModelError(reply.message)
            await asyncio.sleep(max(reply.wait_s, _BACKOFF_S * 2**retries))
            retries += 1

    async def _send(
        self,
        client: openai.AsyncOpenAI,
        conversation: Sequence[Message],
        parameters: Mapping[str, Any],
    ) -> str | Trouble:
        import openai

        settings = self.settings
        try:
            # The library's timeout counts the silence between two packets, ours the whole request.
            async with asyncio.timeout(settings.timeout_s):
                raw = await client.chat.completions.with_raw_response.create(
                    model=settings.model,
                    messages=[message.to_wire() for message in conversation],  # type: ignore[misc] # TypedDicts of the library, one per role
                    **parameters,
                )
        except openai.OpenAIError as error:
            return trouble_of(error, settings.who, settings.timeout_s)
        except TimeoutError:
            return timed_out(settings.who, settings.timeout_s)
        return raw.text

    def _parameters(self, limit: int, sampling: Sampling) -> dict[str, Any]:
        """Return the sampling parameters that this model is not known to refuse.

        OpenAI's models want `max_completion_tokens`, older servers know `max_tokens` only, and
        models that think before they answer take no temperature; each refuses the other's.
        """
        names = ["max_tokens", "max_completion_tokens"]
        if self.settings.is_openai:
            names.reverse()
        limits = [name for name in names if name not in self._refused]
        parameters: dict[str, Any] = dict.fromkeys(limits[:1], limit)
        if "temperature" not in self._refused:
            own = sampling.temperature
            parameters["temperature"] = self.settings.temperature if own is None else own
        if sampling.seed is not None and "seed" not in self._refused:
            parameters["seed"] = sampling.seed
        return parameters


def _refused_parameter(complaint: str, sent: Mapping[str, Any]) -> str | None:
    """Return the sent parameter that a service says it does not know or support."""
    if not any(word in complaint for word in ("unsupported", "not support", "unrecognized")):
        return None
    # The first one named: the message may go on to say which to use instead.
    named = [(complaint.find(name), name) for name in sent if name in complaint]
    return min(named)[1] if named else None


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        secret = bool(parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:  # a port that is no number, or a broken IPv6 address
        usable, secret = False, "@" in url
    if secret:
        # Not quoted: what it holds is what must not be shown.
        raise ConfigError(
            "base_url holds a user name, a password or a query, which logs and traces would show. "
            f"Give scheme://host:port/path alone, and the key in {KEY_VARIABLE}."
        )
    if not usable:
        raise ConfigError(f"base_url {url!r} is no http address. Write http://host:port/v1.")
    return url.rstrip("/")
