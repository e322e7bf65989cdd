"""Writes the conversation that asks a language model for a program.

    system     what to write, the rules, and the part of the API that is served
    user       a worked example's question  ┐ the examples most like the question,
    assistant  its program                  ┘ the most similar one last
    user       the question
    assistant  a rejected program           ┐ once per earlier attempt
    user       why it failed, what it saw   ┘

Questions, choices, failure messages and results of calls come from strangers: they appear as JSON
only, so no text can end its place or pass for another part of the prompt. The texts lie in `prompts/`.
A `PromptStyle` says how much is shown; models that read little get fewer examples and a brief API.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from viper.generate.examples import choose_examples
from viper.generate.request import GenerationRequest, Rejected
from viper.llm.client import Message
from viper.models.capabilities import Capabilities
from viper.models.options import Options
from viper.models.roles import ROLES, Role
from viper.programs.api_spec import ApiCallable, ApiSpec, HandleClass
from viper.storage.resources import data_folder

__all__ = ["Prompt", "PromptStyle", "build_messages", "prompt_version", "shorter_styles"]

_EXAMPLES = 6
_FEW_EXAMPLES = 2
_CHARACTERS_PER_TOKEN = 3.5
"""Byte-pair tokenizers of code models take 3 to 4 characters of English and Python for a token."""

_LAYOUT = 2
"""To be raised when the texts of `prompts/` are put together, or examples chosen, in another way."""
_TEXTS = ("system.md", "vqa.md", "grounding.md", "repair.md", "seen.md", "examples.json")

# What a model must know about the methods of a role, and what to do where the role is missing.
_WITH: dict[Role, str] = {
    "detector": "`find` returns the best match first.",
    "depth": "A larger `compute_depth` is farther away from the camera.",
}
_WITHOUT: dict[Role, str] = {
    "detector": "Objects cannot be found: look at the image as a whole.",
    "matcher": "Colours and other attributes cannot be tested: leave such conditions out.",
    "depth": "Depth cannot be measured: of two things that stand on the ground, the one with the "
    "smaller `lower` is closer to the camera.",
    "answerer": "No question can be asked about the content of a patch.",
    "language": "There is no source of general knowledge.",
}


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """How much a prompt shows."""

    examples: int = _EXAMPLES
    """Most worked examples."""
    api: Literal["full", "brief"] = "full"
    """`full` describes each method with an example, `brief` by its signature and one sentence."""

    @classmethod
    def read(cls, read: Options) -> Self:
        """Take `examples=N` and `api=full|brief` out of the options of a generator.

        Raises:
            ConfigError: A value is unusable.
        """
        examples = read.integer("examples", _EXAMPLES, low=0, high=100)
        brief = read.choice("api", ("full", "brief"), "full") == "brief"
        return cls(examples, "brief" if brief else "full")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation as it goes to a model, for people to look at."""

    messages: tuple[Message, ...]
    tokens: int
    tokenizer: str | None = None
    """Whose tokenizer counted; None when the tokens are estimated from the characters."""

    @classmethod
    def estimated(cls, messages: Sequence[Message]) -> Self:
        """Guess the tokens of a conversation whose tokenizer is not at hand."""
        characters = sum(len(message.text) for message in messages)
        return cls(tuple(messages), round(characters / _CHARACTERS_PER_TOKEN))

    @property
    def size(self) -> str:
        """How long it is, as in "8655 characters, about 2473 tokens (estimated)"."""
        characters = sum(len(message.text) for message in self.messages)
        if self.tokenizer is None:
            return f"{characters} characters, about {self.tokens} tokens (estimated)"
        return f"{characters} characters, {self.tokens} tokens of {self.tokenizer}"

    def __str__(self) -> str:
        return "\n\n".join(f"--- {message.role}\n{message.text}" for message in self.messages)


def shorter_styles(style: PromptStyle) -> Iterator[PromptStyle]:
    """Give a style and then shorter and shorter ones, down to a prompt without examples.

    A model that has seen two programs profits more from further examples than from the longer
    descriptions of the API.
    """
    if style.api == "full":
        for count in range(style.examples, min(style.examples, _FEW_EXAMPLES) - 1, -1):
            yield PromptStyle(count, "full")
    for count in range(style.examples, -1, -1):
        yield PromptStyle(count, "brief")


def build_messages(request: GenerationRequest, style: PromptStyle | None = None) -> list[Message]:
    """Return the conversation that asks for one program.

    Only what `request.capabilities` serves is named: methods, worked examples and, for a detector
    of a closed vocabulary, the objects that it knows.
    """
    style = style or PromptStyle()
    messages = [Message("system", _system(request, style))]
    for example in choose_examples(request, style.examples):
        messages.append(Message("user", _question(example.question, ())))
        messages.append(Message("assistant", _fenced(example.program)))
    messages.append(Message("user", _question(request.question, request.choices)))
    for rejected in request.rejected:
        source = _fenced(rejected.source) if rejected.source else rejected.program.source
        messages.append(Message("assistant", source))
        messages.append(Message("user", _repair(rejected)))
    return messages


@functools.cache
def prompt_version() -> str:
    """Name the prompt as it is: 16 hex digits that change with a template, an example or the layout.

    The API part follows the contract of programs, which has a version of its own.
    """
    digest = hashlib.sha256(f"layout {_LAYOUT}\n".encode())
    for name in _TEXTS:
        text = _text(name)
        digest.update(f"{name} {len(text)}\n{text}\n".encode())
    return digest.hexdigest()[:16]


def _system(request: GenerationRequest, style: PromptStyle) -> str:
    text = _text("system.md").replace("{{TASK}}", _text(f"{request.task}.md"))
    api = _api(request.spec, request.capabilities, style.api == "full")
    return text.replace("{{API}}", api)


def _api(spec: ApiSpec, capabilities: Capabilities, in_full: bool) -> str:
    missing = {
        c.name for c in spec.callables if c.needs is not None and not capabilities.serves(c.needs)
    }

    def is_of_use(doc: str) -> bool:
        # What is described by way of a method that is missing has no use without it.
        return not missing & set(re.findall(r"`(\w+)`", doc))

    served = [c for c in spec.callables if c.name not in missing and is_of_use(c.summary)]
    lines = ["class ImagePatch:"]
    lines += [f"    {a.name}: {a.type}  # {a.doc}" for a in spec.attributes if is_of_use(a.doc)]
    describe = functools.partial(_described, missing=missing, in_full=in_full)
    lines += describe(spec.constructor, indent="    ")
    for entry in served:
        if entry.is_method:
            lines += describe(entry, indent="    ")
    for entry in served:
        if not entry.is_method:
            lines += describe(entry, indent="")
    for handle in spec.handles:
        if any(handle.name in _words(entry.returns) for entry in served):
            lines += _handle(handle)
    notes = [
        note
        for role in ROLES
        if (note := (_WITH if capabilities.serves(role) else _WITHOUT).get(role)) is not None
    ]
    if capabilities.serves("detector") and capabilities.vocabulary is not None:
        known = json.dumps(capabilities.vocabulary, ensure_ascii=False)
        notes.append(
            "`find` and `exists` know the following objects only, and any other name ends the "
            f"program with an error: {known}"
        )
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _handle(handle: HandleClass) -> list[str]:
    return [
        "",
        f"class {handle.name}:  # {handle.summary}",
        "    # Comes from the methods above alone; read its attributes, or pass it on.",
        *(f"    {a.name}: {a.type}  # {' '.join(a.doc.split())}" for a in handle.attributes),
    ]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _described(entry: ApiCallable, *, missing: set[str], in_full: bool, indent: str) -> list[str]:
    head, _, rest = entry.signature.partition("(")
    signature = f"{head}(self, {rest}".replace("(self, )", "(self)") if entry.is_method else None
    define = f"{indent}def {signature or entry.signature}:"
    if not in_full:
        return [f"{define}  # {entry.summary}"]
    lines = ["", define, f"{indent}    # {entry.summary}"]
    example = entry.example
    used = set(re.findall(r"(\w+)\(", example))
    # An example that calls what is not served would teach the model to call it.
    if example and not used & missing:
        lines.append(f"{indent}    # Example:")
        lines += [f"{indent}    #     {line}" for line in example.splitlines()]
    return lines


def _question(question: str, choices: Sequence[str]) -> str:
    text = f"Question, as a JSON string: {_quoted(question)}"
    if choices:
        text += f"\nAllowed answers, as JSON: {json.dumps(list(choices), ensure_ascii=False)}"
    return text


def _repair(rejected: Rejected) -> str:
    failure = rejected.failure
    place = ""
    if failure.line is not None:
        lines = (rejected.source or rejected.program.source).splitlines()
        place = f" in line {failure.line}"
        if 0 < failure.line <= len(lines):
            place += f", {_quoted(lines[failure.line - 1].strip())}"
    seen = "\n" + _filled("seen.md", CALLS="\n".join(rejected.seen)) if rejected.seen else ""
    message = _quoted(failure.message)
    return _filled("repair.md", KIND=failure.kind, PLACE=place, MESSAGE=message, SEEN=seen)


def _filled(name: str, **values: str) -> str:
    """Return a template with its marks replaced, in one pass: no value is taken for a mark."""
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: values[mark[1]], _text(name))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _fenced(program: str) -> str:
    return f"```python\n{program.strip()}\n```"


@functools.cache
def _text(name: str) -> str:
    return (data_folder("prompts") / name).read_text(encoding="utf-8").strip()
