"""The experiment in whole: a file of captions, a matcher and a language model → a map and a report.

An interrupted experiment goes on where it stood: features are kept when they are computed, the training
at every checkpoint. Other inputs begin anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from viper.backends.placement import DTYPES
from viper.errors import InputError
from viper.images.image import View
from viper.limber.answerer import load_language
from viper.limber.evaluation import Trial, choose, options_of, score
from viper.limber.examples import Example, read_examples, views_of
from viper.limber.folder import Wiring, write_map
from viper.limber.model import LimberModel
from viper.limber.training import Lesson, TrainingConfig, new_map, prefix_of, train_map
from viper.models.registry import BackendRef, identity, open_backend

__all__ = ["Experiment", "Progress", "run_experiment"]

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

_CHUNK = 64
# Views that the matcher embeds at once.
_MAX_NEW_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is to be found out."""

    captions: Path
    """A file as `examples` reads it."""
    matcher: str
    """Reference of the matcher that sees, as in `transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K`."""
    language: str
    """Model id or folder of the language model that speaks."""
    prompts: int = 8
    """Number of soft prompts."""
    recipe: TrainingConfig = field(default_factory=TrainingConfig)
    device: str = "cpu"
    """Of the language model."""
    dtype: str = "float32"


def run_experiment(
    experiment: Experiment, folder: Path, *, on_progress: Progress | None = None
) -> dict[str, Any]:
    """Train a map and the blind control, measure both and the matcher, and write them into a folder.

    Args:
        experiment: What to do.
        folder: Gets `limber.json`, `map.safetensors` and `report.json`; `work` in it holds what an
            interrupted run goes on from, and is removed at the end.
        on_progress: Called as it goes on.

    Returns:
        The report, as it is in `report.json`.

    Raises:
        InputError: The file of captions or one of its pictures is unusable.
        ConfigError: A model is unusable.
    """
    examples = read_examples(experiment.captions)
    tell = on_progress or (lambda what, done, of: None)
    tell("loading the models", 0, 1)
    # The registry says which class serves the role; transformers promises no classes.
    ref = BackendRef.parse("matcher", experiment.matcher)
    matcher: Any = open_backend(ref)
    device = torch.device(experiment.device)
    language, tokenizer, version = load_language(
        experiment.language, device, DTYPES[experiment.dtype]
    )
    work = _work_folder(folder, experiment, (identity(ref, matcher), version))
    features = _features(matcher, examples, work / "features.pt", tell)
    train = [n for n, example in enumerate(examples) if example.split == "train"]
    held_out = [
        n
        for n, example in enumerate(examples)
        if example.split == "test" and example.question is not None
    ]
    lessons = [
        Lesson(position, examples[n].question, examples[n].text) for position, n in enumerate(train)
    ]
    seeing = _trained(
        "training the map", features[train], lessons, language, tokenizer, experiment, work, tell
    )
    report: dict[str, Any] = {
        "matcher": experiment.matcher,
        "matcher_fingerprint": matcher.fingerprint,
        "language": experiment.language,
        "language_fingerprint": version,
        "prompts": experiment.prompts,
        "recipe": asdict(experiment.recipe),
        "trained_on": len(train),
    }
    if held_out:
        # What is right without a picture is in the questions: the same, with every picture the same.
        nothing = features.mean(dim=0, keepdim=True).expand_as(features)
        blind = _trained(
            "training the blind control",
            nothing[train],
            lessons,
            language,
            tokenizer,
            experiment,
            work,
            tell,
        )
        report |= _measured(
            examples, held_out, train, features, nothing, (seeing, blind), matcher, tell
        )
    wiring = Wiring(
        experiment.matcher,
        _kept_place(experiment.language),
        features.shape[1],
        experiment.prompts,
        seeing.soft.width,
    )
    write_map(folder, wiring, seeing.soft)
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work, ignore_errors=True)
    return report


def _trained(
    what: str,
    features: Tensor,
    lessons: Sequence[Lesson],
    language: Any,
    tokenizer: Any,
    experiment: Experiment,
    work: Path,
    tell: Progress,
) -> LimberModel:
    recipe = experiment.recipe
    soft = new_map(features, experiment.prompts, language, recipe.seed)
    model = LimberModel(language, tokenizer, soft.to(language.device))
    train_map(
        model,
        features,
        lessons,
        recipe,
        checkpoint=work / f"{what.split()[-1]}.pt",
        on_step=lambda step, loss: tell(f"{what}: loss {loss:.3f}", step, recipe.steps),
    )
    return model


def _measured(
    examples: Sequence[Example],
    held_out: Sequence[int],
    train: Sequence[int],
    features: Tensor,
    nothing: Tensor,
    models: tuple[LimberModel, LimberModel],
    matcher: Any,
    tell: Progress,
) -> dict[str, Any]:
    trials = [
        Trial(examples[n].question or "", examples[n].text, examples[n].options) for n in held_out
    ]
    figures: dict[str, Any] = {"asked": len(trials)}
    for name, model, seen in (("limber", models[0], features), ("blind", models[1], nothing)):
        answers: list[str] = []
        for start in range(0, len(held_out), _CHUNK):
            rows = held_out[start : start + _CHUNK]
            prefixes = [prefix_of(examples[n].question) for n in rows]
            answers += model.write(seen[list(rows)], prefixes, _MAX_NEW_TOKENS)
            tell(f"asking: {name}", min(start + _CHUNK, len(held_out)), len(held_out))
        figures[name] = score(trials, answers).to_json()
    known: dict[str, set[str]] = defaultdict(set)
    for n in (*train, *held_out):
        known[examples[n].question or ""].add(examples[n].text)
    options = options_of(trials, {question: sorted(texts) for question, texts in known.items()})
    texts = sorted({option for listed in options for option in listed})
    vectors = dict(zip(texts, matcher.embed_texts(texts), strict=True))
    chosen = choose([features[n].numpy() for n in held_out], options, vectors)
    figures["best_text_match"] = score(trials, chosen).to_json()
    return figures


def _features(matcher: Any, examples: Sequence[Example], path: Path, tell: Progress) -> Tensor:
    """Return the vectors of all views, shape (N, D), from the file if an earlier run has written it."""
    if path.exists():
        kept: Tensor = torch.load(path, weights_only=True)
        return kept
    rows: list[Tensor] = []
    gathered: list[View] = []
    for view in views_of(examples):
        gathered.append(view)
        if len(gathered) == _CHUNK:
            rows += map(torch.from_numpy, matcher.embed_images(gathered))
            gathered = []
            tell("looking at the pictures", len(rows), len(examples))
    if gathered:
        rows += map(torch.from_numpy, matcher.embed_images(gathered))
    features = torch.stack(rows)
    unfinished = path.with_suffix(".part")
    torch.save(features, unfinished)
    unfinished.rename(path)
    return features


def _work_folder(folder: Path, experiment: Experiment, versions: tuple[str, str]) -> Path:
    """Return the folder of an interrupted run of the same experiment, or an empty one."""
    told = (
        experiment.captions.read_bytes(),
        repr((experiment.prompts, experiment.recipe, experiment.dtype, versions)).encode(),
    )
    key = hashlib.sha256(b"\0".join(told)).hexdigest()[:16]
    work = folder / "work"
    try:
        if work.exists() and not (work / key).exists():
            shutil.rmtree(work)
        work.mkdir(parents=True, exist_ok=True)
        (work / key).touch()
    except OSError as error:
        raise InputError(
            f"{str(folder)!r} cannot be written ({error.strerror or error}). Name a folder that this "
            "user may write to."
        ) from error
    return work


def _kept_place(language: str) -> str:
    """Return a folder as an absolute path, so that the map is found from anywhere; a model id as it is."""
    return str(Path(language).resolve()) if Path(language).is_dir() else language
