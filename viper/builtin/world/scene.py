"""Scenes as plain values, in CLEVR's units: the ground is z = 0, a large object is 1.4 across.

The camera has Blender's frame: it looks along its −z axis, x to the right, y up. Names, colors and
sizes are those of CLEVR (Johnson et al. 2017, https://arxiv.org/abs/1612.06890).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COLORS",
    "MATERIALS",
    "RADII",
    "SHAPES",
    "SIZES",
    "Camera",
    "Light",
    "Look",
    "Scene",
    "SceneObject",
]

Shape = Literal["cube", "sphere", "cylinder"]
Size = Literal["small", "large"]
Material = Literal["rubber", "metal"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
SIZES: tuple[Size, ...] = get_args(Size)
MATERIALS: tuple[Material, ...] = get_args(Material)
COLORS = MappingProxyType(
    {
        "gray": (87, 87, 87),
        "red": (173, 35, 35),
        "blue": (42, 75, 215),
        "green": (29, 105, 20),
        "brown": (129, 74, 25),
        "purple": (129, 38, 192),
        "cyan": (41, 208, 208),
        "yellow": (255, 238, 51),
    }
)
"""Name → sRGB, 0 … 255, as CLEVR defines it."""
RADII = MappingProxyType({"small": 0.35, "large": 0.7})
"""Size → half of the height and of the width, whatever the shape."""


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object that stands on the ground."""

    shape: Shape
    size: Size
    color: str
    """A key of `COLORS`."""
    material: Material
    x: float
    y: float
    rotation_deg: float = 0.0
    """About the vertical axis."""

    @property
    def half(self) -> float:
        """Half of the height and of the width."""
        return RADII[self.size]

    @property
    def bounding_radius(self) -> float:
        """Radius of the smallest sphere around the center that contains the object."""
        return self.half * {"sphere": 1.0, "cylinder": 2**0.5, "cube": 3**0.5}[self.shape]

    @property
    def center(self) -> tuple[float, float, float]:
        """Center of the body in the world."""
        return (self.x, self.y, self.half)


@dataclass(frozen=True, slots=True)
class Camera:
    """Position and orientation of the camera, and its lens."""

    matrix_world: tuple[tuple[float, ...], ...]
    """4×4, camera to world; the upper left 3×3 is a rotation."""
    lens_mm: float = 35.0
    sensor_width_mm: float = 32.0

    @classmethod
    def looking_at(
        cls, position: tuple[float, float, float], target: tuple[float, float, float]
    ) -> Camera:
        """Make an upright camera that looks at a point, which must not be straight above or below."""
        back = np.subtract(position, target).astype(float)
        back /= np.linalg.norm(back)
        right = np.cross((0.0, 0.0, 1.0), back)
        right /= np.linalg.norm(right)
        up = np.cross(back, right)
        rows = np.column_stack([right, up, back, position]).tolist()
        return cls((*map(tuple, rows), (0.0, 0.0, 0.0, 1.0)))

    @property
    def position(self) -> NDArray[np.float64]:
        """Where it stands, shape (3,)."""
        return np.array(self.matrix_world)[:3, 3]

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Camera to world, shape (3, 3); columns are right, up and backwards."""
        return np.array(self.matrix_world)[:3, :3]

    def focal_px(self, width: int) -> float:
        """Focal length in pixels of an image of this width."""
        return width * self.lens_mm / self.sensor_width_mm

    def project(
        self, points: NDArray[np.float64], size: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Project world points.

        Args:
            points: Shape (N, 3).
            size: (width, height) of the image in pixels.

        Returns:
            Pixels, shape (N, 2), origin top left; depths along the viewing axis, shape (N,).
        """
        right, up, depth = self.local(points).T
        scale = self.focal_px(size[0]) / depth
        pixels = np.stack([size[0] / 2 + right * scale, size[1] / 2 - up * scale], axis=1)
        return pixels, depth

    def local(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return world points, shape (N, 3), as distances to the right, up and along the viewing axis."""
        return (points - self.position) @ self.rotation * (1, 1, -1)


@dataclass(frozen=True, slots=True)
class Light:
    """A round area light."""

    position: tuple[float, float, float]
    power: float
    """Brightness on a white surface that faces it, 0 … about 1; it does not fall off with distance."""
    radius: float = 1.0
    """Of the shining disc; larger gives softer shadows."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Look:
    """The look of surfaces and image; randomized for robust training."""

    lights: tuple[Light, ...]
    ambient: float = 0.3
    """Light from everywhere, 0 … 1."""
    ground: tuple[float, float, float] = (0.47, 0.47, 0.47)
    """Linear color of the ground, 0 … 1."""
    ground_variation: float = 0.0
    """Strength of a slow change of the ground's brightness over the image."""
    color_jitter: tuple[tuple[float, float, float], ...] = ()
    """Factors on the linear colors of the objects, in their order; empty for none."""
    bevel: float = 0.19
    """Radius of the rounded edges of cubes, as a share of their half height; cylinders have 0.3 of it."""
    metal_reflection: float = 0.85
    """Share of a metal's light that is a reflection of its surroundings."""
    metal_tint: float = 0.9
    """How much of a metal's own color its reflections take on, 0 … 1."""
    metal_roughness: float = 0.08
    """Spread of what metal mirrors, as the standard deviation of a ray's unit direction."""
    metal_gloss: float = 2.0
    """Strength of metal's highlights."""
    metal_highlight_tint: float = 0.8
    """How much of a metal's own color its highlights take on, 0 … 1."""
    ground_fading: float = 0.12
    """How fast the mirrored ground gets dark, per unit of distance."""
    room: float = 0.05
    """Brightness of the room above the ground, which metal mirrors."""
    metal_sharpness: float = 60.0
    """Exponent of metal's highlights."""
    rubber_gloss: float = 0.05
    """Strength of rubber's highlights."""
    rubber_paleness: float = 0.06
    """How much white is mixed into the colors of rubber, 0 … 1."""
    exposure: float = 1.0
    gamma: float = 2.2
    blur_px: float = 0.0
    """Standard deviation of a blur of the image."""
    noise: float = 0.0
    """Standard deviation of noise on the image, for values in 0 … 1."""
    vignette: float = 0.0
    """How much darker the corners are, 0 … 1."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that determines an image; rendering it again gives the same pixels."""

    objects: tuple[SceneObject, ...]
    camera: Camera
    look: Look
    seed: int = 0
    """Seed of the noise and of the light's samples."""
    size: tuple[int, int] = field(default=(320, 240))
    """(width, height) in pixels."""

    @property
    def things(self) -> tuple[SceneObject, ...]:
        """Former name of `objects`."""
        return self.objects

    def linear_color(self, index: int) -> NDArray[np.float32]:
        """Return the linear color of an object, shape (3,)."""
        srgb = np.array(COLORS[self.objects[index].color], np.float32) / 255
        linear = srgb ** np.float32(2.2)
        if self.objects[index].material == "rubber":
            linear += np.float32(self.look.rubber_paleness) * (1 - linear)
        if self.look.color_jitter:
            linear *= np.array(self.look.color_jitter[index], np.float32)
        return linear.astype(np.float32, copy=False)
