from __future__ import annotations

import textwrap

import pytest

from viper.errors import ConfigError
from viper.modules.stub import MAX_STUB_BYTES, read_stub

METHOD = '''
class ImagePatch:
    @needs("reader")
    def read_text({parameters}) -> {returns}:
        """Read."""
'''
MASK = '''
class Mask:
    """A mask."""
    area: float
    """Share."""
'''


def read(text):
    return read_stub(textwrap.dedent(text), "api.pyi", ["reader"])


def method(parameters="self", returns="str", before=""):
    return read(before + METHOD.format(parameters=parameters, returns=returns))


def function(name, rest="() -> str", body='"""Doc."""', needs='@needs("reader")'):
    return read(f"{needs}\ndef {name}{rest}:\n    {body}\n")


def test_methods_come_before_functions_and_objects_are_known_to_both():
    api = read(
        '@needs("reader")\ndef area_of(mask: Mask) -> float:\n    """Doc."""\n'
        + MASK
        + METHOD.format(parameters="self, many: bool = True", returns="list[Mask] | None")
    )
    assert [entry.qualified_name for entry in api.callables] == ["ImagePatch.read_text", "area_of"]
    (handle,) = api.handles
    assert [(a.name, a.type, a.doc) for a in handle.attributes] == [("area", "float", "Share.")]


@pytest.mark.parametrize(
    "returns",
    [
        "bool", "int", "float", "str", "None", "ImagePatch", "Literal['a', 2, None]", "list[ImagePatch]",
        "dict[str, float]", "Optional[str]", "list[dict[str, int]] | None",
    ],
)  # fmt: skip
def test_every_wire_type_is_accepted(returns):
    assert method(returns=returns).callables[0].returns.replace('"', "'") == returns


@pytest.mark.parametrize(
    "returns",
    ["bytes", "Any", "object", "list", "dict[int, str]", "tuple[int, int]", "numpy.ndarray", "set[str]",
     "Mask", "'str'", "list[str, int]", "Union[int, str]", "(lambda: 1)()", "list[Hidden]"],
)  # fmt: skip
def test_other_types_are_refused_with_the_place(returns):
    with pytest.raises(ConfigError, match=r"^api\.pyi:4: Unknown wire type .*; known: str, int"):
        method(returns=returns)


@pytest.mark.parametrize(
    ("stub", "complaint"),
    [
        (
            "x = 1",
            "1: a stub holds class ImagePatch, classes of handles and functions only, not Assign",
        ),
        ("import os", "1: a stub holds .* not Import"),
        ("from os import path", "1: a stub holds .* not ImportFrom"),
        ("if True:\n    pass", "1: a stub holds .* not If"),
        ("def f(:", "1: this is not Python"),
        ("", "1: the stub declares no method and no function"),
        ("#" * MAX_STUB_BYTES + "##", "1: the stub has 65,538 bytes; at most 65,536"),
        ("class ImagePatch(object):\n    pass", "1: class ImagePatch must have no bases"),
        ("class ImagePatch:\n    x: int", "2: class ImagePatch of a module holds methods only"),
        ("(" * 3000, "1: "),
    ],
)
def test_what_has_no_place_in_a_stub_is_refused(stub, complaint):
    with pytest.raises(ConfigError, match=rf"^api\.pyi:{complaint}"):
        read(stub)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("execute_command", "means something else in programs"),
        ("len", "means something else in programs"),
        ("eval", "means something else in programs"),
        ("print", "means something else in programs"),
        ("math", "means something else in programs"),
        ("image", "means something else in programs"),
        ("image_patch", "means something else in programs"),
        ("distance", "is taken by Viper itself"),
        ("absent", "is taken by Viper itself"),
        ("unsure", "is taken by Viper itself"),
        ("ends_program", "means something else in programs"),
        ("ImagePatch", "is taken by Viper itself"),
        ("_hidden", "is private"),
        ("__import__", "is private"),
        ("tb_frame", "is hidden from programs"),
        ("é", "must be ASCII"),
        ("n" * 65, "must be ASCII, with at most 64 characters"),
    ],
)
def test_a_function_cannot_take_a_name_that_means_something(name, complaint):
    with pytest.raises(ConfigError, match=complaint):
        function(name)


@pytest.mark.parametrize("name", ["find", "left", "crop", "__init__", "_x", "gi_code"])
def test_a_method_cannot_hide_a_member(name):
    with pytest.raises(ConfigError, match=r"taken by Viper itself|private|hidden"):
        read(METHOD.replace("read_text", name).format(parameters="self", returns="str"))


@pytest.mark.parametrize(
    ("stub", "complaint"),
    [
        ({"needs": ""}, "f has no @needs"),
        (
            {"needs": '@needs("ears")'},
            "needs the unknown role 'ears'; one of detector, .*, reader",
        ),
        ({"needs": '@needs(role="reader")'}, "decorator other than @needs"),
        ({"needs": '@needs("reader")\n@cache'}, "decorator other than @needs"),
        ({"needs": "@ends_program"}, "f has @ends_program, which only Viper's own functions have"),
        (
            {"needs": '@needs("reader")\n@ends_program'},
            "f has @ends_program, which only Viper's own",
        ),
        ({"body": "pass"}, "the body of f must be its docstring"),
        ({"body": '"""Doc."""\n    return 1'}, "the body of f must be its docstring"),
        ({"body": "..."}, "f has no docstring"),
        ({"rest": "(*a: str) -> str"}, "plain parameters only"),
        ({"rest": "(a) -> str"}, "parameter 'a' has no type"),
        ({"rest": "()"}, "no return type"),
        ({"rest": "(_a: str) -> str"}, "'_a' is private"),
        ({"rest": "(self: str) -> str"}, "parameter 'self' too many"),
        ({"rest": "(a: int = 'x') -> str"}, "default 'x' of a is not of type int"),
        ({"rest": "(a: int = open('x')) -> str"}, "not a literal"),
        ({"rest": "(a: list[int] = []) -> str"}, "default of a must be a text, number or None"),
        ({"rest": "() -> ImagePatch"}, "returns ImagePatch, but no argument says on which image"),
        ({"rest": "(a: Literal[b'x']) -> str"}, "a Literal holds texts"),
        (
            {"rest": f"({', '.join(f'a{i}: int' for i in range(17))}) -> str"},
            "more than 16 parameters",
        ),
        ({"rest": f"() -> {' | '.join(['int'] * 60)}"}, "a type of 357 characters"),
        ({"needs": '@needs("reader")\n@needs("reader")'}, "f needs two roles"),
    ],
)
def test_a_function_of_another_form_is_refused(stub, complaint):
    with pytest.raises(ConfigError, match=r"^api\.pyi:\d+: .*" + complaint):
        function("f", **stub)


@pytest.mark.parametrize(
    ("mask", "complaint"),
    [
        (MASK.replace("float", "list[float]"), "Mask.area must be bool, int, float or str"),
        (MASK.replace("float", "ImagePatch"), "Mask.area must be bool"),
        (MASK.replace("float", "None"), "Mask.area must be bool"),
        (MASK.replace("area", "__class__"), "is private"),
        (MASK.replace("area", "gi_frame"), "is hidden"),
        (MASK.replace("area: float", "area: float = 1.0"), "it declares attributes"),
        (MASK + "    def grow(self) -> None: ...\n", "it declares attributes"),
        (MASK + "    area: int\n", "declares an attribute twice"),
        (MASK.replace('"""A mask."""', ""), "class Mask has no docstring"),
        (MASK.replace("Mask", "ValueError"), "'ValueError' is taken"),
        (MASK.replace("Mask", "Mask(dict)"), "must have no bases"),
        (MASK + MASK, "'Mask' is taken"),
        (MASK + "".join(f"    a{i}: int\n" for i in range(33)), "more than 32 attributes"),
    ],
)
def test_a_class_that_is_more_than_attributes_is_refused(mask, complaint):
    with pytest.raises(ConfigError, match=complaint):
        method(before=mask)


def test_a_result_that_could_be_of_two_classes_is_refused():
    with pytest.raises(ConfigError, match="one of several classes of handles"):
        method(returns="Mask | Outline", before=MASK + MASK.replace("Mask", "Outline"))


def test_a_name_is_declared_once():
    with pytest.raises(ConfigError, match="'f' is declared twice"):
        read('@needs("reader")\ndef f() -> str:\n    """D."""\n' * 2)
