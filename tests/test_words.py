"""One word for one idea: identifiers of the product use the terms of the field."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ["viper", "sandbox/viper_sandbox", "benchmarks/viper_benchmarks", "docs/tooling"]

INSTEAD = {
    "Inquiry": "QueryRun",
    "Workbench": "EngineServices",
    "Recorder": "TraceBuilder",
    "Outcome": "ProgramResult",
    "Run": "VisionClient",
    "Scheduler": "ModelPool",
    "Account": "AnswerMetrics",
    "CallCost": "CallMetrics",
    "Ledger": "Budget",
    "Worth": "PrefetchPolicy",
    "Lookahead": "Prefetcher",
    "Known": "RecordedCalls",
    "Memo": "ProgramCache",
    "Doubts": "Backend.doubt",
    "Refuses": "Matcher.refusal",
    "Verifies": "Matcher.certainty",
    "MeasuresDepth": "DepthModel.measure",
    "Staged": "Backend.stages",
    "Blame": "ErrorAttribution",
    "Judge": "Scorer",
    "Nursery": "ZygoteClient",
    "Line": "AsyncFrameSocket",
    "Channel": "FrameSocket",
    "Conversation": "ProgramProtocol",
    "Gate": "RequestMiddleware",
    "Problem": "ApiError",
    "TestWriter": "PredicateWriter",
}
"""Class of an earlier version → its name now, or the method that took its place."""

WORDS = {
    "told": "reported",
    "shown": "quoted or displayed",
    "taken": "used or reserved",
    "known": "cached, recorded or vocabulary",
    "asked": "requested",
    "inquiry": "query run",
    "workbench": "services",
    "ledger": "budget",
    "nursery": "zygote client",
    "lookahead": "prefetch",
    "memo": "program cache",
    "blame": "error attribution",
    "worth": "policy",
    "cure": "fix",
    "colour": "color",
    "picture": "image",
    "pictures": "images",
    "thing": "object",
    "things": "objects",
}
"""Word in an identifier → what to say instead."""

ALIASES = {
    "viper/trace/version_2.py": {"lookahead", "memo", "picture"},
    "viper/serve/openapi.py": {"picture"},
    "viper/builtin/world/__init__.py": {"Thing"},
    "viper/builtin/world/render.py": {"things"},
    "viper/builtin/world/scene.py": {"things"},
}
"""File → identifiers with an old word that a user types, or reads in JSON, and that therefore stay."""


def words_of(identifier):
    """Return the words of an identifier, in lower case: `_readMemo_of` gives read, memo, of."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)


def identifiers(path):
    """Yield each identifier of a module with its line."""
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield token.string, token.start[0]


def modules():
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def old_words(path):
    """Return where a module uses an old word, and what to say instead."""
    found = []
    allowed = ALIASES.get(path.relative_to(ROOT).as_posix(), ())
    for name, line in identifiers(path):
        instead = INSTEAD.get(name) or next(
            (WORDS[word.lower()] for word in words_of(name) if word.lower() in WORDS), None
        )
        if instead is not None and name not in allowed:
            found.append(f"{path.relative_to(ROOT)}:{line}: {name} (say: {instead})")
    return found


def test_identifiers_use_the_words_of_the_field():
    assert [place for path in modules() for place in old_words(path)] == []


def test_every_alias_is_still_needed():
    for file, names in ALIASES.items():
        unused = set(names) - {name for name, _ in identifiers(ROOT / file)}
        assert not unused, f"{file} has no {', '.join(sorted(unused))}: take them out of ALIASES"


def test_no_module_of_the_product_is_called_a_test():
    assert [
        path.name for path in modules() if re.match(r"test_|.*_test\.|testing\.", path.name)
    ] == []


@pytest.mark.parametrize("name", ["Scheduler", "is_known", "_MEMO_FILE", "readThing", "things"])
def test_an_old_word_is_noticed(tmp_path, monkeypatch, name):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "a.py").write_text(f"{name} = unknown = 1\n")
    assert len(old_words(tmp_path / "a.py")) == 1
