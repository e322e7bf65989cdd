"""The types that records of traces are made of: how each is read, written and described in the schema.

Records are frozen dataclasses. Pydantic reads and writes them, and derives `schema.json`, where the docstring
of a field is its description. Values from other packages have a dataclass that describes their JSON
(`JsonForm`).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, get_type_hints

from viper.errors import FailureKind
from viper.images.boxes import Box
from viper.programs.program import CallSite, Doubt, Failure, Finding
from viper.usage import Usage

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema

__all__ = [
    "MEASURE",
    "SCORE_DIGITS",
    "Constraint",
    "Count",
    "DoubtField",
    "FailureField",
    "FindingField",
    "Index",
    "Milliseconds",
    "PatchField",
    "Record",
    "Score",
    "SiteField",
    "UsageField",
    "adapter",
    "measures",
]


_adapters: dict[Any, TypeAdapter[Any]] = {}
# Making one takes up to half a second, and it parses sources: in several threads at once, Python 3.11 may
# end that with a SystemError ("AST constructor recursion depth mismatch").
_making = threading.Lock()


def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the adapter that reads, writes and describes a class of records."""
    from pydantic import TypeAdapter  # an answer that writes no trace does not need it

    with _making:
        if kind not in _adapters:
            _adapters[kind] = TypeAdapter(kind)
        return _adapters[kind]


class Record:
    """Base of the dataclasses that a trace consists of."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {  # a `ConfigDict`
        "extra": "forbid",
        "strict": True,
        "use_attribute_docstrings": True,
        "ser_json_inf_nan": "constants",
    }

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        made: CoreSchema = _ending_at_first_error(handler(source))
        return made

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that stands for the record in a trace."""
        kind: Any = type(self)
        value: dict[str, Any] = adapter(kind).dump_python(self, mode="json", warnings=False)
        return value


def _ending_at_first_error(schema: Any) -> Any:
    """Return a core schema whose sequences are read up to their first error.

    Otherwise a file with a million wrong items makes a million errors, of a kilobyte each.
    """
    match schema:
        case dict():
            made = {key: _ending_at_first_error(part) for key, part in schema.items()}
            return {**made, "fail_fast": True} if "variadic_item_index" in made else made
        case list():
            return [_ending_at_first_error(part) for part in schema]
        case _:
            return schema


class _Measure:
    """Marks a field that says how long something took or what it cost, not what happened."""


MEASURE = _Measure()


@functools.cache
def measures(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a class of records that are marked with `MEASURE`."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        name for name, hint in hints.items() if MEASURE in getattr(hint, "__metadata__", ())
    )


class Constraint:
    """Annotation that limits the values of a field: keys of pydantic's core schema, such as `ge`."""

    def __init__(self, **limits: Any) -> None:
        self._limits = limits

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        limited: Any = {**handler(source), **self._limits}
        return limited  # type: ignore[no-any-return]  # of the same kind as before


class _Rounded:
    """Annotation of a number that is written with this many digits."""

    def __init__(self, digits: int) -> None:
        self._digits = digits

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic import PlainSerializer

        def write(value: float | None) -> float | None:
            return None if value is None else round(value, self._digits)

        return PlainSerializer(write).__get_pydantic_core_schema__(source, handler)


Milliseconds: TypeAlias = Annotated[float, _Rounded(3), MEASURE]
SCORE_DIGITS = 4
"""Decimals of scores in JSON."""

Score: TypeAlias = Annotated[float | None, _Rounded(SCORE_DIGITS)]
Count: TypeAlias = Annotated[int, MEASURE]
Index: TypeAlias = Annotated[int, Constraint(ge=0)]


@dataclass(frozen=True, slots=True)
class JsonForm:
    """Annotation of a value that is not a record: it is read and written by way of a dataclass.

    Args:
        form: Describes the JSON object; its fields are arguments of the value's class.
        write: Returns the JSON object; None to write the attributes that `form` names.
    """

    form: type[Record]
    write: Callable[[Any], dict[str, Any]] | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        names = [field.name for field in fields(self.form)]  # type: ignore[arg-type]
        kind = getattr(source, "__origin__", source)

        def attributes(value: Any) -> dict[str, Any]:
            return {name: getattr(value, name) for name in names}

        return core_schema.no_info_after_validator_function(
            lambda form: kind(**attributes(form)),
            handler.generate_schema(self.form),
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.write or attributes
            ),
        )


@dataclass(frozen=True, slots=True)
class _Patch(Record):
    """A box on an image; the form of every patch in a trace, `evidence` only in `patches`."""

    type: Literal["patch"]
    image: Index
    """Index of the image among `images`."""
    box_xyxy: Box
    """`[x1, y1, x2, y2]` in pixels of the image, origin top left."""
    score: float
    """Detector score, 0 to 1, not calibrated; 1 for a patch that no detector found."""
    category: str
    """The phrase that it was found with, or "image"."""
    evidence: Literal["answer", "reference", "rejected"] | None = None
    """Its role: the answer is, counts or names it (`answer`), others were compared with it (`reference`),
    or it was found and dropped (`rejected`); null where the run does not say."""


@dataclass(frozen=True, slots=True)
class _Usage(Record):
    """Tokens of language models, and what was billed for them."""

    prompt_tokens: int
    """Tokens read."""
    completion_tokens: int
    """Tokens written."""
    cost_usd: float | None
    """US dollars; null where prices are not known."""


@dataclass(frozen=True, slots=True)
class _Failure(Record):
    """Why there is no answer."""

    kind: FailureKind
    """The kind of failure."""
    line: int | None
    """Line of the program, counted from 1; null if the failure has no line."""
    message: str
    """What was wrong."""


@dataclass(frozen=True, slots=True)
class _Doubt(Record):
    """A condition of the question that the answer may not meet."""

    condition: str
    """The condition."""
    why: str
    """Why it is in doubt."""
    needs: str = ""
    """The role of a model that would settle it; empty where none would."""


@dataclass(frozen=True, slots=True)
class _Finding(Record):
    """Something that the checks found, so that the program was not run."""

    kind: FailureKind
    """Kind of failure."""
    line: int
    """Line of the program."""
    message: str
    """What is wrong."""


@dataclass(frozen=True, slots=True)
class _CallSite(Record):
    """A call of the API in the source."""

    line: int
    """Line of the program."""
    method: str
    """Name of the method, as in a call record."""
    literals: tuple[str | int | float | bool | tuple[str, ...] | None, ...]
    """One per argument: a literal, a list of texts, or null for anything else."""
    repeats: bool
    """Whether it may run more than once."""


PatchField: TypeAlias = Annotated[dict[str, Any], JsonForm(_Patch, dict)]
UsageField: TypeAlias = Annotated[Usage, JsonForm(_Usage, Usage.to_json), MEASURE]
FailureField: TypeAlias = Annotated[Failure, JsonForm(_Failure)]
DoubtField: TypeAlias = Annotated[Doubt, JsonForm(_Doubt)]
FindingField: TypeAlias = Annotated[Finding, JsonForm(_Finding)]
SiteField: TypeAlias = Annotated[CallSite, JsonForm(_CallSite)]
