"""Annotated scenes: objects with boxes and terms, and the objects in a view.

A term is a word or phrase that holds for an object: "cube", "red", "holding cup". An object is IN a view if
at least half of its box lies inside. The SUBJECT of a view is the object in it whose box fits best, if the
two overlap by half (IoU ≥ 0.5): the view is the object's patch, or close to it. For any other view, and
always for the whole image, the terms of all objects in it hold; if it covers at least half of the image,
weather and place do, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from viper.errors import ModelError
from viper.images.boxes import Box, area, intersection, iou
from viper.images.image import ImageRef, View
from viper.oracle.phrase_parser import PhraseParser

__all__ = ["Scene", "SceneFile", "SceneObject"]

# Share of an object's box in the view; with half, an object that a border cuts in two is on one side of it.
_LEAST_SHARE_INSIDE = 0.5

# Share of the image that a view must cover for weather and place to hold.
_LEAST_SHARE_OF_IMAGE = 0.5

# Of a view and the box of its subject; the usual threshold for "the same box".
_LEAST_IOU = 0.5


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object of a scene."""

    box_xyxy: Box
    """In pixels of the image, origin top left, on the lattice of `viper.images.boxes.snap`."""
    name: str
    """Its name in answers."""
    names: frozenset[str]
    """All terms that name it: "cube", "thing"."""
    terms: frozenset[str]
    """All terms that hold for it, its names included."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Its properties by kind: "color" → "red"."""
    relations: tuple[tuple[str, int], ...] = ()
    """(predicate, index of the target in the scene)."""
    depth: float | None = None
    """Distance along the camera's axis, in the scene's units; None where the file has none."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The annotations of one image."""

    objects: tuple[SceneObject, ...]
    size: tuple[int, int] | None = None
    """(width, height) in pixels of the image that the boxes belong to; None if unknown."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Properties of the whole image by kind: "weather" → "cloudy"."""

    def inside(self, view: View) -> list[SceneObject]:
        """Return the objects in a view, in the order of the file."""
        return [
            item
            for item in self.objects
            if intersection(item.box_xyxy, view.box_xyxy)
            >= _LEAST_SHARE_INSIDE * area(item.box_xyxy)
        ]

    def subjects(self, view: View) -> list[SceneObject]:
        """Return the object that a view is the patch of: none, one, or several with the same box."""
        width, height = view.image.size
        if view.box_xyxy == (0.0, 0.0, float(width), float(height)):
            return []
        fits = [(iou(item.box_xyxy, view.box_xyxy), item) for item in self.inside(view)]
        best = max((fit for fit, _ in fits), default=0.0)
        return [item for fit, item in fits if fit == best >= _LEAST_IOU]

    def terms(self, view: View) -> frozenset[str]:
        """Return all terms that hold for a view."""
        subjects = self.subjects(view)
        terms = frozenset[str]().union(*(t.terms for t in subjects or self.inside(view)))
        width, height = view.image.size
        if not subjects and area(view.box_xyxy) >= _LEAST_SHARE_OF_IMAGE * width * height:
            terms |= frozenset(self.values.values())
        return terms


@dataclass(frozen=True, slots=True)
class SceneFile:
    """All scenes of a file, and the parser of phrases about them."""

    path: Path
    fingerprint: str
    scenes: Mapping[str, Scene] = field(repr=False)
    """By the name of the image file without its suffix."""
    parser: PhraseParser = field(repr=False)
    has_depth: bool = True

    def scene(self, image: ImageRef) -> Scene:
        """Return the scene of an image, found by the image's name.

        Raises:
            ModelError: The file has no scene of this name, or one of another size.
        """
        scene = self.scenes.get(Path(image.source_name).stem)
        if scene is None:
            example = next(iter(self.scenes), None)
            raise ModelError(
                f"The oracle has no scene for the image {image.source_name!r}: {self.path.name} "
                f"holds {len(self.scenes):,} scenes"
                + (f", such as that of {example!r}" if example is not None else "")
                + ". Give the image as a file with the name that it has in the scenes."
            )
        if scene.size is not None and scene.size != image.size:
            raise ModelError(
                f"The scene of {image.source_name!r} is of {scene.size[0]}×{scene.size[1]} pixels, but "
                f"the image has {image.size[0]}×{image.size[1]}. Give the image in its original size."
            )
        return scene
