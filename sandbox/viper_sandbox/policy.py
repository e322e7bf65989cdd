"""The language policy: the Python constructs that programs may use.

`Policy` extends RestrictedPython's transformer and keeps its rule: an unknown syntax node is refused. It adds
constructs that generated programs use (`d[k] += 1`, `nonlocal`, annotations), more refusals (classes, `with`,
decorators, attribute stores), and messages that say what to write instead.

Every attribute load becomes a call of `_getattr_`, and every item store goes through `_write_`: these two
guards decide by the exact type of the object (see `namespace`). Item loads, iteration, unpacking and calls
stay plain Python, because all objects that a program can reach are of types with harmless operators. The
security boundary is not this policy but the confined process.
"""

from __future__ import annotations

import ast
from typing import Any

from RestrictedPython.transformer import INSPECT_ATTRIBUTES, RestrictingNodeTransformer

from viper_sandbox.findings import Finding

__all__ = ["REFUSED_NAMES", "apply_policy", "is_reserved"]

_REFUSED_NODES = {
    "ClassDef": "Classes are not part of programs. Use functions, dicts and lists.",
    "With": "'with' is not part of programs: they have no files or locks. Remove it.",
    "AsyncFunctionDef": "'async' is not part of programs. Write 'def'; calls return when done.",
    "AsyncFor": "'async for' is not part of programs. Write 'for'.",
    "AsyncWith": "'async with' is not part of programs. Remove it.",
    "Await": "'await' is not part of programs. Call the method directly.",
    "Match": "'match' is not part of programs. Write 'if' and 'elif'.",
    "TryStar": "'except*' is not part of programs. Write 'except'.",
    "TemplateStr": "Template strings are not part of programs. Write an f-string.",
    "TypeAlias": "'type' statements are not part of programs. Remove it.",
}

_INSTEAD = {
    "programs have no files": "open",
    "programs cannot ask anybody; use image_patch.simple_query(...)": "input",
    "programs cannot run text; use coerce_to_numeric(text) to read a number": "eval",
    "programs cannot run text": "exec compile",
    "write the attribute directly, as in patch.left": "getattr",
    "the attributes of ImagePatch are always there; use isinstance(x, ImagePatch)": "hasattr",
    "patches cannot be changed; keep the value in a variable or a dict": "setattr",
    "patches cannot be changed": "delattr",
    "use isinstance(x, str)": "type issubclass",
    "use None or an empty dict": "object",
    "classes are not part of programs": "super property staticmethod classmethod",
    "compare patches with ==": "id",
    "use the value itself as the key of a dict": "hash",
    "use a dict of your own": "vars dir globals locals",
    "use a list": "memoryview bytearray",
    "use str": "bytes",
    "use print(...)": "breakpoint help",
    "return the answer": "exit quit SystemExit",
    "catch Exception": "BaseException KeyboardInterrupt GeneratorExit BaseExceptionGroup ExceptionGroup",
    "use an f-string, as in f'{x:.1f}'": "format",
    "use repr(x)": "ascii",
    "use an f-string, as in f'{n:b}'": "bin",
    "use an f-string, as in f'{n:x}'": "hex",
    "use an f-string, as in f'{n:o}'": "oct",
    "use float": "complex",
    "use iter": "aiter",
    "use next": "anext",
}
REFUSED_NAMES = {name: hint for hint, names in _INSTEAD.items() for name in names.split()}
"""Python names that programs cannot use, and what to write instead."""


def is_reserved(name: str) -> bool:
    """Return whether a name is reserved for guards (`_name_`) or for Python itself (`__name`).

    A helper may be called `_area`, and a value that is not used `_` or `__`.
    """
    if not name.strip("_"):
        return False
    return name.startswith("__") or (name.startswith("_") and name.endswith("_"))


def apply_policy(tree: ast.Module) -> tuple[ast.Module, tuple[Finding, ...]]:
    """Rewrite a program so that attribute loads and item stores are guarded.

    Args:
        tree: The parsed program; it is changed in place.

    Returns:
        The guarded tree and the findings; with findings, the tree must not be compiled.
    """
    policy = Policy()
    guarded = policy.visit(tree)
    return guarded, tuple(policy.findings)


class Policy(RestrictingNodeTransformer):  # type: ignore[misc]  # mypy is told to skip the package
    """Collects a `Finding` for every refused construct, and guards the others."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[Finding] = []
        self._line = 1

    def visit(self, node: ast.AST) -> Any:
        """Visit a node; its line is used for children without one."""
        self._line = getattr(node, "lineno", self._line)
        return super().visit(node)

    def error(self, node: ast.AST, info: str) -> None:
        """Record a refusal."""
        line = getattr(node, "lineno", self._line)
        finding = Finding("policy", line, info)
        if finding not in self.findings:
            self.findings.append(finding)

    def not_allowed(self, node: ast.AST) -> None:
        """Record a construct that is not part of the language, and visit most contents."""
        name = type(node).__name__
        self.error(node, _REFUSED_NODES.get(name, f"'{name}' is not part of programs. Remove it."))
        # Messages about patterns, or about what a class does inside, would not help.
        if not isinstance(node, (ast.Match, ast.ClassDef)):
            self.node_contents_visit(node)

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        """Refuse names that could hide a guard."""
        if name is not None and is_reserved(name):
            instead = name.strip("_")
            hint = "Remove it." if name.startswith("__") else f"Write {instead!r}."
            self.error(node, f"Names like _this_ and __this are reserved, got {name!r}. {hint}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Allow names that are not reserved; `print` is a name like any other."""
        self.check_name(node, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """Guard attribute loads; refuse stores and hidden attributes."""
        if not isinstance(node.ctx, ast.Load):
            self.error(
                node,
                f"Attributes cannot be set or deleted, got '.{node.attr}'. "
                "Keep the value in a variable or a dict.",
            )
            return self.node_contents_visit(node)
        if node.attr.startswith("_") or node.attr in INSPECT_ATTRIBUTES:
            self.error(
                node,
                f"The attribute {node.attr!r} is hidden from programs. "
                "Use the attributes and methods of the ImagePatch API.",
            )
            return self.node_contents_visit(node)
        return super().visit_Attribute(node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """Guard item stores and deletions; loads stay as they are."""
        if isinstance(node.ctx, ast.Load):
            return self.node_contents_visit(node)
        return super().visit_Subscript(node)

    def visit_Call(self, node: ast.AST) -> Any:
        """Allow the construct; its parts are checked."""
        return self.node_contents_visit(node)

    visit_Assign = visit_Call  # noqa: N815
    visit_AugAssign = visit_Call  # noqa: N815  # attribute targets are refused as stores
    visit_Module = visit_Call  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """Drop the annotation, which is never evaluated."""
        if node.value is None:
            self.visit(node.target)
            return ast.copy_location(ast.Pass(), node)
        plain = ast.Assign(targets=[node.target], value=node.value)
        return self.visit(ast.copy_location(plain, node))

    def visit_For(self, node: ast.For) -> Any:
        """Allow loops over plain names."""
        self._check_target(node.target)
        return self.node_contents_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        """Allow comprehensions over plain names."""
        if node.is_async:
            self.error(node.target, "'async for' is not part of programs. Write 'for'.")
        self._check_target(node.target)
        return self.node_contents_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Allow functions without decorators; annotations are dropped."""
        for decorator in node.decorator_list:
            self.error(decorator, "Decorators are not part of programs. Call the function.")
        self.check_name(node, node.name)
        self.check_function_argument_names(node)
        node.returns = None
        return self.node_contents_visit(node)

    def visit_arg(self, node: ast.arg) -> Any:
        """Drop the annotation of a parameter."""
        node.annotation = None
        return node

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> Any:
        """Allow `global` and `nonlocal` for plain names."""
        for name in node.names:
            self.check_name(node, name)
        return node

    visit_Nonlocal = visit_Global  # noqa: N815

    def visit_Import(self, node: ast.Import) -> Any:
        """Check the names that are bound; `check` decides about the modules."""
        for alias in node.names:
            self.check_name(node, alias.asname or alias.name)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """Refuse star imports; drop `from __future__`, which has no effect here."""
        if node.module == "__future__":
            return ast.copy_location(ast.Pass(), node)
        for alias in node.names:
            if alias.name == "*":
                self.error(node, "'import *' is not part of programs. Name what you import.")
            else:
                self.check_name(node, alias.name)
                self.check_name(node, alias.asname)
        return node

    def visit_ClassDef(self, node: ast.AST) -> Any:
        """Refuse the construct."""
        self.not_allowed(node)
        return node

    visit_With = visit_ClassDef  # noqa: N815
    visit_TemplateStr = visit_ClassDef  # noqa: N815

    def _check_target(self, target: ast.expr) -> None:
        """Refuse loop targets that store into an object."""
        if isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self._check_target(element)
        elif isinstance(target, ast.Starred):
            self._check_target(target.value)
        elif not isinstance(target, ast.Name):
            self.error(target, "A loop variable must be a plain name. Assign the item in the loop.")
