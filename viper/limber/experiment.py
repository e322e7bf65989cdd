"""The whole experiment: a file of captions, a matcher and a language model → a map and a report.

An interrupted experiment is resumed: features are kept when they are computed, the training at every
checkpoint. With other inputs it starts again.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from viper.backends.placement import DTYPES
from viper.errors import InputError, WriteError
from viper.limber.answerer import load_language
from viper.limber.evaluation import Trial, choose, options_of, score, write_answers
from viper.limber.examples import Example, read_examples, views_of
from viper.limber.folder import FILES, Wiring, write_map
from viper.limber.model import LimberModel
from viper.limber.prompt import prefix_of
from viper.limber.training import Lesson, blinded, new_map, train_map
from viper.limber.training_loop import TrainingConfig, load_complete, save_complete
from viper.models.registry import BackendRef, identity, open_backend
from viper.storage.below import check_below, names_in, open_below, remove_tree
from viper.storage.files import make_folder, write_failure, write_file

__all__ = ["Experiment", "Progress", "run_experiment"]

Progress = Callable[[str, int, int], None]
"""Called with the activity, its finished units, and the total of its units."""

# Views that the matcher embeds at once.
_CHUNK = 64
_MAX_NEW_TOKENS = 16
_REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Experiment:
    """Inputs and settings of an experiment."""

    captions: Path
    """A file as `examples` reads it."""
    matcher: str
    """Reference of the matcher, as in `transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K`."""
    language: str
    """Model id or folder of the language model."""
    prompts: int = 8
    """Number of soft prompts."""
    config: TrainingConfig = field(default_factory=TrainingConfig)
    device: str = "cpu"
    """Device of the language model."""
    dtype: str = "float32"


def run_experiment(
    experiment: Experiment, folder: Path, *, on_progress: Progress | None = None
) -> dict[str, Any]:
    """Train a map and the blind control, measure both and the matcher, and write them into a folder.

    Args:
        experiment: What to train and measure.
        folder: Gets `limber.json`, `map.safetensors` and `report.json`; its folder `work` holds the state of
            an interrupted run, and is removed at the end.
        on_progress: Called during the run.

    Returns:
        The report, as in `report.json`.

    Raises:
        InputError: The file of captions or one of its images is unusable.
        ConfigError: A model is unusable.
    """
    examples = read_examples(experiment.captions)
    progress = on_progress or (lambda what, done, of: None)
    progress("loading the models", 0, 1)
    # Any: the registry decides which class serves the role; transformers declares no classes.
    ref = BackendRef.parse("matcher", experiment.matcher)
    matcher: Any = open_backend(ref)
    language, tokenizer, version = load_language(
        experiment.language, torch.device(experiment.device), DTYPES[experiment.dtype]
    )
    work = _work_folder(folder, experiment, (identity(ref, matcher), version))
    features = _features(matcher, examples, work / "features.pt", progress)
    train = [n for n, example in enumerate(examples) if example.split == "train"]
    held_out = [n for n, one in enumerate(examples) if one.split == "test" and one.question]
    lessons = [
        Lesson(position, examples[n].question, examples[n].text) for position, n in enumerate(train)
    ]
    config = experiment.config

    def trained(what: str, inputs: Tensor) -> LimberModel:
        soft = new_map(inputs[train], experiment.prompts, language, config.seed)
        model = LimberModel(language, tokenizer, soft.to(language.device))
        train_map(
            model,
            inputs[train],
            lessons,
            config,
            checkpoint=work / f"{what.split()[-1]}.pt",
            on_step=lambda step, loss: progress(f"{what}: loss {loss:.3f}", step, config.steps),
        )
        return model

    model = trained("training the map", features)
    report: dict[str, Any] = {
        "matcher": experiment.matcher,
        "matcher_fingerprint": matcher.fingerprint,
        "language": experiment.language,
        "language_fingerprint": version,
        "prompts": experiment.prompts,
        "recipe": asdict(config),
        "trained_on": len(train),
    }
    if held_out:
        control = trained("training the blind control", blinded(features))
        models = {"limber": (model, features), "blind": (control, blinded(features))}
        report |= _figures(examples, held_out, train, models, features, matcher, progress)
    wiring = Wiring(
        experiment.matcher,
        _absolute_folder(experiment.language),
        features.shape[1],
        experiment.prompts,
        model.soft.width,
    )
    write_map(folder, wiring, model.soft)
    write_file(folder / _REPORT, json.dumps(report, indent=1) + "\n", below=folder)
    with contextlib.suppress(OSError):
        remove_tree(work, below=folder)
    return report


def _figures(
    examples: Sequence[Example],
    held_out: Sequence[int],
    train: Sequence[int],
    models: Mapping[str, tuple[LimberModel, Tensor]],
    features: Tensor,
    matcher: Any,
    progress: Progress,
) -> dict[str, Any]:
    """Return the scores of the models and of the matcher on the questions that were held out."""
    trials = [
        Trial(examples[n].question or "", examples[n].text, examples[n].options) for n in held_out
    ]
    prefixes = [prefix_of(trial.question) for trial in trials]
    figures: dict[str, Any] = {"asked": len(trials)}
    for name, (model, inputs) in models.items():

        def written(n: int, name: str = name) -> None:
            progress(f"asking: {name}", n, len(trials))

        answers = write_answers(
            model,
            inputs[list(held_out)],
            prefixes,
            chunk=_CHUNK,
            max_new_tokens=_MAX_NEW_TOKENS,
            on_written=written,
        )
        figures[name] = score(trials, answers).to_json()
    given: dict[str, set[str]] = defaultdict(set)
    for n in (*train, *held_out):
        given[examples[n].question or ""].add(examples[n].text)
    options = options_of(trials, {question: sorted(texts) for question, texts in given.items()})
    texts = sorted({option for listed in options for option in listed})
    vectors = dict(zip(texts, matcher.embed_texts(texts), strict=True))
    chosen = choose([features[n].numpy() for n in held_out], options, vectors)
    return figures | {"best_text_match": score(trials, chosen).to_json()}


def _features(matcher: Any, examples: Sequence[Example], path: Path, progress: Progress) -> Tensor:
    """Return the vectors of all views, shape (N, D), read from the file if an earlier run wrote it."""
    if os.path.lexists(path):
        kept: object = load_complete(path)
        if (
            not isinstance(kept, Tensor)
            or kept.dim() != 2
            or len(kept) != len(examples)
            or not kept.isfinite().all()
        ):
            raise InputError(
                f"The file '{path}' does not hold the vectors of these images. Delete it."
            )
        return kept
    rows: list[Tensor] = []
    views = views_of(examples)
    while chunk := list(itertools.islice(views, _CHUNK)):
        rows += map(torch.from_numpy, matcher.embed_images(chunk))
        progress("embedding the images", len(rows), len(examples))
    features = torch.stack(rows)
    save_complete(features, path)
    return features


def _work_folder(folder: Path, experiment: Experiment, versions: tuple[str, str]) -> Path:
    """Return the folder of an interrupted run of the same experiment, or an empty one."""
    inputs = (
        experiment.captions.read_bytes(),
        repr((experiment.prompts, experiment.config, experiment.dtype, versions)).encode(),
    )
    key = hashlib.sha256(b"\0".join(inputs)).hexdigest()[:16]
    work = folder / "work"
    make_folder(folder)
    try:
        for name in (*FILES, _REPORT):
            check_below(folder / name, below=folder)
        if os.path.lexists(work) and key not in names_in(work, below=folder):
            remove_tree(work, below=folder)
        make_folder(work, below=folder)
        os.close(open_below(work / key, os.O_WRONLY | os.O_CREAT, below=folder))
    except OSError as error:
        raise WriteError(write_failure(folder, error)) from error
    return work


def _absolute_folder(language: str) -> str:
    """Return a folder as an absolute path, valid from any working directory; a model id unchanged."""
    return str(Path(language).resolve()) if Path(language).is_dir() else language
