"""Functional programs over scenes of solids, and what they come to: a meaning without any words.

A program is a tree of calls: `count(filter_color[red](relate[left](unique(…))))`. It is executed on the
facts of a scene, with nothing of the grammar, its logical forms or its programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.solids import VALUES, SolidScene


class NotUniqueError(Exception):
    """A description that ought to mean one solid means none or several."""


@dataclass(frozen=True)
class Call:
    name: str
    inputs: tuple[Call, ...] = ()
    value: str = ""

    def __str__(self) -> str:
        value = f"[{self.value}]" if self.value else ""
        return f"{self.name}{value}({', '.join(map(str, self.inputs))})"


SCENE = Call("scene")


def from_file(steps: Sequence[Mapping[str, Any]]) -> Call:
    """Build the tree of a program that a question file lists step by step."""
    built: list[Call] = []
    for step in steps:
        values = step.get("value_inputs") or step.get("side_inputs") or [""]
        name = step.get("type") or step["function"]
        built.append(Call(name, tuple(built[i] for i in step["inputs"]), values[0]))
    return built[-1]


def answer(program: Call, scene: SolidScene) -> str:
    """Return what a program comes to, as answers are written."""
    result = execute(program, scene)
    if isinstance(result, bool):
        return "yes" if result else "no"
    return str(result)


def execute(program: Call, scene: SolidScene) -> Any:
    """Return a set of solids, one solid (its index), a number, a truth value or an attribute.

    Raises:
        NotUniqueError: The program takes the one solid of a set of none or several.
    """
    inputs = [execute(call, scene) for call in program.inputs]
    kind, _, attribute = program.name.partition("_")
    if attribute in VALUES:
        return _with_attribute(kind, attribute, program.value, inputs, scene)
    match program.name, inputs:
        case "scene", []:
            return frozenset(range(len(scene.solids)))
        case "unique", [found]:
            if len(found) != 1:
                raise NotUniqueError(f"{program.inputs[0]} means {len(found)} solids")
            return next(iter(found))
        case "relate", [solid]:
            return scene.relations[program.value][solid]
        case "union", [first, second]:
            return first | second
        case "intersect", [first, second]:
            return first & second
        case "count", [found]:
            return len(found)
        case "exist", [found]:
            return bool(found)
        case "equal_integer", [first, second]:
            return first == second
        case "less_than", [first, second]:
            return first < second
        case "greater_than", [first, second]:
            return first > second
    raise AssertionError(f"no such function: {program}")


def _with_attribute(
    kind: str, attribute: str, value: str, inputs: list[Any], scene: SolidScene
) -> Any:
    match kind, inputs:
        case "filter", [found]:
            return frozenset(i for i in found if scene.solids[i][attribute] == value)
        case "query", [solid]:
            return scene.solids[solid][attribute]
        case "same", [solid]:
            wanted = scene.solids[solid][attribute]
            alike = {i for i, s in enumerate(scene.solids) if s[attribute] == wanted}
            return frozenset(alike - {solid})
        case "equal", [first, second]:
            return first == second
    raise AssertionError(f"no such function: {kind}_{attribute}")
