"""Every writer of a file: whichever write fails, the old content stays, or all of the new is there."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes.disks import FailingWrites
from viper.errors import ViperError


def contents(folder):
    """Return every file below a folder with its content, without those that hold nothing of ours."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def settings(folder):
    from viper.cli import cli

    if CliRunner().invoke(cli, ["config", "init", str(folder / "viper.toml")]).exit_code:
        raise ViperError


def scaffold(folder):
    from viper.modules.scaffold import new_module

    new_module("reading", folder)


def hashes(folder):
    from viper.backends import file_hashes

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        file_hashes._write({f"key {n}": "0" * 64 for n in range(500)})


def figures(folder):
    import click

    from viper_benchmarks.perf.command import benchmark

    def measure():
        return {"figure": list(range(5000))}

    command = benchmark(lambda result: [])(measure)
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(command, ["--output", str(folder / "figures.json")])
    if isinstance(result.exception, ViperError):
        raise result.exception


def facts_of_a_run(folder):
    from viper_benchmarks.run_folder import RunFolder

    with RunFolder(folder, {"task": "x"}, resume=True) as run:
        run.write_run({"facts": "y" * 20_000})


def report_of_a_run(folder):
    from viper_benchmarks.run_folder import RunFolder

    with RunFolder(folder, {}, resume=True) as run:
        run.write_report({"accuracy": 1.0})
        run.write_page("<html>" * 5000)


WRITERS = {
    "settings": settings,
    "scaffold": scaffold,
    "hashes": hashes,
    "figures": figures,
    "facts of a run": facts_of_a_run,
    "report of a run": report_of_a_run,
}


def sweep(write, folder, before=lambda folder: None):
    """Return what each failing k-th write leaves, and what a write that succeeds leaves, last."""
    found = []
    for k in range(1, 60):
        place = folder / f"{k}"
        place.mkdir()
        before(place)
        with FailingWrites(k) as failing, contextlib.suppress(ViperError):
            write(place)
        found.append(contents(place))
        shutil.rmtree(place)
        if not failing.failed:
            return found
    raise AssertionError("every write failed")


@pytest.mark.parametrize("name", WRITERS)
def test_whichever_write_fails_every_file_is_complete_or_absent(name, tmp_path):
    *failed, complete = sweep(WRITERS[name], tmp_path)
    assert failed
    for left in failed:
        assert not [path for path in left if Path(path).name.endswith(".part")]
        assert left.items() <= {**complete, "samples.jsonl": b""}.items()


def test_the_sweep_notices_a_writer_without_the_helper(tmp_path):
    import os

    def unguarded(place):
        descriptor = os.open(place / "file", os.O_WRONLY | os.O_CREAT)
        try:
            for _ in range(3):
                os.write(descriptor, b"part")
        except OSError as error:
            raise ViperError from error
        finally:
            os.close(descriptor)

    *failed, complete = sweep(unguarded, tmp_path)
    assert not all(left.items() <= complete.items() for left in failed)


def test_a_scaffold_is_there_as_a_whole_or_not_at_all(tmp_path):
    *failed, complete = sweep(WRITERS["scaffold"], tmp_path)
    assert len(complete) == len(failed)
    assert set(map(len, failed)) == {0}


def test_the_old_report_stays_where_the_new_one_cannot_be_written(small_disk):
    report_of_a_run(small_disk)
    before = contents(small_disk)
    from viper_benchmarks.run_folder import RunFolder

    with RunFolder(small_disk, {}, resume=True) as run:
        run.write_report({"accuracy": 1.0})
        with pytest.raises(ViperError, match=r"report\.html' cannot be written \(No space left"):
            run.write_page("<html>" * 500_000)
    assert contents(small_disk) == before


@pytest.mark.slow
def test_a_map_that_cannot_be_written_leaves_the_one_before(tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from viper.limber.folder import Wiring, write_map

    class Soft:
        def __init__(self, value):
            self.value = value

        def state_dict(self):
            return {"weight": torch.full((64, 64), self.value)}

    def wiring(width):
        return Wiring("matcher", "language", 64, 8, width)

    def before(place):
        write_map(place, wiring(1), Soft(1.0))

    before(tmp_path / "old")
    old = contents(tmp_path / "old")
    found = sweep(lambda place: write_map(place, wiring(2), Soft(2.0)), tmp_path, before)
    assert len(found) > 1
    assert all(left == old for left in found[:-1])
    assert found[-1] != old


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(small_disk):
    torch = pytest.importorskip("torch")
    from viper.limber.training_loop import save_complete

    save_complete({"step": 1}, small_disk / "x.pt")
    before = contents(small_disk)
    with pytest.raises(ViperError, match=r"x\.pt' cannot be written \(No space left"):
        save_complete({"step": 2, "weights": torch.zeros(500_000)}, small_disk / "x.pt")
    assert contents(small_disk) == before
    with pytest.raises(Exception, match=r"No space|write|unexpected"):  # the control
        torch.save({"weights": torch.zeros(500_000)}, small_disk / "x.pt")
    assert contents(small_disk) != before
