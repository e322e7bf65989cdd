"""Questions about scenes of solids, each with its meaning as a functional program.

Every family of compositional questions is told in several wordings: zero to three relations in a
chain, two relations of one solid, unions, solids alike in one attribute, and comparisons of numbers
and of attributes. A question is sampled together with its program, word by word, so that the program
is what the words mean and owes nothing to any parser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.fakes.solid_logic import SCENE, Call, execute
from tests.fakes.solids import RELATIONS, VALUES, SolidScene

WORDS = {
    "large": ("large", "big"),
    "small": ("small", "tiny"),
    "rubber": ("rubber", "matte"),
    "metal": ("metal", "metallic", "shiny"),
    "cube": ("cube", "block"),
    "sphere": ("sphere", "ball"),
    "cylinder": ("cylinder",),
    "left": ("left of", "to the left of", "on the left side of"),
    "right": ("right of", "to the right of", "on the right side of"),
    "front": ("in front of",),
    "behind": ("behind",),
}


class UnsuitedError(Exception):
    """The scene does not allow the question that was begun."""


@dataclass(frozen=True)
class Question:
    family: str
    text: str
    program: Call


@dataclass(frozen=True)
class Phrase:
    """A noun phrase without its article, and the program of what it means."""

    words: str
    program: Call

    def the(self) -> str:
        return f"the {self.words}"

    def a(self) -> str:
        return f"{'an' if self.words[0] in 'aeiou' else 'a'} {self.words}"


def sample(random: Random, scene: SolidScene) -> Question:
    """Return a question that the scene allows."""
    while True:
        family = random.choice(sorted(FAMILIES))
        try:
            text, program = FAMILIES[family](_Teller(random, scene))
        except UnsuitedError:
            continue
        return Question(family, text[0].upper() + text[1:], program)


def sample_expression(random: Random, scene: SolidScene) -> Question:
    """Return a referring expression: a noun phrase that means one solid of the scene."""
    tell = _Teller(random, scene)
    ways = {
        "chain": lambda: tell.chain(random.randint(0, 3)),
        "two relations": tell.both,
        "alike": tell.alike,
    }
    while True:
        family = random.choice(sorted(ways))
        try:
            phrase = ways[family]()
        except UnsuitedError:
            continue
        return Question(f"refer, {family}", phrase.the(), phrase.program)


class _Teller:
    """Chooses what to say of one scene, and how."""

    def __init__(self, random: Random, scene: SolidScene) -> None:
        self.scene = scene
        self.random = random

    def one(self, *options: str) -> str:
        return self.random.choice(options)

    def said(self, value: str) -> str:
        return self.one(*WORDS.get(value, (value,)))

    def kind(self, within: Call = SCENE, *, plural: bool = False, least: int = 0) -> Phrase:
        """Describe solids by some attributes, whether there are such solids or not."""
        names = self.random.sample(sorted(VALUES), self.random.randint(least, 3))
        return self._described({n: self.one(*VALUES[n]) for n in names}, within, plural=plural)

    def unique(self, within: Call = SCENE) -> Phrase:
        """Describe one solid of a set by attributes that no other solid of the set has."""
        found = sorted(execute(within, self.scene))
        if not found:
            raise UnsuitedError
        solid = self.scene.solids[self.random.choice(found)]
        names = self.random.sample(sorted(VALUES), 4)
        for count in range(self.random.randint(0, 2), 5):
            phrase = self._described({n: solid[n] for n in names[:count]}, within, plural=False)
            if len(execute(phrase.program, self.scene)) == 1:
                return Phrase(phrase.words, Call("unique", (phrase.program,)))
        raise UnsuitedError

    def _described(self, facts: dict[str, str], within: Call, *, plural: bool) -> Phrase:
        words = [self.said(facts[n]) for n in ("size", "color", "material") if n in facts]
        noun = self.said(facts["shape"]) if "shape" in facts else self.one("thing", "object")
        for name, value in facts.items():
            within = Call(f"filter_{name}", (within,), value)
        return Phrase(" ".join([*words, noun + "s" * plural]), within)

    def chain(self, depth: int) -> Phrase:
        """Describe one solid by a chain of relations, which attach to the nearest noun."""
        if depth == 0:
            return self.unique()
        relation, words, related = self.relation(self.chain(depth - 1))
        solid = self.unique(related)
        return Phrase(f"{solid.words} {self.link(relation)}{words}", solid.program)

    def both(self) -> Phrase:
        """Describe one solid by two relations."""
        words, related = self.two_relations()
        solid = self.unique(related)
        return Phrase(f"{solid.words} {self.one('that is', 'which is')} {words}", solid.program)

    def alike(self) -> Phrase:
        """Describe one solid by an attribute that it shares with another."""
        words, shared = self.sharing(plural=False)
        solid = self.unique(shared)
        other = self.one("", "other ")
        return Phrase(f"{other}{solid.words} {words}", solid.program)

    def relation(self, other: Phrase) -> tuple[str, str, Call]:
        """Return a relation, "left of the cube", and the solids of which it is true."""
        relation = self.one(*RELATIONS)
        related = Call("relate", (other.program,), relation)
        return relation, f"{self.said(relation)} {other.the()}", related

    def link(self, relation: str, *, plural: bool = False) -> str:
        verb = "are" if plural else "is"
        return self.one("", f"that {verb} ", f"which {verb} ")

    def two_relations(self) -> tuple[str, Call]:
        """Return "both left of the cube and behind the ball" and what it is true of."""
        _, first, related = self.relation(self.unique())
        _, second, also_related = self.relation(self.unique())
        return (
            f"{self.one('both ', '')}{first} and {second}",
            Call("intersect", (related, also_related)),
        )

    def sharing(self, *, plural: bool) -> tuple[str, Call]:
        """Return "that has the same size as the cube" and what it is true of."""
        name = self.one(*VALUES)
        other = self.unique()
        be, have = ("are", "have") if plural else ("is", "has")
        ways = [f"that {be} the same", f"that {have} the same", "of the same", "with the same"]
        if name == "material":
            ways = ["made of the same", f"that {be} made of the same", f"that {have} the same"]
        words = f"{self.one(*ways)} {name.replace('or', self.one('or', 'our'))} as {other.the()}"
        return words, Call(f"same_{name}", (other.program,))

    def group(self) -> Phrase:
        """Describe solids of a kind, perhaps by a relation as well."""
        if self.one("plain", "related") == "plain":
            return self.kind(plural=True)
        relation, words, related = self.relation(self.unique())
        phrase = self.kind(related, plural=True)
        return Phrase(f"{phrase.words} {self.link(relation, plural=True)}{words}", phrase.program)


Told = tuple[str, Call]


def _count(tell: _Teller, group: Phrase, tail: str = "") -> Told:
    """Ask how many; `tail` is what is said of them behind "are"."""
    how = tell.one("how many", "what number of")
    verb = (
        f"are {tail}" if tail else tell.one("are there", "are there", "do you see", "can you see")
    )
    return f"{how} {group.words} {verb}?", Call("count", (group.program,))


def _exist(tell: _Teller, kind: Phrase) -> Told:
    lead = tell.one(f"is there {kind.a()}", f"do you see {kind.a()}", f"is there any {kind.words}")
    return f"{lead}?", Call("exist", (kind.program,))


def _query(tell: _Teller, solid: Phrase) -> Told:
    name = tell.one(*VALUES)
    respect = name.replace("or", tell.one("or", "our")) if name == "color" else name
    the = solid.the()
    ways = [
        f"what {respect} is {the}?",
        f"which {respect} is {the}?",
        f"what is the {respect} of {the}?",
        f"{the} is what {respect}?",
        f"{the} has which {respect}?",
        f"there is {solid.a()}; what {respect} is it?",
        f"there is {solid.a()}; what is its {respect}?",
        f"there is {solid.a()}. What is the {respect} of it?",
        f"tell me the {respect} of {the}.",
    ]
    if name == "material":
        ways += [f"what is {the} made of?", f"what material is {the} made of?"]
        ways += [f"there is {solid.a()}; what is it made of?", f"{the} is made of what?"]
    if name == "size":
        how = tell.one("how big", "how large")
        ways += [f"{how} is {the}?", f"there is {solid.a()}; {how} is it?"]
    return tell.one(*ways), Call(f"query_{name}", (solid.program,))


def _queried(depth: int) -> Callable[[_Teller], Told]:
    return lambda tell: _query(tell, tell.chain(depth))


def _related(depth: int, verb: str) -> Callable[[_Teller], Told]:
    """Ask what stands in a relation to a solid at the end of a chain, in one step or two."""

    def ask(tell: _Teller) -> Told:
        other = tell.chain(depth)
        relation, words, related = tell.relation(other)
        group = tell.kind(related, plural=True)
        program = Call(verb, (group.program,))
        position = tell.said(relation)
        words = f"{position} {other.the()}"
        link = tell.link(relation, plural=True)
        there = f"there is {other.a()};"
        if verb == "count":
            how = tell.one("how many", "what number of")
            ways = [
                f"{how} {group.words} are {words}?",
                f"{how} {group.words} are there {words}?",
                f"{there} {how} {group.words} are {position} it?",
            ]
        else:
            any_of = tell.one("are there any", "are there", "do you see any")
            ways = [
                f"{any_of} {group.words} {link}{words}?",
                f"{there} {any_of} {group.words} {link}{position} it?",
            ]
        return tell.one(*ways), program

    return ask


def _counted_both(tell: _Teller) -> Told:
    words, related = tell.two_relations()
    return _count(tell, tell.kind(related, plural=True), words)


def _counted_union(tell: _Teller) -> Told:
    groups = [tell.group(), tell.group()]
    head = tell.kind(plural=True)
    union = Call("union", (groups[0].program, groups[1].program))
    either = tell.one("either ", "")
    words = f"{either}{groups[0].words} or {groups[1].words}"
    return _count(tell, Phrase(head.words, _within(head.program, union)), words)


def _within(program: Call, base: Call) -> Call:
    """Return the filters of a program over another set."""
    if program == SCENE:
        return base
    return Call(program.name, tuple(_within(c, base) for c in program.inputs), program.value)


def _any_alike(tell: _Teller) -> Told:
    words, shared = tell.sharing(plural=False)
    what = tell.one("anything else", "any other thing", "any other object", "another object")
    plural, are_shared = tell.sharing(plural=True)
    several = tell.one("things", "objects")
    if tell.one("one", "several") == "one":
        return f"is there {what} {words}?", Call("exist", (shared,))
    return f"are there any other {several} {plural}?", Call("exist", (are_shared,))


def _exist_alike(tell: _Teller) -> Told:
    words, shared = tell.sharing(plural=False)
    kind = tell.kind(shared, least=1)
    another = tell.one(kind.a(), f"another {kind.words}")
    return f"is there {another} {words}?", Call("exist", (kind.program,))


def _count_alike(tell: _Teller) -> Told:
    name = tell.one(*VALUES)
    other = tell.unique()
    kind = tell.kind(Call(f"same_{name}", (other.program,)), plural=True)
    how = tell.one("how many", "what number of")
    what = tell.one(kind.words, f"other {kind.words}")
    way = tell.one("have the same", "are the same", "are there of the same", "are of the same")
    if name == "material":
        way = tell.one("are made of the same", "have the same", "are there of the same")
    return f"{how} {what} {way} {name} as {other.the()}?", Call("count", (kind.program,))


def _compared_numbers(tell: _Teller) -> Told:
    first, second = tell.group(), tell.group()
    name = tell.one("equal_integer", "less_than", "greater_than")
    a, b = first.words, second.words
    ways = {
        "equal_integer": (
            f"are there an equal number of {a} and {b}?",
            f"are there the same number of {a} and {b}?",
            f"are there the same number of {a} as {b}?",
            f"are there as many {a} as {b}?",
            f"is the number of {a} the same as the number of {b}?",
            f"is the number of {a} equal to the number of {b}?",
        ),
        "less_than": (
            f"are there fewer {a} than {b}?",
            f"are there less {a} than {b}?",
            f"is the number of {a} less than the number of {b}?",
            f"is the number of {a} smaller than the number of {b}?",
        ),
        "greater_than": (
            f"are there more {a} than {b}?",
            f"is the number of {a} greater than the number of {b}?",
            f"is the number of {a} larger than that of {b}?",
        ),
    }
    numbers = tuple(Call("count", (group.program,)) for group in (first, second))
    return tell.one(*ways[name]), Call(name, numbers)


def _compared_attributes(tell: _Teller) -> Told:
    first, second = tell.chain(tell.random.randint(0, 1)), tell.chain(tell.random.randint(0, 1))
    name = tell.one(*VALUES)
    a, b = first.the(), second.the()
    there = f"there is {first.a()};"
    ways = [
        f"do {a} and {b} have the same {name}?",
        f"does {a} have the same {name} as {b}?",
        f"is the {name} of {a} the same as {b}?",
        f"is the {name} of {a} the same as that of {b}?",
        f"is the {name} of {a} the same as the {name} of {b}?",
        f"{there} does it have the same {name} as {b}?",
        f"{there} is its {name} the same as {b}?",
        f"{there} is its {name} the same as that of {b}?",
    ]
    if name == "material":
        ways += [
            f"are {a} and {b} made of the same material?",
            f"is {a} made of the same material as {b}?",
            f"{there} is it made of the same material as {b}?",
        ]
    else:
        ways += [f"is {a} the same {name} as {b}?", f"{there} is it the same {name} as {b}?"]
        ways += [f"are {a} and {b} the same {name}?"]
    queries = tuple(Call(f"query_{name}", (solid.program,)) for solid in (first, second))
    return tell.one(*ways), Call(f"equal_{name}", queries)


FAMILIES: dict[str, Callable[[_Teller], Told]] = {
    "count": lambda tell: _count(tell, tell.kind(plural=True)),
    "exist": lambda tell: _exist(tell, tell.kind()),
    **{f"query, {depth} relations": _queried(depth) for depth in range(4)},
    **{f"count, {depth + 1} relations": _related(depth, "count") for depth in range(3)},
    **{f"exist, {depth + 1} relations": _related(depth, "exist") for depth in range(3)},
    "count, two relations": _counted_both,
    "query, two relations": lambda tell: _query(tell, tell.both()),
    "count, union": _counted_union,
    "exist, anything alike": _any_alike,
    "exist, alike": _exist_alike,
    "count, alike": _count_alike,
    "query, alike": lambda tell: _query(tell, tell.alike()),
    "compare numbers": _compared_numbers,
    "compare attributes": _compared_attributes,
}
"""Family → what samples a question of it."""
