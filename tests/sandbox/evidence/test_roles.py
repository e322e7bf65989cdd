"""Which patches an answer counts or names, which were dropped, and which served for comparison."""

import pytest

from fakes.street import run


def patches(kind, *numbers):
    return [f"{kind} {number}" for number in numbers]


ALL = range(9)
PEOPLE = patches("person", *ALL)
RIDERS, OTHERS = PEOPLE[:5], PEOPLE[5:]
HATS, BARE = PEOPLE[:3], PEOPLE[3:]
BIKES = patches("bicycle", 0, 1, 2, 3, 4)
DOG, CAR = ["dog 0"], ["car 0"]
CUPS = ["cup 0", "cup 1"]


def roles(body):
    outcome = run(body)
    assert outcome.failure is None
    return tuple(outcome.roles[role] for role in ("answer", "reference", "rejected"))


RIDERS_COUNTED = {
    "a filtered list": """
        people, bikes = image_patch.find("person"), image_patch.find("bicycle")
        riders = [p for p in people if any(distance(p, b) < 0 for b in bikes)]
        return len(riders)""",
    "a list under the same name": """
        people = image_patch.find("person")
        bikes = image_patch.find("bicycle")
        people = [p for p in people if any(distance(p, b) < 0 for b in bikes)]
        return len(people)""",
    "a sum of ones": """
        people = image_patch.find("person")
        bikes = image_patch.find("bicycle")
        return sum(1 for p in people if any(distance(p, b) < 0 for b in bikes))""",
    "a sum of truth values": """
        bikes = image_patch.find("bicycle")
        people = image_patch.find("person")
        return sum(any(distance(p, b) < 0 for b in bikes) for p in people)""",
    "nested loops with a counter": """
        count = 0
        bikes = image_patch.find("bicycle")
        for person in image_patch.find("person"):
            for bike in bikes:
                if person.overlaps_with(bike.left, bike.lower, bike.right, bike.upper):
                    count += 1
                    break
        return count""",
    "a list that grows": """
        riders = []
        bikes = image_patch.find("bicycle")
        for p in image_patch.find("person"):
            if any(distance(p, b) < 0 for b in bikes):
                riders.append(p)
        return len(riders)""",
    "a loop that skips": """
        count = 0
        bikes = image_patch.find("bicycle")
        for p in image_patch.find("person"):
            if not any(distance(p, b) < 0 for b in bikes):
                continue
            count = count + 1
        return count""",
    "a set": """
        riders = set()
        bikes = image_patch.find("bicycle")
        for p in image_patch.find("person"):
            for b in bikes:
                if distance(p, b) < 0:
                    riders.add(p)
        return len(riders)""",
    "a filter with a lambda": """
        bikes = image_patch.find("bicycle")
        people = image_patch.find("person")
        return len(list(filter(lambda p: any(distance(p, b) < 0 for b in bikes), people)))""",
    "a nested function": """
        def rides(person):
            return any(distance(person, bike) < 0 for bike in bikes)
        bikes = image_patch.find("bicycle")
        return len([p for p in image_patch.find("person") if rides(p)])""",
    "a filter with a function": """
        def rides(person):
            return any(distance(person, bike) < 0 for bike in bikes)
        bikes = image_patch.find("bicycle")
        return len(list(filter(rides, image_patch.find("person"))))""",
    "a walrus": """
        bikes = image_patch.find("bicycle")
        if (n := len([p for p in image_patch.find("person") if any(distance(p, b) < 0 for b in bikes)])):
            return n
        return 0""",
    "a text": """
        bikes = image_patch.find("bicycle")
        riders = [p for p in image_patch.find("person") if any(distance(p, b) < 0 for b in bikes)]
        return f"{len(riders)} people"
        """,
    "an index": """
        people = image_patch.find("person")
        bikes = image_patch.find("bicycle")
        count = 0
        for i in range(len(people)):
            if any(distance(people[i], b) < 0 for b in bikes):
                count += 1
        return count""",
    "an index and a name": """
        people = image_patch.find("person")
        bikes = image_patch.find("bicycle")
        count = 0
        for i in range(len(people)):
            p = people[i]
            if any(distance(p, b) < 0 for b in bikes):
                count += 1
        return count""",
    "a while loop": """
        people = image_patch.find("person")
        bikes = image_patch.find("bicycle")
        i = count = 0
        while i < len(people):
            if any(distance(people[i], b) < 0 for b in bikes):
                count += 1
            i += 1
        return count""",
    "pairs of number and patch": """
        bikes = image_patch.find("bicycle")
        riders = {}
        for number, p in enumerate(image_patch.find("person")):
            if any(distance(p, b) < 0 for b in bikes):
                riders[number] = p
        return len(riders)""",
    "the patches themselves": """
        bikes = image_patch.find("bicycle")
        return [p for p in image_patch.find("person") if any(distance(p, b) < 0 for b in bikes)]""",
}


@pytest.mark.parametrize("body", RIDERS_COUNTED.values(), ids=RIDERS_COUNTED)
def test_five_riders_are_counted_of_nine_people_and_bikes_are_compared_with(body):
    assert roles(body) == (RIDERS, BIKES, OTHERS)


HATS_COUNTED = {
    "a list of truth values": """
        flags = [p.verify_property("person", "hat") for p in image_patch.find("person")]
        return flags.count(True)""",
    "a group of a dict": """
        groups = {}
        for p in image_patch.find("person"):
            groups.setdefault(p.verify_property("person", "hat"), []).append(p)
        return len(groups.get(True, []))""",
    "names": """
        names = []
        for p in image_patch.find("person"):
            if p.verify_property("person", "hat"):
                names.append(p.simple_query("Who is it?"))
        return ", ".join(names)""",
    "two filters": """
        people = image_patch.find("person")
        left = [p for p in people if p.left < 200]
        return len([p for p in left if p.verify_property("person", "hat")])""",
    "what two sets have in common": """
        hats = {p for p in image_patch.find("person") if p.verify_property("person", "hat")}
        left = {p for p in image_patch.find("person") if p.left < 200}
        return len(hats & left)""",
    "a yes": """
        hats = [p for p in image_patch.find("person") if p.verify_property("person", "hat")]
        return bool_to_yesno(len(hats) >= 2)""",
    "a choice of words": """
        hats = [p for p in image_patch.find("person") if p.verify_property("person", "hat")]
        return "many" if len(hats) > 2 else "few\"""",
    "branches": """
        hats = [p for p in image_patch.find("person") if p.verify_property("person", "hat")]
        if not hats:
            return "none"
        elif len(hats) == 1:
            return "one"
        return "several\"""",
    "a variable of words": """
        hats = [p for p in image_patch.find("person") if p.verify_property("person", "hat")]
        if len(hats) > 5:
            answer = "many"
        else:
            answer = "few"
        return answer""",
    "a function that counts": """
        def hats(people):
            count = 0
            for person in people:
                if person.verify_property("person", "hat"):
                    count += 1
            return count
        return hats(image_patch.find("person"))""",
}


@pytest.mark.parametrize("body", HATS_COUNTED.values(), ids=HATS_COUNTED)
def test_three_hats_are_counted_and_the_others_rejected(body):
    assert roles(body) == (HATS, [], BARE)


COMPARISONS = {
    "two objects": """
        dog, car = image_patch.find("dog")[0], image_patch.find("car")[0]
        return dog.horizontal_center < car.horizontal_center""",
    "all pairs": """
        dogs, cars = image_patch.find("dog"), image_patch.find("car")
        return any(dog.left < car.left for dog in dogs for car in cars)""",
    "all pairs, false": """
        dogs, cars = image_patch.find("dog"), image_patch.find("car")
        return any(dog.left > car.left for dog in dogs for car in cars)""",
    "guards before": """
        dogs = image_patch.find("dog")
        cars = image_patch.find("car")
        if dogs and cars and dogs[0].left < cars[0].left:
            return "yes"
        return "no\"""",
    "early returns": """
        dogs = image_patch.find("dog")
        if len(dogs) == 0:
            return "no dog"
        cars = image_patch.find("car")
        if len(cars) == 0:
            return "no car"
        if dogs[0].left < cars[0].left:
            return "left"
        return "right\"""",
    "a false condition": """
        dogs = image_patch.find("dog")
        cars = image_patch.find("car")
        if dogs[0].left > cars[0].left:
            return "yes"
        return "no\"""",
    "a loop that returns": """
        cars = image_patch.find("car")
        for dog in image_patch.find("dog"):
            if dog.left < cars[0].left:
                return "yes"
        return "no\"""",
    "a loop that ends without": """
        cars = image_patch.find("car")
        for dog in image_patch.find("dog"):
            if dog.left > cars[0].left:
                return "yes"
        return "no\"""",
    "a flag": """
        found = False
        cars = image_patch.find("car")
        for dog in image_patch.find("dog"):
            if dog.left < cars[0].left:
                found = True
                break
        return "yes" if found else "no\"""",
    "a function": """
        def is_left(a, b):
            return a.right < b.left
        return bool_to_yesno(is_left(image_patch.find("dog")[0], image_patch.find("car")[0]))""",
}


@pytest.mark.parametrize("body", COMPARISONS.values(), ids=COMPARISONS)
def test_the_dog_is_the_answer_where_it_is_compared_with_the_car(body):
    assert roles(body) == (DOG, CAR, [])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            'return len(image_patch.find("dog")) > len(image_patch.find("cup"))',
            (CUPS + DOG, [], []),
        ),
        (
            """
            dog, car = image_patch.find("dog")[0], image_patch.find("car")[0]
            return dog.best_text_match(["red"]) == car.best_text_match(["red"])""",
            (CAR + DOG, [], []),
        ),
        (
            """
            bus = max((p.width * p.height for p in image_patch.find("dog")), default=0)
            car = max((p.width * p.height for p in image_patch.find("car")), default=0)
            return "dog" if bus > car else "car\"""",
            (CAR, DOG, []),
        ),
        (
            """
            options = [("dog", p) for p in image_patch.find("dog")]
            options += [("car", p) for p in image_patch.find("car")]
            return max(options, key=lambda option: option[1].width)[0]""",
            (CAR, [], DOG),
        ),
    ],
    ids=["counts", "the same color", "the bigger by size", "the bigger by key"],
)
def test_of_two_that_the_answer_is_about_both_or_the_one_that_it_names_are_the_answer(
    body, expected
):
    assert roles(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            """
            people = image_patch.find("person")
            return max(people, key=lambda p: p.horizontal_center).simple_query("Who?")""",
            (PEOPLE[8:], [], PEOPLE[:8]),
        ),
        (
            """
            people = image_patch.find("person")
            car = image_patch.find("car")[0]
            return sorted(people, key=lambda p: distance(p, car))[0].simple_query("Who?")""",
            (PEOPLE[4:5], CAR, PEOPLE[:4] + PEOPLE[5:]),
        ),
        (
            """
            cups = image_patch.find("cup")
            return best_image_match(cups, ["a red cup"]).simple_query("What is in it?")""",
            (CUPS[1:], [], CUPS[:1]),
        ),
        ('return image_patch.find("person")[:2]', (PEOPLE[:2], [], PEOPLE[2:])),
        (
            """
            people = image_patch.find("person")
            people.sort(key=lambda p: p.left)
            return people[-1].simple_query("Who?")""",
            (PEOPLE[8:], [], PEOPLE[:8]),
        ),
        (
            """
            best = None
            for p in image_patch.find("person"):
                if best is None or p.left > best.left:
                    best = p
            return best.category""",
            (PEOPLE[8:], [], PEOPLE[:8]),
        ),
        (
            """
            dogs = image_patch.find("dog")
            dog = dogs[0] if dogs else image_patch
            return dog.simple_query("What color is it?")""",
            (DOG, [], []),
        ),
        (
            """
            first, *others = image_patch.find("person")
            return first.simple_query("Who?")""",
            (PEOPLE[:1], [], PEOPLE[1:]),
        ),
        (
            'return [p.simple_query("Who?") for p in image_patch.find("person")][0]',
            (PEOPLE[:1], [], PEOPLE[1:]),
        ),
    ],
    ids="max sorted match slice sort loop first unpacked index".split(),
)
def test_what_a_choice_leaves_is_rejected(body, expected):
    assert roles(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        """
        people = image_patch.find("person")
        people = [p for p in people if p.left > 999]
        return len(people)""",
        """
        people = [p for p in image_patch.find("person") if p.left > 999]
        return bool_to_yesno(len(people) > 0)""",
        'return len([p for p in image_patch.find("person") if p.left > 999])',
        'return len(list(filter(lambda p: p.left > 999, image_patch.find("person"))))',
        'return len(image_patch.find("person")[50:])',
        'return any(p.left > 999 for p in image_patch.find("person"))',
        'return sum(1 for p in image_patch.find("person") if p.left > 999)',
        """
        count = 0
        for p in image_patch.find("person"):
            if p.left > 999:
                count += 1
        return count""",
        """
        for p in image_patch.find("person"):
            if p.left > 999:
                return "yes"
        return "no\"""",
        """
        people = []
        for p in image_patch.find("person"):
            if p.left > 999:
                people.append(p)
        return "yes" if people else "no\"""",
        'return [p for p in image_patch.find("person") if p.left > 999]',
    ],
)
def test_where_nothing_is_left_all_are_rejected(body):
    assert roles(body) == ([], [], PEOPLE)


@pytest.mark.parametrize(
    "body",
    [
        """
        for p in image_patch.find("person"):
            if p.left > 70:
                return "yes"
        return "no\"""",
        'return any(p.left > 70 for p in image_patch.find("person"))',
        'return next(p for p in image_patch.find("person") if p.left > 70).simple_query("Who?")',
        """
        people = image_patch.find("person")
        found = False
        for p in people:
            if p.left > 70:
                found = True
                break
        return found""",
    ],
)
def test_what_was_not_looked_at_any_more_has_no_role(body):
    assert roles(body) == (PEOPLE[3:4], [], PEOPLE[:3])


@pytest.mark.parametrize(
    "body",
    [
        'return image_patch.simple_query("What is it?")',
        'image_patch.find("person")\nreturn image_patch.exists("dog")',
        "return sum(x for x in [1, 2, 3])",
        'return len(image_patch.find("unicorn"))',
        'people = image_patch.find("person")\nreturn "yes"',
    ],
)
def test_an_answer_that_rests_on_no_patch_has_no_evidence(body):
    assert roles(body) == ([], [], [])


def test_what_is_found_in_the_parts_is_counted_not_the_parts():
    body = 'return sum(len(p.find("hat")) for p in image_patch.find("person"))'
    assert roles(body) == (["hat 0"], [], [])


def test_a_patch_that_is_counted_twice_is_named_once():
    dogs = 'image_patch.find("dog")'
    assert roles(f"return len({dogs}) + len({dogs})") == (DOG, [], [])


def test_beyond_the_bounds_of_a_record_nothing_is_said():
    body = """
    people = image_patch.find("person")
    for _ in range(4_000):
        people = list(people)
    return len(people)"""
    assert roles(body) == ([], [], [])


def test_a_program_of_many_definitions_ends_without_roles_in_reasonable_time():
    assigned = "\n".join("n = n + len(people)" for _ in range(400))
    outcome = run(f'people = image_patch.find("person")\nn = 0\n{assigned}\nreturn n')
    assert outcome.value == 3_600
    assert outcome.roles["answer"] in ([], PEOPLE)


def test_more_patches_than_are_reported_are_none_or_the_first(monkeypatch):
    monkeypatch.setattr("viper_sandbox.evidence.roles.MAX_EVIDENCE", 7)
    counted = 'return len([p for p in image_patch.find("person") if p.left < 130])'
    assert roles(counted) == (RIDERS, [], OTHERS[:2])
    assert roles('return len(image_patch.find("person"))') == ([], [], [])
