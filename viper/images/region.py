"""The host's side of a patch: a view with the score and category that the detector gave it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from viper.images.boxes import Box
from viper.images.image import View
from viper.texts.terminal import visible

__all__ = ["IMAGE_CATEGORY", "Patch"]

IMAGE_CATEGORY = "image"
"""Category of the whole image and of crops that no detector named."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A box on an image, with what a detector said about it."""

    view: View
    category: str = IMAGE_CATEGORY
    score: float = 1.0
    """Detector score in 0 … 1; 1.0 for patches that no detector found."""

    @property
    def box_xyxy(self) -> Box:
        """In pixels of the image, origin top left."""
        return self.view.box_xyxy

    @property
    def detected(self) -> bool:
        """True for a patch that a detector found, False for the whole image and crops."""
        return self.category != IMAGE_CATEGORY

    def _repr_html_(self) -> str:
        """Return HTML for notebooks: pixels, category, score and box."""
        from viper.images.data_uri import crop_uri

        x1, y1, x2, y2 = (round(edge) for edge in self.box_xyxy)
        score = f" {self.score:.2f}" if self.detected else ""
        text = escape(visible(f"{self.category}{score} at ({x1}, {y1}, {x2}, {y2})"))
        if self.view.image.load is None:
            return f"<div>{text}</div>"
        uri = crop_uri(self.view.image, self.box_xyxy, longest_px=240)
        figure = f'<img src="{uri}" alt="{text}"><figcaption>{text}</figcaption>'
        return f'<figure style="margin:0">{figure}</figure>'

    def to_record(self) -> dict[str, Any]:
        """Return the JSON object that represents the patch in a trace, with exact numbers."""
        # Index of the image in the trace; a query has one image.
        return {
            "type": "patch",
            "image": 0,
            "box_xyxy": list(self.box_xyxy),
            "score": float(self.score),
            "category": self.category,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that represents the patch in an answer, with rounded numbers."""
        return {
            **self.to_record(),
            "box_xyxy": [round(value, 3) for value in self.box_xyxy],
            "score": round(self.score, 4),
            "evidence": None,
        }
