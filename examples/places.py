"""Draws a street and a laid table for models that know photographs: `python examples/places.py`.

No photograph is shipped, so that nothing here has an owner: both are painted with Pillow, with light, blur
and grain, so that detectors of photographs find the things in them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIZE = (640, 426)
_SCALE = 3  # drawn larger and reduced, so that edges are smooth

Color = tuple[int, int, int]
Box = tuple[float, float, float, float]


class Canvas:
    """A picture in the making, with sizes in pixels of the finished one."""

    def __init__(self, top: Color, bottom: Color, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.image = Image.new("RGB", (SIZE[0] * _SCALE, SIZE[1] * _SCALE))
        self.fade((0, 0, *SIZE), top, bottom)

    def fade(self, box: Box, top: Color, bottom: Color) -> None:
        """Fill a rectangle with a color that changes from its top to its bottom."""
        x1, y1, x2, y2 = (round(value * _SCALE) for value in box)
        share = np.linspace(0, 1, max(1, y2 - y1))[:, None, None]
        rows = np.array(top) * (1 - share) + np.array(bottom) * share
        pixels = np.broadcast_to(rows, (y2 - y1, x2 - x1, 3)).round().astype(np.uint8)
        self.image.paste(Image.fromarray(pixels), (x1, y1))

    def shape(self, kind: str, points: list[float], color: Color, *, radius: float = 0) -> None:
        """Draw a filled `polygon`, `ellipse`, `rectangle`, or a `line` of the width `radius`."""
        pen = ImageDraw.Draw(self.image)
        where = [value * _SCALE for value in points]
        if kind == "polygon":
            pen.polygon(where, fill=color)
        elif kind == "ellipse":
            pen.ellipse(where, fill=color)
        elif kind == "line":
            pen.line(where, fill=color, width=round(radius * _SCALE), joint="curve")
        else:
            pen.rounded_rectangle(where, radius * _SCALE, fill=color)

    def shadow(self, box: Box, strength: float = 0.5, blur: float = 5) -> None:
        """Darken an ellipse, softly."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).ellipse([value * _SCALE for value in box], fill=round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(blur * _SCALE))
        self.image.paste(Image.new("RGB", self.image.size), mask=mask)

    def ball(self, box: Box, color: Color, *, dark: float = 0.45) -> None:
        """Draw an ellipse lit from the upper left."""
        x1, y1, x2, y2 = (round(value * _SCALE) for value in box)
        y, x = np.mgrid[0 : y2 - y1, 0 : x2 - x1]
        x = (x + 0.5) / (x2 - x1) * 2 - 1
        y = (y + 0.5) / (y2 - y1) * 2 - 1
        z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
        light = np.clip(-0.5 * x - 0.6 * y + 0.63 * z, 0, 1)
        shine = np.clip(light - 0.93, 0, 1)[..., None] * 1500
        pixels = np.array(color) * (dark + (1 - dark) * light)[..., None] + shine
        mask = Image.fromarray(((x**2 + y**2 <= 1) * 255).astype(np.uint8))
        self.image.paste(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), (x1, y1), mask)

    def tube(self, box: Box, color: Color, *, dark: float = 0.4) -> None:
        """Draw a standing cylinder's side, lit from the left."""
        x1, y1, x2, y2 = (round(value * _SCALE) for value in box)
        x = np.linspace(-1, 1, x2 - x1)
        light = dark + (1 - dark) * np.clip(0.95 - (x + 0.35) ** 2 * 0.8, 0, 1)
        pixels = np.clip(np.array(color) * light[:, None], 0, 255).astype(np.uint8)
        pixels = np.broadcast_to(pixels, (y2 - y1, x2 - x1, 3)).copy()
        self.image.paste(Image.fromarray(pixels), (x1, y1))

    def grain(self, strength: float) -> None:
        """Make surfaces uneven."""
        noise = self._random.normal(0, strength, (self.image.height // 2, self.image.width // 2))
        layer = Image.fromarray(np.clip(noise + 128, 0, 255).astype(np.uint8))
        layer = layer.resize(self.image.size, Image.Resampling.BICUBIC).convert("RGB")
        self.image = ImageChops.add(self.image, layer, 1.0, -128)

    def finished(self) -> Image.Image:
        """Return the picture in its size, as a lens and a sensor would."""
        made = self.image.resize(SIZE, Image.Resampling.LANCZOS)
        made = made.filter(ImageFilter.GaussianBlur(0.5))
        noise = self._random.normal(0, 2.5, (SIZE[1], SIZE[0], 3))
        return Image.fromarray(np.clip(np.asarray(made) + noise, 0, 255).astype(np.uint8))


def person(canvas: Canvas, x: float, foot: float, height: float, top: Color, legs: Color) -> None:
    """Draw somebody who stands at (x, foot)."""
    u = height / 8  # a head
    skin, hair = (206, 160, 130), (52, 38, 30)
    canvas.shadow((x - 1.6 * u, foot - 0.35 * u, x + 2.2 * u, foot + 0.35 * u), 0.55, 2)
    for side in (-1, 1):
        hip, knee, ankle = x + side * 0.42 * u, x + side * 0.5 * u, x + side * 0.55 * u
        leg = [hip, foot - 4.1 * u, knee, foot - 2.1 * u, ankle, foot - 0.25 * u]
        canvas.shape("line", leg, legs, radius=0.85 * u)
        shoe = [ankle - 0.45 * u, foot - 0.4 * u, ankle + 0.55 * u, foot]
        canvas.shape("rectangle", shoe, (35, 32, 30), radius=0.15 * u)
    shoulder, waist = foot - 6.5 * u, foot - 3.9 * u
    for side in (-1, 1):
        arm = [x + side * 0.95 * u, shoulder + 0.3 * u, x + side * 1.25 * u, shoulder + 1.6 * u]
        arm += [x + side * 1.15 * u, shoulder + 2.7 * u]
        darker = shade(top, 0.8)
        canvas.shape("line", arm, darker, radius=0.6 * u)
        hand = [x + side * 1.15 * u - 0.28 * u, shoulder + 2.6 * u]
        canvas.shape("ellipse", [*hand, hand[0] + 0.56 * u, hand[1] + 0.6 * u], skin)
    torso = [x - 1.0 * u, shoulder + 0.1 * u, x - 0.45 * u, shoulder - 0.15 * u]
    torso += [x + 0.45 * u, shoulder - 0.15 * u, x + 1.0 * u, shoulder + 0.1 * u]
    torso += [x + 0.8 * u, waist, x - 0.8 * u, waist]
    canvas.shape("polygon", torso, top)
    canvas.shape(
        "rectangle", [x - 0.22 * u, shoulder - 0.5 * u, x + 0.22 * u, shoulder + 0.1 * u], skin
    )
    canvas.ball((x - 0.5 * u, foot - 8 * u, x + 0.5 * u, foot - 6.75 * u), skin, dark=0.65)
    canvas.shape("polygon", _hair(x, foot - 8 * u, u), hair)


def _hair(x: float, top: float, u: float) -> list[float]:
    angles = np.linspace(np.pi, 2 * np.pi, 12)
    outer = [(x + 0.54 * u * np.cos(a), top + 0.6 * u + 0.66 * u * np.sin(a)) for a in angles]
    return [float(value) for point in outer for value in point] + [
        x + 0.4 * u,
        top + 0.45 * u,
        x - 0.4 * u,
        top + 0.42 * u,
    ]


def shade(color: Color, factor: float) -> Color:
    """Return a lighter or darker color."""
    red, green, blue = (min(255, round(part * factor)) for part in color)
    return (red, green, blue)


def wheel(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Draw a wheel around (x, y)."""
    for share, color in (
        (1.0, (28, 28, 30)),
        (0.62, (150, 152, 156)),
        (0.5, (96, 98, 102)),
        (0.16, (40, 40, 42)),
    ):
        r = radius * share
        canvas.shape("ellipse", [x - r, y - r, x + r, y + r], color)


def bus(canvas: Canvas, x: float, y: float, length: float, height: float, color: Color) -> None:
    """Draw a bus from the side; (x, y) is the upper left corner."""
    canvas.shadow((x - 6, y + height * 0.93, x + length + 10, y + height * 1.1), 0.75, 4)
    dark = shade(color, 0.6)
    canvas.shape("rectangle", [x, y, x + length, y + height * 0.94], dark, radius=height * 0.08)
    canvas.shape(
        "rectangle", [x, y, x + length, y + height * 0.3], shade(color, 1.15), radius=height * 0.08
    )
    canvas.fade(
        (x, y + height * 0.16, x + length, y + height * 0.82), shade(color, 1.1), shade(color, 0.8)
    )
    canvas.shape(
        "rectangle",
        [x + length * 0.2, y - 5, x + length * 0.55, y + 3],
        shade(color, 0.8),
        radius=3,
    )
    pane = length * 0.136
    canvas.shape(
        "rectangle",
        [x + length * 0.02, y + height * 0.14, x + length * 0.85, y + height * 0.52],
        (26, 30, 36),
        radius=4,
    )
    for index in range(6):
        left = x + length * 0.028 + index * pane
        box = (left, y + height * 0.17, left + pane * 0.93, y + height * 0.49)
        canvas.fade(box, (120, 140, 156), (44, 56, 66))
        if index in (1, 4):  # passengers
            head = (left + pane * 0.35, y + height * 0.36, left + pane * 0.6, y + height * 0.49)
            canvas.ball(head, (80, 72, 70), dark=0.6)
        canvas.shape(
            "line",
            [left, y + height * 0.25, left + pane * 0.93, y + height * 0.25],
            (26, 30, 36),
            radius=1.5,
        )
    door = [x + length * 0.865, y + height * 0.14, x + length * 0.945, y + height * 0.88]
    canvas.shape("rectangle", door, (26, 30, 36), radius=3)
    for share in (0.872, 0.91):
        canvas.fade(
            (x + length * share, y + height * 0.18, x + length * (share + 0.029), y + height * 0.8),
            (112, 132, 148),
            (48, 58, 68),
        )
    canvas.fade(
        (x + length * 0.957, y + height * 0.16, x + length, y + height * 0.58),
        (150, 170, 184),
        (70, 84, 96),
    )
    canvas.shape(
        "rectangle",
        [x + length * 0.6, y + height * 0.04, x + length * 0.84, y + height * 0.115],
        (20, 20, 20),
        radius=2,
    )
    canvas.shape(
        "line",
        [x + length * 0.63, y + height * 0.078, x + length * 0.81, y + height * 0.078],
        (250, 170, 40),
        radius=4,
    )
    canvas.shape(
        "ellipse",
        [x + length * 0.968, y + height * 0.68, x + length * 0.998, y + height * 0.78],
        (250, 240, 190),
    )
    canvas.shape(
        "rectangle",
        [x, y + height * 0.62, x + length * 0.018, y + height * 0.74],
        (240, 60, 40),
        radius=1,
    )
    canvas.shape(
        "line",
        [x, y + height * 0.58, x + length * 0.86, y + height * 0.58],
        (240, 238, 230),
        radius=2.5,
    )
    canvas.shape(
        "line",
        [
            x + length * 0.985,
            y + height * 0.2,
            x + length * 1.02,
            y + height * 0.24,
            x + length * 1.02,
            y + height * 0.38,
        ],
        (30, 30, 32),
        radius=4,
    )
    for share in (0.2, 0.76):
        r = height * 0.175
        middle = x + length * share
        canvas.shape(
            "ellipse",
            [middle - r, y + height * 0.91 - r, middle + r, y + height * 0.91 + r],
            (20, 20, 22),
        )
        wheel(canvas, middle, y + height * 0.92, height * 0.14)


def car(canvas: Canvas, x: float, y: float, length: float, color: Color) -> None:
    """Draw a car from the side; (x, y) is the upper left corner of its box."""
    h = length * 0.33

    def at(*shares: float) -> list[float]:
        """Return points of the car, given as shares of its length and height."""
        return [x + v * length if i % 2 == 0 else y + v * h for i, v in enumerate(shares)]

    canvas.shadow((x - 4, y + h * 0.88, x + length + 8, y + h * 1.12), 0.8, 3)
    canvas.shape(
        "polygon",
        at(0.13, 0.42, 0.27, 0.03, 0.34, 0, 0.6, 0, 0.67, 0.04, 0.82, 0.42),
        shade(color, 1.1),
    )
    canvas.shape("polygon", at(0.19, 0.41, 0.3, 0.08, 0.45, 0.07, 0.45, 0.41), (38, 46, 54))
    canvas.shape("polygon", at(0.475, 0.41, 0.475, 0.07, 0.61, 0.08, 0.75, 0.41), (38, 46, 54))
    canvas.shape("polygon", at(0.22, 0.4, 0.3, 0.14, 0.36, 0.12, 0.3, 0.4), (110, 126, 138))
    canvas.shape("polygon", at(0.52, 0.4, 0.52, 0.12, 0.57, 0.12, 0.6, 0.4), (110, 126, 138))
    body = (0, 0.62, 0.01, 0.42, 0.06, 0.36, 0.8, 0.36, 0.95, 0.46, 0.995, 0.58, 1, 0.84, 0, 0.84)
    canvas.shape("polygon", at(*body), color)
    canvas.shape(
        "polygon", at(0, 0.64, 1, 0.66, 1, 0.84, 0.97, 0.9, 0.03, 0.9, 0, 0.84), shade(color, 0.6)
    )
    canvas.shape("line", at(0.02, 0.45, 0.9, 0.47), shade(color, 1.45), radius=1.6)
    for left in (0.46, 0.2, 0.76):
        canvas.shape("line", at(left, 0.42, left, 0.8), shade(color, 0.55), radius=1.1)
    for left in (0.37, 0.67):
        canvas.shape("rectangle", at(left, 0.5, left + 0.06, 0.54), shade(color, 0.45), radius=1)
    canvas.shape("ellipse", at(0.925, 0.5, 0.985, 0.62), (250, 246, 220))
    canvas.shape("rectangle", at(0, 0.46, 0.045, 0.58), (200, 30, 26), radius=2)
    canvas.shape("ellipse", at(0.7, 0.32, 0.75, 0.42), shade(color, 0.8))
    for share in (0.19, 0.81):
        r = h * 0.3
        middle = x + length * share
        canvas.shape(
            "ellipse", [middle - r, y + h * 0.84 - r, middle + r, y + h * 0.84 + r], (18, 18, 20)
        )
        wheel(canvas, middle, y + h * 0.86, h * 0.26)


def street() -> Image.Image:
    """Return a street: a bus and two cars on the road, three people on the pavement before it."""
    canvas = Canvas((142, 178, 214), (214, 224, 232), 11)
    tints = [(172, 120, 98), (196, 182, 160), (148, 150, 156), (184, 146, 112), (206, 196, 180)]
    left = -20.0
    for tint, width, top in zip(
        tints, (150, 140, 150, 130, 130), (38, 72, 20, 60, 46), strict=True
    ):
        canvas.fade((max(0, left), top, min(SIZE[0], left + width), 262), tint, shade(tint, 0.8))
        for row in range(3):
            for column in range(4):
                x, y = left + 14 + column * (width - 20) / 4, top + 18 + row * 56
                canvas.shape("rectangle", [x - 2, y - 2, x + 20, y + 36], (226, 222, 212), radius=1)
                canvas.shape("rectangle", [x, y, x + 18, y + 34], (70, 84, 98), radius=1)
                canvas.shape(
                    "polygon",
                    [x, y + 30, x + 14, y, x + 18, y, x + 18, y + 6, x + 6, y + 34],
                    (104, 120, 134),
                )
        left += width
    canvas.grain(5)
    canvas.fade((0, 258, SIZE[0], 282), (156, 152, 146), (170, 166, 160))
    canvas.fade((0, 282, SIZE[0], 366), (84, 84, 88), (104, 104, 106))
    for x in range(-20, SIZE[0], 96):
        canvas.shape("polygon", [x, 330, x + 46, 330, x + 44, 334, x - 4, 334], (214, 212, 204))
    canvas.fade((0, 366, SIZE[0], 374), (190, 186, 178), (150, 146, 140))
    canvas.fade((0, 374, SIZE[0], SIZE[1]), (168, 164, 156), (142, 138, 130))
    canvas.grain(7)
    bus(canvas, 268, 168, 300, 144, (196, 40, 34))
    car(canvas, 86, 252, 170, (36, 84, 158))
    person(canvas, 44, 398, 190, (222, 196, 70), (44, 54, 88))
    person(canvas, 236, 412, 206, (196, 120, 60), (60, 56, 54))
    person(canvas, 598, 404, 198, (220, 220, 224), (36, 36, 42))
    canvas.grain(4)
    return canvas.finished()


def cup(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    """Draw a cup; (x, y) is the middle of its foot."""
    w, h = size * 0.45, size
    canvas.shadow((x - w * 1.1, y - h * 0.14, x + w * 1.9, y + h * 0.16), 0.6, 4)
    canvas.shape("ellipse", [x + w * 0.62, y - h * 0.82, x + w * 1.6, y - h * 0.22], color)
    canvas.shape("ellipse", [x + w * 0.8, y - h * 0.7, x + w * 1.34, y - h * 0.34], (150, 108, 70))
    canvas.shape("ellipse", [x - w, y - h * 0.16, x + w, y + h * 0.1], shade(color, 0.62))
    canvas.tube((x - w, y - h * 0.9, x + w, y - h * 0.03), color)
    canvas.shape("ellipse", [x - w, y - h * 1.03, x + w, y - h * 0.77], color)
    canvas.shape("ellipse", [x - w * 0.9, y - h * 0.99, x + w * 0.9, y - h * 0.79], (64, 38, 22))


def bottle(canvas: Canvas, x: float, y: float, height: float, color: Color) -> None:
    """Draw a bottle; (x, y) is the middle of its foot."""
    w = height * 0.14
    canvas.shadow((x - w, y - w * 0.4, x + w * 3.4, y + w * 0.5), 0.55, 5)
    canvas.shape("ellipse", [x - w, y - w * 0.35, x + w, y + w * 0.35], shade(color, 0.5))
    canvas.tube((x - w, y - height * 0.62, x + w, y), color, dark=0.3)
    neck = [
        x - w,
        y - height * 0.62,
        x - w * 0.36,
        y - height * 0.78,
        x + w * 0.36,
        y - height * 0.78,
        x + w,
        y - height * 0.62,
    ]
    canvas.shape("polygon", neck, shade(color, 0.8))
    canvas.tube((x - w * 0.36, y - height * 0.97, x + w * 0.36, y - height * 0.76), color, dark=0.3)
    canvas.tube((x - w * 0.42, y - height, x + w * 0.42, y - height * 0.93), (190, 160, 60))
    canvas.tube((x - w, y - height * 0.46, x + w, y - height * 0.16), (238, 232, 214), dark=0.55)
    canvas.shape(
        "rectangle",
        [x - w * 0.6, y - height * 0.38, x + w * 0.6, y - height * 0.34],
        (150, 40, 36),
        radius=1,
    )


def banana(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Draw a banana that lies around (x, y)."""
    canvas.shadow((x - size * 0.9, y - size * 0.02, x + size * 0.9, y + size * 0.32), 0.5, 4)
    angles = np.linspace(np.pi * 0.08, np.pi * 0.92, 40)
    for share, color in ((1.0, (150, 116, 24)), (0.8, (232, 196, 58)), (0.35, (248, 222, 110))):
        for angle in angles:
            r = size * 0.17 * share * (0.35 + 0.65 * np.sin((angle - 0.25) / 2.64 * np.pi))
            cx, cy = x + size * 0.85 * np.cos(angle), y - size * 0.35 + size * 0.5 * np.sin(angle)
            canvas.shape("ellipse", [cx - r, cy - r, cx + r, cy + r], color)
    canvas.shape(
        "line",
        [x - size * 0.82, y - size * 0.22, x - size * 0.9, y - size * 0.34],
        (96, 78, 30),
        radius=size * 0.07,
    )


def table() -> Image.Image:
    """Return a table: a bottle, two cups, an apple, an orange and a banana."""
    canvas = Canvas((188, 186, 178), (168, 164, 154), 12)
    canvas.fade((0, 0, SIZE[0], 150), (206, 204, 196), (182, 178, 168))
    canvas.fade((0, 150, SIZE[0], SIZE[1]), (150, 106, 68), (176, 128, 84))
    for y in (150, 196, 254, 328, 420):
        canvas.shape("line", [0, y, SIZE[0], y], (112, 76, 46), radius=1.6)
    canvas.grain(6)
    bottle(canvas, 128, 262, 236, (46, 104, 62))
    cup(canvas, 262, 268, 104, (232, 228, 220))
    cup(canvas, 430, 262, 100, (52, 98, 164))
    canvas.shadow((190, 338, 330, 384), 0.6, 5)
    canvas.ball((188, 282, 280, 370), (198, 34, 36))
    canvas.shape("line", [234, 290, 238, 276, 246, 266], (84, 58, 34), radius=4)
    canvas.shadow((330, 344, 450, 386), 0.6, 5)
    canvas.ball((316, 288, 404, 372), (240, 142, 30), dark=0.55)
    banana(canvas, 522, 352, 88)
    canvas.grain(4)
    return canvas.finished()


PICTURES = {"street.jpg": street, "table.jpg": table}


def main(folder: Path) -> None:
    """Write both pictures."""
    for name, draw in PICTURES.items():
        draw().save(folder / name, quality=88)


if __name__ == "__main__":
    main(Path(__file__).parent)
