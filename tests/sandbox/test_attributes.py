import pytest

from viper_sandbox.execute import Failed
from viper_sandbox.namespace import guarded_getattr, guarded_write


@pytest.mark.parametrize(
    "expression",
    [
        "image.__class__",
        "image._box_xyxy",
        "image._session",
        "image.find.__self__",
        "image.find.__globals__",
        "''.__class__.__base__.__subclasses__()",
        "(x for x in []).gi_frame",
        "(x for x in []).gi_code",
        "(x for x in []).gi_yieldfrom",
        "image.ag_frame",
        "image.cr_frame",
        "image.tb_frame",
        "image.f_back",
        "image.f_globals",
        "f'{image.__class__}'",
        "f'{1:{image.__class__}}'",
        "[p.__dict__ for p in []]",
        "(lambda: image.__init__)()",
    ],
)
def test_hides_attribute(findings, expression):
    found = findings(f"def execute_command(image):\n    return {expression}")
    assert [f for f in found if f[:2] == ("policy", 2) and "is hidden from programs" in f[2]]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (int, "mro"),
        (str, "format"),
        (str, "mro"),
        ("", "format_map"),
        ("", "encode"),
        ("", "__class__"),
        (b"", "decode"),
        (len, "__self__"),
        ((x for x in ()), "gi_frame"),
        ((x for x in ()), "throw"),
        (lambda: 1, "__globals__"),
        (ValueError("x"), "with_traceback"),
        (ValueError("x"), "__traceback__"),
        (AttributeError("x"), "obj"),
        (StopIteration(), "value"),
        (object(), "anything"),
        (list[int], "__origin__"),
        (1 + 2j, "real"),
        (print, "__self__"),
        (type, "mro"),
    ],
)
def test_guard_denies_at_run_time_what_the_table_does_not_list(owner, name):
    with pytest.raises(AttributeError):
        guarded_getattr(owner, name)


def test_guard_goes_by_exact_type():
    class Text(str):
        pass

    with pytest.raises(AttributeError, match="'Text' object has no attribute 'upper'"):
        guarded_getattr(Text("a"), "upper")


def test_guard_suggests_what_was_meant():
    with pytest.raises(AttributeError, match="Did you mean 'strip'"):
        guarded_getattr("a", "stip")


@pytest.mark.parametrize("owner", [(), "a", {1}, range(3), 1])
def test_items_are_stored_in_lists_and_dicts_only(owner):
    with pytest.raises(TypeError, match="does not support item assignment"):
        guarded_write(owner)


def test_an_unknown_attribute_found_at_run_time_can_be_caught(run_here):
    source = """
    def execute_command(image):
        things = [3]
        try:
            return things[0].left
        except AttributeError as error:
            return str(error)
    """
    assert run_here(source) == "'int' object has no attribute 'left' here."


def test_exceptions_show_their_arguments(run_here):
    source = """
    def execute_command(image):
        try:
            raise ValueError("a", 1)
        except ValueError as error:
            return error.args
    """
    assert run_here(source) == ("a", 1)


def test_a_type_leads_nowhere(run_here):
    outcome = run_here("def execute_command(image):\n    t = str\n    return t.format('{}', 1)")
    assert outcome == Failed(
        "runtime", "AttributeError: type 'str' has no attribute 'format' here.", 3
    )
