"""The table of `viper models list`: presets, their models, and which of them are on disk."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

from viper.cli.output import echo
from viper.engine.presets import Preset, PresetModel, choose, load_presets, missing_extra
from viper.errors import install_command
from viper.models.registry import BUILTIN
from viper.weights.cache import OnDisk, find_on_disk

__all__ = ["PresetRow", "megabytes", "preset_rows"]

# Presets without models; the help of --models describes them.
_NOT_LISTED = ("none", "stub")


@dataclass(frozen=True, slots=True)
class PresetRow:
    """A preset, and the state of its models on disk."""

    preset: Preset
    models: tuple[tuple[PresetModel, OnDisk], ...]
    chosen: str | None
    """For a preset that chooses among others: the one that it selects now."""
    shipped_bytes: int = 0
    """Size of its weights that come with Viper."""

    def print(self) -> None:
        """Print the preset and a line per model on stdout."""
        title = f"{self.preset.name:<8} {self.preset.description}"
        if self.shipped_bytes:
            title += f" {megabytes(self.shipped_bytes)}, in the package."
        if self.models:
            title += f" About {megabytes(self.preset.size_mb * 1_000_000)}."
        if self.chosen is not None:
            title += f" Now: {self.chosen}."
        if extra := missing_extra(self.preset):
            title += f" First: {install_command(extra)}"
        echo(title)
        for model, disk in self.models:
            echo(
                f"  {model.role:<9} {model.repository:<45} "
                f"{megabytes(model.size_mb * 1_000_000):>8}  {model.licence:<11} {_state(disk)}"
            )
        if self.shipped_bytes:
            for role, backend in self.preset.backends.items():
                echo(f"  {role:<9} {backend:<45} {'':>8}  Apache-2.0  shipped")
        if self.models or self.shipped_bytes:
            echo()

    def to_json(self) -> dict[str, Any]:
        """Return the object of `--json`."""
        return {
            "name": self.preset.name,
            "description": self.preset.description,
            "backends": dict(self.preset.backends),
            "chosen": self.chosen,
            "size_mb": self.preset.size_mb,
            "shipped_mb": round(self.shipped_bytes / 1e6, 1),
            "missing_extra": missing_extra(self.preset),
            "complete": all(disk.state == "complete" for _, disk in self.models),
            "models": [
                {
                    "role": model.role,
                    "repository": model.repository,
                    "revision": model.revision,
                    "size_mb": model.size_mb,
                    "licence": model.licence,
                    "class": model.architecture,
                    "on_disk": disk.state,
                    "missing": list(disk.missing),
                    "folder": None if disk.folder is None else str(disk.folder),
                }
                for model, disk in self.models
            ],
        }


def preset_rows() -> list[PresetRow]:
    """Return the presets with models, and their state on disk.

    Raises:
        ConfigError: A presets file is unusable.
    """
    return [
        PresetRow(
            preset,
            tuple(
                (model, find_on_disk(model.repository, model.revision, role=model.role))
                for model in preset.models
            ),
            choose(preset.name).name if preset.first_of else None,
            _shipped_bytes() if BUILTIN in preset.backends.values() else 0,
        )
        for preset in load_presets().values()
        if preset.name not in _NOT_LISTED
    ]


def _shipped_bytes() -> int:
    folder = files("viper.builtin") / "weights"
    with as_file(folder) as weights:
        return sum(path.stat().st_size for path in weights.rglob("*.onnx"))


def megabytes(size_bytes: int) -> str:
    """Return a size such as "622 MB" or "1.5 GB"."""
    size_mb = size_bytes / 1e6
    if size_mb >= 1000:
        return f"{size_mb / 1000:.1f} GB"
    return f"{size_mb:.0f} MB" if size_mb >= 1 or not size_bytes else f"{size_mb:.2f} MB"


def _state(disk: OnDisk) -> str:
    if disk.state != "partial":
        return disk.state
    if disk.missing:
        return f"partial: lacks {', '.join(disk.missing)}"
    return f"partial: {megabytes(disk.partial_bytes)} so far"
