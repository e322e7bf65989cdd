"""Settings: what counts, where it comes from, and what a file may not say."""

from __future__ import annotations

import re
import tomllib
import traceback
from pathlib import Path

import pytest

from docs.tooling.settings_page import with_tables
from viper import ConfigError
from viper.engine.options import OLD_NAMES
from viper.settings.schema import (
    OTHER_VARIABLES,
    SECRETS,
    Settings,
    load_settings,
    names,
    unknown_variables,
    variable_of,
)

CLIP = "transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
"""What a preset names as its matcher."""

OTHERS = {
    "models": "small", "generator": "local:model", "sandbox": "partial", "timeout_s": 7.5,
    "model_call_s": 3.0, "cache_mb": 1.0, "max_batch": 5, "cache": "folder", "prefetch": False,
    "best_effort": True,
    "text_cache": "texts",
    "program_cache": "programs.sqlite",
    "max_attempts": 9, "votes": 4, "max_cost_usd": 0.5, "max_tokens": 77,
    "backends.detector": "onnx:a.onnx", "backends.matcher": "colors", "backends.depth": "stub",
    "backends.answerer": "openai:m", "backends.language": "openai:m",
    "serve.host": "::1", "serve.port": 0, "serve.concurrency": 3, "serve.queue": 0,
    "serve.max_upload_mb": 1.5, "serve.max_pixels": 100, "serve.grace_s": 2.0,
}  # fmt: skip
"""A value of each setting that is not its default."""


def written(name, value):
    text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    table, _, key = name.rpartition(".")
    return (f"[{table}]\n" if table else "") + f"{key} = {text}\n"


def value_and_origin(tree, wanted):
    ((value, origin),) = [(v, o) for name, v, o in tree.rows() if name == wanted]
    return str(value) if isinstance(value, Path) else value, origin


def from_file(tmp_path, text, environment=None):
    (tmp_path / "viper.toml").write_text(text, encoding="utf-8")
    return load_settings(environment or {}, tmp_path)


def test_every_setting_is_tried_here():
    assert set(OTHERS) == set(names())


@pytest.mark.parametrize("name", OTHERS)
def test_environment_counts_before_the_file_and_the_file_before_the_default(tmp_path, name):
    file = tmp_path / "mine.toml"
    file.write_text(written(name, OTHERS[name]), encoding="utf-8")
    default, origin = value_and_origin(load_settings({}, tmp_path), name)
    assert (origin.kind, str(origin)) == ("default", "default")
    assert default != OTHERS[name]
    named = {"VIPER_CONFIG": str(file)}
    value, origin = value_and_origin(load_settings(named, tmp_path), name)
    assert (value, origin.kind, str(origin)) == (OTHERS[name], "file", str(file))
    if default is not None:
        text = str(default).lower() if isinstance(default, bool) else str(default)
        value, origin = value_and_origin(load_settings(named | {variable_of(name): text}), name)
        assert (value, str(origin)) == (default, variable_of(name))


def test_tables_are_nested_with_two_underscores():
    tree = load_settings({"VIPER_SERVE__PORT": "81", "VIPER_BACKENDS__DEPTH": "stub"})
    assert (tree.values.serve.port, tree.values.backends.depth) == (81, "stub")
    assert tree.changed() == {"backends.depth": "stub", "serve.port": 81}


def test_an_empty_variable_sets_nothing():
    assert load_settings({"VIPER_MODELS": " "}).changed() == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('modles = "x"', "has an unknown setting 'modles'. Did you mean 'models'?"),
        ('[serve]\nprot = 1', "has an unknown setting 'serve.prot'. Did you mean 'serve.port'"),
        ("votes = 0", "The setting votes (FILE) should be greater than or equal to 1, but got 0."),
        ("votes = '3'", "The setting votes (FILE) should be a valid integer, but got '3'."),
        ("votes = true", "should be a valid integer, but got True."),
        ("timeout_s = true", "should be a valid number, but got True."),
        ("prefetch = 0", "should be a valid boolean, but got 0."),
        ("lookahead = 0", "The setting prefetch (FILE) should be a valid boolean, but got 0."),
        ("cache = 3", "The setting cache (FILE)"),
        ("timeout_s = inf", "should be a finite number, but got inf."),
        ("[serve]\nport = 70000", "The setting serve.port (FILE) should be less than or equal to 65535"),
        ("serve = 3", "'serve' must be a table: [serve]."),
        ("models = ", "FILE is not TOML"),
    ],
    ids=["unknown", "unknown in a table", "range", "type", "truth", "truth for a time", "boolean", "old name",
         "path", "infinite", "port", "table", "syntax"],
)  # fmt: skip
def test_a_wrong_file_is_told_with_file_key_and_value(tmp_path, text, complaint):
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, text)
    assert complaint in str(caught.value).replace(str(tmp_path / "viper.toml"), "FILE")


def test_a_wrong_variable_is_told_by_its_name():
    with pytest.raises(ConfigError, match=r"The setting votes \(VIPER_VOTES\) .* but got 'many'"):
        load_settings({"VIPER_VOTES": "many"})


def test_a_file_that_was_named_and_is_not_there_is_told(tmp_path):
    with pytest.raises(
        ConfigError, match=r"VIPER_CONFIG names 'no\.toml', but there is no such file"
    ):
        load_settings({"VIPER_CONFIG": "no.toml"}, tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[backends]\ndetector = "ultralytics:a.pt?trust=true"', "run the code that a model file may hold"),
        ('sandbox = "partial"', "weaken the sandbox"),
        ('program_cache = "theirs.sqlite"', "choose the file that programs are read from"),
        ('memo = "theirs.sqlite"', "choose the file that programs are read from"),
        ('[serve]\nhost = "0.0.0.0"', "open the server to a network"),
        ('generator = "openai:m?base_url=https://example.org/v1"', "to another machine"),
        ('[backends]\nanswerer = "openai:m?base_url=http://localhost.example.org"', "to another machine"),
        ('[backends]\nmatcher = "open_clip:./model"', "beyond the presets"),
        ('[backends]\nmatcher = "open_clip:hf-hub:a/b?download=true"', "beyond the presets"),
        (f'[backends]\nmatcher = "{CLIP}?download=true"', "beyond the presets"),
        (f'[backends]\nmatcher = "{CLIP}?revision=refs/pr/1"', "beyond the presets"),
        (f'[backends]\nmatcher = "{CLIP}?templates=t.txt"', "beyond the presets"),
        (f'[backends]\ndetector = "{CLIP}"', "beyond the presets"),
        ('[backends]\ndetector = "onnx:a.onnx"', "beyond the presets"),
        ('[backends]\ndetector = "ultralytics:a.pt"', "beyond the presets"),
        ('[backends]\nanswerer = "limber:./folder"', "beyond the presets"),
        ('[backends]\nanswerer = "openai:m"', "beyond the presets"),
        ('[backends]\ndetector = "truth:scenes.json"', "beyond the presets"),
        ('[backends]\ndetector = "builtin?download=true"', "beyond the presets"),
        ('models = "truth:scenes.json"', "beyond the presets"),
        ('generator = "local:./model"', "beyond the presets"),
        ('generator = " local : ./model"', "beyond the presets"),
        ('generator = "auto:local:./model"', "beyond the presets"),
        ('generator = "auto: local:./model?download=true"', "beyond the presets"),
        ('generator = "plugin:./model"', "beyond the presets"),
        ('cache = "results"', "choose the folder that results are read from"),
    ],
    ids=["code", "sandbox", "programs", "programs by an old name", "server", "generator", "backend", "folder",
         "fetched", "fetched of a preset", "revision", "file of templates", "model of another role", "onnx",
         "ultralytics", "limber", "service",
         "truth", "option of a built-in", "models", "local", "local with blanks", "local behind the grammar",
         "local fetched", "plugin", "cache"],
)  # fmt: skip
def test_a_file_that_merely_lies_there_cannot_lower_the_guard(tmp_path, text, reason):
    with pytest.raises(ConfigError, match=reason):
        from_file(tmp_path, text)
    # Named by the user it is the user's own word.
    load_settings({"VIPER_CONFIG": str(tmp_path / "viper.toml")})


@pytest.mark.parametrize(
    "text",
    ['models = "small"', 'models = "builtin"', 'generator = "auto"', 'generator = "grammar"',
     'generator = "auto:openai:m"', '[backends]\nmatcher = "colors"', '[backends]\ndetector = "builtin"',
     '[backends]\ndetector = "transformers:iSEE-Laboratory/llmdet_base?device=cuda&score_threshold=0.3"'],
)  # fmt: skip
def test_a_file_that_merely_lies_there_may_name_what_presets_name(tmp_path, text):
    assert from_file(tmp_path, text).changed()


def test_a_found_file_may_name_what_the_users_own_presets_name(tmp_path, monkeypatch):
    own = tmp_path / "presets.toml"
    own.write_text('[presets.mine]\ndescription = "Mine."\ndetector = "onnx:mine.onnx"\n')
    text = '[backends]\ndetector = "onnx:mine.onnx"'
    with pytest.raises(ConfigError, match="beyond the presets"):
        from_file(tmp_path, text)
    monkeypatch.setenv("VIPER_PRESETS", str(own))
    assert from_file(tmp_path, text).values.backends.detector == "onnx:mine.onnx"


def test_a_file_may_name_a_server_on_this_machine(tmp_path):
    text = 'generator = "openai:m?base_url=http://localhost:8000/v1"'
    assert from_file(tmp_path, text).values.generator.endswith("8000/v1")


@pytest.mark.parametrize(
    "text",
    ['api_key = "hush-hush"', '[serve]\ntoken = "hush-hush"',
     'generator = "openai:m?api_key=hush-hush"',
     'generator = "openai:m?base_url=http://me:hush-hush@localhost/v1"',
     'generator = "openai:sk-hush-hush"', 'max_tokens = "Bearer hush-hush"'],
    ids=["key", "token", "in a reference", "in an address", "like a key", "a header"],
)  # fmt: skip
@pytest.mark.parametrize("is_named", [False, True], ids=["found", "named"])
def test_secrets_in_a_file_are_refused_and_not_repeated(tmp_path, text, is_named):
    file = tmp_path / "viper.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="environment variable") as caught:
        load_settings({"VIPER_CONFIG": str(file)} if is_named else {}, tmp_path)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [('models = {api_key = "hush-hush"}', "a table"), ('models = ["hush-hush"]', "a list")],
    ids=["table", "list"],
)
def test_what_is_inside_a_wrong_value_is_not_repeated(tmp_path, text, shown):
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, text)
    assert str(caught.value).endswith(f"models ({tmp_path / 'viper.toml'}) should be a valid string, "
                                      f"but got {shown}.")  # fmt: skip
    printed = "".join(traceback.format_exception(caught.value))  # what --debug shows
    assert "hush" not in printed


def test_a_limit_of_tokens_is_no_secret(tmp_path):
    text = "max_tokens = 9\ngenerator = 'openai:m?max_tokens=500'"
    assert from_file(tmp_path, text).values.generator == "openai:m?max_tokens=500"
    with pytest.raises(
        ConfigError, match=r"unknown setting 'max_token'\. Did you mean 'max_tokens'"
    ):
        from_file(tmp_path, "max_token = 9")


def test_secrets_in_variables_of_settings_are_refused_and_not_repeated():
    with pytest.raises(ConfigError, match=r"VIPER_GENERATOR\) holds a secret") as caught:
        load_settings({"VIPER_GENERATOR": "openai:m?api_key=hush-hush"})
    assert "hush" not in str(caught.value)


def test_unknown_variables_are_reported_and_others_are_not():
    known = dict.fromkeys([*OTHER_VARIABLES, *SECRETS, *map(variable_of, names()), "PATH"], "x")
    assert unknown_variables(known) == unknown_variables({"VIPER_MODLES": ""}) == []
    (sentence,) = unknown_variables({"VIPER_MODLES": "x"})
    assert sentence.startswith(
        "The variable VIPER_MODLES is unknown and does nothing. Did you mean 'VIPER_M"
    )


@pytest.mark.parametrize(("old", "new"), [("lookahead", "prefetch"), ("memo", "program_cache")])
def test_names_of_0_1_are_read(tmp_path, old, new):
    value = {"prefetch": False, "program_cache": "off"}[new]
    text = "false" if value is False else value
    assert (OLD_NAMES[old], unknown_variables({variable_of(old): text})) == (new, [])
    tree = load_settings({variable_of(old): text})
    assert (str(tree.changed()[new]), str(tree.origins[new])) == (str(value), variable_of(old))
    assert value_and_origin(from_file(tmp_path, written(old, value)), new)[0] == value
    both = {variable_of(old): text, variable_of(new): "true"}
    assert str(load_settings(both).changed()[new]).lower() == "true"


def test_defaults_are_those_of_the_engine():
    import inspect

    from viper import Engine

    parameters = inspect.signature(Engine).parameters
    for name in Settings.model_fields:
        if name not in ("backends", "serve"):
            assert getattr(Settings(), name) == parameters[name].default, name


PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_lists_what_the_code_knows():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page), "python -m docs.tooling.settings_page docs/configuration.md"
    assert all(f"`{variable_of(name)}`" in page for name in names())


def test_the_example_on_the_page_is_accepted(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    tomllib.loads(example)
    assert set(from_file(tmp_path, example).changed()) == {
        "models", "timeout_s", "backends.detector", "serve.port",
    }  # fmt: skip
