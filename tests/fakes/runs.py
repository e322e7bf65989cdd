"""Runs of every kind, made with fake models."""

from __future__ import annotations

from fakes.backends import FakeDetector, FakeMatcher
from fakes.cups import CUPS, DOGS, picture
from fakes.generators import ScriptedGenerator
from viper.errors import GenerationError

FIND = "def execute_command(image):\n    return ImagePatch(image).find('cup')\n"

PROGRAMS = {
    "number": "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n",
    "patches": FIND,
    "bare body in prose": "Here it is:\n```python\nreturn len(image_patch.find('cup'))\n```\nGood luck!",
    "dict, set and tuple": (
        "def execute_command(image):\n    patch = ImagePatch(image)\n    cups = patch.find('cup')\n"
        "    return {'red': [c for c in cups if c.verify_property('cup', 'red')],"
        " 'n': {3, 1, 2}, 2: (1.5, None, True, cups[0]), 'spots': {c for c in cups}}\n"
    ),
    "floats": "def execute_command(image):\n"
    "    return [p.horizontal_center / 3 for p in image.find('cup')]\n",
    "caught ValueError": (
        "def execute_command(image):\n    patch = ImagePatch(image)\n    try:\n        patch.find('')\n"
        "    except ValueError as error:\n        print(error)\n    return patch.exists('cup')\n"
    ),
    "prints": "def execute_command(image):\n"
    "    print('a', 1, [2.5])\n    print('ünïcödé ✓')\n    return 'x'\n",
    "a hundred calls": (
        "def execute_command(image):\n    patch = ImagePatch(image)\n    n = 0\n    for i in range(100):\n"
        "        n += patch.crop(0, 0, 10 + i % 50, 80).exists('cup')\n    return n\n"
    ),
    "same call twice": (
        "def execute_command(image):\n    patch = ImagePatch(image)\n"
        "    return len(patch.find('dog')) + len(patch.find('dog')) + patch.exists('dog')\n"
    ),
    "a choice of patches": (
        "def execute_command(image):\n    cups = ImagePatch(image).find('cup')\n"
        "    return [best_image_match(cups, ['red cup']), best_image_match(cups, 'red cup', True),"
        " cups[0].best_text_match(['red', 'blue'])]\n"
    ),
    "uses the question": (
        "def execute_command(image, query, possible_answers):\n"
        "    return query + str(possible_answers) + str(len(image.find('dog')))\n"
    ),
    "runtime failure": "def execute_command(image):\n    print('so far')\n    return image.find('cup')[50]\n",
    "returns None": "def execute_command(image):\n    image.find('cup')\n",
    "returns no value": "def execute_command(image):\n    return ImagePatch\n",
    "syntax": "return 1 +",
    "check": "return image_patch.find(2)",
    "policy": "import os\nreturn os.getcwd()",
    "unserved role": "def execute_command(image):\n    return image.compute_depth()\n",
    "nothing at all": "",
}  # fmt: skip


def fakes():
    """Models that know cups, dogs and what is red."""
    return {
        "detector": FakeDetector(CUPS | DOGS),
        "matcher": FakeMatcher(
            {"red cup": 0.5, "red": 0.4, "blue": 0.3, "cup": 0.2},
            {(10.0, 0.0, 18.0, 20.0): {"red cup": 0.1}},
        ),
    }


def run_of(fake_engine, source, *, task="vqa", question="", choices=(), options=None):
    """Return the answer of a program."""
    engine = fake_engine(options=options, **fakes())
    return engine.run_program(source, picture(), task=task, question=question, choices=choices)


def repaired(fake_engine):
    """A run whose first program failed."""
    sources = ["return image_patch.find('cup')[20]", "return len(image_patch.find('cup'))"]
    return fake_engine(ScriptedGenerator(sources), **fakes()).ask(picture(), "How many cups?")


def never_mended(fake_engine):
    """A run that ends because no further program could be written."""
    sources = ["return image_patch.find('cup')[20]"]
    return fake_engine(ScriptedGenerator(sources), **fakes()).ask(picture(), "How many cups?")


class Voters:
    """Writes several programs for one question, one of them never."""

    name, can_repair = "voters", True

    def __init__(self, sources):
        self.sources = list(sources)

    async def generate(self, requests):
        source = self.sources.pop(0)
        if source is None:
            raise GenerationError("It is silent.")
        from viper.programs.program import Program

        return [Program(source, self.name) for _ in requests]

    async def aclose(self):
        pass


def voted(fake_engine):
    """A run in which five programs voted."""
    eight, three = "return len(image_patch.find('cup'))", "return len(image_patch.find('dog'))"
    sources = [three, eight, None, eight, "return image_patch.find('cup')[20]"]
    engine = fake_engine(Voters(sources), options={"votes": 5}, **fakes())
    return engine.ask(picture(), "How many cups?")
