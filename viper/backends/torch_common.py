"""Loading of models by the torch backends; where they run is in `placement`.

    source = locate("google/owlv2-base-patch16-ensemble", what="detector")
    processor = load_pretrained(AutoProcessor, source, what="detector")
    model = load_model(AutoModelFor…, source, what="detector", placement=placement)

Every error of the libraries becomes a `ConfigError` of one line. No code in a model's files is run, and
nothing that they name is fetched: see `foreign_config` and `sealed_loading`.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viper.backends.foreign_config import check_transformers
from viper.backends.limited_reading import call_with_files
from viper.backends.loaded_tokenizer import check_loaded, has_vocabulary
from viper.backends.model_source import ModelSource, fingerprint, locate, reason_of
from viper.backends.placement import Placement
from viper.backends.sealed_loading import sealed
from viper.backends.staged_folder import files_of, hash_staged, staged
from viper.backends.whole_weights import BoundedLoader, spoil
from viper.errors import ConfigError
from viper.models.registry import IMPORTING

__all__ = [
    "ModelSource",
    "fingerprint",
    "load_model",
    "load_pretrained",
    "load_processor",
    "locate",
    "quiet_libraries",
]

_log = logging.getLogger(__name__)

# Loaders that make a tokenizer, alone or with others.
_NEED_WORDS = ("AutoTokenizer", "AutoProcessor")
_PARTS = {"tokenizer": "tokenizer", "image_processor": "image processor"}


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
    with staged(source.folder) as copy:
        version = hash_staged(copy) if source.commit is None else None
        check_transformers(copy, displayed=source.folder)
        loaded = _load_checked(loader, source, copy, what, kwargs)
        check_loaded(loaded, displayed=source.reference, folder=copy)
        if version is not None:
            source.loaded.add(version)
    return loaded


def load_processor(loader: Any, source: ModelSource, *, what: str) -> Any:
    """Load a processor of images and texts.

    Raises:
        ConfigError: As in `load_pretrained`, or the files make a processor of one of both only.
    """
    processor = load_pretrained(loader, source, what=what)
    lacking = [part for part in _PARTS if getattr(processor, part, None) is None]
    if lacking:
        raise ConfigError(
            f"The {what} '{source.reference}' has no {' and no '.join(map(_PARTS.__getitem__, lacking))}. "
            "Copy the files preprocessor_config.json, processor_config.json, tokenizer_config.json and "
            "tokenizer.json from where the model comes from into the folder, as far as they are there."
        )
    return processor


def _load_checked(
    loader: Any, source: ModelSource, copy: Path, what: str, kwargs: dict[str, Any]
) -> Any:
    try:
        with quiet_libraries(), sealed(source.folder, copy):
            load = functools.partial(
                loader.from_pretrained,
                str(copy),
                local_files_only=True,
                # Explicitly False: when it is left open, the library asks on the terminal.
                trust_remote_code=False,
                **kwargs,
            )
            return call_with_files(load, files_of(copy))
    # Damaged or hostile files make the loaders raise nearly anything: KeyError, struct.error,
    # JSONDecodeError, errors of tokenizers and safetensors that share no base class.
    except BaseException as error:
        # A panic of a library in Rust is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        cause = reason_of(error).replace(str(copy), str(source.folder))
        if "trust_remote_code" in str(
            error
        ):  # the library suggests an option that does not exist here
            cause = (
                "it needs Python code from its own files, which is never run. Give a model of an "
                "architecture that transformers has itself."
            )
        if getattr(loader, "__name__", "") in _NEED_WORDS and not has_vocabulary(copy):
            cause += (
                " The folder has no whole tokenizer: copy tokenizer.json, or the files that the model has in "
                "its place, from where it comes from."
            )
        raise ConfigError(f"The {what} '{source.reference}' cannot be loaded: {cause}") from error


def load_model(
    loader: Any,
    source: ModelSource | str,
    *,
    what: str,
    placement: Placement,
    **kwargs: Any,
) -> Any:
    """Load the weights of a model for inference, onto a device.

    Weights that the files lack are named in one logged warning: they hold NaN, so that no result depends on
    them.

    Raises:
        ConfigError: As in `load_pretrained`, or many weights are missing.
    """
    model, report = load_pretrained(
        BoundedLoader(loader),
        source,
        what=what,
        dtype=placement.dtype,
        output_loading_info=True,
        **kwargs,
    )
    missing = spoil(model, report.get("missing_keys") or ())
    if missing:
        reference = source if isinstance(source, str) else source.reference
        _log.warning(
            "%d weights of the %s '%s' are not in its files, so what depends on them is an error: "
            "%s%s",
            len(missing),
            what,
            reference,
            ", ".join(missing[:3]),
            ", …" if len(missing) > 3 else "",
        )
    model = model.to(placement.device).eval()
    if placement.compiles:
        for part in _parts_that_run(model):
            part.compile(dynamic=True)  # sizes of batches vary
    return model


def _parts_that_run(model: Any) -> list[Any]:
    """Return the modules that are called: the two towers of a model, else the model itself."""
    owner = getattr(model, model.base_model_prefix, model) if model.base_model_prefix else model
    towers = [getattr(owner, name, None) for name in ("vision_model", "text_model")]
    return [tower for tower in towers if tower is not None] or [model]


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Suppress progress bars, notices and warnings of transformers and the hub in this block.

    They would write to the user's stderr. The switches are process-wide, so they are restored
    at the end; errors are still raised, and `load_model` reports missing weights itself.
    Because of the switches and of the imports during loading, only one thread at a time is in here.
    """
    with IMPORTING, warnings.catch_warnings():
        from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars
        from transformers.utils import logging as library

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
