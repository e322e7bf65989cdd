"""CLEVR scene files: `{"scenes": [{"image_filename", "objects": [...], "directions", ...}]}`.

The official release has neither boxes nor cameras, so boxes are projected, with a recovered camera if the
scene has no `camera`. If all objects of a scene have `bbox_xyxy`, these boxes are used. `pixel_coords[2]` is
an object's depth. The scene files of Johnson et al. 2017 (CLEVR, section 3) are the reference.
"""

from __future__ import annotations

from pathlib import Path

from viper.errors import ConfigError
from viper.images.boxes import Box, area, clamp, snap
from viper.oracle.json_value import JsonValue
from viper.oracle.phrase_parser import PhraseParser, content_words
from viper.oracle.projection import Camera, Solid, recover_camera
from viper.oracle.scene import Scene, SceneObject

__all__ = ["fits", "read"]

# (width, height) in pixels that CLEVR's images are rendered in.
_DEFAULT_SIZE = (480, 320)

# Of the camera in CLEVR's base_scene.blend.
_LENS_MM, _SENSOR_WIDTH_MM = 35.0, 32.0

_OBJECT = "thing"
_COLORS = "gray red blue green brown purple cyan yellow"


def _by_word(rows: str) -> dict[str, str]:
    """Return word → term from rows of words, the first of which is the term."""
    groups = (row.split() for row in rows.split("|"))
    return {word: words[0] for words in groups for word in words}


_NOUNS = _by_word(f"cube block | sphere ball | cylinder | {_OBJECT} object item anything something")
_ATTRIBUTES = _by_word(
    "metal metallic shiny | rubber matte | large big | small tiny | cube cubic | sphere spherical | "
    f"cylinder cylindrical | {_COLORS.replace(' ', ' | ')}"
)
_KINDS = ("color", "material", "shape", "size")


def fits(value: JsonValue) -> bool:
    """Return whether a file holds CLEVR scenes."""
    return isinstance(value.raw, dict) and isinstance(value.raw.get("scenes"), list)


def read(value: JsonValue) -> tuple[dict[str, Scene], PhraseParser]:
    """Read all scenes.

    Returns:
        The scenes by the stem of their image's name, and the parser of phrases about them.

    Raises:
        ConfigError: A value is missing or malformed; the message names scene, object and field.
    """
    scenes: dict[str, Scene] = {}
    colors: set[str] = set()
    for scene in value["scenes"].items("scene"):
        name = scene["image_filename"]
        stem = Path(name.text()).stem
        if stem in scenes:
            raise ConfigError(f"{name.where}: {stem!r} occurs in an earlier scene already.")
        scenes[stem] = _scene(scene)
        colors.update(item.values["color"] for item in scenes[stem].objects)
    if not scenes:
        raise ConfigError(f"{value.where} holds no scenes.")
    # Scenes of CLEVR's generator may have other colors than the release.
    return scenes, PhraseParser(_NOUNS, dict(zip(colors, colors, strict=True)) | _ATTRIBUTES)


def _scene(scene: JsonValue) -> Scene:
    objects = list(scene["objects"].items("object"))
    # The release declares no size.
    size = None
    if "width" in scene and "height" in scene:
        size = (scene["width"].pixels(), scene["height"].pixels())
    if all("bbox_xyxy" in item for item in objects):
        boxes = [_box(item["bbox_xyxy"]) for item in objects]
    else:
        size = size or _DEFAULT_SIZE
        boxes = _projected(scene, objects, size)
    annotated = (_object(item, box) for item, box in zip(objects, boxes, strict=True))
    return Scene(tuple(annotated), size)


def _object(item: JsonValue, box: Box) -> SceneObject:
    values = {kind: " ".join(content_words(item[kind].text())) for kind in _KINDS}
    values["shape"] = _NOUNS.get(values["shape"], values["shape"])
    if values["shape"] not in _NOUNS.values():
        raise item["shape"].wrong("one of cube, sphere, cylinder")
    for kind, choices in (("material", "metal rubber"), ("size", "large small")):
        values[kind] = _ATTRIBUTES.get(values[kind], values[kind])
        if values[kind] not in choices.split():
            raise item[kind].wrong(f"one of {choices.replace(' ', ', ')}")
    _, _, depth = item["pixel_coords"].numbers(3)
    names = frozenset({values["shape"], _OBJECT})
    return SceneObject(
        box_xyxy=box,
        name=values["shape"],
        names=names,
        terms=names | frozenset(values.values()),
        values=values,
        depth=depth,
    )


def _box(value: JsonValue) -> Box:
    x1, y1, x2, y2 = value.numbers(4)
    box = snap((x1, y1, x2, y2))
    if area(box) <= 0:
        raise value.wrong("[x1, y1, x2, y2] in pixels with x1 < x2 and y1 < y2")
    return box


def _projected(scene: JsonValue, objects: list[JsonValue], size: tuple[int, int]) -> list[Box]:
    """Return the boxes of objects as the camera sees them, clamped to the image."""
    solids = [_solid(item) for item in objects]
    if "camera" in scene:
        camera = _given_camera(scene["camera"], size)
    else:
        directions = scene["directions"]
        right, behind = (directions[name].numbers(3) for name in ("right", "behind"))
        pixels = [item["pixel_coords"].numbers(3) for item in objects]
        for item, (_, _, depth) in zip(objects, pixels, strict=True):
            if depth <= 0:
                raise item["pixel_coords"].wrong("[x, y, depth] with a depth above 0")
        focal_px = _LENS_MM / _SENSOR_WIDTH_MM * size[0]
        try:
            camera = recover_camera(
                [solid.center for solid in solids], pixels, right, behind, focal_px, size
            )
        except ValueError as error:
            raise ConfigError(f"{scene.where}: {error}") from error
    boxes = []
    for item, solid in zip(objects, solids, strict=True):
        visible = camera.box(solid)
        box = None if visible is None else snap(clamp(visible, *size))
        if box is None or area(box) <= 0:
            raise ConfigError(
                f"{item.where}: no part of it lies in the image of {size[0]}×{size[1]} pixels, seen "
                "from the scene's camera. Check 3d_coords, pixel_coords and camera."
            )
        boxes.append(box)
    return boxes


def _solid(item: JsonValue) -> Solid:
    x, y, z = item["3d_coords"].numbers(3)
    if z <= 0:
        raise item["3d_coords"].wrong("[x, y, z] with z above 0, half the object's height")
    rotation = item["rotation"].number() if "rotation" in item else 0.0
    return Solid(_NOUNS.get(item["shape"].text(), ""), (x, y, z), rotation)


def _given_camera(camera: JsonValue, size: tuple[int, int]) -> Camera:
    rows = [row.numbers(4) for row in camera["matrix_world"].items("row")]
    if len(rows) != 4:
        raise camera["matrix_world"].wrong("4 rows of 4 numbers")
    right, up, backward, position = (
        (rows[0][column], rows[1][column], rows[2][column]) for column in range(4)
    )
    lens_mm, sensor_mm = (
        camera[name].number(above=0) if name in camera else default
        for name, default in (("lens_mm", _LENS_MM), ("sensor_width_mm", _SENSOR_WIDTH_MM))
    )
    forward = (-backward[0], -backward[1], -backward[2])
    return Camera(position, right, up, forward, lens_mm / sensor_mm * size[0], size)
