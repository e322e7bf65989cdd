"""Question → logical form, one table per family."""

from __future__ import annotations

import pytest

from viper.generate.grammar import parse
from viper.generate.grammar.vocabulary.relations import RELATIONS as RELATIONS_KNOWN
from viper.generate.grammar.writing.geometry import RULES

EXISTENCE = {
    "Is there a dog?": "exists(dog)",
    "Are there any cars?": "exists(car)",
    "Do you see any people?": "exists(person)",
    "Can you see a red bus in the picture?": "exists(bus[red])",
    "Is there a dog and a cat?": "(exists(dog)) and (exists(cat))",
    "Are there dogs or cats?": "(exists(dog)) or (exists(cat))",
    "Is there a dog but no cat?": "(exists(dog)) and (not (exists(cat)))",
    "Is there neither a dog nor a cat?": "not ((exists(dog)) or (exists(cat)))",
    "Are there no dogs?": "not (exists(dog))",
    "There is a dog on the couch.": "exists(dog[on(couch)])",
    "Is there a towel that is not black?": "exists(towel[not black])",
    "Is there anyone wearing a hat?": "exists(person[wearing(hat)])",
    "Are there two dogs?": "count(dog) == 2",
    "Are there more than three people?": "count(person) > 3",
    "Are there at least 2 cups?": "count(cup) >= 2",
    "Is the dog in the picture?": "exists(dog)",
    "Is there a stop sign?": "exists(stop sign)",
    "Are there potted plants?": "exists(potted plant)",
    "Does the picture show a kite?": "exists(kite)",
}
COUNTING = {
    "How many people are there?": "count(person)",
    "How many dogs do you see?": "count(dog)",
    "How many people are left of the car?": "count(person[left_of(car)])",
    "How many men are wearing hats?": "count(man[wearing(hat)])",
    "How many cups are there on the table?": "count(cup[on(table)])",
    "How many red apples are in the bowl?": "count(apple[red, inside(bowl)])",
    "What is the number of chairs?": "count(chair)",
    "Are there more dogs than cats?": "count(dog) > count(cat)",
    "Are there fewer cups than plates?": "count(cup) < count(plate)",
    "Are there as many cups as plates?": "count(cup) == count(plate)",
    "Are there the same number of cubes and balls?": "count(cube) == count(ball)",
    "Is the number of cubes greater than the number of balls?": "count(cube) > count(ball)",
}
YES_NO = {
    "Is the cat on the car?": "some(cat: on(car))",
    "The cat is on the car.": "some(cat: on(car))",
    "Is the car red?": "some(car: red)",
    "Isn't the car red?": "not (some(car: red))",
    "Is the car not red?": "some(car: not red)",
    "Is the car black and white?": "some(car: (black and white))",
    "Is the man wearing a hat?": "some(man: wearing(hat))",
    "Does the man hold an umbrella?": "some(man: holding(umbrella))",
    "Is the dog on the couch sleeping?": "some(dog[on(couch)]: sleeping)",
    "Are all the dogs sleeping?": "every(dog: sleeping)",
    "Is the animal a cow?": "some(animal: (cow))",
    "Are the animals cows?": "some(animal: (cow))",
    "Is the fence made of wood?": "some(fence: wood)",
    "The bowl contains the donut.": "some(bowl: containing(donut))",
    "Does the cake consist of the truck?": "some(cake: has_part(truck))",
    "Is the cup between the plate and the fork?": "some(cup: between(plate, fork))",
    "Is the red car the biggest?": "some(car[red]: most(big))",
    "Is the dog bigger than the cat?": "some(dog: bigger_than(cat))",
    "Is the man on the left side of the picture?": "some(man: at_left)",
    "Do the bag and the car have the same color?": "same_color(bag, car)",
    "Is the cat with the teddy bear?": "some(cat: with(teddy bear))",
}
CHOICES = {
    "Is it a cat or a dog?": "choose_object(cat | dog)",
    "Is the cup red or blue?": "choose(cup: red | blue)",
    "Is the dog to the left or to the right of the cat?": "choose(dog: left_of(cat) | right_of(cat))",
    "Which is bigger, the cup or the bowl?": "choose_object(cup | bowl: most(big))",
    "Which is closer to the camera, the cup or the bowl?": "choose_object(cup | bowl: most(near))",
    "What color is the cup, red or blue?": "choose(cup: red | blue)",
}
OPEN = {
    "What color is the car?": "color(car)",
    "What colour is the car on the left?": "color(car[at_left])",
    "What is the color of the man's hat?": "color(hat[with_by(man)])",
    "What is the fence made of?": "material(fence)",
    "What is the man doing?": "activity(man)",
    "What is this?": "name(object)",
    "What animal is this?": "name(animal)",
    "What is on the table?": "name(object[on(table)])",
    "What is to the left of the cup?": "name(object[left_of(cup)])",
    "What is the man holding?": "name(object[holding_by(man)])",
    "Who is wearing the helmet?": "name(person[wearing(helmet)])",
    "Which side is the knife on?": "place_horizontal(knife)",
    "Where is the dog?": "place_around(dog)",
    "What is the weather like?": "scene(weather)",
    "Is it indoors?": "scene(yesno: Is it indoors?)",
}
REFERRING = {
    "left guy blue shirt": "refer(guy[at_left, with(shirt[blue])])",
    "the white car under the bridge": "refer(car[white, under(bridge)])",
    "person not holding anything": "refer(person[not holding something])",
    "the chair close to the fruit and not next to the refrigerator": (
        "refer(chair[near(fruit), not next_to(refrigerator)])"
    ),
    "2nd from right": "refer(object[most(right, 2)])",
    "second from right umbrella": "refer(umbrella[most(right, 2)])",
    "the third person from the left": "refer(person[most(left, 3)])",
    "lady w/ umbrella": "refer(lady[with(umbrella)])",
    "red motorcycle closest to camera": "refer(motorcycle[red, most(near)])",
    "the person nearest to the red car": "refer(person[most(nearest_to, car[red])])",
    "bottom left corner": "refer(object[at_bottom_left_corner])",
    "the yellow suitcase without a blue tag": "refer(suitcase[yellow, not with(tag[blue])])",
    "the knife not in a plate and not the closest to the cake": (
        "refer(knife[not inside(plate), not most(nearest_to, cake)])"
    ),
    "the person wearing jeans not wearing a hat": "refer(person[wearing(jeans), not wearing(hat)])",
    "the person in a red top carrying a handbag": "refer(person[wearing(top[red]), holding(handbag)])",
    "bicycle the woman is on": "refer(bicycle[on_by(woman)])",
    "smaller refrigerator": "refer(refrigerator[most(small)])",
    "top most kite": "refer(kite[most(top)])",
    "find the dog on the left": "refer(dog[at_left])",
    "where is the dog?": "refer(dog)",
    "the other cube that has the same color as the ball": "refer(cube[other, same_color(ball)])",
}
VQA = EXISTENCE | COUNTING | YES_NO | CHOICES | OPEN

# The relations of the VSR data set and others, with the canonical names that they share.
RELATIONS = {
    "left_of": ("at the left side of", "left of", "to the left of", "on the left side of"),
    "right_of": ("at the right side of", "right of", "to the right of"),
    "above": ("above", "over"),
    "below": ("below", "down from"),
    "on": ("on", "on top of", "atop"),
    "under": ("under", "underneath", "beneath"),
    "in_front_of": ("in front of", "ahead of", "infront of"),
    "behind": ("behind", "at the back of", "beyond", "past"),
    "next_to": ("next to", "beside", "adjacent to", "alongside", "by", "at the side of", "along"),
    "near": ("near", "close to", "at"),
    "far_from": ("far from", "far away from", "away from", "off", "detached from"),
    "touching": ("touching", "attached to", "connected to", "against"),
    "inside": ("in", "inside", "into", "within", "enclosed by", "surrounded by", "among"),
    "containing": ("containing", "surrounding"),
    "covering": ("covering",),
    "around": ("around",),
    "outside": ("outside", "out of"),
    "opposite": ("across from", "opposite to", "opposite"),
    "middle_of": ("in the middle of",),
    "edge_of": ("at the edge of", "on the edge of"),
    "part_of": ("part of",),
    "towards": ("toward", "to"),
    "facing": ("facing", "looking at"),
    "facing_away": ("facing away from",),
    "parallel": ("parallel to",),
    "perpendicular": ("perpendicular to",),
    "with": ("with",),
}


@pytest.mark.parametrize("question", VQA)
def test_a_question_has_this_meaning(question: str) -> None:
    assert str(parse(question)) == VQA[question]


@pytest.mark.parametrize("expression", REFERRING)
def test_a_referring_expression_has_this_meaning(expression: str) -> None:
    assert str(parse(expression, "grounding")) == REFERRING[expression]


@pytest.mark.parametrize(
    ("spelling", "relation"),
    [(spelling, name) for name, spellings in RELATIONS.items() for spelling in spellings],
)
def test_a_relation_is_known_in_all_its_spellings(spelling: str, relation: str) -> None:
    expected = f"some(cat: {relation}(car))"
    assert str(parse(f"The cat is {spelling} the car.")) == expected
    assert str(parse(f"Is the cat {spelling} the car?")) == expected


def test_the_answer_kind_follows_the_question() -> None:
    kinds = {
        "Is there a dog?": "yesno",
        "How many dogs are there?": "number",
        "Is it a cat or a dog?": "choice",
        "What color is the car?": "color",
        "What is on the table?": "name",
        "Which side is the dog on?": "place",
        "What is the weather like?": "name",
    }
    assert {question: parse(question).answer_kind for question in kinds} == kinds
    assert parse("left dog", "grounding").answer_kind == "patch"


def test_yes_and_no_as_choices_turn_a_choice_into_a_yes_no_question() -> None:
    form = parse("Is the cup red or blue?", choices=("yes", "no"))
    assert str(form) == "some(cup: (red or blue))"
    assert form.answer_kind == "yesno"


def test_choices_turn_an_open_question_into_a_choice() -> None:
    form = parse("What color is the cup?", choices=("Red", "Blue"))
    assert str(form) == "choose(cup: red | blue)"


def test_explain_prints_one_node_a_line() -> None:
    assert parse("Is the red cat on the car?").explain().splitlines() == [
        "answer: yesno",
        "Verify",
        "  Description noun=cat",
        "    Attribute value=red kind=color",
        "  Related relation=on words=on",
        "    Description noun=car",
    ]


def test_words_without_a_part_in_the_form_are_listed() -> None:
    form = parse("Is she seen through a lamp?")
    assert str(form) == "some(person[female]: inside(lamp))"
    assert form.unparsed == ("seen",)


def test_spelling_is_settled_before_parsing() -> None:
    assert str(parse("What's the colour of the grey cat?")) == "color(cat[gray])"
    assert str(parse("Are there dogs in this photograph, please?")) == "exists(dog)"


def test_every_relation_has_a_rule() -> None:
    assert set(RULES) == RELATIONS_KNOWN - {"between"}
