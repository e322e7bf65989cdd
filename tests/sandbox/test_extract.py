import pytest

from viper_sandbox.extract import extract

PROGRAM = "def execute_command(image):\n    return 1\n"


@pytest.mark.parametrize(
    "text",
    [
        PROGRAM,
        "\n\n" + PROGRAM + "\n\n",
        "\ufeff" + PROGRAM,
        PROGRAM.replace("\n", "\r\n"),
        "    def execute_command(image):\n        return 1",
        f"```python\n{PROGRAM}```",
        f"```\n{PROGRAM}```\n",
        f"~~~py\n{PROGRAM}~~~",
        f"```python\n{PROGRAM}",
        f"Sure! Here is the program:\n\n```python\n{PROGRAM}```\n\nIt returns 1.",
        f"First:\n```python\nx = 1\n```\nthen:\n```python\n{PROGRAM}```",
        f"```python\ndef execute_command(image):\n    return 0\n```\nBetter:\n```python\n{PROGRAM}```",
        "1. Item:\n   ```python\n   def execute_command(image):\n       return 1\n   ```",
        f"Here is the code:\n{PROGRAM}",
        f"{PROGRAM}\nThis program returns the number one.",
        f"Certainly:\n\n{PROGRAM}\nIt works.\n\nLet me know if you need more!",
        f"{PROGRAM}\nresult = execute_command(image)\nprint(execute_command(image))",
        f'{PROGRAM}\n\nif __name__ == "__main__":\n    execute_command(None)',
        f"python\n{PROGRAM}",
        f"Python3\n\n{PROGRAM}",
        f"{PROGRAM}```",
        f"{PROGRAM}    ```\nThat is all.",
        f"   ```python\n{PROGRAM}  ```",
        f"{PROGRAM}```\n\nIt returns 1, and `x` is not used.",
        "```python def execute_command(image):\n    return 1```",
        ">>> def execute_command(image):\n>>>     return 1",
        ">>> def execute_command(image):\n...     return 1\n",
        f"from the left we count:\n\n{PROGRAM}",
        "def execute_command(image):\n    return (0\n\nI mean:\n\n" + PROGRAM,
    ],
)
def test_takes_the_program_out_of(text):
    assert extract(text) == PROGRAM


def test_keeps_imports_helpers_and_blank_lines():
    source = "import math\n\nLIMIT = 2\n\n\ndef helper(x):\n\n    return x\n\n\n" + PROGRAM
    assert extract(f"Code:\n```\n{source}```") == source


def test_keeps_fences_inside_a_string():
    source = 'def execute_command(image):\n    return """\n```\n"""\n'
    assert extract(source) == source


def test_a_lone_function_of_another_name_stays():
    assert extract("def answer(image):\n    return 1\n\nanswer(image)") == (
        "def answer(image):\n    return 1\n"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 1", "    return 1\n"),
        ("x = 1\n\nreturn x", "    x = 1\n\n    return x\n"),
        ('len(image.find("a"))', '    return len(image.find("a"))\n'),
        ("x = 2\nx + 1", "    x = 2\n    return x + 1\n"),
        ("(1 +\n 2)", "    return (1 +\n     2)\n"),
        ("    x = 1\n    return x", "    x = 1\n    return x\n"),
        ("x = 1\n    return x", "    x = 1\n    return x\n"),
        ("if image:\n    return 1\nreturn 2", "    if image:\n        return 1\n    return 2\n"),
        ("# why\nreturn 1", "    # why\n    return 1\n"),
        ("import math\nreturn math.pi", "    import math\n    return math.pi\n"),
        (
            "def double(x):\n    return 2 * x\nreturn double(2)",
            "    def double(x):\n        return 2 * x\n    return double(2)\n",
        ),
        (
            "def double(x):\n    return 2 * x\nn = 2\ndouble(n) + 1",
            "    def double(x):\n        return 2 * x\n    n = 2\n    return double(n) + 1\n",
        ),
        ("é = 1; é", "    é = 1; return é\n"),
    ],
)
def test_wraps_a_bare_body(body, expected):
    assert extract(body) == "def execute_command(image):\n" + expected


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("return query", "(image, query)"),
        ("return possible_answers[0]", "(image, possible_answers)"),
        (
            "if query:\n    return query\nreturn possible_answers",
            "(image, query, possible_answers)",
        ),
        ("return process_guesses(question, [])", "(image, question)"),
        ("query = 'a'\nreturn query", "(image)"),
    ],
)
def test_a_bare_body_gets_the_arguments_that_it_uses(body, head):
    assert extract(body).startswith(f"def execute_command{head}:\n")


def test_a_script_opens_no_image_and_returns_what_it_prints():
    script = "path = 'a.jpg'\nimage = Image.open(path)\nn = len(image.find('a'))\nprint(n)"
    assert extract(script) == (
        "def execute_command(image):\n    path = 'a.jpg'\n    n = len(image.find('a'))\n    return (n)\n"
    )


def test_a_prose_line_before_a_bare_body_is_cut():
    assert (
        extract("Sure:\nx = 1\nreturn x")
        == "def execute_command(image):\n    x = 1\n    return x\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "def execute_command(image):\n    return (\n\ndef helper(x):\n    return 1\n",
        "def execute_command(image):\n    x = = 1\n    y = 2\n    return y\n",
        "def execute_command(image):\n    import math\n    x = = 1\n    return x\n",
    ],
)
def test_a_part_of_a_broken_program_is_no_program(text):
    assert extract(text) == text


def test_wraps_a_bare_body_in_a_fence():
    assert extract("Answer:\n```python\nreturn 1\n```") == PROGRAM


def test_gives_a_bare_body_its_image_patch():
    assert extract('return image_patch.exists("dog")') == (
        "def execute_command(image):\n"
        "    image_patch = ImagePatch(image)\n"
        '    return image_patch.exists("dog")\n'
    )


def test_leaves_an_image_patch_that_is_assigned():
    assert extract("image_patch = ImagePatch(image)\nreturn 1").count("image_patch") == 1


def test_does_not_indent_the_inside_of_a_string():
    assert extract('x = """a\nb"""\nreturn x') == (
        'def execute_command(image):\n    x = """a\nb"""\n    return x\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "yes", "I cannot answer that.", "```\n```", "yes, no", "[1, 2]", "('a', (b,))"),
        '{"program": "def f(image): return 1"}',
    ],
)
def test_prose_is_no_program(text):
    assert not extract(text).startswith("def ")


def test_a_broken_program_is_kept_for_its_error():
    assert extract("Here:\n```python\ndef execute_command(image):\n    return (\n```\nDone.") == (
        "def execute_command(image):\n    return (\n"
    )


@pytest.mark.parametrize("text", ["python\n" * 5_000, "python; " * 60, "py\n" * 3 + "\n"])
def test_thousands_of_leftovers_are_no_trouble(text):
    assert extract(text + "\n" + PROGRAM).endswith(PROGRAM)
