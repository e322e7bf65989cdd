"""The ImagePatch API as plain Python would have it: a class and functions, no sandbox anywhere.

Written from the description of the API alone, so that a program's value here is an independent
opinion about its value in the jail. Edges are kept with the y axis pointing UP.
"""

from __future__ import annotations

import math
import re

from fakes import small_world as world


def plain(coordinate):
    """Return a coordinate as an int if it is whole."""
    return int(coordinate) if coordinate == int(coordinate) else coordinate


class ImagePatch:
    """A box on the small world; origin bottom left."""

    def __init__(self, image, left=None, lower=None, right=None, upper=None):
        """Make a patch of the whole image, or of a box on it."""
        if left is None:
            left, lower, right, upper = image.left, image.lower, image.right, image.upper
        self.left, self.right = plain(max(left, image.left)), plain(min(right, image.right))
        self.lower, self.upper = plain(max(lower, image.lower)), plain(min(upper, image.upper))
        if self.left >= self.right or self.lower >= self.upper:
            raise ValueError("no area")
        self.score, self.category = 1.0, "image"

    @classmethod
    def whole(cls):
        """Return the whole image."""
        return cls._of(world.WHOLE, 1.0, "image")

    @classmethod
    def _of(cls, box, score, category):
        patch = cls.__new__(cls)
        patch.left, patch.right = plain(box[0]), plain(box[2])
        patch.lower, patch.upper = plain(world.HEIGHT - box[3]), plain(world.HEIGHT - box[1])
        patch.score, patch.category = score, category
        return patch

    @property
    def box_xyxy(self):
        """The box with its origin top left."""
        return (self.left, world.HEIGHT - self.upper, self.right, world.HEIGHT - self.lower)

    @property
    def width(self):
        """In pixels."""
        return plain(self.right - self.left)

    @property
    def height(self):
        """In pixels."""
        return plain(self.upper - self.lower)

    @property
    def horizontal_center(self):
        """The x of the centre."""
        return plain((self.left + self.right) / 2)

    @property
    def vertical_center(self):
        """The y of the centre."""
        return plain((self.lower + self.upper) / 2)

    def find(self, object_name):
        """Return patches, best first."""
        return [self._of(b, s, object_name) for b, s in world.find(self.box_xyxy, object_name)]

    def exists(self, object_name):
        """Tell whether there is one."""
        return len(self.find(object_name)) > 0

    def verify_property(self, object_name, attribute):
        """Ask for an attribute."""
        return world.has_property(self.box_xyxy, attribute)

    def best_text_match(self, option_list, prefix=None):
        """Choose an option."""
        return world.best(list(option_list), self.box_xyxy)

    def simple_query(self, question="What is this?"):
        """Ask a question."""
        return world.answer(self.box_xyxy, question)

    def compute_depth(self):
        """Return the depth."""
        return world.depth(self.box_xyxy)

    def crop(self, left, lower, right, upper):
        """Return the part of a box inside this patch."""
        return ImagePatch(self, left, lower, right, upper)

    def overlaps_with(self, left, lower, right, upper):
        """Tell whether open rectangles intersect."""
        apart = left >= self.right or right <= self.left or lower >= self.upper
        return not (apart or upper <= self.lower)

    def llm_query(self, question, long_answer=True):
        """Ask a language model."""
        return llm_query(question, long_answer)

    def __eq__(self, other):
        return isinstance(other, ImagePatch) and self.box_xyxy == other.box_xyxy

    def __hash__(self):
        return hash(self.box_xyxy)


def best_image_match(list_patches, content, return_index=False):
    """Choose the widest patch."""
    patches = list(list_patches)
    if not patches:
        return None
    index = max(range(len(patches)), key=lambda i: patches[i].width)
    return index if return_index else patches[index]


def distance(a, b):
    """Return the gap between patches, minus their IoU if they overlap, or a difference."""
    if not isinstance(a, ImagePatch):
        return abs(a - b)
    across = max(b.left - a.right, a.left - b.right)
    along = max(b.lower - a.upper, a.lower - b.upper)
    if across < 0 and along < 0:
        shared = (min(a.right, b.right) - max(a.left, b.left)) * (
            min(a.upper, b.upper) - max(a.lower, b.lower)
        )
        return -shared / (a.width * a.height + b.width * b.height - shared)
    return math.sqrt(max(across, 0) ** 2 + max(along, 0) ** 2)


def bool_to_yesno(bool_answer):
    """Return yes or no."""
    return "yes" if bool_answer else "no"


def coerce_to_numeric(text):
    """Return the first number in digits."""
    if isinstance(text, (int, float)):
        return text
    found = re.search(r"-?[0-9]+(\.[0-9]+)?", text)
    if not found:
        raise ValueError("no number")
    number = float(found[0])
    return int(number) if number == int(number) else number


def llm_query(question, long_answer=True):
    """Ask a language model."""
    return "a long answer" if long_answer else "short"


def process_guesses(prompt, guess1=None, guess2=None):
    """Choose between guesses."""
    return guess2 or guess1 or "none"


NAMES = {
    f.__name__: f
    for f in (
        *(ImagePatch, best_image_match, distance, bool_to_yesno),
        *(coerce_to_numeric, llm_query, process_guesses),
    )
}
"""Global names that a program is given."""
