"""YOLO models of ultralytics: `ultralytics:yolo11n.pt?score_threshold=0.25&…`.

YOLO (3 … 26) detects the classes it was trained on. YOLO-World and YOLOE take any phrase; the features of
phrases come from the matcher named by `text_encoder`, which must be the CLIP that the model was
trained with. Its default is `transformers:openai/clip-vit-base-patch32` for YOLO-World and the
MobileCLIP of open_clip for YOLOE. With `text_encoder=none`, and for a prompt-free YOLOE, the model
detects the classes in its file.

The options are `UltralyticsOptions`. A reference is a file, or the name of an official model, which is
downloaded once into torch's hub folder. A checkpoint is a pickle: see `viper.backends.ultralytics_network`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Tensor

from viper.backends.detections import class_names, to_detections
from viper.backends.file_hashes import hash_file, unchanged
from viper.backends.grouping import in_groups
from viper.backends.letterbox import letterbox
from viper.backends.option_models import UltralyticsOptions
from viper.backends.placement import inference, resolve_device
from viper.backends.ultralytics_network import Network, find_checkpoint, read_checkpoint
from viper.errors import ConfigError, UnservedError
from viper.models.registry import BackendRef, identity, open_backend
from viper.models.roles import Detection, Detector, DetectRequest, Matcher

__all__ = ["UltralyticsDetector", "load"]

_WHAT = "detector"
# The text towers that the models were trained with, by their names in checkpoints.
_TEXT_ENCODERS = {
    "clip:ViT-B/32": "transformers:openai/clip-vit-base-patch32",
    "mobileclip:blt": "open_clip:MobileCLIP-B?pretrained=datacompdr_lt",
    "mobileclip2:b": "open_clip:MobileCLIP2-B?pretrained=dfndr2b",
}
_CACHED_TEXTS = 4096


def load(reference: str, options: Mapping[str, str]) -> UltralyticsDetector:
    """Load a YOLO model from its checkpoint.

    Args:
        reference: A `.pt` file or the name of an official model.
        options: Those of `UltralyticsOptions`.

    Raises:
        ConfigError: There is no such file or model, it is not a detector, it cannot be loaded without
            trust, its text encoder is missing or does not fit, or an option is wrong.
    """
    chosen = UltralyticsOptions.read(options, "the ultralytics detector")
    device = resolve_device(chosen.device)
    path = find_checkpoint(reference)
    with unchanged(path):
        model = read_checkpoint(path, trust=chosen.trust).to(device)
        version = hash_file(path)[:16]
    network = Network.of(model, path, chosen.size)
    text_encoder = chosen.text_encoder
    encoder, encoded = None, ""
    if network.open_kind is not None and text_encoder != "none":
        name = text_encoder or _TEXT_ENCODERS.get(network.text_model)
        if name is None:
            raise ConfigError(
                f"'{path}' was trained with the text model '{network.text_model}', for which no matcher is "
                "known. Name one that has it: text_encoder=BACKEND:REFERENCE"
            )
        encoder, encoder_identity = _open_encoder(name, network, device)
        encoded = f"&text_encoder={encoder_identity}"
    elif text_encoder not in (None, "none"):
        raise ConfigError(
            f"'{path}' detects only the classes it was trained on and takes no text_encoder. "
            "Leave the option out, or give a YOLO-World or YOLOE model."
        )
    elif network.open_kind == "yoloe" and getattr(model, "pe", None) is None:
        raise ConfigError(
            f"'{path}' contains no classes, so it needs a text_encoder, such as "
            f"'{_TEXT_ENCODERS.get(network.text_model, 'BACKEND:REFERENCE')}'."
        )
    return UltralyticsDetector(
        network=network,
        encoder=encoder,
        vocabulary=None if encoder else class_names(network.names, displayed=reference),
        score_threshold=chosen.score_threshold,
        batch_size=chosen.batch_size,
        fingerprint=(
            f"ultralytics:{path.name}@{version}?size={network.side}"
            f"&score_threshold={chosen.score_threshold}&device={device.type}{encoded}"
        ),
    )


@dataclass(frozen=True, slots=True)
class UltralyticsDetector(Detector):
    """A YOLO model; duplicates are left in, except by models that suppress their own."""

    network: Network
    encoder: Matcher | None
    batch_size: int
    fingerprint: str
    score_threshold: float  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen
    vocabulary: tuple[str, ...] | None
    _texts: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def largest_batch(self, method: str) -> int:
        """Return the option `batch_size`, or 1 for a prompt-free model."""
        return 1 if self.network.one_at_a_time else self.batch_size

    def detect(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        """Look for the phrases of each request, or for all classes of a closed vocabulary.

        Raises:
            UnservedError: An open model is asked for no phrase, or for an empty one.
            ModelError: The device ran out of memory.
        """
        for request in requests:
            if self.encoder is not None and not all(map(str.strip, request.phrases or ("",))):
                raise UnservedError(
                    f"The detector was asked for {list(request.phrases)!r}. It takes any phrase, "
                    "but at least one, and none empty."
                )
        if self.network.one_at_a_time:
            return [self._forward([request])[0] for request in requests]
        # The phrases of a request attend to the image together, so requests share a forward only if they have
        # the same number of phrases: padding with other phrases would change the result.
        return in_groups(
            requests, lambda one: len(one.phrases) if self.encoder else 0, self._forward
        )

    def _forward(self, requests: Sequence[DetectRequest]) -> list[list[Detection]]:
        canvas_wh = (self.network.side, self.network.side)
        frames = [
            letterbox(request.view.pixels(), canvas_wh, fill=114, centred=True)
            for request in requests
        ]
        device = next(self.network.model.parameters()).device
        canvases = torch.from_numpy(np.stack([frame.pixels for frame in frames]))  # (B, S, S, 3)
        images = (canvases.permute(0, 3, 1, 2).contiguous().float() / 255).to(device)
        texts = None
        if self.encoder is not None:
            features = self._features([phrase for ask in requests for phrase in ask.phrases])
            texts = features.reshape(len(requests), -1, features.shape[-1]).to(device)  # (B, P, D)
        with inference(_WHAT):
            raw = self.network.forward(images, texts)
        return [
            to_detections(
                frame,
                boxes.numpy(),
                scores.numpy(),
                classes.numpy(),
                self.network.names if self.encoder is None else request.phrases,
                self.score_threshold,
            )
            for request, frame, (boxes, scores, classes) in zip(requests, frames, raw, strict=True)
        ]

    def _features(self, phrases: Sequence[str]) -> Tensor:
        """Return the text features of phrases, (P, D)."""
        assert self.encoder is not None
        new = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._texts]
        if new:
            if len(self._texts) > _CACHED_TEXTS:
                self._texts.clear()
                new = list(dict.fromkeys(phrases))
            encoded = self.encoder.embed_texts(new)
            self._texts.update(zip(new, map(torch.from_numpy, encoded), strict=True))
        return torch.stack([self._texts[phrase] for phrase in phrases])


def _open_encoder(name: str, network: Network, device: torch.device) -> tuple[Matcher, str]:
    """Load the matcher for text features and check that they fit; return it with its identity.

    Raises:
        ConfigError: It cannot be loaded, or its features have another length.
    """
    ref = BackendRef.parse("matcher", name)
    # The networks were trained on bare phrases, and the caller's device is right for both.
    given = dict(ref.options)
    options = {"templates": "plain", "device": str(device), **given}
    ref = BackendRef("matcher", ref.name, ref.reference, tuple(options.items()))
    try:
        encoder = cast("Matcher", open_backend(ref))
    except ConfigError as error:
        raise ConfigError(
            f"The text encoder of this {network.open_kind} model cannot be loaded: {error} Name "
            "another with text_encoder=BACKEND:REFERENCE, or use text_encoder=none for the "
            "classes in the file."
        ) from error
    length = len(encoder.embed_texts(["object"])[0])
    if length != network.text_size:
        raise ConfigError(
            f"The text encoder '{name}' gives {length} numbers per phrase, but this model takes "
            f"{network.text_size}. Give the CLIP that it was trained with: "
            f"text_encoder={_TEXT_ENCODERS.get(network.text_model, 'BACKEND:REFERENCE')}"
        )
    return encoder, identity(ref, encoder)
