"""Build the prompt: the conversation that asks a language model for a program.

    system     task, rules, and the part of the API that is served
    user       question of a worked example   ┐ the examples most similar to the question,
    assistant  its program                    ┘ the most similar one last
    user       the question
    assistant  a rejected program             ┐ once per earlier attempt
    user       its failure and observations   ┘

Questions, choices, failure messages and results of calls are untrusted: they appear as JSON only, so that
no text can pass for another part of the prompt. The templates are in `prompts/`. `PromptStyle` controls the
length; models with a short context get fewer examples and a brief API.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from viper.generate.examples import choose_examples
from viper.generate.request import GenerationRequest, Rejected
from viper.llm.budget import estimated_tokens
from viper.llm.client import Message
from viper.models.capabilities import Capabilities
from viper.models.options import Options
from viper.models.roles import ROLES, Role
from viper.programs.api_spec import ApiCallable, ApiSpec, HandleClass
from viper.storage.resources import data_folder
from viper_sandbox.source_lines import lines_of

__all__ = ["Prompt", "PromptStyle", "build_messages", "prompt_version", "shorter_styles"]

_EXAMPLES = 6
_FEW_EXAMPLES = 2
_SOURCE_CHARACTERS = 20_000
"""Most characters of a failed program, some 5,000 tokens: a hostile or failing model may write ten times as
much, and every repair sends it again."""

_LINE_CHARACTERS = 200
"""Most characters of the line that failed."""

_LAYOUT = 3
"""Increase it when the assembly of the templates or the selection of examples changes."""
_TEXTS = ("system.md", "vqa.md", "grounding.md", "repair.md", "seen.md", "examples.json")

# Notes on the methods of a role, and on what to do without the role.
_WITH: dict[Role, str] = {
    "detector": "`find` returns the best match first.",
    "depth": "A larger `compute_depth` is farther away from the camera.",
}
_WITHOUT: dict[Role, str] = {
    "detector": "Objects cannot be found: look at the image as a whole.",
    "matcher": "Colours and other attributes cannot be tested: call `unsure` where the question has one.",
    "depth": "Depth cannot be measured: call `unsure` where the question depends on it.",
    "answerer": "No question can be asked about the content of a patch.",
    "language": "There is no source of general knowledge.",
}
# What to do instead where an answer that may be wrong is better than none.
_BEST_EFFORT: dict[Role, str] = {
    "matcher": "Colours and other attributes cannot be tested: leave such conditions out.",
    "depth": "Depth cannot be measured: of two things that stand on the ground, the one with the "
    "smaller `lower` is closer to the camera.",
}


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """Length of a prompt."""

    examples: int = _EXAMPLES
    """Largest number of worked examples."""
    api: Literal["full", "brief"] = "full"
    """`full` describes each method with an example, `brief` with its signature and one sentence."""

    @classmethod
    def read(cls, read: Options) -> Self:
        """Read the options `examples=N` and `api=full|brief` of a generator.

        Raises:
            ConfigError: A value is invalid.
        """
        examples = read.integer("examples", _EXAMPLES, low=0, high=100)
        brief = read.choice("api", ("full", "brief"), "full") == "brief"
        return cls(examples, "brief" if brief else "full")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation as it is sent to a model, for display."""

    messages: tuple[Message, ...]
    tokens: int
    tokenizer: str | None = None
    """The model whose tokenizer counted the tokens; None if their number is an estimate."""

    @classmethod
    def estimated(cls, messages: Sequence[Message]) -> Self:
        """Return a conversation with the number of tokens estimated from the characters."""
        characters = sum(len(message.text) for message in messages)
        return cls(tuple(messages), estimated_tokens(characters))

    @property
    def size(self) -> str:
        """Length for display, such as "8655 characters, about 2473 tokens (estimated)"."""
        characters = sum(len(message.text) for message in self.messages)
        if self.tokenizer is None:
            return f"{characters} characters, about {self.tokens} tokens (estimated)"
        return f"{characters} characters, {self.tokens} tokens of {self.tokenizer}"

    def __str__(self) -> str:
        return "\n\n".join(f"--- {message.role}\n{message.text}" for message in self.messages)


def shorter_styles(style: PromptStyle) -> Iterator[PromptStyle]:
    """Yield a style and ever shorter ones, down to a prompt without examples.

    With two examples left the API becomes brief, and all examples are tried again with it: they help a
    model more than the longer descriptions.
    """
    if style.api == "full":
        for count in range(style.examples, min(style.examples, _FEW_EXAMPLES) - 1, -1):
            yield PromptStyle(count, "full")
    for count in range(style.examples, -1, -1):
        yield PromptStyle(count, "brief")


def build_messages(request: GenerationRequest, style: PromptStyle | None = None) -> list[Message]:
    """Return the conversation that asks for one program.

    It contains only what `request.capabilities` serves: methods, worked examples and, for a detector
    with a closed vocabulary, its classes.
    """
    style = style or PromptStyle()
    messages = [Message("system", _system(request, style))]
    for example in choose_examples(request, style.examples):
        messages.append(Message("user", _question(example.question, ())))
        messages.append(Message("assistant", _fenced(example.program)))
    messages.append(Message("user", _question(request.question, request.choices)))
    for rejected in request.rejected:
        source = _fenced(rejected.source) if rejected.source else rejected.program.source
        messages.append(Message("assistant", _shortened(source, _SOURCE_CHARACTERS)))
        messages.append(Message("user", _repair(rejected)))
    return messages


@functools.cache
def prompt_version() -> str:
    """Return the version of the prompt: 16 hex digits of a hash of templates, examples and layout.

    The API is not included: the program cache hashes the `ApiSpec` itself.
    """
    digest = hashlib.sha256(f"layout {_LAYOUT}\n".encode())
    for name in _TEXTS:
        text = _text(name)
        digest.update(f"{name} {len(text)}\n{text}\n".encode())
    return digest.hexdigest()[:16]


def _system(request: GenerationRequest, style: PromptStyle) -> str:
    text = _text("system.md").replace("{{TASK}}", _text(f"{request.task}.md"))
    without = _WITHOUT | _BEST_EFFORT if request.best_effort else _WITHOUT
    api = _api(request.spec, request.capabilities, without, style.api == "full")
    return text.replace("{{API}}", api)


def _api(
    spec: ApiSpec, capabilities: Capabilities, without: Mapping[Role, str], in_full: bool
) -> str:
    missing = {
        c.name for c in spec.callables if c.needs is not None and not capabilities.serves(c.needs)
    }

    def is_usable(doc: str) -> bool:
        # A description that refers to a missing method does not help without it.
        return missing.isdisjoint(re.findall(r"`(\w+)`", doc))

    served = [c for c in spec.callables if c.name not in missing and is_usable(c.summary)]
    described = functools.partial(_described, missing=missing, in_full=in_full)
    lines = ["class ImagePatch:"]
    lines += [f"    {a.name}: {a.type}  # {a.doc}" for a in spec.attributes if is_usable(a.doc)]
    lines += described(spec.constructor, indent="    ")
    for entry in sorted(served, key=lambda entry: not entry.is_method):  # methods first
        lines += described(entry, indent="    " if entry.is_method else "")
    for handle in spec.handles:
        if any(handle.name in re.findall(r"\w+", entry.returns) for entry in served):
            lines += _handle(handle)
    notes = [
        note
        for role in ROLES
        if (note := (_WITH if capabilities.serves(role) else without).get(role)) is not None
    ]
    if capabilities.serves("detector") and capabilities.vocabulary is not None:
        notes.append(
            "`find` and `exists` know the following objects only, and any other name ends the "
            f"program with an error: {_json(capabilities.vocabulary)}"
        )
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _handle(handle: HandleClass) -> list[str]:
    return [
        "",
        f"class {handle.name}:  # {handle.summary}",
        "    # Comes from the methods above alone; read its attributes, or pass it on.",
        *(f"    {a.name}: {a.type}  # {' '.join(a.doc.split())}" for a in handle.attributes),
    ]


def _described(entry: ApiCallable, *, missing: set[str], in_full: bool, indent: str) -> list[str]:
    signature = entry.signature
    if entry.is_method:
        signature = signature.replace("(", "(self, ", 1).replace("(self, )", "(self)")
    define = f"{indent}def {signature}:"
    if not in_full:
        return [f"{define}  # {entry.summary}"]
    lines = ["", define, f"{indent}    # {entry.summary}"]
    example = entry.example
    # An example with a missing method would teach the model to call it.
    if example and missing.isdisjoint(re.findall(r"\b(\w+)\(", example)):
        lines.append(f"{indent}    # Example:")
        lines += [f"{indent}    #     {line}" for line in example.splitlines()]
    return lines


def _question(question: str, choices: Sequence[str]) -> str:
    text = f"Question, as a JSON string: {_json(question)}"
    return f"{text}\nAllowed answers, as JSON: {_json(choices)}" if choices else text


def _repair(rejected: Rejected) -> str:
    failure = rejected.failure
    place = ""
    if failure.line is not None:
        lines = lines_of(rejected.source or rejected.program.source)
        place = f" in line {failure.line}"
        if 0 < failure.line <= len(lines):
            line = _shortened(lines[failure.line - 1].strip(), _LINE_CHARACTERS)
            place += f", {_json(line)}"
    calls = "\n".join(rejected.observations)
    return _filled(
        "repair.md",
        KIND=failure.kind,
        PLACE=place,
        MESSAGE=_json(failure.message),
        SEEN="\n" + _filled("seen.md", CALLS=calls) if calls else "",
    )


def _shortened(text: str, most: int) -> str:
    """Return the beginning of a text that is too long."""
    return text if len(text) <= most else f"{text[:most]} …"


def _filled(name: str, **values: str) -> str:
    """Return a template with its placeholders replaced, in one pass: values are not templates."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], _text(name))


def _json(value: str | Sequence[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fenced(program: str) -> str:
    return f"```python\n{program.strip()}\n```"


@functools.cache
def _text(name: str) -> str:
    return (data_folder("prompts") / name).read_text(encoding="utf-8").strip()
