import pytest

from viper_sandbox.api import Api, accepts, bind, parse_type


class Patch:
    pass


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("str", ["", "a"], [1, None, b"a"]),
        ("float", [1.5, 2], [True, "1"]),
        ("int", [2], [2.0, True]),
        ("bool", [True], [1]),
        ("str | None", ["a", None], [0]),
        ("Optional[int]", [1, None], ["a"]),
        ("list[str]", [[], ["a"]], [("a",), ["a", 1], "a"]),
        ("list[str] | str", [["a"], "a"], [[1]]),
        ("ImagePatch | float", [Patch(), 1.0], ["a"]),
        ("list[ImagePatch]", [[Patch()]], [[None]]),
        ("dict[str, int]", [{}, {"a": 1}], [{1: 1}, {"a": "b"}]),
        ("Literal['a', 1]", ["a", 1], ["b", True, 1.0]),
        ("list[list[int]]", [[[1]]], [[1]]),
    ],
)
def test_type_accepts_and_refuses(text, good, bad):
    rules = parse_type(text)
    assert all(accepts(rules, value, Patch) for value in good)
    assert not any(accepts(rules, value, Patch) for value in bad)


@pytest.mark.parametrize(
    "text", ["object", "Callable", "list", "dict[int, str]", "tuple[int]", "str +"]
)
def test_refuses_type_that_cannot_cross(text):
    with pytest.raises(ValueError, match="Unknown wire type"):
        parse_type(text)


def test_a_broken_specification_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="The specification is incomplete: KeyError"):
        Api.from_wire({"attributes": []})


def test_binds_positions_keywords_and_defaults(api):
    query = api.functions["llm_query"]
    assert bind(query, ("q",), {}) == ("q", True)
    assert bind(query, (), {"long_answer": False, "question": "q"}) == ("q", False)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "misses the argument 'question'"),
        (("q", True, 3), {}, "takes at most 2 arguments but 3 were given"),
        (("q",), {"long": True}, "has no argument 'long'. Did you mean 'long_answer'"),
        (("q",), {"question": "q"}, "got two values for 'question'"),
    ],
)
def test_refuses_arguments_like_python(api, args, kwargs, message):
    with pytest.raises(TypeError, match=message):
        bind(api.functions["llm_query"], args, kwargs)


def test_only_what_a_model_serves_is_remote(api):
    assert api.remote("ImagePatch.find").is_method
    assert not api.remote("llm_query").is_method
    for name in ("ImagePatch.crop", "distance", "find", "ImagePatch.", "", "a.b.c", "os.find"):
        assert api.remote(name) is None
