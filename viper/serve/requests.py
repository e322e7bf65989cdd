"""What may be asked, as checked values; nothing of it names a file, an address or a model."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Receive

from viper.programs.program import Task
from viper.serve.api_error import ApiError, too_large
from viper.serve.bodies import TEXT_BYTES, Form, chunks, media_type, read_bytes, read_form
from viper.serve.settings import ServerSettings

__all__ = ["AskFields", "Asked", "CheckFields", "RunFields", "read_asked", "read_check"]

_DATA_URI = re.compile(r"data:[a-z0-9.+/-]{0,80};base64,", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)
_LONGEST_NAME = 100

Choice = Annotated[str, Field(min_length=1, max_length=200)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskFields(_Fields):
    """What may be sent with a picture to be asked about."""

    question: str = Field(
        min_length=1,
        max_length=4_000,
        description="A question, a statement to judge, or for grounding an expression.",
        examples=["How many cubes are there?"],
    )
    task: Task = Field(
        "vqa", description="`vqa` for an answer in words, `grounding` for the box of what is named."
    )
    choices: list[Choice] = Field(
        default_factory=list,
        max_length=100,
        description="Answers to choose from; none when any will do. In a form, one field for each.",
    )
    timeout_s: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Longest time to the answer in seconds, waiting included; at most the server's own.",
    )
    stream: bool = Field(
        False, description="Send steps as server-sent events; `Accept: text/event-stream` does too."
    )
    trace: bool = Field(False, description="Add the whole run as `trace`.")


class RunFields(AskFields):
    """What may be sent with a picture to run a program on."""

    question: str = Field(
        "",
        max_length=4_000,
        description="What the program gets as `query`, if it has that parameter.",
    )
    program: str = Field(
        min_length=1,
        max_length=200_000,
        description="Source of `execute_command(image)`.",
        examples=["def execute_command(image):\n    return len(image.find('cube'))"],
    )


class CheckFields(_Fields):
    """A program to be checked without running it."""

    program: str = Field(min_length=1, max_length=200_000, description="Source of the program.")


F = TypeVar("F", bound=_Fields)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for an answer."""

    fields: AskFields
    picture: bytes
    """The bytes of a file, not decoded."""
    picture_name: str
    """Made harmless: a name, no path."""

    @property
    def program(self) -> str | None:
        """The program to run; None when one is to be written."""
        return self.fields.program if isinstance(self.fields, RunFields) else None


async def read_asked(
    receive: Receive, headers: Mapping[str, str], settings: ServerSettings, kind: type[AskFields]
) -> Asked:
    """Read the body of a request for an answer: a form with a file, or JSON with a base64 picture.

    Raises:
        Problem: It cannot be used; the message names the field.
        ClientGoneError: The client went away meanwhile.
    """
    most = settings.max_upload_bytes
    form = media_type(headers) == "multipart/form-data"
    body = chunks(
        receive,
        headers,
        most_bytes=(most if form else most * 4 // 3) + TEXT_BYTES,
        seconds=settings.upload_s,
    )
    if form:
        return _of_form(await read_form(body, headers, most_file_bytes=most), kind)
    _must_be_json(headers, "multipart/form-data or application/json")
    values = _object(await read_bytes(body))
    picture = _of_base64(values.pop("image", None), most)
    return Asked(_checked(kind, values), picture, "image")


async def read_check(
    receive: Receive, headers: Mapping[str, str], settings: ServerSettings
) -> CheckFields:
    """Read the body of a request to check a program.

    Raises:
        Problem: It cannot be used; the message names the field.
        ClientGoneError: The client went away meanwhile.
    """
    _must_be_json(headers, "application/json")
    body = chunks(receive, headers, most_bytes=TEXT_BYTES, seconds=settings.upload_s)
    return _checked(CheckFields, _object(await read_bytes(body)))


def _of_form(form: Form, kind: type[AskFields]) -> Asked:
    values: dict[str, Any] = {}
    for name, text in form.fields:
        if name == "choices":
            values.setdefault(name, []).append(text)
        elif name in values:
            raise ApiError(400, "request", f"The field {_shown(name)} was sent more than once.")
        else:
            values[name] = text
    if len(form.files) != 1 or form.files[0][0] != "image":
        sent = ", ".join(_shown(name) for name, _, _ in form.files[:5]) or "none"
        raise ApiError(
            400,
            "request",
            f"Send one file, in the field 'image'; the form has these files: {sent}.",
        )
    _, file_name, content = form.files[0]
    if not content:
        raise ApiError(400, "request", "The file in the field 'image' is empty.")
    return Asked(_checked(kind, values), content, _harmless(file_name))


def _must_be_json(headers: Mapping[str, str], accepted: str) -> None:
    sent = media_type(headers)
    if sent != "application/json":
        raise ApiError(
            415,
            "media_type",
            f"The body must be {accepted}, but its Content-Type is {_shown(sent) if sent else 'missing'}.",
        )


def _object(body: bytes) -> dict[str, Any]:
    from pydantic_core import from_json

    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ApiError(400, "request", f"The body is not JSON: {str(error)[:120]}.") from None
    if not isinstance(value, dict):
        raise ApiError(400, "request", "The body must be a JSON object.")
    return value


def _of_base64(value: Any, most_bytes: int) -> bytes:
    if not isinstance(value, str) or not value:
        message = "image: Send the picture as base64, or as a data URI with base64."
        raise ApiError(400, "request", message)
    prefix = _DATA_URI.match(value)
    if prefix is None and (_ADDRESS.match(value) or value.startswith(("data:", "/", "."))):
        message = (
            "image: Pictures are not fetched from addresses or files. Send its bytes as base64."
        )
        if not value.startswith("/"):  # JPEG in base64 begins with one
            raise ApiError(400, "request", message)
    try:
        content = base64.b64decode(value[prefix.end() if prefix else 0 :], validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(400, "request", "image: This is not base64.") from None
    if len(content) > most_bytes:
        raise too_large("The picture", most_bytes)
    return content


def _checked(kind: type[F], values: Mapping[str, Any]) -> F:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ApiError(400, "request", f"{place[:60]}: {first['msg']}.{more}") from None


def _harmless(file_name: str) -> str:
    """Return a file's name without folders, control characters and surplus length."""
    last = re.split(r"[/\\]", file_name)[-1]
    kept = "".join(character for character in last if character.isprintable()).strip(" .")
    return kept[:_LONGEST_NAME] or "image"


def _shown(text: str) -> str:
    return repr(text[:40])
