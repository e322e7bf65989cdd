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


@pytest.mark.parametrize("signed", [True, False])
def test_a_quantised_convolution_runs(tmp_path, signed):
    """As in statically quantised exports."""
    dice = np.random.default_rng(0)
    kind = np.int8 if signed else np.uint8
    image = dice.integers(0, 100, (1, 2, 5, 5)).astype(kind)
    weights = dice.integers(-9, 9, (3, 2, 3, 3)).astype(np.int8)
    found = run_session(
        open_session(quantised_convolution(tmp_path / "conv.onnx", weights, kind), advice=""),
        {"image": image},
    )[0]
    windows = np.lib.stride_tricks.sliding_window_view(image[0].astype(int), (3, 3), axis=(1, 2))
    expected = np.einsum("cyxij,ocij->oyx", windows, weights.astype(int))
    limits = np.iinfo(kind)
    rescaled = np.clip(expected * 0.1, limits.min, limits.max)  # the scales are 0.1, 1 and 1
    assert np.abs(found[0] - rescaled).max() <= 0.51


def test_an_integer_convolution_with_signed_weights_runs(tmp_path):
    """As in dynamically quantised exports; onnxruntime before 1.24 has no kernel for it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.ones((3, 2, 3, 3), np.int8), "weights")
    graph = helper.make_graph(
        [helper.make_node("ConvInteger", ["image", "weights"], ["out"])],
        "conv",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 2, 5, 5])],
        [helper.make_tensor_value_info("out", TensorProto.INT32, [1, 3, 3, 3])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, tmp_path / "conv.onnx")
    session = open_session(tmp_path / "conv.onnx", advice="")
    found = run_session(session, {"image": np.ones((1, 2, 5, 5), np.uint8)})[0]
    assert found.tolist() == np.full((1, 3, 3, 3), 18).tolist()


def quantised_convolution(path, weights, kind):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    element = TensorProto.INT8 if kind is np.int8 else TensorProto.UINT8
    constants = {
        "image_scale": np.float32(0.1),
        "image_zero": kind(0),
        "weights": weights,
        "weights_scale": np.float32(1),
        "weights_zero": np.int8(0),
        "out_scale": np.float32(1),
        "out_zero": kind(0),
    }
    inputs = (
        "image image_scale image_zero weights weights_scale weights_zero out_scale out_zero".split()
    )
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", inputs, ["out"])],
        "conv",
        [helper.make_tensor_value_info("image", element, [1, 2, 5, 5])],
        [helper.make_tensor_value_info("out", element, [1, 3, 3, 3])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_graph_that_returns_no_numbers_is_an_error_of_the_model(tmp_path, wrong):
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("value", TensorProto.FLOAT, [None])
    same = helper.make_tensor_value_info("same", TensorProto.FLOAT, [None])
    node = helper.make_node("Identity", ["value"], ["same"])
    graph = helper.make_graph([node], "identity", [value], [same])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, tmp_path / "identity.onnx")
    session = open_session(tmp_path / "identity.onnx", advice="")
    given = np.array([1.0, 2.0], np.float32)
    np.testing.assert_array_equal(run_session(session, {"value": given})[0], given)  # control
    given[1] = wrong
    with pytest.raises(ModelError, match="NaN or infinity"):
        run_session(session, {"value": given})
