"""Request models: validated values of a body; no field can name a file, an address or a model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.types import Receive

from viper.models.request_limits import PHRASE_CHARACTERS, QUESTION_CHARACTERS
from viper.programs.program import Task
from viper.serve.api_error import ApiError
from viper.serve.base64_text import decode_base64
from viper.serve.bodies import TEXT_BYTES, Form, chunks, media_type, read_form
from viper.serve.json_body import parse_body
from viper.serve.settings import ServerSettings

__all__ = ["AskFields", "CheckFields", "QueryRequest", "RunFields", "read_check", "read_query"]

_MAX_NAME_CHARS = 100
# Larger ones hold up the loop: 20 MB of base64 take about 0.1 s.
_PARSED_AT_ONCE_BYTES = 65_536


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # true is 1 to Python
    return value


Seconds = Annotated[float, BeforeValidator(_no_boolean)]

Choice = Annotated[str, Field(min_length=1, max_length=PHRASE_CHARACTERS)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskFields(_Fields):
    """Fields besides the image in a request that asks a question."""

    question: str = Field(
        min_length=1,
        max_length=QUESTION_CHARACTERS,
        description="A question, a statement to verify, or an expression for grounding.",
        examples=["How many cubes are there?"],
    )
    task: Task = Field(
        "vqa",
        description="`vqa` for an answer in words, `grounding` for the box of the named object.",
    )
    choices: list[Choice] = Field(
        default_factory=list,
        max_length=100,
        description="Answers to choose from; empty for any answer. In a form, one field for each.",
    )
    best_effort: bool | None = Field(
        None,
        description="Answer even where no model can test a condition of the question, or where something "
        "that it takes for granted was not found; such an answer carries `doubts`. Null: as the server was "
        "started.",
    )
    timeout_s: Seconds | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Timeout of the answer in seconds, waiting included; at most the server's own.",
    )
    stream: bool = Field(
        False, description="Send steps as server-sent events, as with `Accept: text/event-stream`."
    )
    trace: bool = Field(False, description="Add the full trace as `trace`.")


class RunFields(AskFields):
    """Fields besides the image in a request that runs a program."""

    question: str = Field(
        "",
        max_length=QUESTION_CHARACTERS,
        description="Passed to the program as `query`, if it has that parameter.",
    )
    program: str = Field(
        min_length=1,
        max_length=200_000,
        description="Source of `execute_command(image)`.",
        examples=["def execute_command(image):\n    return len(image.find('cube'))"],
    )


class CheckFields(_Fields):
    """Fields of a request that checks a program without running it."""

    program: str = Field(min_length=1, max_length=200_000, description="Source of the program.")


F = TypeVar("F", bound=_Fields)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A request for an answer about an image."""

    fields: AskFields
    image: bytes
    """Contents of an image file, not decoded."""
    image_name: str
    """A sanitized file name without folders."""

    @property
    def program(self) -> str | None:
        """The program to run; None to generate one."""
        return self.fields.program if isinstance(self.fields, RunFields) else None


InThread = Callable[[Callable[[], T]], Awaitable[T]]


async def read_query(
    receive: Receive,
    headers: Mapping[str, str],
    settings: ServerSettings,
    kind: type[AskFields],
    in_thread: InThread[QueryRequest] = asyncio.to_thread,
) -> QueryRequest:
    """Read the body of a request for an answer: a form with a file, or JSON with a base64 image.

    Args:
        receive: Returns the next message.
        headers: Of the request.
        settings: The limits.
        kind: Fields that the request has besides the image.
        in_thread: Runs a function in a thread; called for a large body.

    Raises:
        ApiError: It cannot be used; the message names the field.
        ClientGoneError: The client closed its connection.
    """
    max_bytes = settings.max_upload_bytes
    is_form = media_type(headers) == "multipart/form-data"
    body = chunks(
        receive,
        headers,
        max_bytes=(max_bytes if is_form else max_bytes * 4 // 3) + TEXT_BYTES,
        timeout_s=settings.upload_s,
    )
    if is_form:
        return _from_form(await read_form(body, headers, max_file_bytes=max_bytes), kind)
    _require_json(headers, "multipart/form-data or application/json")
    received = await _received(body)
    return await _parsed(received, lambda: _from_json(received, kind, max_bytes), in_thread)


async def read_check(
    receive: Receive,
    headers: Mapping[str, str],
    settings: ServerSettings,
    in_thread: InThread[CheckFields] = asyncio.to_thread,
) -> CheckFields:
    """Read the body of a request that checks a program.

    Args:
        receive: Returns the next message.
        headers: Of the request.
        settings: The limits.
        in_thread: Runs a function in a thread; called for a large body.

    Raises:
        ApiError: It cannot be used; the message names the field.
        ClientGoneError: The client closed its connection.
    """
    _require_json(headers, "application/json")
    body = chunks(receive, headers, max_bytes=TEXT_BYTES, timeout_s=settings.upload_s)
    received = await _received(body)
    return await _parsed(received, lambda: _validate(CheckFields, parse_body(received)), in_thread)


def _from_form(form: Form, kind: type[AskFields]) -> QueryRequest:
    values: dict[str, Any] = {}
    for name, text in form.fields:
        if name == "choices":
            values.setdefault(name, []).append(text)
        elif name in values:
            raise _unusable(f"The field {name[:40]!r} was sent more than once.")
        else:
            values[name] = text
    if len(form.files) != 1 or form.files[0][0] != "image":
        sent = ", ".join(repr(name[:40]) for name, _, _ in form.files[:5]) or "none"
        raise _unusable(f"Send one file, in the field 'image'; the form has these files: {sent}.")
    _, file_name, content = form.files[0]
    if not content:
        raise _unusable("The file in the field 'image' is empty.")
    return QueryRequest(_validate(kind, values), content, _safe_name(file_name))


def _require_json(headers: Mapping[str, str], accepted: str) -> None:
    sent = media_type(headers)
    if sent != "application/json":
        received = repr(sent[:40]) if sent else "missing"
        message = f"The body must be {accepted}, but its Content-Type is {received}."
        raise ApiError(415, "media_type", message)


async def _received(body: AsyncIterator[bytes]) -> bytearray:
    received = bytearray()  # a list of tiny chunks would take many times their size
    async for chunk in body:
        received += chunk
    return received


async def _parsed(body: bytearray, parse: Callable[[], T], in_thread: InThread[T]) -> T:
    return parse() if len(body) <= _PARSED_AT_ONCE_BYTES else await in_thread(parse)


def _from_json(body: bytearray, kind: type[AskFields], max_bytes: int) -> QueryRequest:
    values = parse_body(body)
    image = _image_of(values.pop("image", None), max_bytes)
    return QueryRequest(_validate(kind, values), image, "image")


def _image_of(value: Any, max_bytes: int) -> bytes:
    if not isinstance(value, (str, memoryview)) or not value:
        raise _unusable("image: Send the image as base64, or as a data URI with base64.")
    return decode_base64(value, max_bytes)


def _validate(kind: type[F], values: Mapping[str, Any]) -> F:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise _unusable(f"{place[:60]}: {first['msg']}.{more}") from None


def _safe_name(file_name: str) -> str:
    """Return a file name without folders and control characters, cut to 100 characters."""
    last = re.split(r"[/\\]", file_name)[-1]
    kept = "".join(character for character in last if character.isprintable()).strip(" .")
    return kept[:_MAX_NAME_CHARS] or "image"


def _unusable(message: str) -> ApiError:
    return ApiError(400, "request", message)
