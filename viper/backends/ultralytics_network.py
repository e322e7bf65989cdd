"""Networks of ultralytics: find a checkpoint, read it, run it.

A checkpoint is a pickle of a network. Without `trust` it is read as plain data (`ultralytics_checkpoint`),
and the network is made anew from it (`ultralytics_rebuild`). The networks are called directly, because the
library's predictor installs packages, writes folders and sends usage events.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from viper.backends.model_source import reason_of
from viper.backends.sealed_loading import NoCodeError
from viper.backends.ultralytics_checkpoint import Part, read_parts
from viper.backends.ultralytics_import import no_installs, sealed_import
from viper.backends.ultralytics_rebuild import CannotRebuildError, rebuild, refuse_task
from viper.errors import ConfigError, DownloadError, did_you_mean
from viper.storage.user_cache import expand_user

with sealed_import():
    from ultralytics.nn import tasks
    from ultralytics.utils import downloads

__all__ = ["Network", "find_checkpoint", "read_checkpoint"]

_TASKS = ("detect", "segment", "pose")


@dataclass(frozen=True, slots=True)
class Network:
    """A YOLO network and the meaning of its outputs."""

    model: Any  # ultralytics ships no types
    names: tuple[str, ...]
    side: int
    """Side of the square input in pixels."""
    open_kind: str | None
    """ "world" or "yoloe" if any phrase can be detected, None for fixed classes."""
    text_model: str
    """Text tower it was trained with, by its name in the checkpoint; empty for closed models."""

    @classmethod
    def of(cls, model: Any, path: Path, size: int | None) -> Network:
        """Inspect a network and return it with its metadata.

        Args:
            model: From `read_checkpoint`.
            path: Its file, for messages.
            size: Side of the input in pixels; None for the training size.

        Raises:
            ConfigError: It is not a supported detector.
        """
        task = getattr(model, "task", None) or tasks.guess_model_task(model)
        kind = type(model).__name__
        if task not in _TASKS or kind == "RTDETRDetectionModel":
            refuse_task(path, task, kind)
        head = model.model[-1]
        names = model.names
        ordered = [names[key] for key in sorted(names)] if isinstance(names, dict) else list(names)
        stride = int(max(model.stride))
        wanted = size or _trained_size(model)
        fixed = hasattr(head, "lrpc") or getattr(head, "is_fused", False)
        world, yoloe = isinstance(model, tasks.WorldModel), isinstance(model, tasks.YOLOEModel)
        if yoloe and fixed and getattr(model, "pe", None) is None:
            # Only its number of classes is read, because the features are part of the weights.
            model.pe = torch.zeros(1, len(ordered), head.embed)
        return cls(
            model=model,
            names=tuple(str(name) for name in ordered),
            side=-(-wanted // stride) * stride,
            open_kind=None if fixed else "world" if world else "yoloe" if yoloe else None,
            text_model=(
                getattr(model, "text_model", "mobileclip:blt")
                if yoloe
                else "clip:ViT-B/32"
                if world
                else ""
            ),
        )

    @property
    def text_size(self) -> int:
        """Length of the text features that an open model takes."""
        if self.open_kind == "world":
            return int(self.model.txt_feats.shape[-1])
        return int(self.model.model[-1].embed)

    @property
    def one_at_a_time(self) -> bool:
        """True for the prompt-free head, which uses the cells of the FIRST image for the whole batch."""
        return hasattr(self.model.model[-1], "lrpc")

    def forward(self, images: Tensor, texts: Tensor | None) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Run images (B, 3, S, S), with text features (B, P, D) for an open model.

        Returns:
            For each image: boxes (N, 4) in pixels of the input, scores (N,), classes (N,).
        """
        if texts is None:
            output = self.model.predict(images)
        elif self.open_kind == "world":
            self.model.model[-1].nc = texts.shape[1]  # the head splits its output by it
            output = self.model.predict(images, txt_feats=texts)
        else:
            output = self.model.predict(images, tpe=texts)
        while isinstance(output, (tuple, list)):  # comes with raw outputs, or masks of -seg models
            output = output[0]
        if getattr(self.model.model[-1], "end2end", False):  # (B, K, 6 and more)
            return [(rows[:, :4], rows[:, 4], rows[:, 5].long()) for rows in output.float().cpu()]
        results = []
        for rows in output.float().cpu().transpose(1, 2):  # (N, 4 + classes and more)
            center, half = rows[:, :2], rows[:, 2:4] / 2
            boxes = torch.cat([center - half, center + half], dim=1)
            if texts is None:
                best = rows[:, 4 : 4 + len(self.names)].max(dim=1)
                results.append((boxes, best.values, best.indices))
            else:  # a box is reported for every phrase that fits it
                count = texts.shape[1]
                scores = rows[:, 4 : 4 + count].flatten()  # (N · P,)
                classes = torch.arange(count).repeat(len(rows))
                results.append((boxes.repeat_interleave(count, dim=0), scores, classes))
        return results


def find_checkpoint(reference: str) -> Path:
    """Return a local file, downloading an official model if there is none.

    Raises:
        ConfigError: There is no such file or model.
        DownloadError: An official model cannot be downloaded.
    """
    if not reference:
        raise ConfigError(
            "The ultralytics detector has no model. Write ultralytics:FILE.pt or the name of an "
            "official model, as in ultralytics:yolo11n.pt."
        )
    path = expand_user(reference)
    if path.is_dir():
        raise ConfigError(f"'{path}' is a folder. Give the .pt file itself.")
    if path.is_file():
        return path
    official = sorted(name for name in downloads.GITHUB_ASSETS_NAMES if name.endswith(".pt"))
    if reference not in official:
        raise ConfigError(
            f"There is no file '{path}', and no official model has this name. "
            f"{did_you_mean(reference, official)}Give a .pt file, or a name such as yolo11n.pt."
        )
    target = Path(torch.hub.get_dir()) / "ultralytics" / reference
    if not target.is_file():
        try:
            # The library's downloader knows the release; one attempt, without a progress bar.
            downloads.attempt_download_asset(target, retry=0, progress=False)
        # The downloader raises errors of several libraries, and a partial file is not a model.
        except Exception as error:
            raise DownloadError(
                f"The official model '{reference}' cannot be downloaded: {reason_of(error)} "
                "Give a local .pt file, as in ultralytics:PATH/FILE.pt."
            ) from error
    return target


def read_checkpoint(path: Path, *, trust: bool) -> Any:
    """Return the network of a checkpoint, in float32 and ready for inference.

    Raises:
        ConfigError: The file is damaged, of another kind, or needs trust.
    """
    try:
        if trust:
            with no_installs():
                checkpoint, _ = tasks.torch_safe_load(str(path))
        else:
            checkpoint = read_parts(path)
        model = _network_in(checkpoint, torch.nn.Module if trust else Part, path)
        if not trust:
            model = rebuild(model, path)
    except ConfigError:
        raise
    # A damaged or hostile file makes pickle and the library raise nearly anything.
    except Exception as error:
        asks = isinstance(error, (NoCodeError, CannotRebuildError)) or "GLOBAL" in str(error)
        raise ConfigError(
            f"'{path}' cannot be loaded as an ultralytics checkpoint: {reason_of(error)} "
            + (
                "If you trust its origin, add trust=true, which runs the code in it."
                if asks and not trust
                else "Give a .pt file that ultralytics has saved."
            )
        ) from error
    model = model.float().eval()
    for module in model.modules():
        # Checkpoints of older torch lack an attribute of newer torch.
        if isinstance(module, torch.nn.Upsample) and not hasattr(module, "recompute_scale_factor"):
            module.recompute_scale_factor = None
    return model


def _network_in(checkpoint: Any, kind: type, path: Path) -> Any:
    network = None
    if isinstance(checkpoint, dict):
        network = checkpoint.get("ema")
        network = checkpoint.get("model") if network is None else network
    if not isinstance(network, kind):
        raise ConfigError(
            f"'{path}' contains a {type(network).__name__}, not a network. "
            "Give a .pt file that ultralytics has saved."
        )
    return network


def _trained_size(model: Any) -> int:
    settings = getattr(model, "args", None)
    wanted = settings.get("imgsz") if isinstance(settings, dict) else None
    return wanted if type(wanted) is int and wanted > 0 else 640  # the library's default
