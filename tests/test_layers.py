"""The rooms of the house: which package may import which, read off the import statements of every module.

All imports count: those at the top, those in functions and those for type checkers alone.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    "usage texts",
    "viper_sandbox errors vocabulary progress_bars",
    "plugins storage environment",
    "images",
    "models",
    "programs llm weights oracle",
    "backends scheduling trace",
    "methods generate limber",
    "modules builtin",
    "engine",
    "replay serve testing",
    "settings",
    "doctor",
    "cli",
    "__init__ __main__",
]
"""Each room may import those of the lines above it."""
FACE = {"__init__", "__main__", "errors", "plugins", "progress_bars", "usage"}
"""Modules that stand at the top of `viper/`, outside any package."""

LINE_OF = {room: line for line, rooms in enumerate(LAYERS) for room in rooms.split()}


def modules(*folders):
    """Return the path of each module by its name."""
    found = {}
    for folder in folders:
        base = (ROOT / folder).parent
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(source, names):
    """Return which of the modules a source text imports."""
    wanted = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            wanted.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                wanted.add(inner if inner in names else node.module)
    return wanted & names


def arrows(found):
    """Return which modules each module imports."""
    names = set(found)
    return {
        name: imported(path.read_text(encoding="utf-8"), names) - {name}
        for name, path in found.items()
    }


def room(module):
    """Return the room that a module stands in."""
    top, _, rest = module.partition(".")
    return top if top != "viper" else rest.partition(".")[0] or "__init__"


def running_back(graph):
    """Return the arrows between rooms that do not point to a line above."""
    return [
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in sorted(others)
        if room(name) != room(other) and LINE_OF[room(other)] >= LINE_OF[room(name)]
    ]


def circle(graph):
    """Return modules that import each other in a circle, in order; empty if there are none."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        path.append(name)
        for other in sorted(graph[name]):
            if found := visit(other):
                return found
        path.pop()
        done.add(name)
        return []

    return next(filter(None, map(visit, graph)), [])


HOUSE = arrows(modules("viper", "sandbox/viper_sandbox"))


def test_every_room_has_its_place_in_the_layers():
    assert {room(name) for name in HOUSE} == set(LINE_OF)


def test_no_arrow_between_rooms_runs_back():
    assert running_back(HOUSE) == []


def test_no_files_import_each_other_in_a_circle():
    assert circle(HOUSE) == []
    assert circle(arrows(modules("benchmarks/viper_benchmarks"))) == []


def test_the_sandbox_imports_nothing_of_viper():
    assert all(room(other) == "viper_sandbox" for name, others in HOUSE.items()
               if room(name) == "viper_sandbox" for other in others)  # fmt: skip


def test_nothing_of_viper_imports_the_benchmarks():
    sources = modules("viper", "sandbox/viper_sandbox").values()
    assert not any(
        "viper_benchmarks" in imported(p.read_text(), {"viper_benchmarks"}) for p in sources
    )


def test_few_modules_stand_outside_the_rooms():
    assert {path.stem for path in (ROOT / "viper").glob("*.py")} == FACE


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("viper.images.boxes", "from viper.trace.record import Trace", 1),
        ("viper.images.boxes", "def f():\n    import viper.engine.engine", 1),
        ("viper.images.boxes", "if TYPE_CHECKING:\n    from viper.cli import ask", 1),
        ("viper.trace.record", "from viper.images import boxes", 0),
    ],
    ids=["back", "in a function", "for types", "forward"],
)  # fmt: skip
def test_an_arrow_that_runs_back_is_noticed(module, source, expected):
    assert len(running_back({module: imported(source, set(HOUSE))})) == expected


def test_a_circle_is_noticed():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
