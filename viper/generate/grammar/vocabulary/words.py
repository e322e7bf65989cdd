"""Parts of speech and word forms, by dictionary.

Closed-class words (articles, prepositions, …) are listed in the grammar's own tables; for nouns, verbs
and adjectives an English dictionary (`viper.vocabulary.lemmas`) gives the possible parts of speech.
"""

from __future__ import annotations

from viper.generate.grammar.vocabulary.lexicon import BODY_PARTS, CLOTHES, NUMBERS
from viper.generate.grammar.vocabulary.word_table import word_groups, word_table
from viper.vocabulary.lemmas import base_forms, inflections
from viper.vocabulary.text_cache import cached_by_text

__all__ = [
    "gerund",
    "in_dictionary",
    "is_gerund",
    "is_participle",
    "is_worn",
    "kinds",
    "number_of",
    "plural",
    "positive",
    "singular",
    "verb_lemma",
]

# Nouns that the dictionary lacks or whose lemma it gets wrong.
_NOUNS = {
    **word_table(
        """
        person: people persons folks
        man: men
        woman: women
        kid: kids
        tv: tv tvs
        t-shirt: t-shirt t-shirts
        hot dog: hot-dog hot-dogs
        wetsuit: wetsuit wetsuits
        skateboarder: skateboarder skateboarders
        snowboarder: snowboarder snowboarders
        dog: doggy doggie
        giraffe: giraff
        mum: mums
        dude: dude dudes
        cellphone: cellphone cellphones
        frisbee: frisbee frisbees
        broccoli: broccoli broccolis
        knife: knifes
        top: top tops
        remote: remote remotes
        fridge: fridge fridges
        dvd: dvd dvds
        cd: cd cds
        suv: suv suvs
        leaf: leaves
        pan: pan pans
        log: log logs
        """
    ),
    **{
        word: word
        for word in (
            "hoverboard selfie ottoman smartphone stroller jeans pants trousers shorts glasses "
            "sunglasses goggles scissors skis tongs stairs clothes headphones species bus donut "
            "portapotty chili tennis blinds wii ipod teddy drapes graffiti this anything "
            "something"
        ).split()
    },
}

# Adjectives that the dictionary lacks.
_ADJECTIVES = frozenset({"sleeved"})
# Words ending in -ing that name an object.
_ING_NOUNS = frozenset(
    "building buildings painting paintings ceiling ceilings railing railings clothing ring rings "
    "string strings wing wings king kings ping pudding stocking stockings earring earrings icing "
    "frosting topping toppings awning awnings bring thing things something anything nothing "
    "everything evening morning wedding lightning siding paneling molding flooring lining drawing "
    "drawings lettering writing marking markings opening covering stuffing dressing filling swing "
    "swings pairing crossing duckling sapling sibling siblings".split()
)
# Last parts of nouns that are written as one word: "nightstand", "countertop", "wildflowers".
_COMPOUND_HEADS = frozenset(
    "stand top case can pool park pad pants gull flower board paper room bag ball coat cake pot yard "
    "bird man woman book box light way house cup bowl rack wear shelf shade bar bell boat brush bush "
    "car chair cloth court dog door fish glass ground hat hook horse mat mill net pan pen piece pin "
    "place plane plate plug pole port post print rail rest ring road robe roll sack shirt shop side "
    "sill spread stick stone store string suit table tie tub ware watch water wheel wood phone cart "
    "mower holder dryer washer maker opener cutter burner warmer guard line lamp bin bike".split()
)
# First words of compounds that only look like a verb: "dining table".
_ING_MODIFIERS = word_groups(
    """
    dining: table room chair hall area
    parking: meter lot sign garage space ticket
    cutting: board
    cooking: utensil pot pan oil ware
    flying: disc
    filing: cabinet
    ironing: board
    batting: helmet glove cage
    riding: boot helmet
    reading: glasses lamp
    whipping: cream
    running: shoe
    walking: stick
    drinking: glass glasses fountain straw
    cleaning: product supply
    hiking: boot pole
    landing: gear strip
    waiting: room area
    dressing: room table
    changing: room table
    chopping: board
    washing: machine
    drying: rack machine
    swimming: pool trunks suit cap
    frying: pan
    steering: wheel
    baking: sheet pan tray dish
    rolling: pin suitcase
    living: room
    sewing: machine
    fishing: rod pole boat net
    sleeping: bag
    shopping: cart bag bags basket
    vending: machine
    serving: dish bowl plate tray spoon
    mixing: bowl
    measuring: cup tape
    racing: car bike
    skiing: pole
    rocking: chair
    hanging: lamp light
    """
)


# Letters of the longest word that is split: the time grows with the square of its length.
_LONGEST_COMPOUND = 40

# Verbs in the dictionary, but always nouns in questions about images.
_NEVER_VERBS = frozenset("object objects ball balls cube cubes metal metals".split())


@cached_by_text(16_384)
def kinds(word: str) -> frozenset[str]:
    """Return the possible parts of speech: some of NOUN, VERB, ADJ, ADV; empty for an unknown word."""
    if word in _NOUNS or word in _ING_NOUNS:
        return frozenset({"NOUN"})
    if word in _ADJECTIVES:
        return frozenset({"ADJ"})
    found = base_forms(word)
    if not found and "-" in word:
        # "half-eaten", "long-sleeved": the part of speech of the last part
        last = word.rpartition("-")[2]
        return kinds(last) or frozenset({"ADJ"})
    if not found and _compound(word):
        return frozenset({"NOUN"})
    return frozenset(kind for kind in found if kind in ("NOUN", "VERB", "ADJ", "ADV"))


def _compound(word: str) -> tuple[str, str] | None:
    """Split a compound noun into its parts: "nightstands" → "night", "stands"."""
    if len(word) > _LONGEST_COMPOUND:
        return None
    for at in range(3, len(word) - 2):
        first, last = word[:at], word[at:]
        if (last in _COMPOUND_HEADS or singular(last) in _COMPOUND_HEADS) and base_forms(first):
            return first, last
    return None


def in_dictionary(word: str) -> bool:
    """Return whether a word is in the dictionary."""
    return bool(kinds(word))


def is_gerund(word: str, following: str = "") -> bool:
    """Return whether a word in -ing is a verb form here, not a noun or the start of a compound."""
    if not word.endswith("ing") or len(word) < 5 or word in _ING_NOUNS:
        return False
    named = _ING_MODIFIERS.get(word, ())
    return not (named and (following in named or singular(following) in named))


@cached_by_text(16_384)
def singular(word: str) -> str:
    """Return the singular of a noun, any other word unchanged."""
    if word in _NOUNS:
        return _NOUNS[word]
    lemmas = base_forms(word, "NOUN").get("NOUN", ())
    if lemmas:
        return str(lemmas[0])
    if base_forms(word):
        return word
    parts = _compound(word)
    if parts is not None:
        return parts[0] + singular(parts[1])
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@cached_by_text(4_096)
def plural(noun: str) -> str:
    """Return the plural of a noun; one that has no singular ("scissors") is unchanged."""
    if _NOUNS.get(noun) == noun and noun.endswith("s") and noun != "bus":
        return noun
    forms = inflections(noun, "NNS")
    if forms:
        return str(forms[0])
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh", "z")) else f"{noun}s"


@cached_by_text(4_096)
def verb_lemma(word: str) -> str | None:
    """Return the base form of a verb form, None if the word cannot be a verb."""
    if word in ("seen", "shown"):
        return word[:-1]
    if word in _NEVER_VERBS:
        return None
    lemmas = base_forms(word, "VERB").get("VERB", ())
    return str(lemmas[-1]) if lemmas else None


def number_of(word: str) -> int | None:
    """Return the number that a word or its digits stand for, None for any other word."""
    return int(word) if word.isdigit() else NUMBERS.get(word)


def is_worn(noun: str) -> bool:
    """Return whether a noun denotes clothes or a part of the body."""
    return noun.split()[-1] in CLOTHES | BODY_PARTS


def is_participle(word: str) -> bool:
    """Return whether a word can be a past participle: "peeled", "hidden", "burnt"."""
    lemma = verb_lemma(word)
    if word in ("cut", "split", "shut", "set", "spread"):
        return True
    return lemma not in (None, word) and not word.endswith(("ing", "s"))


@cached_by_text(4_096)
def gerund(lemma: str) -> str:
    """Return the -ing form of a verb's base form: "hold" → "holding"."""
    forms = inflections(lemma, "VBG")
    return str(forms[0]) if forms else f"{lemma}ing"


@cached_by_text(4_096)
def positive(word: str) -> str:
    """Return the adjective of a superlative or comparative: "oldest" → "old"."""
    if not word.endswith(("er", "est")):
        return word
    lemmas = base_forms(word, "ADJ").get("ADJ", ())
    return str(lemmas[0]) if lemmas else word
