"""Saved programs of an earlier run, to score them again without a generator.

Read from the `samples.jsonl` of a run, or from rows of `viper generate --file`: `{"id", "program"}`. A
sample without a program in the earlier run fails again in the same way, and so does a sample that is not in
the file. Both count as wrong. A program is held to what it was held to when it was written: it must look at
the image, and conditions that it does not test stay doubts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from viper.errors import InputError
from viper.models.roles import ROLES
from viper.programs.program import Doubt
from viper.storage.bounded_json import bounded_lines, parse_json
from viper.storage.files import open_regular_file
from viper_benchmarks.run_folder import MAX_ROW_BYTES
from viper_benchmarks.sample import DerivedSamples, Sample, Samples
from viper_benchmarks.tasks.json_files import Row
from viper_sandbox.findings import capped

__all__ = ["SavedPrograms"]


class SavedPrograms:
    """Programs by the id of their sample.

    Args:
        path: The file.

    Raises:
        InputError: It cannot be read, or a row has no id.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._programs: dict[str, str | None] = {}
        self._reasons: dict[str, str] = {}
        self._untested: dict[str, tuple[Doubt, ...]] = {}
        digest, number = sha256(), 0
        with open_regular_file(str(path), what="samples.jsonl") as stream:
            try:
                for number, line in enumerate(bounded_lines(stream, max_bytes=MAX_ROW_BYTES), 1):
                    digest.update(line)
                    if line.strip():
                        self._read(line, f"{path.name}:{number}")
            except ValueError as error:
                raise InputError(f"{path.name}:{number + 1} is not a row: {error}.") from error
        self.sha256 = digest.hexdigest()
        if not self._programs:
            raise InputError(f"{str(path)!r} contains no programs.")

    def _read(self, line: bytes, where: str) -> None:
        try:
            row = Row(parse_json(line, max_bytes=MAX_ROW_BYTES), where)
        except ValueError as error:
            raise InputError(f"{where} is not JSON: {error}.") from error
        id_, program = row.raw.get("id"), row.raw.get("program")
        if type(id_) not in (str, int) or not isinstance(program, str | None):
            raise row.wrong("needs an 'id' and a 'program', a text or null.")
        if str(id_) in self._programs:
            raise row.wrong(f"has the id {repr(id_)[:80]} of an earlier row.")
        self._programs[str(id_)] = program
        if program is None and isinstance(reason := row.raw.get("message"), str):
            self._reasons[str(id_)] = capped(reason)
        if untested := tuple(_untested(row)):
            self._untested[str(id_)] = untested

    def applied_to(self, samples: Samples) -> Samples:
        """Return samples with their saved programs."""
        return DerivedSamples(len(samples), lambda: map(self, samples))

    def __call__(self, sample: Sample) -> Sample:
        """Return a sample with its program, or with the reason for its absence."""
        program = self._programs.get(sample.id)
        if program is not None:
            untested = self._untested.get(sample.id, ())
            # Where the data give a program, that is the one that was saved: the user's own.
            generated = sample.program is None
            return replace(sample, program=program, generated=generated, untested=untested)
        if sample.id in self._programs:
            reason = self._reasons.get(sample.id, "no program was written.")
            return replace(sample, unwritten=f"In the run of {self._name}: {reason}")
        return replace(sample, unwritten=f"{self._name} has no program for sample {sample.id!r}.")


def _untested(row: Row) -> Iterator[Doubt]:
    """Yield the conditions that a saved program does not test; older rows give no reasons."""
    values = row.raw.get("untested")
    try:
        if values is None:
            why = "not tested, or only in part"
            values = [{"condition": text, "why": why} for text in row.raw.get("unverified") or ()]
        yield from (
            Doubt(capped(str(value["condition"])), capped(str(value["why"])), _role(value))
            for value in values
        )
    except (TypeError, KeyError) as error:
        raise row.wrong("has 'untested' or 'unverified' that are not those of a run.") from error


def _role(value: dict[str, Any]) -> str:
    needs = value.get("needs")
    return needs if needs in ROLES else ""
