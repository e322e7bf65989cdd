"""Matchers of open_clip: CLIP, SigLIP, EVA, CoCa and the other models in its list.

A reference is a name in the library's list with `pretrained=TAG` or `pretrained=FILE`, a model of
the hub as `hf-hub:OWNER/NAME`, or a folder in the library's hub format. A model without weights is
refused; the library would use random ones.

The configuration of a folder is checked by `foreign_config`, and loading it runs and fetches nothing (see
`sealed_loading`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from viper.backends.file_hashes import hash_file, unchanged
from viper.backends.foreign_config import check_open_clip
from viper.backends.limited_reading import call_with_files
from viper.backends.loaded_tokenizer import check_loaded
from viper.backends.model_source import ModelSource, fingerprint, locate, reason_of
from viper.backends.option_models import OpenClipOptions
from viper.backends.placement import inference, resolve_device, resolve_dtype
from viper.backends.prompt_templates import TemplateMatcher, average, read_templates, templates_id
from viper.backends.sealed_loading import sealed
from viper.backends.staged_folder import files_of, hash_staged, staged
from viper.backends.torch_common import quiet_libraries
from viper.errors import ConfigError, MissingError, did_you_mean
from viper.images.image import View
from viper.models.roles import Matcher
from viper.storage.user_cache import expand_user

__all__ = ["OpenClipMatcher", "load"]

_log = logging.getLogger(__name__)

_WHAT = "open_clip matcher"
_HUB, _FOLDER = "hf-hub:", "local-dir:"
# Longer than a phrase with its template.
_LONGEST_WORD = 400
_MOST_CHARACTERS = 4_000
_MOST_CACHED_WORDS = 10_000
_WEIGHTS = (".safetensors", ".bin")
# Files hold numbers of 16 bits, models are built with 32; some files leave out what can be calculated.
_MOST_TIMES_STORED, _SPARE_BYTES = 3, 64 << 20
_PRECISIONS = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}


@dataclasses.dataclass(eq=False)
class OpenClipMatcher(TemplateMatcher):
    """One loaded matcher.

    Args:
        preprocess: Turns a PIL image into a tensor of shape (3, h, w).
        tokenizer: Turns texts into a tensor of shape (N, L), cut at the model's length.
        device: Where the model runs.
        dtype: Number format of the image input.
    """

    preprocess: Callable[[Image.Image], torch.Tensor]
    tokenizer: Callable[[list[str]], torch.Tensor]
    device: torch.device
    dtype: torch.dtype

    def embed_images(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """Return one unit vector per view, shape (D,).

        Raises:
            ModelError: The model returned NaN or infinity, or ran out of memory.
        """
        if not views:
            return []
        batch = torch.stack([self.preprocess(Image.fromarray(view.pixels())) for view in views])
        with inference(_WHAT):
            features = self.model.encode_image(batch.to(self.device, self.dtype))
        return average(features)

    def encode_sentences(self, sentences: list[str]) -> torch.Tensor:
        """Return the vectors of sentences, shape (N, D)."""
        tokens = self.tokenizer([_without_long_words(text) for text in sentences]).to(self.device)
        self._forget_words()
        with inference(_WHAT):
            features: torch.Tensor = self.model.encode_text(tokens)
        return features

    def _forget_words(self) -> None:
        """Empty the cache of a tokenizer of the library, which would keep every word that it has seen.

        It begins with the special tokens, which stay.
        """
        words = getattr(self.tokenizer, "cache", None)
        if not isinstance(words, dict) or len(words) <= _MOST_CACHED_WORDS:
            return
        special = getattr(self.tokenizer, "all_special_ids", ())
        for word in list(words)[len(special) :]:
            del words[word]


def _without_long_words(sentence: str) -> str:
    """Return the beginning of a sentence that only a module can send, its long words cut.

    The time of the library's tokenizer grows with the square of a word's length, and its models read 77
    tokens.
    """
    if len(sentence) <= _LONGEST_WORD:
        return sentence
    return " ".join(word[:_LONGEST_WORD] for word in sentence[:_MOST_CHARACTERS].split())


def load(reference: str, options: Mapping[str, str]) -> Matcher:
    """Load a matcher from the library's list, the hub or a folder.

    Args:
        reference: `ViT-B-32`, `hf-hub:OWNER/NAME`, or a folder with `open_clip_config.json`.
        options: Those of `OpenClipOptions`.

    Raises:
        ConfigError: There is no such model, or its weights are not found.
    """
    chosen = OpenClipOptions.read(options, f"the {_WHAT}")
    device = resolve_device(chosen.device)
    dtype = resolve_dtype(chosen.dtype, device)
    templates = read_templates(chosen.templates)
    pretrained, download = chosen.pretrained, chosen.download
    settings = {"dtype": dtype, "templates": templates_id(templates)}
    source = _resolve(reference, pretrained, download)
    is_listed = source is None
    name_in_library = reference
    copy: Path | None = None
    content = ""  # hash of the copy
    folders: tuple[Path, ...] = ()
    with contextlib.ExitStack() as stack:
        if source is None:
            config = open_clip.get_model_config(reference)
        else:
            copy = stack.enter_context(staged(source.folder))
            content = hash_staged(copy)
            config = check_open_clip(copy, displayed=source.folder)
            name_in_library, folders = f"{_FOLDER}{copy}", (source.folder, copy)
        # For a tokenizer of transformers only. Without these arguments the library would load code from the
        # tokenizer's folder, and ask the hub for it.
        tokenizing: dict[str, Any] = {}
        if (config or {}).get("text_cfg", {}).get("hf_tokenizer_name"):
            tokenizing = {
                "trust_remote_code": False,
                "local_files_only": not (is_listed and download),
            }
        arguments: dict[str, Any] = {}
        version = ""
        if pretrained is not None:
            # Weights that were trained with QuickGELU are wrong in a model without it; the library
            # only warns. `weights` is empty for a file.
            weights = open_clip.get_pretrained_cfg(name_in_library, pretrained)
            arguments["force_quick_gelu"] = bool(weights.get("quick_gelu", False))
            if weights:
                # The library would ask the hub for the weights of a tag, and fetch newer weights.
                arguments["force_preprocess_cfg"] = weights
                commit, place = _weights_of_tag(weights["hf_hub"], download)
                version = f"{pretrained}@{(commit or '')[:16]}"
                pretrained = str(place)
            else:
                stack.enter_context(unchanged(Path(pretrained)))
                version = hash_file(Path(pretrained))[:16]
        try:
            # Only names in the library's own list may be fetched, and only if the user asks for it.
            with (
                quiet_libraries(),
                _root_logger_untouched(),
                sealed(*folders, network=is_listed and download),
            ):
                create = functools.partial(
                    open_clip.create_model,
                    name_in_library,
                    pretrained,
                    precision=_PRECISIONS[dtype],
                    device=device,
                    require_pretrained=True,
                    **arguments,
                )
                tokenize = functools.partial(open_clip.get_tokenizer, name_in_library, **tokenizing)
                if copy is None:  # of the library's own list
                    model, tokenizer = create(), tokenize()
                else:
                    check = functools.partial(_check_size, name_in_library, copy)
                    model, tokenizer = call_with_files(
                        lambda: (check(), create(), tokenize())[1:], files_of(copy)
                    )
        # Damaged or hostile files make the loaders raise nearly anything, without a common base class.
        except Exception as error:
            raise ConfigError(
                f"The {_WHAT} '{reference}' cannot be loaded: {reason_of(error)}"
            ) from error
        check_loaded(tokenizer, displayed=reference)
        if source is not None and copy is not None:
            source.loaded.add(content)
            name = fingerprint(source, settings)
        else:
            query = "&".join(f"{key}={settings[key]}" for key in sorted(settings))
            name = f"{reference}@{version}?{query}"
    model.eval()
    matcher = OpenClipMatcher(model, templates, name, _whole_image(model), tokenizer, device, dtype)
    matcher.check_texts(reference)
    return matcher


def _check_size(name: str, copy: Path) -> None:
    """Refuse a configuration that asks for far more weights than there are, before they take memory.

    Raises:
        ConfigError: It does.
    """
    try:
        with torch.device("meta"):  # shapes without memory
            built = open_clip.create_model(name, load_weights=False, device="meta")
    except Exception:  # what is wrong is said when it is loaded
        _log.debug("%s cannot be built without memory", name, exc_info=True)
        return
    wanted = sum(tensor.nbytes for tensor in (*built.parameters(), *built.buffers()))
    stored = sum(path.stat().st_size for path in copy.iterdir() if path.suffix in _WEIGHTS)
    if wanted > _MOST_TIMES_STORED * stored + _SPARE_BYTES:
        raise ConfigError(
            f"its weights do not fit its configuration, which asks for {wanted / 1e6:,.0f} MB, but its files "
            f"have {stored / 1e6:,.0f}. Give the weights and the configuration of one model."
        )


def _resolve(reference: str, pretrained: str | None, download: bool) -> ModelSource | None:
    """Return where a model is; None for a name of the library's own list, with weights that exist."""
    if reference in open_clip.list_models():
        tags = open_clip.list_pretrained_tags_by_model(reference)
        if pretrained is None:
            raise ConfigError(
                f"'{reference}' is an architecture without weights. Add ?pretrained=TAG or "
                f"?pretrained=FILE. Tags: {', '.join(tags) or 'none'}."
            )
        if pretrained in tags or Path(pretrained).is_file():
            return None
        raise ConfigError(
            f"pretrained={pretrained!r} is neither a tag of '{reference}' nor a file. "
            f"{did_you_mean(pretrained, tags)}Tags: {', '.join(tags) or 'none'}."
        )
    if pretrained is not None:
        raise ConfigError(
            f"'{reference}' is not a name in open_clip's list, and the option pretrained is for those "
            f"only. {did_you_mean(reference, open_clip.list_models())}"
            "A folder or a model of the hub (hf-hub:OWNER/NAME) brings its own weights."
        )
    is_folder = bool(reference) and expand_user(reference).is_dir()
    if not reference.startswith(_HUB) and not is_folder:
        raise ConfigError(
            f"Unknown open_clip model '{reference}'. "
            f"{did_you_mean(reference, open_clip.list_models())}"
            "Give a name of its list, hf-hub:OWNER/NAME, or a folder with open_clip_config.json."
        )
    return locate(
        reference.removeprefix(_HUB),
        what=_WHAT,
        library="open_clip",
        download=download,
        is_model_id=not is_folder,
    )


def _weights_of_tag(place: str, download: bool) -> tuple[str | None, Path]:
    """Return the weights of a tag in the hub's cache, and their commit.

    Args:
        place: As in the library's list, `OWNER/NAME/` or `OWNER/NAME/FILE`.
        download: Fetch them if they are not on disk.

    Raises:
        MissingError: They are not on disk.
    """
    repository, _, named = place.rpartition("/")
    source = locate(
        repository, what=_WHAT, library="open_clip", download=download, is_model_id=True
    )
    names = (named,) if named else ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    found = next((path for name in names if (path := source.folder / name).is_file()), None)
    if found is None:
        raise MissingError(f"'{repository}' is on disk without the weights {named!r} of this tag.")
    return source.commit, found


def _whole_image(model: Any) -> Callable[[Image.Image], torch.Tensor]:
    """Return the model's preprocessing, but never one that cuts off the ends of a long patch.

    The usual mode scales the shorter side and keeps the middle square; the whole patch is squeezed
    into the square instead. A square patch is unchanged.
    """
    config = PreprocessCfg(**model.visual.preprocess_cfg)
    if config.resize_mode == "shortest":
        config = dataclasses.replace(config, resize_mode="squash")
    # Declared as a union of several kinds of transform.
    transform: Any = image_transform_v2(config, is_train=False)
    return cast("Callable[[Image.Image], torch.Tensor]", transform)


@contextlib.contextmanager
def _root_logger_untouched() -> Iterator[None]:
    """Keep the library's calls of `logging.warning` from giving the root logger a handler."""
    root = logging.getLogger()
    guard = logging.NullHandler()
    root.addHandler(guard)
    try:
        yield
    finally:
        root.removeHandler(guard)
