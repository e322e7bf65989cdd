import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viper_sandbox.numerals import coerce_to_numeric


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("about 3 apples", 3),
        ("1,200", 1200),
        ("1,234,567.5 km", 1234567.5),
        ("10-15", 10),
        ("10 - 15", 10),
        ("$3.50", 3.5),
        ("-4", -4),
        ("it is -4.5 degrees", -4.5),
        ("−7", -7),
        ("25to26", 25),
        (".5", 0.5),
        ("1e3", 1000),
        ("3.0", 3),
        ("50%", 50),
        ("no 4", 4),
        ("2 thousand", 2000),
        ("3.5 million people", 3500000),
        ("zero", 0),
        ("three", 3),
        ("Three.", 3),
        ("twelve", 12),
        ("nineteen", 19),
        ("twenty", 20),
        ("twenty-five", 25),
        ("twenty five", 25),
        ("one hundred", 100),
        ("a hundred", 100),
        ("hundred", 100),
        ("one hundred and five", 105),
        ("two hundred seventeen", 217),
        ("three thousand four hundred and fifty-six", 3456),
        ("twenty-one thousand", 21000),
        ("a thousand and one", 1001),
        ("a dozen", 12),
        ("two dozen eggs", 24),
        ("minus five", -5),
        ("one two", 1),
        ("two or 3", 2),
        ("three and a half", 3),
        ("there are about fifteen or so", 15),
        (True, 1),
        (2.0, 2),
        (2.5, 2.5),
        (7, 7),
    ],
)
def test_reads(text, value):
    number = coerce_to_numeric(text)
    assert number == value
    assert type(number) is type(value) or text is True


@pytest.mark.parametrize(
    "text", ["", "none", "a few", "someone", "a", "and", "1e999", math.nan, math.inf]
)
def test_raises_a_value_error_without_a_number(text):
    with pytest.raises(ValueError):
        coerce_to_numeric(text)


@pytest.mark.parametrize("value", [None, [], b"1"])
def test_raises_a_type_error_for_other_types(value):
    with pytest.raises(TypeError, match="needs a text or a number"):
        coerce_to_numeric(value)


@given(st.text())
def test_no_text_raises_anything_but_a_value_error(text):
    try:
        number = coerce_to_numeric(text)
    except ValueError:
        return
    assert math.isfinite(number)


@given(st.integers(-(10**15), 10**15))
def test_reads_back_what_was_written(number):
    assert coerce_to_numeric(f"{number}") == number
    assert coerce_to_numeric(f"{number:,}") == number


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()
)
_ONES += "fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(number):
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10 - 2] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        rest = f" and {spell(number % 100)}" if number % 100 else ""
        return f"{_ONES[number // 100]} hundred{rest}"
    rest = f" {spell(number % 1000)}" if number % 1000 else ""
    return f"{spell(number // 1000)} thousand{rest}"


@given(st.integers(0, 999_999))
def test_reads_number_words(number):
    assert coerce_to_numeric(f"I see {spell(number)} of them") == number
