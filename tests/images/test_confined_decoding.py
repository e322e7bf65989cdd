"""Images that attack their decoder, and decoders that attack the host."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fakes.hostile_images import (
    encoded,
    gif_of_extensions,
    jpeg_of_scans,
    jpeg_of_segments,
    png_of_chunks,
    png_of_one_colour,
    tiff_of_floats,
    tiff_of_shared_tiles,
    webp_of_announced_size,
    webp_of_one_colour,
)
from viper.errors import InputError, ViperError
from viper.images import confined_decoding, decoder_process, image_files, jpeg_segments
from viper.images.cancellation import Cancellation
from viper.images.confined_decoding import _Attempt, _Conversation, decode
from viper.images.decoder_memory import MemoryPool, Reservation
from viper.images.decoder_process import DecoderChild, DecoderZygote
from viper.images.decoding import open_image
from viper.images.decoding_error import DecodingError
from viper.images.tiff_layout import check_tiff
from viper_sandbox.limits import Limits
from viper_sandbox.wire import WireError, frame, pack

PHOTO = encoded(Image.effect_noise((64, 48), 80).convert("RGB"), "JPEG")


def accept(width: int, height: int) -> None:
    """Accept any size."""


@pytest.fixture
def fresh(monkeypatch):
    """A function that makes a zygote with other limits the one in use."""
    made = []

    def make(**limits: float) -> DecoderZygote:
        given = {"cpu_s": 20.0, "memory_mb": 1_088} | limits
        made.append(DecoderZygote(Limits(**given)))
        monkeypatch.setattr(decoder_process, "_current", made[-1])
        return made[-1]

    yield make
    for zygote in made:
        zygote.close()


def newest_child(zygote: DecoderZygote) -> psutil.Process:
    """Return the process that was forked last."""
    assert zygote._process is not None
    return psutil.Process(zygote._process.pid).children(recursive=True)[-1]


def attempt(zygote: DecoderZygote, child: DecoderChild) -> np.ndarray:
    """Let this child decode a photograph."""
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as held:
        patch.setattr(zygote, "child", lambda: child)
        one = _Attempt(PHOTO, accept, Cancellation(), False, None)
        return one.pixels(zygote, Reservation("", 128 << 20), held)


def failure(data: bytes) -> str:
    with pytest.raises(DecodingError) as caught:
        decode(data, accept)
    return caught.value.kind


SLOW = {
    "scans": lambda: jpeg_of_scans(85, (2_500, 2_500)),
    "chunks": lambda: png_of_chunks(200_000, b"gAMA", b"\0\0\1\1"),
    "text chunks": lambda: png_of_chunks(200_000),
    "empty data chunks": lambda: png_of_chunks(400_000, b"IDAT", b""),
    "extensions": lambda: gif_of_extensions(500_000),
    "large": lambda: png_of_one_colour((5_000, 4_000)),
}


@pytest.mark.parametrize("attack", SLOW)
def test_a_slow_image_ends_at_the_limit_of_cpu_time(attack, fresh):
    data = SLOW[attack]()
    fresh(cpu_s=0.1)
    assert failure(data) == "time"
    # The control: it is the limit that ended it.
    fresh()
    assert decode(data, accept).size > 0


@pytest.mark.parametrize("marker", [0xE1, 0xFE, 0xED, 0xDB, 0xE0])
def test_a_jpeg_of_a_million_segments_is_refused_before_pillow_sees_it(marker, monkeypatch):
    attack = jpeg_of_segments(1_000_000, marker)
    started_s = time.process_time()
    with pytest.raises(InputError, match="4,000 JPEG segments"):
        open_image(attack)
    assert time.process_time() - started_s < 1.0
    # The control: Pillow would take longer than that for so many of each.
    monkeypatch.setattr(jpeg_segments, "_MAX_SEGMENTS", 10**9)
    taken_s = []
    for count in (20_000, 60_000):
        started_s = time.process_time()
        with contextlib.suppress(DecodingError):  # a JPEG of nothing but tables is none in the end
            image_files.opened(io.BytesIO(jpeg_of_segments(count, marker)))
        taken_s.append(time.process_time() - started_s)
    assert taken_s[1] * 1_000_000 / 60_000 > 1.0
    if marker == 0xE1:  # and for these with the square of their number
        assert taken_s[1] > 4 * taken_s[0]


def test_as_many_segments_as_a_camera_writes_are_read():
    assert open_image(jpeg_of_segments(3_000, 0xFE)).size == (8, 8)


LARGE = {
    "floats": lambda size: tiff_of_floats(size),
    "webp": webp_of_one_colour,
    "alpha": png_of_one_colour,
    "progressive": lambda size: encoded(Image.new("RGB", size), "JPEG", progressive=True),
    "palette": lambda size: encoded(Image.new("P", size), "GIF"),
    "integers": lambda size: encoded(Image.new("I", size), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("attack", LARGE)
def test_an_image_that_needs_too_much_memory_is_refused_by_its_header(attack, monkeypatch):
    data = LARGE[attack]((4_000, 3_000))
    assert len(data) < 400_000
    monkeypatch.setattr(confined_decoding, "MAX_DECODING_BYTES", 32 << 20)
    assert failure(data) == "memory"
    monkeypatch.undo()
    assert decode(data, accept).shape == (3_000, 4_000, 3)


@pytest.mark.parametrize("attack", ["floats", "webp", "alpha", "progressive", "integers"])
def test_whatever_a_header_says_the_kernel_limits_the_memory(attack, fresh):
    data = LARGE[attack]((4_000, 3_000))
    fresh(memory_mb=20)
    assert failure(data) in ("memory", "damaged")
    fresh()
    assert decode(data, accept).shape == (3_000, 4_000, 3)


def test_a_webp_of_some_kilobytes_cannot_take_a_gigabyte():
    with pytest.raises(InputError, match=r"takes too much memory to decode \(1,024 MiB at most\)"):
        open_image(webp_of_announced_size((9_000, 9_000)))
    # The control: these bytes really give as many pixels as their header says.
    assert open_image(webp_of_announced_size((2_000, 2_000))).size == (2_000, 2_000)


def _peak_mb(zygote, data, together):
    """Return the most memory that the decoders of several images used at the same time."""
    peak = [0.0]
    done = threading.Event()
    assert zygote._process is not None
    family = psutil.Process(zygote._process.pid)

    def watch() -> None:
        while not done.is_set():
            total = 0
            for process in family.children(recursive=True):
                try:
                    total += process.memory_info().rss - process.memory_info().shared
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total / (1 << 20))
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(together) as pool:
        for pixels in pool.map(lambda _: decode(data, accept), range(together)):
            assert pixels.shape == (3_000, 3_000, 3)
    done.set()
    watcher.join()
    return peak[0]


@pytest.mark.slow
def test_eight_images_at_once_share_one_bound_of_memory(fresh, monkeypatch):
    data = webp_of_one_colour((3_000, 3_000))  # 16 bytes a pixel: 137 MiB
    zygote = fresh()
    decode(PHOTO, accept)
    monkeypatch.setattr(confined_decoding, "_LARGE", MemoryPool(240 << 20))
    assert _peak_mb(zygote, data, 8) < 260
    monkeypatch.setattr(confined_decoding, "_LARGE", MemoryPool(10 << 30))
    assert _peak_mb(zygote, data, 8) > 400


# Two seconds of work, far below the limits of a decoder.
TEDIOUS = jpeg_of_scans(50, (4_000, 4_000))


@pytest.mark.parametrize("way", ["deadline", "cancel", "before"])
def test_a_decoding_that_is_cancelled_ends_at_once(way):
    decode(PHOTO, accept)
    cancellation = Cancellation(time.monotonic() + 0.2 if way == "deadline" else None)
    if way == "cancel":
        threading.Timer(0.2, cancellation.cancel).start()
    if way == "before":
        cancellation.cancel()
    started_s = time.monotonic()
    with pytest.raises(DecodingError) as caught:
        decode(TEDIOUS, accept, cancellation)
    ended_s = time.monotonic() - started_s
    assert caught.value.kind == "time"
    # The control: without it, the same file takes much longer.
    decode(TEDIOUS, accept, Cancellation())
    assert ended_s < (time.monotonic() - started_s - ended_s) / 1.5


def test_a_decoding_that_waits_for_memory_is_cancelled(monkeypatch):
    monkeypatch.setattr(confined_decoding, "_LARGE", MemoryPool(1 << 30))
    data = webp_of_one_colour((3_000, 3_000))
    cancellation = Cancellation()
    threading.Timer(0.3, cancellation.cancel).start()
    with confined_decoding._LARGE.hold(1 << 30, "", Cancellation()):
        assert decode(PHOTO, accept).shape == (48, 64, 3)  # ordinary images do not wait
        with pytest.raises(DecodingError):
            decode(data, accept, cancellation)
    assert decode(data, accept).shape == (3_000, 3_000, 3)


def test_scans_of_many_pixels_are_counted_together():
    with pytest.raises(InputError, match=r"\d+ JPEG scans of so many pixels"):
        open_image(jpeg_of_scans(85, (3_600, 3_600)))
    assert open_image(jpeg_of_scans(85, (200, 200))).size == (200, 200)  # control


def test_the_process_of_an_image_is_confined_like_that_of_a_program(fresh):
    zygote = fresh()
    child = zygote.child()
    with child.socket:
        (missing,) = _Conversation(child.socket)._expect("ready", dict)
        pid = newest_child(zygote).pid
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        limits = Path(f"/proc/{pid}/limits").read_text() if os.geteuid() == 0 else ""
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == ("0" if "seccomp" in missing else "2")
        assert int(status["CapEff"], 16) == 0
        assert "0" not in status["Uid"].split()
        if limits:
            assert "Max open files            0" in limits
        environment = Path(f"/proc/{pid}/environ").read_bytes() if os.geteuid() == 0 else b""
        assert b"HOME" not in environment


def test_control_a_fork_that_is_not_confined_differs_in_each_of_these():
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, "HOME": "/"}, **pipes) as child:
        assert child.stdout is not None
        child.stdout.readline()
        lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines)
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        environment = Path(f"/proc/{child.pid}/environ").read_bytes()
        child.communicate(b"\n")
    own = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    # As this process, which may itself run in a container that confines it.
    for name in ("NoNewPrivs", "Seccomp", "CapEff", "Uid"):
        assert status[name] == own[name]
    if own["NoNewPrivs"] == own["Seccomp"] == "0":
        assert status["NoNewPrivs"] != "1"
        assert status["Seccomp"] != "2"
    if os.geteuid() == 0:
        assert int(status["CapEff"], 16) != 0
        assert "0" in status["Uid"].split()
    assert "Max open files            0" not in limits
    assert b"HOME" in environment


def test_a_decoder_that_crashes_costs_its_image_and_nothing_else(fresh, monkeypatch):
    zygote = fresh()
    child = zygote.child()
    missing = _Conversation(child.socket).ready()
    os.kill(newest_child(zygote).pid, signal.SIGSEGV)
    monkeypatch.setattr(_Conversation, "ready", lambda self: missing)
    with pytest.raises(DecodingError) as caught:
        attempt(zygote, child)
    monkeypatch.undo()
    assert caught.value.kind == "damaged"
    assert "status -11" in caught.value.reason
    assert decode(PHOTO, accept).shape == (48, 64, 3)


def test_a_zygote_that_was_killed_is_started_again(fresh):
    zygote = fresh()
    decode(PHOTO, accept)
    assert zygote._process is not None
    os.kill(zygote._process.pid, signal.SIGKILL)
    assert decode(PHOTO, accept).shape == (48, 64, 3)
    assert DecoderZygote.current() is not zygote
    DecoderZygote.current().close()


def test_a_zygote_that_cannot_be_started_is_an_error_of_the_machine(monkeypatch, fresh):
    zygote = fresh()
    zygote.close()
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(ViperError, match="process that decodes images cannot be started"):
        open_image(PHOTO)


def test_a_fork_of_the_host_starts_its_own_zygote():
    decode(PHOTO, accept)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if decode(PHOTO, accept).shape == (48, 64, 3) else 2
            DecoderZygote.current().close()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert decode(PHOTO, accept).shape == (48, 64, 3)


def test_many_threads_decode_at_once():
    expected = decode(PHOTO, accept)
    with ThreadPoolExecutor(8) as pool:
        for pixels in pool.map(lambda _: decode(PHOTO, accept), range(24)):
            np.testing.assert_array_equal(pixels, expected)


def test_no_process_and_no_descriptor_is_left(fresh):
    fresh()
    decode(PHOTO, accept)
    descriptors = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(5):
        decode(PHOTO, accept)
        with pytest.raises(DecodingError):
            decode(b"\xff\xd8\xff nothing", accept)
    assert len([*Path("/proc/self/fd").iterdir()]) <= descriptors + 1
    assert DecoderZygote.current()._process is not None


MEANING = [16, False, False, -1]
HONEST = [
    ["ready", {}],
    ["opened", "PNG", "RGB", 2, 2, 0],
    ["pixels", "RGB", 2, 2, 1, *MEANING],
    ["rows", 12],
]


def converse(connection):
    conversation = _Conversation(connection)
    conversation.ready()
    header = conversation.header(b"file")
    confined_decoding._needed_bytes(header, 4)
    return conversation.pixels(header)


def talk(messages, tail=bytes(12)):
    """Let a child say these messages; return what the host makes of them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in messages:
            theirs.sendall(message if isinstance(message, bytes) else frame(pack(message, 10_000)))
        theirs.sendall(tail)
        theirs.shutdown(socket.SHUT_WR)
        return converse(ours)


def test_an_honest_child_is_understood():
    assert talk(HONEST).shape == (2, 2, 3)


@pytest.mark.parametrize(
    "lie",
    [
        {3: ["rows", 13]},
        {3: ["rows", 0]},
        {3: ["rows", -12]},
        {3: ["rows", 2**40]},
        {3: ["rows", True]},
        {3: ["rows", "12"]},
        {2: ["pixels", "RGB", 2, 2, "1", *MEANING]},
        {2: ["pixels", "RGBA", 2, 2, 1, *MEANING]},
        {2: ["pixels", "O", 2, 2, 1, *MEANING]},
        {2: ["pixels", "I;16", 2, 2, 1, 400, *MEANING[1:]]},
        {2: ["pixels", "RGB", 3, 2, 1, *MEANING]},
        {2: ["rows", 12]},
        {1: ["opened", "PNG", "RGB", 20_000, 20_000, 0]},
        {1: ["opened", "WEBP", "RGBA", 9_000, 9_000, 0]},
        {3: ["rows", 1]},
        {1: ["opened", "PNG", "RGB", 2.0, 2, 100]},
        {1: ["opened", "PNG", "RGB", [2], 2, 100]},
        {1: ["pixels", "RGB", 2, 2, 1, *MEANING]},
        {0: b"\0\0\0\0"},
        {0: b"\xff\xff\xff\xff"},
        {0: b"\0\0\0\x02[["},
        {0: ["opened", "PNG", "RGB", 2, 2, 100]},
    ],
)
def test_a_child_that_lies_gets_no_pixels(lie):
    with pytest.raises((WireError, DecodingError, confined_decoding._ClosedError)):
        talk([lie.get(n, message) for n, message in enumerate(HONEST)])


@pytest.mark.parametrize("size", [(-1, 4), (0, 5), (10**6, 10**6), (2**62, 1), (3, 2), (1, 1)])
def test_pixels_have_the_size_that_the_header_announced(size):
    with pytest.raises(WireError):
        talk([*HONEST[:2], ["pixels", "RGB", *size, 1, *MEANING]])


def test_a_child_that_sends_byte_by_byte_is_ended_at_its_time(monkeypatch):
    monkeypatch.setattr(confined_decoding, "_HEADER_S", 0.3)
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip() -> None:
        for message in HONEST[:2]:
            theirs.sendall(frame(pack(message, 10_000)))
        with contextlib.suppress(OSError):
            while not stop.is_set():
                theirs.sendall(b"\0")
                time.sleep(0.01)

    with ours, theirs:
        dripping = threading.Thread(target=drip)
        dripping.start()
        started_s = time.monotonic()
        with pytest.raises((TimeoutError, WireError)):
            converse(ours)
        assert time.monotonic() - started_s < 5
        stop.set()
    dripping.join()


def test_a_marker_that_no_encoder_writes_does_not_hide_scans():
    honest = jpeg_of_scans(20, (64, 64))
    assert open_image(honest).size == (64, 64)
    hidden = honest[:-2] + b"\xff\x02\xff\xff" + honest[-400:-2] * 4 + b"\xff\xd9"
    with pytest.raises(InputError, match="a JPEG marker 02"):
        open_image(hidden)


def tiff_tags(size, tile, count, tile_bytes):
    tags = {256: size[0], 257: size[1], 258: (8,), 259: 5, 262: 1, 322: tile[0], 323: tile[1]}
    return {**tags, 324: (8,) * count, 325: (tile_bytes,) * count}


@pytest.mark.parametrize(
    ("size", "tile", "count", "tile_bytes", "is_refused"),
    [
        ((16, 16), (20_000, 20_000), 1, 9, True),  # a tile that is far larger than the image
        ((16, 16), (6_000, 6_000), 1, 9, True),
        ((7_680, 16), (16, 250_000), 480, 9, True),  # each is small, and all together are not
        ((16, 7_680), (250_000, 16), 480, 9, True),
        ((64_000, 16), (16, 16_000), 4_000, 9, True),
        ((1_600, 1_600), (16, 16), 10_000, 900_000, True),  # all share one body
        ((1_600, 1_600), (16, 16), 10_000, 800, False),
        ((16, 16), (2_000, 2_000), 1, 9, False),
        ((16, 16), (256, 256), 1, 9, False),
        ((20_000, 16), (512, 512), 40, 9, False),
    ],
)
def test_a_tiff_whose_tiles_are_far_more_than_itself_is_refused(
    size, tile, count, tile_bytes, is_refused
):
    tags = tiff_tags(size, tile, count, tile_bytes)
    refused = pytest.raises(DecodingError, match=r"tiles of|tiles that share")
    with refused if is_refused else contextlib.nullcontext():
        check_tiff(tags, memoryview(bytes(1_000_000)))


def test_a_decoder_is_ended_after_it_has_answered(fresh):
    zygote = fresh()
    child = zygote.child()
    attempt(zygote, child)
    assert child.ended.result(5) in (0, -signal.SIGKILL)


def test_memory_is_limited_by_the_kernel_to_what_was_reserved(fresh):
    zygote = fresh()
    child = zygote.child()
    with child.socket:
        _Conversation(child.socket)._expect("ready", dict)
        pid = newest_child(zygote).pid

        def limit() -> int:
            line = next(
                line
                for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
                if line.startswith("Max address space")
            )
            return int(line.split()[3])

        before = limit()
        zygote.limit(child, 64 << 20, 3.0)
        assert before - limit() >= 1_000 << 20


@pytest.mark.parametrize("what", ["limits", "limit of memory", "limit of CPU time"])
def test_a_decoder_without_a_limit_of_memory_or_time_gets_no_image(fresh, what):
    zygote = fresh()
    with pytest.raises(ViperError, match="not confined as it must be"):
        zygote.check({what: "a container forbids it"})
    zygote.missing = None
    zygote.check({"Landlock": "this kernel has none"})  # control
    with pytest.raises(ViperError, match="seccomp not in force"):
        zygote.check({"Landlock": "", "seccomp": "less than the first"})


def test_an_idle_decoder_that_was_killed_costs_no_image(fresh):
    zygote = fresh()
    decode(PHOTO, accept)
    assert zygote._process is not None
    family = psutil.Process(zygote._process.pid)
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        children = family.children(recursive=True)
        if len(children) > 1 and zygote._spare is not None:
            break
        time.sleep(0.01)
    max(children, key=psutil.Process.create_time).kill()
    assert decode(PHOTO, accept).shape == (48, 64, 3)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=64), st.integers(0, 3))
def test_any_bytes_of_a_child_are_refused(noise, honest):
    with pytest.raises((WireError, DecodingError, confined_decoding._ClosedError)):
        talk([*HONEST[:honest], noise], tail=b"")


def test_a_reason_of_a_child_is_short_and_printable():
    with pytest.raises(DecodingError) as caught:
        talk([["failed", "damaged", "\x1b[2J\u202e" + "x" * 3_000]])
    assert caught.value.reason == "[2J " + "x" * 156


@pytest.mark.parametrize(
    ("client", "lower"), [("10.0.0.1", True), (None, False)], ids=["of a server", "of one's own"]
)
@pytest.mark.parametrize(
    "attack",
    [
        "extensions",
        "tiles",
        "chunks",
        "segments",
        pytest.param("text chunks", marks=pytest.mark.slow),
        pytest.param("scans", marks=pytest.mark.slow),
        pytest.param("large", marks=pytest.mark.slow),
    ],
)
def test_what_takes_long_leaves_the_processor_to_others(attack, client, lower, fresh, monkeypatch):
    """Whatever the header says: only one of these has many pixels."""
    monkeypatch.setattr(confined_decoding, "_GIVES_WAY_AFTER_S", 0.02)
    slow = {
        **SLOW,
        "extensions": lambda: gif_of_extensions(100_000),
        "chunks": lambda: png_of_chunks(40_000, b"gAMA", b"\0\0\1\1"),
        "tiles": lambda: tiff_of_shared_tiles((512, 16), 60_000),
        "segments": lambda: jpeg_of_segments(3_900, 0xE1, b"Exif\0\0" + bytes(500)),
    }
    data, zygote = slow[attack](), fresh()
    decode(PHOTO, accept)
    own, found, give_way = psutil.Process().nice(), [], zygote.give_way

    def looking(child):
        give_way(child)
        assert zygote._process is not None
        family, deadline_s = psutil.Process(zygote._process.pid), time.monotonic() + 10
        while not found and time.monotonic() < deadline_s:
            for process in family.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    found.extend(nice for nice in [process.nice()] if nice != own)

    monkeypatch.setattr(zygote, "give_way", looking)
    decode(data, accept, client=client)
    assert found == [own + 10] * lower


def test_a_short_decoding_keeps_its_priority(fresh, monkeypatch):
    asked = []
    zygote = fresh()
    decode(PHOTO, accept)
    monkeypatch.setattr(zygote, "give_way", lambda child: asked.append(1))
    monkeypatch.setattr(confined_decoding, "_GIVES_WAY_AFTER_S", 30.0)
    decode(PHOTO, accept, client="10.0.0.1")
    assert not asked


def killing(zygote, monkeypatch, times):
    """Have the decoders that get an image killed, as the kernel does when memory runs out."""
    killed = []
    header = _Conversation.header

    def kill_first(self, data):
        if len(killed) < times:
            killed.append(newest_child(DecoderZygote.current()).kill())
        return header(self, data)

    monkeypatch.setattr(_Conversation, "header", kill_first)
    return killed


@pytest.mark.parametrize("times", [1, 2, 5])
def test_an_image_whose_decoder_is_killed_each_time_is_refused(times, fresh, monkeypatch):
    """Nobody can tell who killed it, so it is decoded once more; but it costs its image, and nothing else."""
    zygote = fresh()
    monkeypatch.setattr(zygote, "prepare", lambda: None)
    decode(PHOTO, accept)
    killed = killing(zygote, monkeypatch, times)
    refused = (
        pytest.raises(DecodingError, match="damaged") if times > 1 else contextlib.nullcontext()
    )
    with refused:
        decode(PHOTO, accept)
    assert len(killed) == min(times, 2)
    monkeypatch.undo()
    monkeypatch.setattr(decoder_process, "_current", zygote)
    assert zygote.usable
    assert decode(PHOTO, accept).shape == (48, 64, 3)


def test_a_process_is_forked_only_when_its_memory_is_reserved(fresh, monkeypatch):
    """So many images at once do not make many processes."""
    monkeypatch.setattr(confined_decoding, "_SMALL", MemoryPool(3 * confined_decoding._PLACE_BYTES))
    zygote, most = fresh(), [0]
    child = zygote.child

    def counted():
        made = child()
        most[0] = max(most[0], len(zygote._children))
        return made

    monkeypatch.setattr(zygote, "child", counted)
    with ThreadPoolExecutor(24) as pool:
        for pixels in pool.map(lambda _: decode(PHOTO, accept), range(48)):
            assert pixels.shape == (48, 64, 3)
    assert most[0] <= 4  # the spare one, too


def test_without_descriptors_there_is_one_error(fresh, monkeypatch):
    zygote = fresh()

    def none_left():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(zygote, "_spare", None)
    monkeypatch.setattr("viper.images.decoder_process.socket.socketpair", none_left)
    with pytest.raises(ViperError, match="Too many open files"):
        decode(PHOTO, accept)


@pytest.mark.slow
@pytest.mark.parametrize("limit_s", [1.0, 20.0])
def test_an_image_gets_no_more_time_than_one_of_its_size_needs(limit_s, fresh, monkeypatch):
    """The kernel counts whole seconds, and so ends it a second later at most."""
    fresh()
    monkeypatch.setattr(confined_decoding, "_cpu_s", lambda pixels, file_bytes: limit_s)
    refused = pytest.raises(DecodingError) if limit_s < 2 else contextlib.nullcontext()
    with refused as caught:
        decode(png_of_chunks(1_500_000), accept)
    assert limit_s > 2 or caught.value.kind == "time"


def test_the_limit_of_time_grows_with_pixels_and_bytes():
    limit = confined_decoding._cpu_s
    assert (
        2 < limit(100, 100) < limit(10**6, 10**6) < limit(10**7, 10**7) < limit(10**8, 10**8) == 20
    )


def test_memory_is_kept_until_the_process_has_ended(fresh, monkeypatch):
    """One that was taken over fills the memory of its header, and says that its image is small."""
    monkeypatch.setattr(confined_decoding, "_SMALL", MemoryPool(confined_decoding._PLACE_BYTES))
    zygote = fresh()
    held = []
    needed = confined_decoding._needed_bytes

    def looking(header, file_bytes):
        held.append(confined_decoding._SMALL._free_bytes)
        return needed(header, file_bytes)

    monkeypatch.setattr(confined_decoding, "_needed_bytes", looking)
    decode(PHOTO, accept)
    assert held == [0]
    assert zygote.usable


def test_a_second_decoder_that_names_another_size_is_not_believed(fresh, monkeypatch):
    fresh()
    data = encoded(Image.new("RGB", (4_000, 4_000)), "JPEG")
    assert decode(data, accept).shape == (4_000, 4_000, 3)  # the control
    seen = []
    header = _Conversation.header

    def lying(self, data):
        seen.append(header(self, data))
        return seen[-1]._replace(width=seen[-1].width - 8 * (len(seen) - 1))

    monkeypatch.setattr(_Conversation, "header", lying)
    with pytest.raises(DecodingError, match="damaged"):
        decode(data, accept)
    assert len(seen) == 2
