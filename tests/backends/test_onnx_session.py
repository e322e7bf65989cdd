from __future__ import annotations

import numpy as np
import pytest

from viper.backends.onnx_session import open_session, run_session
from viper.builtin.loading import SHIPPED
from viper.errors import ConfigError, ModelError


def test_threads_do_not_spin_while_they_wait():
    options = open_session(SHIPPED / "texts.onnx", advice="", threads=2).get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.intra_op_num_threads == 2


def test_a_file_that_is_no_graph_is_named_with_the_advice(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match=r"a\.onnx' cannot be read as an ONNX graph: .* Try b\."):
        open_session(tmp_path / "a.onnx", advice="Try b.")


def test_a_run_that_fails_is_an_error_of_the_model():
    session = open_session(SHIPPED / "texts.onnx", advice="")
    with pytest.raises(ModelError, match="onnxruntime failed"):
        run_session(session, {"words": np.zeros((1, 2), np.float32)})
