"""What the torch backends share: how a model is loaded and on which device it runs.

    source = locate("google/owlv2-base-patch16-ensemble", what="detector")
    device = resolve_device("auto")
    processor = load_pretrained(AutoProcessor, source, what="detector")
    model = load_model(AutoModelFor…, source, what="detector", device=device, dtype=torch.float32)
    with inference("detector"): …

Every error of the libraries comes out as one line of `ConfigError`. Remote code is never run.
Options are read with `viper.vision.backends.options`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from viper.errors import ConfigError, ModelError, did_you_mean
from viper.vision.backends.model_source import (
    ModelSource,
    fingerprint,
    hash_file,
    locate,
    one_line,
)

__all__ = [
    "DTYPES",
    "ModelSource",
    "fingerprint",
    "hash_file",
    "inference",
    "load_model",
    "load_pretrained",
    "locate",
    "quiet_libraries",
    "resolve_device",
    "resolve_dtype",
]

_log = logging.getLogger(__name__)

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}

_DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
# Loading sets process-wide switches (torch's default dtype, log levels), so it is done by one
# thread at a time.
_LOADING = threading.RLock()


def resolve_device(option: str = "auto") -> torch.device:
    """Return the device to run on; `auto` takes CUDA, then MPS, then the CPU.

    Raises:
        ConfigError: The device is unknown or not there.
    """
    word = option.strip().lower()
    if word == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(word)
    except RuntimeError:
        raise ConfigError(
            f"Unknown device {option!r}. {did_you_mean(word, _DEVICES)}"
            f"Known: {', '.join(_DEVICES)}, with a number as in cuda:1."
        ) from None
    present = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
        "xpu": torch.xpu.device_count(),
    }.get(device.type, 0)
    if (device.index or 0) >= present:
        raise ConfigError(
            f"Device {option!r} is not available here: {present} of type {device.type} found. "
            "Use device=cpu, or device=auto for the best one there is."
        )
    return device


def resolve_dtype(
    option: str, device: torch.device, *, on_gpu: torch.dtype = torch.float32
) -> torch.dtype:
    """Return the number format of the weights; `auto` is `on_gpu` on a GPU, else float32.

    Raises:
        ConfigError: The format is unknown.
    """
    word = option.strip().lower()
    if word == "auto":
        return torch.float32 if device.type == "cpu" else on_gpu
    if word not in DTYPES:
        raise ConfigError(
            f"Unknown dtype {option!r}. {did_you_mean(word, DTYPES)}"
            f"It must be auto, {', '.join(DTYPES)}."
        )
    return DTYPES[word]


def load_pretrained(loader: Any, source: ModelSource | str, *, what: str, **kwargs: Any) -> Any:
    """Call `loader.from_pretrained` with the library quiet and its errors translated.

    Args:
        loader: A class of transformers with `from_pretrained`; untyped, as are its results.
        source: From `locate`; a text is located first.
        what: Role, for messages.
        kwargs: Passed on.

    Raises:
        ConfigError: The files are missing, damaged or of another kind of model.
    """
    if isinstance(source, str):
        source = locate(source, what=what)
    try:
        with quiet_libraries():
            return loader.from_pretrained(
                str(source.folder),
                local_files_only=True,
                # Explicitly False: when it is left open, the library asks on the terminal.
                trust_remote_code=False,
                **kwargs,
            )
    # Files of strangers make the loaders raise nearly anything: KeyError, struct.error,
    # JSONDecodeError, errors of tokenizers and safetensors that share no base class.
    except Exception as error:
        raise ConfigError(
            f"The {what} '{source.reference}' cannot be loaded: {one_line(error)}"
        ) from error


def load_model(
    loader: Any,
    source: ModelSource | str,
    *,
    what: str,
    device: torch.device,
    dtype: torch.dtype,
    **kwargs: Any,
) -> Any:
    """Load the weights of a model for inference, onto a device.

    Weights that the files lack are named in one logged warning: they stay random.

    Raises:
        ConfigError: As in `load_pretrained`.
    """
    model, report = load_pretrained(
        loader, source, what=what, dtype=dtype, output_loading_info=True, **kwargs
    )
    missing = sorted(report.get("missing_keys") or ())
    if missing:
        reference = source if isinstance(source, str) else source.reference
        _log.warning(
            "%d weights of the %s '%s' are not in its files and stay random, so its results mean "
            "little: %s%s",
            len(missing),
            what,
            reference,
            ", ".join(missing[:3]),
            ", …" if len(missing) > 3 else "",
        )
    return model.to(device).eval()


@contextlib.contextmanager
def inference(what: str) -> Iterator[None]:
    """Run a forward without gradients; a lack of memory becomes a `ModelError`.

    Raises:
        ModelError: The device has too little memory for this batch.
    """
    try:
        with torch.inference_mode():
            yield
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"The {what} ran out of memory: {one_line(error)} "
            "Use a smaller model, a smaller dtype, or device=cpu."
        ) from error


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Hold back progress bars, notices and warnings of transformers and the hub in this block.

    They write to stderr, which is the user's. The switches are process-wide, so they are put back
    at the end; errors still come as exceptions, and `load_model` reports missing weights itself.
    """
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars
    from transformers.utils import logging as library

    with _LOADING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        verbosity = library.get_verbosity()
        bars, hub_bars = library.is_progress_bar_enabled(), not are_progress_bars_disabled()
        hub_log = logging.getLogger("huggingface_hub")
        hub_level = hub_log.level
        library.set_verbosity(max(verbosity, logging.ERROR))
        hub_log.setLevel(max(hub_level, logging.ERROR))
        library.disable_progress_bar()
        try:
            yield
        finally:
            library.set_verbosity(verbosity)
            hub_log.setLevel(hub_level)
            if bars:
                library.enable_progress_bar()  # switches the hub's on as well
            if not hub_bars:
                disable_progress_bars()
