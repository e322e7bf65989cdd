"""What is known of pictures: things with boxes and terms, and which of them a view shows.

A term is a word or a phrase that holds of a thing: "cube", "red", "holding cup". A thing is IN a view when
at least half of its box lies inside. A view SHOWS the thing in it whose box fits it best, if the two
overlap by half (IoU ≥ 0.5): such a view is the thing's own patch, or near it. Any other view, and always
the whole picture, shows everything in it; and if it is half of the picture or more, weather and place too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from viper.errors import ModelError
from viper.images.boxes import Box, area, iou
from viper.images.image import ImageRef, View
from viper.oracle.language import Language

__all__ = ["Scene", "SceneFile", "Thing"]

_LEAST_SHARE_INSIDE = 0.5
# Of a thing's box in the view, so that a thing cut in two by a border is on one side of it.

_LEAST_SHARE_OF_PICTURE = 0.5
# That a view must be to show the weather.

_LEAST_IOU = 0.5
# Between a view and the box of the thing that it shows; the usual bound for "the same box".


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of a scene."""

    box_xyxy: Box
    """In pixels of the image, origin top left, on the lattice of `viper.images.boxes.snap`."""
    name: str
    """What it is called when somebody asks."""
    names: frozenset[str]
    """All terms that it may be called by: "cube", "thing"."""
    terms: frozenset[str]
    """Everything that holds of it, its names included."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Its properties by kind: "color" → "red"."""
    relations: tuple[tuple[str, int], ...] = ()
    """(predicate, index of the thing in its scene that it leads to)."""
    depth: float | None = None
    """Distance along the camera's axis, in the scene's units; None where the file has none."""

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return area(self.box_xyxy)


@dataclass(frozen=True, slots=True)
class Scene:
    """What one picture shows."""

    things: tuple[Thing, ...]
    size: tuple[int, int] | None = None
    """(width, height) of the picture that the boxes belong to, in pixels; None where unknown."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Properties of the whole picture by kind: "weather" → "cloudy"."""

    def inside(self, view: View) -> list[Thing]:
        """Return the things that are in a view, in the order of the file."""
        return [
            thing
            for thing in self.things
            if _shared_area(thing.box_xyxy, view.box_xyxy) >= _LEAST_SHARE_INSIDE * thing.area
        ]

    def shown(self, view: View) -> list[Thing]:
        """Return the thing that a view is the patch of: none, one, or several with the same box."""
        width, height = view.image.size
        if view.box_xyxy == (0.0, 0.0, float(width), float(height)):
            return []
        fits = [(iou(thing.box_xyxy, view.box_xyxy), thing) for thing in self.inside(view)]
        best = max((fit for fit, _ in fits), default=0.0)
        return [thing for fit, thing in fits if fit == best >= _LEAST_IOU]

    def terms(self, view: View) -> frozenset[str]:
        """Return all that holds of what a view shows."""
        shown = self.shown(view)
        terms = frozenset[str]().union(*(t.terms for t in shown or self.inside(view)))
        width, height = view.image.size
        if not shown and area(view.box_xyxy) >= _LEAST_SHARE_OF_PICTURE * width * height:
            terms |= frozenset(self.values.values())
        return terms


@dataclass(frozen=True, slots=True)
class SceneFile:
    """All scenes of a file, and the language that it is described in."""

    path: Path
    fingerprint: str
    scenes: Mapping[str, Scene] = field(repr=False)
    """By the name of the image file without its suffix."""
    language: Language = field(repr=False)
    has_depth: bool = True

    def scene(self, image: ImageRef) -> Scene:
        """Return the scene of a picture, which is found by its name.

        Raises:
            ModelError: The file has no scene of this name, or one of another size.
        """
        scene = self.scenes.get(Path(image.source_name).stem)
        if scene is None:
            example = next(iter(self.scenes), None)
            raise ModelError(
                f"True perception has no scene for the image {image.source_name!r}: {self.path.name} "
                f"holds {len(self.scenes):,} scenes"
                + (f", such as that of {example!r}" if example is not None else "")
                + ". Give the picture as a file with the name that the scenes call it by."
            )
        if scene.size is not None and scene.size != image.size:
            raise ModelError(
                f"The scene of {image.source_name!r} is of {scene.size[0]}×{scene.size[1]} pixels, but "
                f"the image has {image.size[0]}×{image.size[1]}. Give the picture in its own size."
            )
        return scene


def _shared_area(a_xyxy: Box, b_xyxy: Box) -> float:
    return area(
        (
            max(a_xyxy[0], b_xyxy[0]),
            max(a_xyxy[1], b_xyxy[1]),
            min(a_xyxy[2], b_xyxy[2]),
            min(a_xyxy[3], b_xyxy[3]),
        )
    )
