"""What the tests of served models share."""

import numpy as np
import pytest
import torch


@pytest.fixture
def served(tmp_path):
    """Return a function that exports a model and opens what it wrote."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from sklearn_bilstm.onnx import OnnxModel, export_onnx  # noqa: PLC0415

    def serve(model, weights="float32", **params):
        export_onnx(model, tmp_path / "model.onnx", weights=weights)
        return OnnxModel(tmp_path / "model.onnx", **{"n_threads": 1, **params})

    return serve


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a graph of one output, which is given by its type."""
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")

    def run(graph, value, dtype, shape, **inputs):
        graph.output("out", value, dtype, shape)
        model = graph.to_model("test", {}).SerializeToString()
        session = onnxruntime.InferenceSession(
            model, providers=["CPUExecutionProvider"]
        )
        return session.run(["out"], inputs)[0]

    return run


@pytest.fixture
def shaken(generator):
    """Return a function that moves all weights of a fitted estimator far away."""

    @torch.no_grad()
    def shake(estimator):
        for weight in estimator.module_.parameters():
            weight += 0.7 * torch.randn(weight.shape, generator=generator)
        return estimator

    return shake


@pytest.fixture(scope="session")
def rows():
    """Rows of token ids of all lengths up to 12, of which some were never seen."""
    random = np.random.RandomState(1)
    X = random.randint(1, 34, size=(39, 12)).astype(np.int32)
    X[np.arange(12) >= np.arange(39)[:, np.newaxis] % 13] = 0
    X[3, 0], X[20, 2] = 10**6, 2**31 - 1
    return X
