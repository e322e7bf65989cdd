"""Exports the trained models as the ONNX graphs that `viper.builtin.graphs` and `.language` run.

The exporter that records a run of the network (TorchScript) is used: it keeps sizes free without having to
prove anything about them. `RoiAlign` needs opset 16 for aligned boxes, `LayerNormalization` 17.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from viper.builtin.graphs import GRAPHS
from viper.builtin.language import LANGUAGE_GRAPH, TOKENIZER
from viper.builtin.train.network import NECK, PLACE, WorldNetwork
from viper.builtin.words import MAX_WORDS
from viper.limber.model import LimberModel
from viper.storage.files import write_file

__all__ = ["export_language", "export_network"]

_OPSET = 17
_Axes = Mapping[str, dict[int, str]]


class _Image(nn.Module):
    """Inputs and outputs of `Graphs.encode`."""

    def __init__(self, network: WorldNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        dense = self.network(image)
        certain = dense.centers.sigmoid()
        highest = functional.max_pool2d(certain[:, None], 3, 1, 1)[:, 0]
        peaks = torch.where(certain == highest, certain, torch.zeros_like(certain))
        strangeness = self.network.familiarity(dense.features)
        return dense.features, peaks, dense.edges, dense.log_depth, strangeness


class _Regions(nn.Module):
    """Inputs and outputs of `Graphs.regions`."""

    def __init__(self, network: WorldNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, boxes: Tensor) -> tuple[Tensor, ...]:
        rows = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], dim=1)
        pooled = self.network.pool(features, rows)
        regions = self.network.read(pooled)
        cells = pooled[:, :-PLACE].reshape(-1, NECK, (pooled.shape[1] - PLACE) // NECK)
        # How many objects of which kind there are is in the means and deviations.
        description = torch.cat(
            [regions.embeddings, cells.mean(dim=2), cells.std(dim=2), pooled[:, -PLACE:]], dim=1
        )
        return regions.embeddings, regions.log_distances, description


class _Texts(nn.Module):
    """Inputs and outputs of `Graphs.embed_texts`."""

    def __init__(self, network: WorldNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, words: Tensor) -> Tensor:
        return self.network.embed_texts(words)


class _NextWord(nn.Module):
    """Inputs and outputs of one step of `LanguageGraph.write`."""

    def __init__(self, model: LimberModel) -> None:
        super().__init__()
        self.soft, self.language = model.soft, model.language

    def forward(self, descriptions: Tensor, words: Tensor) -> Tensor:
        embedded = self.language.get_input_embeddings()(words)
        inputs = torch.cat([self.soft(descriptions), embedded], dim=1)
        # Mask and positions are given, because the library would make constants of them.
        place = torch.arange(inputs.shape[1])
        later = (place[None, :] > place[:, None]).to(inputs.dtype) * torch.finfo(inputs.dtype).min
        logits: Tensor = self.language(
            inputs_embeds=inputs,
            attention_mask=later[None, None].expand(inputs.shape[0], 1, -1, -1),
            position_ids=place[None],
            use_cache=False,
        ).logits
        return logits[:, -1]


def export_network(network: WorldNetwork, folder: Path) -> None:
    """Write the graphs of a trained network on the CPU, in float32.

    Args:
        network: In evaluation mode.
        folder: Gets the files `GRAPHS`.
    """
    image, regions, texts = (folder / name for name in GRAPHS)
    features = torch.rand(1, NECK, 24, 32)
    maps = "features centers edges log_depth".split()
    outputs = {
        name: {rank: "h", rank + 1: "w"} for name, rank in zip(maps, (2, 1, 2, 1), strict=True)
    }
    _export(
        _Image(network),
        {"image": torch.rand(1, 3, 96, 128)},
        [*maps, "strangeness"],
        {"image": {2: "height", 3: "width"}, **outputs},
        image,
    )
    described = "embeddings log_distances descriptions".split()
    _export(
        _Regions(network),
        {"features": features, "boxes": torch.tensor([[1.0, 2, 30, 40], [5, 5, 90, 90]])},
        described,
        {"features": {2: "h", 3: "w"}, **{name: {0: "n"} for name in ("boxes", *described)}},
        regions,
    )
    _export(
        _Texts(network),
        {"words": torch.ones(2, MAX_WORDS, dtype=torch.long)},
        ["embeddings"],
        {"words": {0: "n"}, "embeddings": {0: "n"}},
        texts,
    )
    _add_metadata(
        texts,
        {
            "logit_scale": repr(network.log_scale.exp().item()),
            "match_scale": repr(network.match_scale.item()),
            "match_bias": repr(network.match_bias.item()),
        },
    )


def export_language(model: LimberModel, folder: Path) -> None:
    """Write the map and the language model behind it as one graph, with the tokenizer beside it.

    Args:
        model: On the CPU, in float32.
        folder: Gets the files `LANGUAGE_GRAPH` and `TOKENIZER`.
    """
    model.language.set_attn_implementation("eager")
    _export(
        _NextWord(model),
        {
            "descriptions": torch.rand(2, model.soft.mean.shape[0]),
            "words": torch.ones(2, 9, dtype=torch.long),
        },
        ["logits"],
        {"descriptions": {0: "n"}, "words": {0: "n", 1: "length"}, "logits": {0: "n"}},
        folder / LANGUAGE_GRAPH,
    )
    write_file(
        folder / TOKENIZER, model.tokenizer.backend_tokenizer.to_str(pretty=True), below=folder
    )


def _export(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    axes: _Axes,
    path: Path,
) -> None:
    # In evaluation mode as a whole: the exporter would switch parts back to training afterwards.
    module.eval()
    exported = io.BytesIO()
    with warnings.catch_warnings(), _without_fused_attention():
        # Of constants in the trace, which are meant, and of the exporter's age.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            exported,  # type: ignore[arg-type] # it takes an open file as well
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=dict(axes),
            opset_version=_OPSET,
            dynamo=False,
        )
    _write_simplified(exported.getvalue(), path)


def _write_simplified(graph: bytes, path: Path) -> None:
    """Write a graph as an equal one with half the nodes, which opens faster.

    onnxruntime folds constants and removes what does nothing; at this level the result is plain ONNX.
    """
    from viper.backends.onnx_runtime import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory(prefix="viper-export-") as folder:
        simple = Path(folder, path.name)
        settings.optimized_model_filepath = str(simple)
        onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
        write_file(path, simple.read_bytes(), below=path.parent)


@contextlib.contextmanager
def _without_fused_attention() -> Iterator[None]:
    """Have torch's transformer layers run as operators that ONNX has as well."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def _add_metadata(path: Path, values: Mapping[str, str]) -> None:
    import onnx

    graph = onnx.load(path)
    for name, value in values.items():
        graph.metadata_props.add(key=name, value=value)
    write_file(path, graph.SerializeToString(), below=path.parent)
