"""Whether images are decoded in a process of their own."""

from __future__ import annotations

from viper.doctor.images import ImageDecoding, image_check, try_decoding


def test_this_machine_decodes_images_in_a_confined_process():
    assert try_decoding() == ImageDecoding(True)
    assert image_check(ImageDecoding(True)).level == "ok"


def test_a_system_without_fork_is_a_warning():
    found = image_check(ImageDecoding(False))
    assert (found.level, found.fix) == (
        "warning",
        "Open only images that you trust, or use Linux, for example WSL 2 on Windows.",
    )


def test_a_process_that_does_not_start_is_a_problem(monkeypatch):
    monkeypatch.setattr("viper.images.decoder_process._current", None)
    monkeypatch.setattr("sys.executable", "/bin/false")
    decoding = try_decoding()
    assert "cannot be started" in decoding.trouble
    assert image_check(decoding).level == "problem"
