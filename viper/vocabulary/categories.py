"""Maps the words of a question to the classes of a closed-vocabulary detector.

Tried in this order: the class name itself, its plural, a synonym, a narrower word ("woman" → `person`), and a
wider one ("ball" → `sports ball`). The detector finds too much for a narrower word and too little for a wider
one, so callers must report that.
"""

from __future__ import annotations

import difflib
import functools
import heapq
import itertools
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from viper.vocabulary.lemmas import base_form
from viper.vocabulary.text_cache import cached_by_text

__all__ = ["Match", "category_words", "match_phrase", "names_anything", "near_classes", "singular"]

MatchKind = Literal["exact", "plural", "synonym", "narrower", "wider"]


# What may have been meant is looked for on the loop of a server, in names that a stranger may have chosen.
# Comparing two spellings takes time with the product of their lengths (a millisecond at most for these), so
# only those are compared that share most letters and pairs of letters.
_LONGEST_NAME = 40
_MOST_CLASSES = 2_000
_MOST_COMPARED = 10
# Words of a phrase that are looked up each by itself.
_MOST_WORDS = 20


class Match(NamedTuple):
    """The class that stands for a phrase."""

    name: str
    """Class name exactly as the detector spells it."""
    kind: MatchKind
    """`narrower`: the phrase names only some members of the class; `wider`: the class holds only some of what
    the phrase names."""

    @property
    def means_the_same(self) -> bool:
        """Whether the class is what the phrase names, no more and no less."""
        return self.kind not in ("narrower", "wider")


# Each row is one concept: words that mean the same | narrower words | wider words. The last word of a longer
# name is wider as a rule: a sign need not be a stop sign. Where nobody says it of anything else (a hydrant, a
# teddy), it means the same.
_CONCEPTS = """
person people human | man woman boy girl guy lady gentleman dude child kid baby toddler adult \
 player batter pitcher catcher umpire skier surfer snowboarder skateboarder rider cyclist \
 pedestrian driver chef waiter waitress worker policeman officer soldier student teacher bride \
 groom male female men women spectator audience crowd swimmer tourist passenger tennis-player \
 baseball-player soccer-player
bicycle bike cycle pushbike push-bike | mountain-bike
car automobile motorcar auto | sedan suv taxi cab jeep hatchback minivan police-car convertible
motorcycle motorbike | moped scooter dirt-bike
airplane aeroplane plane aircraft jet | airliner jetliner biplane
bus autobus coach | double-decker-bus school-bus
train | locomotive tram subway railcar
truck lorry | pickup pickup-truck semi fire-truck firetruck dump-truck
boat ship | sailboat canoe kayak ferry yacht rowboat motorboat dinghy
traffic-light stoplight traffic-signal stop-light
fire-hydrant hydrant
stop-sign
parking-meter
bench | park-bench
bird | pigeon seagull duck goose parrot eagle owl chicken swan flamingo sparrow crow
cat kitty | kitten tabby tomcat
dog doggy pooch | puppy poodle bulldog terrier retriever hound
horse | pony foal mare stallion
sheep | lamb ram ewe
cow cattle | bull calf ox steer
elephant
bear | polar-bear grizzly bear-cub
zebra
giraffe
backpack rucksack knapsack
umbrella parasol
handbag purse | shoulder-bag tote
tie necktie | bow-tie
suitcase | briefcase | luggage
frisbee flying-disc
skis ski
snowboard
sports-ball | baseball basketball football tennis-ball soccer-ball volleyball | ball
kite
baseball-bat | | bat
baseball-glove baseball-mitt | | mitt
skateboard
surfboard | boogie-board paddleboard
tennis-racket tennis-racquet | | racket racquet
bottle | wine-bottle beer-bottle water-bottle
wine-glass wineglass | champagne-glass
cup | mug teacup
fork
knife | butter-knife
spoon | tablespoon teaspoon
bowl
banana
apple
sandwich | sub burger hamburger panini
orange
broccoli
carrot
hot-dog hotdog
pizza
donut doughnut
cake | cupcake birthday-cake
chair | armchair stool high-chair lawn-chair
couch sofa settee loveseat
potted-plant houseplant pot-plant
bed | bunk-bed
dining-table diningtable | desk kitchen-table | table
toilet
tv television tvmonitor tv-monitor telly monitor | flat-screen
laptop notebook-computer laptop-computer
mouse computer-mouse
remote remote-control
keyboard computer-keyboard
cell-phone cellphone mobile-phone smartphone | iphone | phone telephone
microwave microwave-oven
oven stove
toaster
sink
refrigerator fridge
book | novel textbook magazine
clock | alarm-clock wall-clock
vase
scissors pair-of-scissors
teddy-bear teddy
hair-drier hair-dryer hairdryer hairdrier blow-dryer
toothbrush
"""

_ANYTHING = frozenset({"object", "thing", "item", "anything", "everything", "something"})

_ARTICLES = ("a ", "an ", "the ", "some ", "any ")


def match_phrase(phrase: str, classes: Sequence[str]) -> Match | None:
    """Find the class that stands for a phrase.

    Args:
        phrase: Such as "people" or "the sofa".
        classes: Class names of the detector, in its own spelling.

    Returns:
        The class and how it was matched; None if there is none.

    Example:
        >>> match_phrase("people", ["person", "car"])
        Match(name='person', kind='synonym')
    """
    spelled = _spellings(tuple(classes))
    word = _plain(phrase)
    if word in spelled:
        return Match(spelled[word], "exact")
    one = singular(word)
    if one in spelled:
        return Match(spelled[one], "plural")
    for form in (word, one):
        for concept in _concepts():
            kind = concept.kind_of(form)
            name = next((name for name in concept.same if name in spelled), None)
            if name is not None and kind is not None:
                return Match(spelled[name], kind)
            name = next((name for name in concept.wider if name in spelled), None)
            if name is not None and kind in ("synonym", "narrower"):
                return Match(spelled[name], "narrower")
    return None


def names_anything(phrase: str) -> bool:
    """Return whether a phrase means whatever there is, as "objects" and "the things" do."""
    return singular(_plain(phrase).removeprefix("all ")) in _ANYTHING


def near_classes(phrase: str, classes: Iterable[str], *, limit: int = 3) -> list[str]:
    """Return classes that a phrase may have meant: shared words first, then similar spelling.

    Args:
        phrase: Of any length; its first words count.
        classes: Names of classes; of those that are compared by spelling, the first ones count.
        limit: How many to return at most.
    """
    word = singular(_plain(phrase))
    parts = word.split()[:_MOST_WORDS]
    names = tuple(classes)
    index = _index(names)
    sharing = [name for part in parts for name in index.by_word.get(part, ())]
    sharing.sort(key=index.places.__getitem__)
    # A class that a part of the phrase stands for: "red sofa" -> "couch".
    sharing += (found.name for part in parts if (found := match_phrase(part, names)))
    similar: list[str] = []
    if len(word) <= _LONGEST_NAME and len(sharing) < limit:
        own = _features(word)
        shared = [
            (len(own & features) / (len(own) + len(features)), -place)
            for place, (_, features) in enumerate(index.spelled)
        ]
        closest = heapq.nlargest(_MOST_COMPARED, shared)
        likely = [index.spelled[-place][0] for _, place in closest]
        similar = difflib.get_close_matches(word, likely, n=limit, cutoff=0.7)
    return list(dict.fromkeys([*sharing, *similar]))[:limit]


class _Index(NamedTuple):
    """What is looked up in the names of a detector's classes."""

    by_word: dict[str, tuple[str, ...]]
    """The first names that contain a word."""
    places: dict[str, int]
    """Where each of these names is in the list."""
    spelled: list[tuple[str, frozenset[str]]]
    """Short names, with their letters and pairs of letters."""


@functools.lru_cache(maxsize=16)
def _index(classes: tuple[str, ...]) -> _Index:
    by_word: dict[str, tuple[str, ...]] = {}
    places: dict[str, int] = {}
    for place, name in enumerate(classes):
        for word in _plain(name).split()[:_MOST_WORDS]:
            held = by_word.get(word, ())
            if len(held) < _MOST_COMPARED and name not in held:
                by_word[word] = (*held, name)
                places.setdefault(name, place)
    short = [name for name in classes if len(name) <= _LONGEST_NAME][:_MOST_CLASSES]
    return _Index(by_word, places, [(name, _features(name)) for name in short])


def _features(word: str) -> frozenset[str]:
    return frozenset(word) | frozenset(map("".join, itertools.pairwise(word)))


@cached_by_text(4_096)
def singular(phrase: str) -> str:
    """Return a phrase with its last word in the singular, lower case."""
    *head, last = phrase.lower().split() or [""]
    return " ".join([*head, base_form(last, "NOUN") or last])


def category_words() -> frozenset[str]:
    """Return the words of all class names, synonyms and narrower phrases."""
    return frozenset(_CONCEPTS.replace("|", " ").replace("-", " ").split())


def _plain(phrase: str) -> str:
    word = " ".join(phrase.lower().replace("_", " ").replace("-", " ").split())
    for article in _ARTICLES:
        word = word.removeprefix(article)
    return word


@functools.lru_cache(maxsize=64)
def _spellings(classes: tuple[str, ...]) -> dict[str, str]:
    return {_plain(name): name for name in classes}


class _Concept(NamedTuple):
    """The words of one row."""

    same: tuple[str, ...]
    narrower: tuple[str, ...]
    wider: tuple[str, ...]

    def kind_of(self, word: str) -> MatchKind | None:
        """Return how a word relates to the concept; None if it does not."""
        if word in self.same:
            return "synonym"
        if word in self.narrower:
            return "narrower"
        return "wider" if word in self.wider else None


@functools.cache
def _concepts() -> tuple[_Concept, ...]:
    concepts: list[_Concept] = []
    for row in _CONCEPTS.strip().splitlines():
        groups = [tuple(w.replace("-", " ") for w in g.split()) for g in row.split("|")]
        concepts.append(_Concept(*groups, *[()] * (3 - len(groups))))
    return tuple(concepts)
