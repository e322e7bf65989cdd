"""What people write to point at one object: expression → meaning, one table per idea."""

from __future__ import annotations

import pytest

from viper.generate.grammar import parse

PLACES = {
    "far left": "object[most(far_left)]",
    "left half of the shelf": "shelf[at_left_half]",
    "vase in the right third": "vase[at_right_third]",
    "stool on the right hand side": "stool[at_right_side]",
    "pigeon in the top left corner": "pigeon[at_top_left_corner]",
    "kettle close to the left edge": "kettle[at_left_edge]",
    "plate at 4 o'clock": "plate[at_4_clock]",
    "swan on the end": "swan[most(outer)]",
    "luggage in back on left": "luggage[at_back, at_left]",
    "top microwave onleft": "microwave[at_top, at_left]",
}
ROWS = {
    "girl in the back row": "girl[row(top)]",
    "front row second from left": "object[row(bottom), most(left, 2)]",
    "second row from the top": "object[row(top, 2)]",
    "middle row jar on right": "jar[row(middle), at_right]",
    "3rd row, 2nd from the right": "object[row(bottom, 3), most(right, 2)]",
}
ORDINALS = {
    "2nd from rt": "object[most(right, 2)]",
    "4th goat from left": "goat[most(left, 4)]",
    "last van": "van[most(left, -1)]",
    "shorter of two women": "woman[among(2), most(short)]",
    "middle of the three": "object[among(3), most(left, 2)]",
    "the larger of the two canoes": "canoe[among(2), most(big)]",
    "left of the two": "object[among(2), at_left]",
}
NEGATIONS = {
    "not the goose": "object[not goose]",
    "gray van behind tram, not the taxi": "van[gray, behind(tram), not taxi]",
    "not the left one": "object[not at_left]",
    "clown w/o hat": "clown[not with(hat)]",
    "no helmet": "object[not with(helmet)]",
    "nurse not looking at the camera": "nurse[not facing the camera]",
    "the otter not showing teeth": "otter[not acting_on(tooth)]",
}
LOOKS = {
    "left guy blue shirt": "guy[at_left, with(shirt[blue])]",
    "zebra w/ head up": "zebra[with head up]",
    "man with arms crossed": "man[with arms crossed]",
    "chef in plaid vest looking down": "chef[wearing(vest[plaid]), looking down]",
    "calf facing the other way": "calf[facing other way]",
    "lady with her back to us": "lady[facing away from the camera]",
    "half eaten bagel": "bagel[half eaten]",
    "jar on the left half full": "jar[at_left, half full]",
    "melon cut in half": "melon[cut in half]",
    "dark haired drummer": "drummer[dark haired]",
    "tram w/ yellow front": "tram[with(front[yellow])]",
    "vase w/out flowers": "vase[not with(flower)]",
    "chocolate covered cookie": "cookie[chocolate covered]",
    "reddish pony": "pony[reddish]",
    "lighter colored ox": "ox[most(light)]",
    "jar black or dark green": "jar[(black or dark green)]",
    "cut off person on the left": "person[most(border), at_left]",
    "wagon mostly cut off": "wagon[most(border), mostly cut off]",
    "the slice with the most cheese": "slice[most(cheese)]",
    "least burnt muffin": "muffin[most(burnt, -1)]",
}
LABELS = {
    "red 34": "object[red, with 34 on it]",
    "#7": "object[number 7]",
    "girl wearing no. 8": "girl[wearing number 8]",
    "clock that says 10:10": "clock[that says 10:10]",
    "number 12 player": "player[number 12]",
    "tram number 36": "tram[number 36]",
    "the one that says yield": "object[that says yield]",
    "truck saying acme movers on right": "truck[saying acme movers, at_right]",
}
PARTS_AND_OWNERS = {
    "elephant butt on left": "elephant butt[at_left]",
    "head of the cow": "head[part_of(cow)]",
    "his left hand": "hand[at_left]",
    "guys racket": "racket[with_by(guy)]",
    "woman's purse": "purse[with_by(woman)]",
    "the racket of the boy in red shorts": "racket[part_of(boy[wearing(shorts[red])])]",
    "back of computer": "computer[back of computer]",
    "pile of green apples": "pile of apple[green]",
    "bowl of soup": "bowl of soup",
    "top half of pretzels": "pretzel[at_top_half]",
}
SEVERAL_CLAUSES = {
    "lady w/ umbrella back row": "lady[with(umbrella), row(top)]",
    "girl wearing a red scarf and mittens": "girl[wearing(scarf[red]), wearing(mitten)]",
    "plate with rice, beans and corn": "plate[with(rice), with(bean), with(corn)]",
    "the wooden bench sits empty": "bench[wooden, sitting, empty]",
    "ox standing behind the other": "ox[standing, behind(ox[other])]",
    "pony beside the white one": "pony[next_to(pony[white])]",
    "stool nearest the window": "stool[most(nearest_to, window)]",
    "what the monk is holding": "object[holding_by(monk)]",
    "person you can barely see": "person[you can barely see]",
    "the boy whose face is hidden": "boy[whose face is hidden]",
    "drummer on the far left sitting": "drummer[most(far_left), sitting]",
    "kid w/ cap looking at us": "kid[with(cap), facing the camera]",
    "guy with black hair on right side of table": "guy[with(hair[black]), right_of(table)]",
    "player on bench third from right": "player[on(bench), most(right, 3)]",
    "coach in dugout w/ red jersey": "coach[inside(dugout), with(jersey[red])]",
    "umbrella being held by the monk": "umbrella[holding_by(monk)]",
    "caramel one": "object[caramel]",
    "batter preparing to hit the ball": "batter[preparing to hit ball]",
    "tray ready to serve": "tray[ready to serve]",
    "taco with cheese visible": "taco[with cheese visible]",
    "b/w cow": "cow[black, white]",
    "ppl in bg": "person[at_back]",
}


@pytest.mark.parametrize(
    ("expression", "meaning"),
    [
        pair
        for table in (
            PLACES,
            ROWS,
            ORDINALS,
            NEGATIONS,
            LOOKS,
            LABELS,
            PARTS_AND_OWNERS,
            SEVERAL_CLAUSES,
        )
        for pair in table.items()
    ],
)
def test_an_elliptical_phrase_has_this_meaning(expression: str, meaning: str) -> None:
    assert str(parse(expression, "grounding")) == f"refer({meaning})"


def test_a_place_behind_what_somebody_has_is_where_the_person_is() -> None:
    assert str(parse("nun holding a basket on the right", "grounding")) == (
        "refer(nun[holding(basket), at_right])"
    )
    assert str(parse("nun next to the basket on the right", "grounding")) == (
        "refer(nun[next_to(basket[at_right])])"
    )


def test_elliptical_phrases_are_read_for_grounding_only() -> None:
    assert str(parse("Is the cat on the left side of the picture?")) == "some(cat: at_left)"
