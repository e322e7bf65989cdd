"""Caches keep few texts, and short ones: no function of a stranger's text keeps a long one."""

import ast
import functools
import gc
import importlib
import random
import re
import weakref
from pathlib import Path

import pytest

from viper.vocabulary.text_cache import LONGEST_CACHED, cached_by_text

ROOT = Path(__file__).parents[2]
STANDARD = {"lru_cache", "cache"}
FOLDERS = ["viper", "sandbox/viper_sandbox", "benchmarks/viper_benchmarks"]

NO_STRANGERS_TEXT = {
    "viper/engine/engine.py": "no argument",
    "viper/engine/more_models.py": "roles",
    "benchmarks/viper_benchmarks/tasks/refcoco.py": "1,024 sentences of at most 1,000 letters",
    "viper/trace/model.py": "classes of ours",
    "viper/storage/sqlite.py": "layouts of ours",
    "benchmarks/viper_benchmarks/perf/attacks.py": "no argument",
    "viper/trace/page.py": "packaged files",
    "viper/serve/static_files.py": "packaged files, by the names of the routes",
    "viper/serve/redaction.py": "references of the server's own configuration",
    "viper/plugins.py": "folders of this process",
    "viper/builtin/loading.py": "folders of models, two of them",
    "viper/oracle/scene_file.py": "files of scenes, two of them",
    "viper/models/options.py": "classes of ours",
    "viper/programs/api_spec.py": "no argument",
    "viper/vocabulary/categories.py": "no argument, and the classes of a detector",
    "viper/vocabulary/lemmas.py": "no argument",
    "viper/generate/examples.py": "no argument, and the tasks",
    "viper/generate/prompt.py": "no argument, and packaged files",
    "viper/generate/program_cache/cache.py": "the API",
    "viper/generate/program_cache/template.py": "no argument",
    "viper/generate/grammar/reading/chart.py": "phrases of our rules",
    "viper/generate/grammar/vocabulary/spelling.py": "no argument",
    "viper/backends/colors.py": "no argument",
    "viper/backends/onnx_files.py": "paths of models",
    "viper/images/decoder_child.py": "no argument",
    "sandbox/viper_sandbox/api.py": "types of stubs",
    "sandbox/viper_sandbox/kernel.py": "no argument",
    "sandbox/viper_sandbox/seccomp.py": "no argument",
}
"""Modules with a cache of the standard library, and what its keys are."""

CACHED = {
    "viper.vocabulary.categories": ["singular"],
    "viper.oracle.phrase_parser": ["content_words", "singular_noun"],
    "viper.generate.grammar.vocabulary.words": [
        *("kinds", "singular", "plural", "verb_lemma", "gerund", "positive"),
    ],
    "viper.generate.grammar.vocabulary.spelling": ["correction"],
    "viper.generate.examples": ["_features", "_lemmas"],
    "viper.generate.program_cache.word_forms": ["word_class", "lemma", "_plural"],
}


def cached_functions():
    """Yield the module and the name of each function with a cache of the standard library."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "cache" not in source:
                continue
            for node in ast.walk(ast.parse(source)):
                for decorator in getattr(node, "decorator_list", ()):
                    called = decorator.func if isinstance(decorator, ast.Call) else decorator
                    if getattr(called, "attr", getattr(called, "id", "")) in STANDARD:
                        yield path.relative_to(ROOT).as_posix(), node.name


def test_no_function_of_a_text_has_a_cache_of_the_standard_library():
    found = set(cached_functions())
    assert {module for module, _ in found} <= set(NO_STRANGERS_TEXT)
    assert ("viper/programs/api_spec.py", "load_spec") in found  # the control
    applied = [
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"lru_cache\([^)]*\)\(", path.read_text(encoding="utf-8"))
    ]
    assert [path.name for path in applied] == ["text_cache.py"]


class Word(str):
    """A text that can be referred to weakly, so that a test sees whether somebody keeps it."""

    __slots__ = ("__weakref__",)


LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in CACHED.items() for name in names]
)
def test_a_long_word_is_not_kept(module, name):
    function = getattr(importlib.import_module(module), name)
    word = Word("".join(random.Random(name).choices(LETTERS, k=600)))
    kept = weakref.ref(word)
    function(word)
    del word
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("length", [65, 100, 1_000, 50_000, 1_000_000])
def test_control_a_cache_of_the_standard_library_keeps_it(length):
    def kept_by(decorate):
        function = decorate(len)
        word = Word("x" * length)
        reference = weakref.ref(word)
        assert function(word) == length
        del word
        gc.collect()
        return reference() is not None

    assert kept_by(functools.lru_cache(maxsize=4))
    assert not kept_by(cached_by_text(4))


def test_short_texts_are_cached_and_the_oldest_dropped():
    calls = []
    function = cached_by_text(2)(lambda text: calls.append(text) or len(text))
    for text in ("a", "a", "bb", "ccc", "bb", "a"):
        assert function(text) == len(text)
    assert calls == ["a", "bb", "ccc", "a"]
    long = "x" * (LONGEST_CACHED + 1)
    assert function(long) == function(long) == LONGEST_CACHED + 1
    assert calls[-2:] == [long, long]


@pytest.mark.parametrize(
    "word",
    ["a" * 900, "light" * 180, "ab" * 450, "nightstand" * 90, "-".join("light" * 90)],
    ids=lambda word: word[:12],
)
def test_the_time_of_a_long_compound_word_is_short(word):
    words = importlib.import_module("viper.generate.grammar.vocabulary.words")
    calls = []

    def counted(text, *rest, original=words.base_forms):
        calls.append(text)
        return original(text, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "base_forms", counted)
        words.kinds(word)
        words.singular(word)
        assert len(calls) < 30
        calls.clear()
        patch.setattr(words, "_LONGEST_COMPOUND", 10**9)  # the control
        words.singular(word[:58] + "qx")
        assert len(calls) > 100
