"""No text of a stranger is split by `splitlines`, which ends lines where Python and JSON do not.

Programs go through `viper_sandbox.source_lines.lines_of`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("viper", "sandbox/viper_sandbox", "benchmarks/viper_benchmarks")

OWN = "a text of Viper"
MACHINE = "a file of the machine"
ONE_LINE = "a message or reply, of which one line is kept"
LIST = "a list that comes with a model or data; a line is a name or sample and gives no place"
ALLOWED = {
    "benchmarks/viper_benchmarks/cli.py": OWN,
    "benchmarks/viper_benchmarks/on_ray.py": ONE_LINE,
    "benchmarks/viper_benchmarks/perf/machine.py": MACHINE,
    "benchmarks/viper_benchmarks/perf/suite/__init__.py": OWN,
    "benchmarks/viper_benchmarks/selection.py": LIST,
    "benchmarks/viper_benchmarks/task_command.py": OWN,
    "sandbox/viper_sandbox/process.py": MACHINE,
    "sandbox/viper_sandbox/zygote_process.py": ONE_LINE,
    "viper/backends/batch_gauge.py": MACHINE,
    "viper/backends/onnx.py": LIST,
    "viper/backends/prompt_templates.py": LIST,
    "viper/builtin/words.py": OWN,
    "viper/doctor/machine.py": MACHINE,
    "viper/errors.py": ONE_LINE,
    "viper/generate/grammar/vocabulary/spelling.py": OWN,
    "viper/generate/grammar/vocabulary/word_table.py": OWN,
    "viper/generate/grammar/writing/helpers.py": OWN,
    "viper/generate/prompt.py": OWN,
    "viper/methods/image_patch.py": ONE_LINE,
    "viper/programs/api_spec.py": OWN,
    "viper/scheduling/replica.py": MACHINE,
    "viper/testing/module_check.py": ONE_LINE,
    "viper/vocabulary/attributes.py": OWN,
    "viper/vocabulary/categories.py": OWN,
}
"""File → why it may call `splitlines`. What displays, compares or replays programs must not be here."""
DISPLAYS = ("viper/cli/", "viper/replay/", "viper/serve/", "viper/texts/", "viper/trace/")


def splits(source: str) -> int:
    """Return how often a module uses `splitlines`; the word in a text does not count."""
    tree = ast.walk(ast.parse(source))
    return sum(isinstance(node, ast.Attribute) and node.attr == "splitlines" for node in tree)


def users() -> set[str]:
    paths = [path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 200
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if splits(path.read_text(encoding="utf-8"))
    }


def test_every_use_of_splitlines_is_on_a_text_that_no_stranger_writes_or_on_no_program():
    assert users() == set(ALLOWED)
    assert not [path for path in ALLOWED if path.startswith(DISPLAYS)]


@pytest.mark.parametrize(
    ("source", "count"),
    [("attempt.source.splitlines()", 1), ("map(str.splitlines, texts)", 1),
     ("first.splitlines(), second.splitlines(keepends=True)", 2), ("f(x)[0].splitlines()[1:]", 1),
     ("def f(): return '\\n'.join(text.splitlines())", 1), ("'splitlines strip'.split()", 0)],
)  # fmt: skip
def test_each_form_of_a_use_is_found(source, count):
    assert splits(source) == count
