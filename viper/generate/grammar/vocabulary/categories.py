"""Categories and their members, for detectors that only know the members; and words for people.

Data only.
"""

from __future__ import annotations

from viper.generate.grammar.vocabulary.word_table import word_groups, word_table

__all__ = ["CONTRASTS", "HYPERNYMS", "TAXA"]


_MEMBERS = word_groups(
    """
    animal: bird cat dog horse sheep cow elephant bear zebra giraffe
    pet: cat dog bird
    vehicle: bicycle car motorcycle airplane bus train truck boat
    fruit: banana apple orange
    vegetable: broccoli carrot
    food: banana apple sandwich orange broccoli carrot hot-dog pizza donut cake
    furniture: chair couch bed dining-table bench
    appliance: microwave oven toaster refrigerator
    device: tv laptop mouse remote keyboard cell-phone
    electronic: tv laptop mouse remote keyboard cell-phone
    utensil: fork knife spoon
    silverware: fork knife spoon
    cutlery: fork knife spoon
    dish: bowl cup
    container: bottle cup bowl vase
    bag: backpack handbag suitcase
    seat: chair couch bench
    ski pole: skis
    sign: stop-sign
    glass: wine-glass cup
    screen: tv laptop
    plant: potted-plant
    computer: laptop
    baby: person
    player: person
    someone: person
    anyone: person
    somebody: person
    anybody: person
    nobody: person
    everyone: person
    he: person
    she: person
    they: person
    """
)
HYPERNYMS = {
    word: tuple(member.replace("-", " ") for member in members)
    for word, members in _MEMBERS.items()
}
"""A category → the classes to search for where a closed vocabulary lacks the category."""

TAXA = frozenset(
    "animal vehicle fruit vegetable food furniture appliance device electronic utensil silverware cutlery "
    "container seat".split()
)
"""Categories to which all objects of their members belong: every dog is an animal, but no person need be a
baby, and a stop sign is one of many signs."""

CONTRASTS = word_table(
    """
    man: woman lady
    boy: girl
    male: female
    woman: man guy gentleman
    girl: boy
    female: male
    """
)
"""Words for people → the contrasting word for a matcher."""
