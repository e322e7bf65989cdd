"""How many pixels a forward takes: requests about large images cost more than others.

A model reads each image of a batch, and the crop of each request, before it runs, and its results come all
together. So a small request beside seven of 40 megapixels would wait for all seven. A forward has a limit of
pixels therefore, of which one client gets at most half where others wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.images.values import iterate_values
from viper.models.roles import AnswerRequest, DetectRequest
from viper.scheduling.job import Client
from viper.scheduling.method_request import MethodRequest

__all__ = ["MOST_PIXELS", "PixelShares", "pixels_to_read"]

MOST_PIXELS = 64_000_000
"""Of a forward, unless a single request has more: half a second of preprocessing at most. Batches of usual
images never get there: 64 of 640×480 have 20 million."""


class PixelShares:
    """The pixels of one forward.

    Args:
        shared: Whether several clients wait.
    """

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared
        self._images: set[str] = set()
        self._used: Counter[Client] = Counter()

    def take(self, client: Client, request: Hashable) -> bool:
        """Return whether a request may go into the forward, and count it if so; the first always may."""
        pixels, images = pixels_to_read(request, self._images)
        used = self._used
        beside_others = self._shared or any(other != client for other in used)
        most_of_one = MOST_PIXELS // 2 if beside_others else MOST_PIXELS
        is_too_large = used[client] + pixels > most_of_one or used.total() + pixels > MOST_PIXELS
        if is_too_large and pixels and used.total():
            return False
        self._images |= images
        used[client] += pixels
        return True


def pixels_to_read(request: Hashable, cached: set[str]) -> tuple[int, set[str]]:
    """Return how many pixels a model reads for a request, and the hashes of its images.

    Some models read the whole image, once, and others the crop of each view. So the first view of an image
    costs all its pixels, and each further one its own.

    Args:
        request: A request of `roles`, or of a module; a text has no pixels.
        cached: Hashes of images that are read already.
    """
    pixels, images = 0, set[str]()
    for image, bounds in _crops(request):
        left, top, right, bottom = bounds
        if image.content_hash not in cached | images:
            left, top, right, bottom = 0, 0, *image.size
        pixels += (right - left) * (bottom - top)
        images.add(image.content_hash)
    return pixels, images


def _crops(request: Hashable) -> list[tuple[ImageRef, tuple[int, int, int, int]]]:
    match request:
        case ImageRef():
            return [(request, (0, 0, *request.size))]
        case View():
            return [(request.image, request.bounds)]
        case DetectRequest() | AnswerRequest():
            return [(request.view.image, request.view.bounds)]
        case MethodRequest():
            parts = iterate_values([request.patch, *request.given.values()])
            patches = (part for part in parts if isinstance(part, Patch))
            return [(patch.view.image, patch.view.bounds) for patch in patches]
        case _:
            return []
