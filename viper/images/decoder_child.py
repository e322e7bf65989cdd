"""The confined process that decodes one image, and the zygote that it is forked from.

Decoders parse hostile bytes in C. Here they do so in a process that holds one socket and nothing else,
confined like that of a program (`viper_sandbox.confine`), with limits of its memory and CPU time:

    child → host    ready     mechanisms that are not in force
    host → child    image     number of bytes, followed by that many bytes: the file
    child → host    opened    format, mode, width, height, number of JPEG scans
    host → child    decode    the host accepts the size
    child → host    pixels    layout, width, height, EXIF orientation, and what deep samples mean
    child → host    rows      number of bytes, followed by that many bytes; several times, top first
    child → host    failed    instead of any of these: the kind of failure, and a reason

There are no pickles, and the host checks every message. This module imports no numpy. Whatever Pillow imports
on demand must be imported in `preload`, because a confined process opens no files.
"""

from __future__ import annotations

import functools
import io
import os
import select
import warnings
from collections import deque
from typing import NoReturn

import viper.images.avif_boxes  # noqa: F401 # `image_files` needs it later, when no file can be opened
from viper.images.color_modes import layout, packed_rows
from viper.images.decoding_error import failure_of
from viper.images.image_files import MESSAGE_BYTES, deep_samples, load, opened
from viper.images.orientation import orientation
from viper_sandbox.confine import Confinement, ConfinementPlan, confine
from viper_sandbox.frame_socket import EXIT_HOST_GONE, FrameSocket
from viper_sandbox.zygote_loop import ZygoteLoop, serve_host

__all__ = ["main"]

_READ_BYTES = 1 << 20


def main(control_fd: int) -> NoReturn:
    """Serve the host as the zygote of these processes."""
    serve_host(control_fd, _DecoderZygote)


class _DecoderZygote(ZygoteLoop):
    """Forks processes that decode one image each."""

    @staticmethod
    def preload(wanted: Confinement) -> None:
        """Import what Pillow imports when it opens, decodes and converts images."""
        from PIL import (  # noqa: F401
            AvifImagePlugin,
            ExifTags,
            Image,
            ImageChops,
            ImageColor,
            ImageFile,
            ImagePalette,
            ImageSequence,
            MpoImagePlugin,
            TiffImagePlugin,
            TiffTags,
            WebPImagePlugin,
        )

        from viper.images import jpeg_decoder, png_decoder

        jpeg_decoder.register()
        png_decoder.register()
        # A confined process can start no thread.
        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        _samples()
        warnings.simplefilter("ignore")  # a file may cause millions of them
        Image.preinit()  # the other plugins
        for codec in ("latin-1", "utf-8", "ascii", "utf-16", "utf-16-be", "utf-16-le"):
            "a".encode(codec)  # imports the codec
        Image.new("LAB", (1, 1)).convert("RGB")  # imports the color management

    def run_child(self, fd: int) -> NoReturn:
        """Decode one image."""
        _serve(fd, self.plan)

    def run_spare(self, fd: int) -> NoReturn:
        """Decode an image of our own first, to copy the memory that decoding writes to.

        A fork shares all pages until it writes; this takes a millisecond, while nobody waits.
        """
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if not poll.poll(0):
            for data in _samples():
                image, _ = opened(io.BytesIO(data))
                load(image)
                deque(packed_rows(image), maxlen=0)
        self.run_child(fd)


@functools.cache
def _samples() -> tuple[bytes, ...]:
    """Return a small file of each of the two usual formats."""
    from PIL import Image

    files = []
    for form in ("JPEG", "PNG"):
        file = io.BytesIO()
        Image.effect_noise((64, 64), 80).convert("RGB").save(file, form)
        files.append(file.getvalue())
    return tuple(files)


def _serve(fd: int, plan: ConfinementPlan) -> NoReturn:
    report = confine(plan, fd, os.getppid())
    host = FrameSocket(fd, MESSAGE_BYTES)
    host.send(["ready", {name: why for name, why in report.items() if why}])
    try:
        _decode(host, fd)
    except Exception as error:  # a decoder on hostile bytes may raise anything
        failure = failure_of(error)
    else:
        os._exit(0)
    host.send(["failed", failure.kind, failure.reason])
    os._exit(0)


def _decode(host: FrameSocket, fd: int) -> None:
    _, size = host.receive()
    image, scans = opened(_received(fd, size))
    host.send(["opened", str(image.format), image.mode, *image.size, scans])
    host.receive()
    load(image)
    host.send(["pixels", layout(image), *image.size, orientation(image), *deep_samples(image)])
    for rows in packed_rows(image):
        host.send(["rows", len(rows)])
        _send(fd, rows)


def _received(fd: int, size: int) -> io.BytesIO:
    file = io.BytesIO()
    while file.tell() < size:
        part = os.read(fd, min(size - file.tell(), _READ_BYTES))
        if not part:
            os._exit(EXIT_HOST_GONE)
        file.write(part)
    file.seek(0)
    return file


def _send(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except (BrokenPipeError, ConnectionResetError):
            os._exit(EXIT_HOST_GONE)
