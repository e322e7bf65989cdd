import pytest

from viper_sandbox.execute import Failed


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'{} {}'.format(1, 'a')", "1 a"),
        ("'{1}{0}'.format(1, 2)", "21"),
        ("'{n:>3}|{x:.1f}'.format(n=1, x=2.25)", "  1|2.2"),
        ("'{:{w}}'.format(1, w=4)", "   1"),
        ("'{{}}'.format()", "{}"),
        ("'{!r}'.format('a')", "'a'"),
        ("f'{1:>{3}}'", "  1"),
        ("f'{1.25:.1f} {image.width!r:>6}'", "1.2    300"),
        ("'%s %d%%' % ('a', 5)", "a 5%"),
        ("'{}'.format(image)", "ImagePatch(left=0, lower=0, right=300, upper=200)"),
    ],
)
def test_formats(run_here, expression, value):
    assert run_here(f"def execute_command(image):\n    return {expression}") == value


@pytest.mark.parametrize(
    "template",
    ["{0.__class__}", "{0[0]}", "{0._box_xyxy}", "{a.b}", "{:{0.real}}", "{0!r:{1.x}}"],
)
def test_fields_cannot_reach_into_arguments(run_here, template):
    outcome = run_here(
        f"def execute_command(image):\n    return {template!r}.format(image, 1, a=1)"
    )
    assert isinstance(outcome, Failed)
    assert outcome.kind == "runtime"
    assert "must be a plain name or number" in outcome.message


@pytest.mark.parametrize("template", ["{", "}", "{0!z}", "{0:{1:{2}}}"])
def test_malformed_templates_raise_a_value_error(run_here, template):
    outcome = run_here(f"def execute_command(image):\n    return {template!r}.format(1, 2, 3)")
    assert isinstance(outcome, Failed)
    assert outcome.message.startswith("ValueError")


def test_format_map_does_not_exist(findings):
    assert findings("def execute_command(image):\n    return '{a}'.format_map({'a': 1})") == [
        ("check", 2, "There is no attribute 'format_map' in programs. Did you mean 'format'?")
    ]
