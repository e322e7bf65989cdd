"""The API of generated programs, read once from the stubs `api_spec/*.pyi`.

The prompt, the program check, the child's method table, the API docs and the check of modules all use the
`ApiSpec` of this module. Programs cannot call anything else.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from viper.errors import ConfigError
from viper.models.roles import ROLES, Role
from viper.storage.resources import data_folder

__all__ = [
    "PATCH",
    "ApiCallable",
    "ApiSpec",
    "Attribute",
    "HandleClass",
    "Parameter",
    "attributes_of",
    "callable_of",
    "load_spec",
    "parse_stub",
]

PATCH = "ImagePatch"

Literal_ = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method or function, `self` left out."""

    name: str
    type: str
    """Type as written in the stub, such as "str" or "list[ImagePatch]"."""
    required: bool = True
    default: Literal_ = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """A scalar attribute of ImagePatch or of a handle."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True, slots=True)
class HandleClass:
    """A class whose objects stay on the host; programs hold a handle and read its attributes."""

    name: str
    attributes: tuple[Attribute, ...]
    doc: str

    @property
    def summary(self) -> str:
        """First sentence of the docstring."""
        return self.doc.partition("\n")[0].strip()


@dataclass(frozen=True, slots=True)
class ApiCallable:
    """A method of ImagePatch (`is_method`) or a free function."""

    name: str
    is_method: bool
    parameters: tuple[Parameter, ...]
    returns: str
    needs: Role | None
    """The role that the method needs; None if no model serves it."""
    doc: str
    ends: bool = False
    """Whether it may end the program: such a call goes to the host, which needs no model for it."""

    @property
    def remote(self) -> bool:
        """Whether a call is sent to the host; the others are geometry, which runs in the sandbox child."""
        return self.needs is not None or self.ends

    @property
    def qualified_name(self) -> str:
        """`ImagePatch.find` for a method, the bare name for a function."""
        return f"{PATCH}.{self.name}" if self.is_method else self.name

    @property
    def summary(self) -> str:
        """First sentence of the docstring."""
        return self.doc.partition("\n")[0].strip()

    @property
    def example(self) -> str:
        """Code of the docstring's `Example:` section, without the prompts."""
        lines = self.doc.partition("Example:")[2].splitlines()
        return "\n".join(line.strip()[4:] for line in lines if line.strip().startswith(">>>"))

    @property
    def signature(self) -> str:
        """Python signature, as in `find(object_name: str) -> list[ImagePatch]`."""
        parts = [
            f"{p.name}: {p.type}" + ("" if p.required else f" = {p.default!r}")
            for p in self.parameters
        ]
        return f"{self.name}({', '.join(parts)}) -> {self.returns}"


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """All attributes, methods, functions and classes that a program may use."""

    attributes: tuple[Attribute, ...]
    constructor: ApiCallable
    callables: tuple[ApiCallable, ...]
    """Methods of ImagePatch first, then functions, in the order of the stubs."""
    handles: tuple[HandleClass, ...] = ()
    """Classes of modules whose objects stay on the host."""

    def remote(self) -> Iterator[ApiCallable]:
        """Yield the callables whose calls are sent to the host."""
        return (c for c in self.callables if c.remote)

    def with_more(
        self, callables: Sequence[ApiCallable], handles: Sequence[HandleClass]
    ) -> ApiSpec:
        """Return this API extended by the callables and classes of a module; names must not clash."""
        # A stable sort: methods first.
        ordered = sorted((*self.callables, *callables), key=lambda c: not c.is_method)
        return replace(self, callables=tuple(ordered), handles=(*self.handles, *handles))

    def to_wire(self) -> dict[str, Any]:
        """Return the API as plain data for the sandbox: names, types, defaults, and what is remote."""

        def describe(entry: ApiCallable) -> dict[str, Any]:
            return {
                "params": [asdict(parameter) for parameter in entry.parameters],
                "returns": entry.returns,
                "remote": entry.remote,
            }

        return {
            "attributes": [a.name for a in self.attributes],
            "constructor": describe(self.constructor),
            "methods": {c.name: describe(c) for c in self.callables if c.is_method},
            "functions": {c.name: describe(c) for c in self.callables if not c.is_method},
            "handles": {h.name: [a.name for a in h.attributes] for h in self.handles},
        }


@functools.cache
def load_spec() -> ApiSpec:
    """Read the shipped stubs; the result is shared and immutable."""
    sources = (
        (entry.name, entry.read_text(encoding="utf-8"))
        for entry in sorted(data_folder("api_spec").iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".pyi")
    )
    return parse_stub(sources)


def parse_stub(sources: Iterable[tuple[str, str]]) -> ApiSpec:
    """Parse stub texts into one spec.

    Args:
        sources: (file name, text) of each stub; exactly one holds `class ImagePatch`.

    Raises:
        ConfigError: A stub does not have the required form; the message says where.
    """
    attributes: list[Attribute] = []
    constructor: ApiCallable | None = None
    methods: list[ApiCallable] = []
    functions: list[ApiCallable] = []
    for name, text in sources:
        for node in ast.parse(text, filename=name).body:
            if isinstance(node, ast.ClassDef) and node.name == PATCH:
                attributes += attributes_of(node)
                for member in node.body:
                    if isinstance(member, ast.FunctionDef):
                        parsed = callable_of(member, name, ROLES, is_method=True)
                        if member.name == "__init__":
                            constructor = parsed
                        else:
                            methods.append(parsed)
            elif isinstance(node, ast.FunctionDef):
                functions.append(callable_of(node, name, ROLES, is_method=False))
    if constructor is None:
        raise ConfigError(f"No stub declares 'class {PATCH}' with an '__init__'.")
    return ApiSpec(tuple(attributes), constructor, (*methods, *functions))


def attributes_of(node: ast.ClassDef) -> Iterator[Attribute]:
    """Yield the annotated names of a class, each with the docstring below it."""
    for field, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            doc = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                doc = str(following.value.value)
            yield Attribute(field.target.id, ast.unparse(field.annotation), doc)


def callable_of(
    node: ast.FunctionDef, file: str, roles: Sequence[Role], *, is_method: bool
) -> ApiCallable:
    """Read one `def` of a stub.

    Args:
        node: The definition.
        file: Name of the stub, for messages.
        roles: Roles that it may need.
        is_method: Whether it belongs to `class ImagePatch`.

    Raises:
        ConfigError: It does not have the required form; the message says where.
    """
    where = f"{file}:{node.lineno}: {node.name}"
    doc = ast.get_docstring(node)
    if not doc:
        raise ConfigError(f"{where} has no docstring; the prompt and the docs are made of it.")
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        raise ConfigError(f"{where} must have plain parameters only (no *, / or **).")
    named = arguments.args[1:] if is_method else arguments.args
    first_default = len(named) - len(arguments.defaults)
    parameters = []
    for index, argument in enumerate(named):
        if argument.annotation is None:
            raise ConfigError(f"{where}: parameter '{argument.arg}' has no type.")
        default = arguments.defaults[index - first_default] if index >= first_default else None
        parameters.append(
            Parameter(
                argument.arg,
                ast.unparse(argument.annotation),
                required=default is None,
                default=None if default is None else ast.literal_eval(default),
            )
        )
    if node.returns is None:
        raise ConfigError(f"{where} has no return type.")
    return ApiCallable(
        node.name,
        is_method,
        tuple(parameters),
        ast.unparse(node.returns),
        _needs(node, where, roles),
        doc,
        any(_is_ending(decorator) for decorator in node.decorator_list),
    )


def _needs(node: ast.FunctionDef, where: str, roles: Sequence[Role]) -> Role | None:
    needed: Role | None = None
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(
                func=ast.Name(id="needs"), args=[ast.Constant(value=str(role))], keywords=[]
            ):
                if role not in roles:
                    raise ConfigError(
                        f"{where} needs the unknown role {role!r}; one of {', '.join(roles)}."
                    )
                if needed is not None:
                    raise ConfigError(f"{where} needs two roles; a method is served by one model.")
                needed = role
            case _ if not _is_ending(decorator):
                raise ConfigError(
                    f"{where} has a decorator other than @needs(role) and @ends_program."
                )
    return needed


def _is_ending(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id == "ends_program"
