"""A program that takes an item of what was not found fails because that is absent."""

import pytest

from fakes.street import run
from viper.methods import verdicts


def failure(body):
    outcome = run(body)
    assert outcome.value is None
    return outcome.failure


@pytest.mark.parametrize(
    "body",
    [
        'return image_patch.find("unicorn")[0].left',
        'unicorns = image_patch.find("unicorn")\nreturn unicorns[0].left',
        'unicorns = sorted(image_patch.find("unicorn"), key=lambda u: u.left)\nreturn unicorns[-1].left',
        'return image_patch.find("unicorn")[:3][0].left',
        'return list(reversed(image_patch.find("unicorn")))[0].left',
        'return max(image_patch.find("unicorn"), key=lambda u: u.left).left',
        'return min(u.left for u in image_patch.find("unicorn"))',
        'return next(iter(image_patch.find("unicorn"))).left',
        'return next(u for u in image_patch.find("unicorn")).left',
        'return image_patch.find("unicorn").pop().left',
        'one, two = image_patch.find("unicorn")\nreturn one.left',
        'kind = "unicorn"\nreturn image_patch.find(kind)[0].left',
        'for kind in ["dog", "unicorn"]:\n    left = image_patch.find(kind)[0].left\nreturn left',
        'names = [u.category for u in image_patch.find("unicorn")]\nreturn names[0]',
        "def first(found):\n    return found[0]\nreturn first(image_patch.find('unicorn')).left",
        "def all_of(kind):\n    return image_patch.find('unicorn')\nreturn all_of('unicorn')[0].left",
        'found = image_patch.find("unicorn") or []\nreturn found[0].left',
        'return best_image_match(image_patch.find("unicorn"), ["white"]).left',
        'u = image_patch.find("unicorn")\none = u[0] if u else None\nreturn one.left',
        'one = max(image_patch.find("unicorn"), key=lambda u: u.left, default=None)\nreturn one.left',
    ],
)
def test_an_item_of_what_was_not_found_is_absent(body):
    assert failure(body) == ("absent", verdicts.absence("unicorn"))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('found = [p for p in image_patch.find("person") if p.left > 999]\nreturn found[0].left',
         "person that fits"),
        ('return next(p for p in image_patch.find("person") if p.left > 999).left',
         "person that fits"),
        ('return list(filter(lambda p: p.left > 999, image_patch.find("person")))[0].left',
         "person that fits"),
        ("found = []\nfor p in image_patch.find('person'):\n    if p.left > 999:\n        found.append(p)\n"
         "return found[0].left", "person that fits"),
        ('people = image_patch.find("person")\npeople = [p for p in people if p.left > 999]\n'
         "return people[0].left", "person that fits"),
        ('return image_patch.find("dog")[1].left', "second dog"),
        ('dogs = image_patch.find("dog")\nreturn dogs[1].left', "second dog"),
        ('dogs = image_patch.find("dog")\nreturn dogs[40].left', "further dog"),
        ('one, two = image_patch.find("dog")\nreturn one.left', "second dog"),
        ('found = image_patch.find("unicorn") + image_patch.find("unicorn")\nreturn found[0].left',
         "unicorn"),
    ],
)  # fmt: skip
def test_the_name_says_what_there_was_none_of(body, name):
    assert failure(body) == ("absent", verdicts.absence(name))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("found = [1]\nreturn found[3]", "IndexError"),
        ('image_patch.find("unicorn")\nreturn "a b".split()[3]', "IndexError"),
        ("return max([])", "ValueError"),
        ("return next(iter([]))", "StopIteration"),
        ("one, two = [1]\nreturn one", "ValueError"),
        ('one, two = image_patch.find("person")\nreturn one.left', "ValueError"),
        ('found = image_patch.find("unicorn") + [image_patch]\nreturn found[4].left', "IndexError"),
        ('found = image_patch.find("unicorn")\nfound = [1]\nreturn found[2]', "IndexError"),
        ('return {"a": image_patch.find("unicorn")}["b"]', "KeyError"),
        ('image_patch.find("unicorn")\nreturn int("x")', "ValueError"),
        ("one = None\nreturn one.left", "AttributeError"),
        ("return absent_minded", "NameError"),
        ('raise IndexError(image_patch.find("unicorn"))', "IndexError"),
    ],
)
def test_an_error_that_has_nothing_to_do_with_find_is_the_programs(body, error):
    if "absent_minded" in body:
        body = "try:\n    x\nexcept NameError:\n    raise NameError('x')\nx = 1\nreturn x"
    kind, message = failure(body)
    assert kind == "runtime"
    assert message.startswith(error)


@pytest.mark.parametrize("caught", ["IndexError", "LookupError", "Exception"])
def test_what_a_program_catches_stays_its_own_affair(caught):
    body = f"""
    try:
        return image_patch.find("unicorn")[0].left
    except {caught}:
        return "caught\""""
    assert run(body).value == "caught"
