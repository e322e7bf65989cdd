"""What a fixed 300 × 200 picture answers: pure functions of boxes and words.

Two hosts stand on it: the handler of a jail, and the plain class that programs are compared with. Boxes
are `(x1, y1, x2, y2)` in pixels, origin top left.
"""

from __future__ import annotations

from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]

WIDTH, HEIGHT = 300, 200
WHOLE: Box = (0.0, 0.0, float(WIDTH), float(HEIGHT))

_OBJECTS: dict[str, list[Box]] = {
    "person": [(20.0, 40.0, 60.0, 180.0), (120.0, 60.0, 150.0, 170.0), (240.0, 50.0, 280.0, 190.0)],
    "dog": [(70.0, 140.0, 110.0, 180.0), (200.0, 150.0, 230.0, 185.0)],
    "car": [(0.0, 90.0, 90.0, 160.0), (160.0, 100.0, 260.0, 165.0)],
    "cat": [(130.0, 10.0, 160.0, 40.0)],
    "table": [(50.0, 120.0, 250.0, 200.0)],
    "cup": [(60.0, 110.0, 75.0, 130.0), (100.0, 115.0, 112.0, 135.0), (220.0, 112.0, 240.0, 130.0)],
    "unicorn": [],
}
_COLORS = ("red", "green", "blue")
_SIGN = "Exit 12, please!"


def find(box: Box, name: str) -> list[tuple[Box, float]]:
    """Return the boxes of a kind of thing whose centre lies inside `box`, best score first.

    Things that the picture does not name are three, each a third of the box wide.
    """
    x1, y1, x2, y2 = box
    third = (x2 - x1) / 3
    thirds = [(x1 + i * third, y1, x1 + (i + 1) * third, y2) for i in range(3)]
    known = _OBJECTS.get(name.lower().removesuffix("s"), thirds)
    inside = [b for b in known if x1 <= center_x(b) <= x2 and y1 <= (b[1] + b[3]) / 2 <= y2]
    clipped = [(max(a, x1), max(b, y1), min(c, x2), min(d, y2)) for a, b, c, d in inside]
    return [(b, round(0.9 - 0.1 * i, 1)) for i, b in enumerate(clipped)]


def has_property(box: Box, attribute: str) -> bool:
    """Tell whether a thing has an attribute: colours go by thirds of the picture, the rest by length."""
    if attribute in _COLORS:
        return color(box) == attribute
    return (len(attribute) + int(center_x(box)) // 50) % 2 == 0


def answer(box: Box, question: str) -> str:
    """Answer a question about a box."""
    question = question.lower()
    if "color" in question or "colour" in question:
        return color(box)
    if "sign" in question or "read" in question or "text" in question:
        return _SIGN
    if "how many" in question or "number" in question:
        return str(len(find(box, "person")))
    return "hat" if "wear" in question else "thing"


def best(options: list[str], box: Box) -> str:
    """Choose an option by the place of the box."""
    return options[int(center_x(box)) % len(options)]


def depth(box: Box) -> float:
    """Return a depth that grows upwards in the picture."""
    return float(HEIGHT) - box[3] + 1.0


def color(box: Box) -> str:
    """Return the colour of the third of the picture that the centre is in."""
    return _COLORS[min(int(center_x(box) // (WIDTH / 3)), 2)]


def center_x(box: Box) -> float:
    """Return the x of the centre."""
    return (box[0] + box[2]) / 2
