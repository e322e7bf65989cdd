"""One meaning, many orders: the question word first, in the middle or last."""

from __future__ import annotations

import pytest

from viper.generate.grammar import parse

SAME = {
    "color(kettle)": (
        "What color is the kettle?",
        "Of what color is the kettle?",
        "What is the color of the kettle?",
        "Which color does the kettle have?",
        "What color do you think the kettle is?",
        "The kettle is of which color?",
        "The kettle has what color?",
    ),
    "material(stool)": (
        "What is the stool made of?",
        "What's that stool made of?",
        "Which material is the stool made of?",
        "What kind of material is the stool made of?",
        "What was used to make the stool?",
        "What type of material is used to make the stool?",
        "What makes up the stool?",
        "The stool is made of what?",
    ),
    "choose(stool: wood | steel)": (
        "What is the stool made of, wood or steel?",
        "Which material makes up the stool, wood or steel?",
        "What material was used to make the stool, wood or steel?",
        "Is the stool made of wood or steel?",
    ),
    "activity(nurse)": ("What is the nurse doing?", "The nurse is doing what?"),
    "brand(jacket)": (
        "Which company made the jacket?",
        "Which company is the jacket from?",
        "What brand is the jacket?",
    ),
    "gaze(goat)": ("Where is the goat looking?", "Which direction is the goat looking at?"),
    "name(object[holding_by(clown)])": (
        "What is the clown holding?",
        "What does the clown hold?",
        "The clown is holding what?",
        "The clown holds what?",
    ),
    "name(furniture[on_by(goat)])": (
        "What kind of furniture is the goat on?",
        "On what piece of furniture is the goat?",
        "Which item of furniture is the goat on top of?",
        "What is the piece of furniture that the goat is on called?",
    ),
    "name(animal[behind_by(clown)])": (
        "Behind what animal is the clown standing?",
        "What animal is the clown standing behind?",
    ),
    "name(object[facing_by(clown)])": (
        "What does the clown look at?",
        "What is the clown looking at?",
        "The clown is looking at what?",
    ),
    "name(person[wearing(crown)])": (
        "Who is wearing the crown?",
        "Who wears a crown?",
        "Who in this picture is wearing a crown?",
    ),
    "place_around(goat)": (
        "Where is the goat?",
        "The goat is where?",
        "The goat is standing where?",
    ),
    "place_horizontal(goat)": (
        "Which side is the goat on?",
        "On which side of the picture is the goat?",
        "What side of the photo is the goat on?",
    ),
    "common(kettle, stove)": (
        "What do the kettle and the stove have in common?",
        "What do both the kettle and the stove have in common?",
        "What is common to the kettle and the stove?",
    ),
    "size(kettle)": ("How big is the kettle?", "How large is the kettle?"),
    "choose(kettle: dull | shiny)": (
        "How does the kettle look, dull or shiny?",
        "Is the kettle dull or shiny?",
        "Is the kettle dull or is it shiny?",
        "Does the kettle look dull or shiny?",
        "Does the kettle appear to be dull or maybe shiny?",
    ),
    "name(clothing[red])": (
        "What is the red clothing item called?",
        "What is the name of the red piece of clothing?",
        "What the red item of clothing is called?",
        "How is the red article of clothing called?",
        "What kind of clothing is red?",
    ),
}


@pytest.mark.parametrize(
    ("question", "meaning"),
    [(question, meaning) for meaning, questions in SAME.items() for question in questions],
)
def test_the_order_of_words_does_not_change_the_meaning(question: str, meaning: str) -> None:
    assert str(parse(question)) == meaning
    assert parse(question).unparsed == ()


@pytest.mark.parametrize(
    ("question", "meaning"),
    [
        # The verb belongs to the clause inside, what follows it too.
        (
            "What is the table that the goat sits on called?",
            "name(table[on_by(goat)])",
        ),
        ("What color is the ball the clown is about to hit?", "color(ball[acting_on_by(clown)])"),
        ("What is common to the clown's hat and the tent?", "common(hat[with_by(clown)], tent)"),
        ("What is in front of her?", "name(object[in_front_of(person[female])])"),
        ("How old is the child that the scarf is worn around?", "age(child[around_by(scarf)])"),
    ],
)
def test_clauses_keep_their_words(question: str, meaning: str) -> None:
    assert str(parse(question)) == meaning


@pytest.mark.parametrize(
    ("question", "meaning"),
    [
        ("Is the radio off?", "some(radio: off)"),
        ("Is the radio not on?", "some(radio: not on)"),
        ("Is the radio on the shelf on?", "some(radio[on(shelf)]: on)"),
        ("Is the goat sitting down or looking up?", "choose(goat: sitting down | looking up)"),
        ("Are the leaves still and green?", "some(leaf: (still and green))"),
        ("Does the kettle have round shape and red color?", "some(kettle: (round and red))"),
        ("Is the size of the kettle small?", "some(kettle: small)"),
        ("Are both the clowns female?", "every(clown: female)"),
        ("Are both the kettle and the stool red?", "(some(kettle: red)) and (some(stool: red))"),
        ("Is the reading man a clown?", "some(man[reading]: (clown))"),
        ("Is the climbing wall tall?", "some(climbing wall: tall)"),
        ("Is the nightstand below the countertop?", "some(nightstand: below(countertop))"),
        (
            "Is the goat behind or in front of the tent?",
            "choose(goat: behind(tent) | in_front_of(tent))",
        ),
    ],
)
def test_predicates_are_read_with_all_their_words(question: str, meaning: str) -> None:
    assert str(parse(question)) == meaning
