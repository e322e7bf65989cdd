"""Opens and runs ONNX graphs with onnxruntime; errors name the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viper.backends.finite import check_finite
from viper.backends.model_source import reason_of
from viper.backends.onnx_files import staged_graph
from viper.backends.onnx_runtime import onnxruntime
from viper.errors import ConfigError, ModelError

__all__ = ["PROVIDERS", "open_session", "run_session"]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Device → the execution provider of onnxruntime."""
# Severity level of onnxruntime; exporters cause hundreds of warnings.
_ERRORS_ONLY = 3
_SPINNING = "session.intra_op.allow_spinning"


def open_session(
    path: Path, *, advice: str, provider: str = PROVIDERS["cpu"], threads: int = 0
) -> Any:  # onnxruntime ships no types
    """Open a graph, from a private folder with nothing but the graph and the weights that it names.

    Args:
        path: The ONNX file.
        advice: End of the message for a file that cannot be opened: what to give instead.
        provider: One of `PROVIDERS`.
        threads: Threads of one run; 0 for one per core.

    Raises:
        ConfigError: The file is not an ONNX graph, or its weights are missing.
    """
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = _ERRORS_ONLY
    settings.intra_op_num_threads = threads
    # Threads that wait in a loop for the next part take a fifth more CPU time, and save none here.
    settings.add_session_config_entry(_SPINNING, "0")
    with staged_graph(path) as copy:
        try:
            return onnxruntime.InferenceSession(str(copy), settings, providers=[provider])
        # The runtime's error classes share no base but Exception.
        except Exception as error:
            cause = reason_of(error).replace(str(copy.parent), str(path.parent))
            raise ConfigError(
                f"'{path}' cannot be read as an ONNX graph: {cause} {advice}"
            ) from error


def run_session(
    session: Any, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str] | None = None
) -> list[NDArray[np.float32]]:
    """Run a graph and return its outputs: all, or those named.

    Raises:
        ModelError: The runtime failed, or a number is NaN or infinite.
    """
    try:
        results: list[NDArray[np.float32]] = session.run(outputs, dict(inputs))
    # As above: no common base below Exception.
    except Exception as error:
        raise ModelError(f"onnxruntime failed: {reason_of(error)}") from error
    for result in results:
        if isinstance(result, np.ndarray) and result.dtype.kind == "f":
            check_finite("ONNX graph", result, advice="Give another file: this one is damaged.")
    return results
