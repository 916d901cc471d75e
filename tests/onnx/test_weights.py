from itertools import product

import numpy as np
import pytest

from sklearn_bilstm.nn import CELLS, MERGES
from sklearn_bilstm.onnx import export_onnx
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._weights import restored, rows_of
from sklearn_bilstm.utils._rounding import rounded
from tests.helpers import small_classifier, small_regressor

SHAPES = [(1,), (64,), (1000,), (1, 1), (100, 2), (7, 31), (9, 32), (20, 100)]


def restored_rows(run, table, weights):
    """Return all rows of a table as a graph looks them up."""
    graph = Graph(weights)
    index = graph.input("index", np.int64, ["n"])
    shape = ["n", *table.shape[1:]]
    rows = rows_of(graph, table, index)
    return run(graph, rows, np.float32, shape, index=np.arange(len(table)))


def restored_array(run, array, weights):
    graph = Graph(weights)
    zero = graph.input("zero", np.float32, [])
    value = graph.op("Add", zero, restored(graph, array))
    return run(graph, value, np.float32, [*array.shape], zero=np.zeros((), np.float32))


def blocks_of(table):
    """Return slices of the weights that share a scale, in a flat array."""
    width = 32 if table.ndim == 1 or table.shape[1] < 32 else table.shape[1]
    return [slice(i, i + width) for i in range(0, table.size, width)]


def heavy_tailed(shape):
    return np.random.RandomState(0).standard_t(2, size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(0,), *SHAPES], ids=str)
def test_rows_are_within_half_a_step_of_their_scale(run, shape):
    table = heavy_tailed(shape)
    found = restored_rows(run, table, "int8")
    assert found.dtype == np.float32
    for block in blocks_of(table):
        values = table.ravel()[block]
        half_a_step = np.abs(values).max() / 127 / 2
        error = np.abs(found.ravel()[block] - values).max()
        assert error <= half_a_step * (1 + 1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_multiples_of_the_step_are_exact(run, shape):
    table = np.random.RandomState(0).randint(-127, 128, size=shape) / np.float32(2**9)
    for block in blocks_of(table):
        table.ravel()[block][0] = -127 / 2**9
    table = table.astype(np.float32)
    assert np.array_equal(restored_rows(run, table, "int8"), table)


@pytest.mark.parametrize("shape", [(1, 2), (2, 12, 5), (1, 4, 64)], ids=str)
def test_consecutive_weights_of_an_array_share_a_scale(run, shape):
    array = heavy_tailed(shape).ravel()
    array[:32] *= 1e6
    array[-32:] = 0
    found = restored_array(run, array.reshape(shape), "int8").ravel()
    for start in range(0, array.size, 32):
        values = array[start : start + 32]
        half_a_step = np.abs(values).max() / 127 / 2
        error = np.abs(found[start : start + 32] - values).max()
        assert error <= half_a_step * (1 + 1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_half_precision_rounds_to_the_nearest_number(run, shape):
    table = heavy_tailed(shape)
    table[0] = 2**-20  # a subnormal number
    expected = table.astype(np.float16).astype(np.float32)
    assert np.array_equal(restored_rows(run, table, "float16"), expected)
    assert np.array_equal(restored_array(run, table, "float16"), expected)


@pytest.mark.parametrize("shape", [(3,), (5, 40)], ids=str)
def test_numbers_beyond_half_precision_stay_in_single_precision(run, shape):
    table = heavy_tailed(shape)
    table[0] = 1e5
    assert np.array_equal(restored_rows(run, table, "float16"), table)
    assert np.array_equal(restored_array(run, table, "float16"), table)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_single_precision_is_exact(run, dtype):
    table = heavy_tailed((20, 3)).astype(dtype)
    expected = table.astype(np.float32)
    assert np.array_equal(restored_rows(run, table, "float32"), expected)
    assert np.array_equal(restored_array(run, table, "float32"), expected)


@pytest.mark.parametrize("shape", [(50_000,), (25_000, 2), (2_000, 100)], ids=str)
@pytest.mark.parametrize(("weights", "n_bytes"), [("float16", 2), ("int8", 9 / 8)])
def test_a_table_takes_the_bytes_of_its_format(shape, weights, n_bytes):
    pytest.importorskip("onnx")
    graph = Graph(weights)
    rows = rows_of(graph, heavy_tailed(shape), graph.input("index", np.int64, [1]))
    graph.output("rows", rows, np.float32, [1, *shape[1:]])
    size = len(graph.to_model("test", {}).SerializeToString())
    assert size < n_bytes * np.prod(shape) + 1000


@pytest.mark.parametrize("shape", [(2_000,), (2_000, 2), (200, 100)], ids=str)
@pytest.mark.parametrize("weights", ["float32", "float16", "int8"])
def test_weights_of_compressed_models_are_exact_and_take_a_byte(run, shape, weights):
    # a scale per row or column, where the format int8 has one per 32 weights
    table = rounded(heavy_tailed(shape))
    assert np.array_equal(restored_rows(run, table, weights), table)
    assert np.array_equal(restored_array(run, table, weights), table)
    graph = Graph(weights)
    rows = rows_of(graph, table, graph.input("index", np.int64, [1]))
    graph.output("rows", rows, np.float32, [1, *shape[1:]])
    size = len(graph.to_model("test", {}).SerializeToString())
    assert size < 1.05 * np.prod(shape) + 1000


@pytest.mark.parametrize("shape", [(2, 400, 3), (2, 64, 16), (1, 30, 40)], ids=str)
def test_arrays_of_rounded_matrices_are_exact_and_take_a_byte(run, shape):
    array = np.stack([rounded(matrix) for matrix in heavy_tailed(shape)])
    assert np.array_equal(restored_array(run, array, "int8"), array)
    graph = Graph("float32")
    zero = graph.input("zero", np.float32, [])
    value = graph.op("Add", zero, restored(graph, array))
    graph.output("value", value, np.float32, [*shape])
    size = len(graph.to_model("test", {}).SerializeToString())
    assert size < 1.3 * array.size + 1000


def test_numbers_of_half_precision_take_two_bytes():
    pytest.importorskip("onnx")
    table = heavy_tailed((2_000, 2)).astype(np.float16).astype(np.float32)
    graph = Graph()
    rows = rows_of(graph, table, graph.input("index", np.int64, [1]))
    graph.output("rows", rows, np.float32, [1, 2])
    size = len(graph.to_model("test", {}).SerializeToString())
    assert size < 2 * table.size + 1000


# -- whole models, whose probabilities may differ by so much

TOLERANCES = {"float16": 0.004, "int8": 0.06}
LAYERS = [
    *({"cell": c, "merge_mode": m} for c, m in product(sorted(CELLS), sorted(MERGES))),
    *({"cell": cell, "bidirectional": False} for cell in sorted(CELLS)),
    {"hidden_layer_sizes": (6, 5, 4)},
    {"hidden_layer_sizes": (6, 5), "cell": "gru", "merge_mode": "sum"},
    {"embedding_dim": 40, "dense_layer_sizes": 5},
    {"pooling": "attention", "normalization": "layer"},
    {"convolution_layer_sizes": 5},
]


@pytest.fixture(params=sorted(TOLERANCES))
def served_close(request, served):
    """Return a function that compares a model with what is served of it."""

    def compare(model, X):
        found = served(model, weights=request.param).predict_proba(X)
        expected = model.predict_proba(X)
        of_tasks = expected if isinstance(expected, list) else [expected]
        found = found if isinstance(found, list) else [found]
        largest = 0
        for p, q in zip(of_tasks, found, strict=True):
            assert np.ptp(p[:, 0]) > 0.05  # or there would be little to compare
            largest = max(largest, np.abs(p - q).max())
        assert 0 < largest < TOLERANCES[request.param]

    return compare


@pytest.mark.parametrize("params", LAYERS, ids=str)
def test_every_layer_is_served_with_fewer_bits(served_close, shaken, ids, rows, params):
    model = small_classifier(**params).fit(ids, np.arange(40) % 3)
    served_close(shaken(model), rows)


@pytest.mark.parametrize("kind", ["two", "three", "labels", "tasks"])
@pytest.mark.parametrize("n_static", [0, 2])
def test_every_task_is_served_with_fewer_bits(served_close, ids, kind, n_static):
    first, second = ids[:, 0] > 15, ids[:, 1] % 3
    y = {
        "two": first,
        "three": ids[:, 0] % 3,
        "labels": np.stack([first, second == 1, (ids == 9).any(1)], axis=1).astype(int),
        "tasks": np.column_stack(
            [np.where(first, "high", "low").astype(object), second]
        ),
    }[kind]
    static = np.random.RandomState(0).randn(40, n_static)
    X = np.hstack([ids, static]) if n_static else ids
    both = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": (1, 2)}
    model = small_classifier(max_epochs=20, n_static_features=n_static, **both)
    served_close(model.fit(X, y), X)


def test_many_classes_are_served_with_fewer_bits(served_close):
    random = np.random.RandomState(0)
    y = np.arange(300) % 60
    X = 50 + 3 * y[:, np.newaxis] + random.randint(3, size=(300, 6))
    both = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": (1, 2)}
    served_close(small_classifier(embedding="svd", max_epochs=1, **both).fit(X, y), X)


def test_numeric_sequences_are_served_with_fewer_bits(served_close, shaken):
    X = [np.random.RandomState(n).randn(1 + n % 11, 2) for n in range(44)]
    served_close(shaken(small_classifier().fit(X, np.arange(44) % 3)), X)


@pytest.mark.parametrize("weights", sorted(TOLERANCES))
def test_regressors_are_served_with_fewer_bits(served, shaken, ids, rows, weights):
    y = 1e6 + 3 * np.stack([ids[:, 0], ids[:, 1] - ids[:, 0]], axis=1)
    model = shaken(small_regressor(dense_layer_sizes=4).fit(ids, y))
    expected, found = model.predict(rows), served(model, weights=weights).predict(rows)
    error = np.abs(found - expected).max(0) / np.ptp(expected, axis=0)
    assert (error > 0).all()
    assert (error < TOLERANCES[weights]).all()


@pytest.mark.parametrize("weights", ["int4", "float64", None, 8])
def test_other_formats_raise(fitted, tmp_path, weights):
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match="'weights' parameter of export_onnx must be"):
        export_onnx(fitted, tmp_path / "model.onnx", weights=weights)
