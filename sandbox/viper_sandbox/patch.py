"""The ImagePatch of programs: the handle of an image, a box, and geometry.

A patch has no pixels and no models. A method that the API marks as remote becomes one call to the host; the
others are computed here. Boxes are kept exactly as they came from the host (`x1, y1, x2, y2`, origin TOP
LEFT), so that a patch is sent back bit for bit; programs see them with the y axis pointing UP: `lower = H -
y2`, `upper = H - y1`, for an image of height H. A coordinate without a fraction is an int there, so that it
counts, indexes and prints as one.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from viper_sandbox.api import did_you_mean
from viper_sandbox.handle import Owner
from viper_sandbox.hints import MEMBER_HINTS
from viper_sandbox.namespace import plainly_named
from viper_sandbox.numerals import coerce_to_numeric
from viper_sandbox.wire import PatchRef

__all__ = [
    "ATTRIBUTES",
    "LOCAL_FUNCTIONS",
    "LOCAL_METHODS",
    "ImagePatch",
    "bool_to_yesno",
    "distance",
]


class ImagePatch:
    """A rectangular part of an image; immutable, equal to any patch with the same box on it.

    Args:
        image: The patch to crop; `execute_command` gets the whole image as a patch.
        left: x of the left edge in pixels of the whole image. Give all four edges, or none.
        lower: y of the lower edge, counted upwards.
        right: x of the right edge.
        upper: y of the upper edge, counted upwards.

    Raises:
        TypeError: `image` is not a patch, or an edge is not a number.
        ValueError: Only some edges are given, one is not finite, or the box lies outside.
    """

    __slots__ = ("_box_xyxy", "_category", "_score", "_session")
    _box_xyxy: tuple[float, float, float, float]
    _category: str
    _score: float
    _session: Owner

    def __init__(
        self,
        image: ImagePatch,
        left: float | None = None,
        lower: float | None = None,
        right: float | None = None,
        upper: float | None = None,
    ) -> None:
        if type(image) is not ImagePatch:
            raise TypeError(f"ImagePatch() needs the image, got {type(image).__name__}")
        box = image._box_xyxy
        if not (left is None and lower is None and right is None and upper is None):
            if left is None or lower is None or right is None or upper is None:
                raise ValueError("ImagePatch() needs all of left, lower, right, upper, or none")
            box = image._clamped(left, lower, right, upper)
        self._fill(image._session, box, "image", 1.0)

    @classmethod
    def _make(cls, session: Owner, ref: PatchRef) -> ImagePatch:
        patch = object.__new__(cls)
        patch._fill(session, ref.box_xyxy, ref.category, ref.score)
        return patch

    def _fill(
        self,
        session: Owner,
        box_xyxy: tuple[float, float, float, float],
        category: str,
        score: float,
    ) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_box_xyxy", box_xyxy)
        object.__setattr__(self, "_category", category)
        object.__setattr__(self, "_score", score)

    @property
    def left(self) -> float:
        """The x of the left edge, in pixels."""
        return _plain(self._box_xyxy[0])

    @property
    def lower(self) -> float:
        """The y of the lower edge, in pixels, counted upwards."""
        return _plain(self._session.height - self._box_xyxy[3])

    @property
    def right(self) -> float:
        """The x of the right edge, in pixels."""
        return _plain(self._box_xyxy[2])

    @property
    def upper(self) -> float:
        """The y of the upper edge, in pixels, counted upwards."""
        return _plain(self._session.height - self._box_xyxy[1])

    @property
    def width(self) -> float:
        """`right - left`, in pixels."""
        return _plain(self._box_xyxy[2] - self._box_xyxy[0])

    @property
    def height(self) -> float:
        """`upper - lower`, in pixels."""
        return _plain(self._box_xyxy[3] - self._box_xyxy[1])

    @property
    def horizontal_center(self) -> float:
        """The x of the center, in pixels."""
        return _plain((self.left + self.right) / 2)

    @property
    def vertical_center(self) -> float:
        """The y of the center, in pixels, counted upwards."""
        return _plain((self.lower + self.upper) / 2)

    @property
    def score(self) -> float:
        """Detector score in 0 … 1; 1.0 for a patch that was not detected."""
        return self._score

    @property
    def category(self) -> str:
        """The phrase that the patch was found with; "image" for the image and its crops."""
        return self._category

    def crop(self, left: float, lower: float, right: float, upper: float) -> ImagePatch:
        """Return the part of a box that lies inside this patch; see `ImagePatch`."""
        return ImagePatch(self, left, lower, right, upper)

    def overlaps_with(self, left: float, lower: float, right: float, upper: float) -> bool:
        """Return whether the open rectangles intersect; touching edges do not."""
        left, lower, right, upper = _edges(left, lower, right, upper)
        return (
            max(self.left, left) < min(self.right, right)
            and max(self.lower, lower) < min(self.upper, upper)
        )  # fmt: skip

    def _clamped(
        self, left: float, lower: float, right: float, upper: float
    ) -> tuple[float, float, float, float]:
        left, lower, right, upper = _edges(left, lower, right, upper)
        x1, y1, x2, y2 = self._box_xyxy
        height = self._session.height
        # An edge at or beyond the patch's own becomes exactly the patch's, without the rounding of H - y.
        box = (
            max(left, x1),
            y1 if upper >= self.upper else height - upper,
            min(right, x2),
            y2 if lower <= self.lower else height - lower,
        )
        # Edges that touch in the program's frame share no area, whatever H - y rounds to.
        touching = lower >= self.upper or upper <= self.lower
        if touching or box[0] >= box[2] or box[1] >= box[3]:
            left_over = "has no area"
        elif _is_sliver(box[2] - box[0], x2 - x1) or _is_sliver(box[3] - box[1], y2 - y1):
            left_over = "has less than a pixel"
        else:
            return box
        raise ValueError(
            f"The box left={left:g}, lower={lower:g}, right={right:g}, upper={upper:g} {left_over} "
            f"inside {self!r}. {_FRAME}"
        )

    def _ref(self) -> PatchRef:
        return PatchRef(self._session.handle, self._box_xyxy, self._category, self._score)

    def _program_attribute_(self, name: str) -> Any:  # Any: numbers, texts and methods
        """Return a member that the API has; refuse all others."""
        api = self._session.api
        if name in api.attributes:
            return getattr(self, name)
        entry = api.methods.get(name)
        if entry is None:
            hint = MEMBER_HINTS.get(name) or did_you_mean(name, api.members)
            raise AttributeError(f"ImagePatch has no attribute {name!r}. {hint}".rstrip())
        return self._session.callable(entry, self)

    @staticmethod
    def _method_of_class_(name: str) -> Callable[..., Any]:
        """Return a method as a function of a patch, as in `key=ImagePatch.compute_depth`."""
        if name in ATTRIBUTES:
            raise AttributeError(
                f"The class ImagePatch has no {name!r}, only a patch has. Write lambda p: p.{name}"
            )

        def method(patch: object, *args: Any, **kwargs: Any) -> Any:
            if type(patch) is not ImagePatch:
                raise TypeError(f"{name}() needs a patch first, got {type(patch).__name__}")
            return patch._program_attribute_(name)(*args, **kwargs)

        return plainly_named(method, name)

    def __setattr__(self, name: str, value: object = None) -> NoReturn:
        raise AttributeError("An ImagePatch cannot be changed")

    __delattr__ = __setattr__

    def __eq__(self, other: object) -> bool:
        if type(other) is not ImagePatch:
            return NotImplemented
        return self._session is other._session and self._box_xyxy == other._box_xyxy

    def __hash__(self) -> int:
        return hash((self._session.handle, self._box_xyxy))

    def __repr__(self) -> str:
        edges = (self.left, self.lower, self.right, self.upper)
        left, lower, right, upper = (f"{edge:.6g}" for edge in edges)
        return f"ImagePatch(left={left}, lower={lower}, right={right}, upper={upper})"


def distance(patch_a: object, patch_b: object) -> float:
    """Return the gap between two patches in pixels, or the absolute difference of two numbers.

    The gap is the Euclidean distance between the nearest points; for patches that overlap the result
    is minus their intersection over union, in -1 … 0.

    Raises:
        TypeError: One is a patch and the other is not, or neither is a patch or number.
    """
    if isinstance(patch_a, ImagePatch) and isinstance(patch_b, ImagePatch):
        a, b = patch_a._box_xyxy, patch_b._box_xyxy
        overlap_x = min(a[2], b[2]) - max(a[0], b[0])
        overlap_y = min(a[3], b[3]) - max(a[1], b[1])
        if overlap_x > 0 and overlap_y > 0:
            shared = overlap_x * overlap_y
            return -shared / (_area(a) + _area(b) - shared)
        return math.hypot(max(0.0, -overlap_x), max(0.0, -overlap_y))
    if isinstance(patch_a, (int, float)) and isinstance(patch_b, (int, float)):
        return abs(patch_a - patch_b)
    raise TypeError(
        "distance() needs two patches or two numbers, got "
        f"{type(patch_a).__name__} and {type(patch_b).__name__}"
    )


def bool_to_yesno(bool_answer: object) -> str:
    """Return "yes" or "no"."""
    return "yes" if bool_answer else "no"


_FRAME = (
    "Coordinates are pixels of the whole image, also in a crop of a part: add the part's .left and .lower "
    "to coordinates inside it."
)


def _is_sliver(length: float, whole: float) -> bool:
    """Return whether a cut leaves less than a pixel of a longer side."""
    return length < 1.0 and length < whole


def _plain(coordinate: float) -> float:
    """Return a coordinate as an int if it has no fraction."""
    whole = int(coordinate)
    return whole if whole == coordinate else coordinate


def _area(box_xyxy: tuple[float, float, float, float]) -> float:
    return (box_xyxy[2] - box_xyxy[0]) * (box_xyxy[3] - box_xyxy[1])


def _text(number: float) -> str:
    """Return a number as text; for an int, which may have thousands of digits, its size."""
    return f"{number}" if isinstance(number, float) else f"{number.bit_length():,} bits"


def _edges(*edges: float) -> tuple[float, ...]:
    for name, edge in zip(("left", "lower", "right", "upper"), edges, strict=True):
        if type(edge) not in (int, float):
            raise TypeError(f"{name} must be a number, got {type(edge).__name__}")
        if not abs(edge) <= sys.float_info.max:  # neither nan nor an int beyond all floats
            raise ValueError(f"{name} must be finite, got {_text(edge)}")
    return tuple(float(edge) for edge in edges)


ATTRIBUTES = frozenset(
    name for name, member in vars(ImagePatch).items() if isinstance(member, property)
)
"""Names of the attributes of ImagePatch."""
LOCAL_METHODS: dict[str, Callable[..., Any]] = {
    "crop": ImagePatch.crop,
    "overlaps_with": ImagePatch.overlaps_with,
}
"""Methods that need no model, by name; the patch is the first argument."""
LOCAL_FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (distance, bool_to_yesno, coerce_to_numeric)
}
"""Functions that need no model, by name."""
