import numpy as np
import pytest

from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._lookup import _steps, ranks


def looked_up(run, fitted, n_bits, buckets):
    """Return the rank of each bucket, or -1."""
    graph = Graph()
    x = graph.input("buckets", np.int32, ["n"])
    rank, is_fitted = ranks(graph, fitted, n_bits, x)
    found = graph.op("Where", is_fitted, rank, np.int32(-1))
    return run(graph, found, np.int32, ["n"], buckets=buckets.astype(np.int32))


def random_buckets(n_buckets):
    """Return so many sorted buckets of 24 bits, or a few less."""
    is_fitted = np.zeros(2**24, bool)
    is_fitted[np.random.RandomState(0).randint(2**24, size=n_buckets)] = True
    return np.flatnonzero(is_fitted)


def expected_ranks(fitted, n_bits, buckets):
    """Count the fitted buckets up to each bucket."""
    is_fitted = np.zeros(2**n_bits, bool)
    is_fitted[fitted] = True
    n_up_to = np.cumsum(is_fitted, dtype=np.int32)
    return np.where(is_fitted, n_up_to - 1, -1)[buckets].tolist()


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.1, 0.9, 1])
@pytest.mark.parametrize("n_bits", [4, 8, 16])
def test_every_bucket_has_the_rank_that_counting_gives(run, n_bits, share):
    buckets = np.arange(2**n_bits)
    fitted = buckets[np.random.RandomState(0).rand(len(buckets)) < share]
    found = looked_up(run, fitted, n_bits, buckets)
    assert found.tolist() == expected_ranks(fitted, n_bits, buckets)


@pytest.mark.parametrize("n_fitted", [1, 3, 20_000, 3_000_000])
def test_ranks_are_right_among_few_and_many_buckets(run, n_fitted):
    fitted = random_buckets(n_fitted)
    some = fitted[:: 1 + len(fitted) // 5000]
    buckets = np.concatenate([some, some - 1, some + 1, [0, 2**24 - 1]]) % 2**24
    found = looked_up(run, fitted, 24, buckets)
    assert found.tolist() == expected_ranks(fitted, 24, buckets)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("gap", [1, 2, 254, 255, 256, 510, 511, 65535, 65536])
def test_steps_add_up_to_the_buckets(gap, dtype):
    fitted = np.array([gap - 1, gap, 2 * gap, 3 * gap + 1, 4 * gap])
    fitted = np.unique(fitted)
    steps = _steps(fitted, dtype).astype(int)
    ends = np.cumsum(np.where(steps == 0, np.iinfo(dtype).max, steps)) - 1
    assert ends[steps > 0].tolist() == fitted.tolist()


def stored_bytes(fitted, n_bits=24):
    graph = Graph()
    x = graph.input("buckets", np.int32, ["n"])
    rank, _ = ranks(graph, fitted, n_bits, x)
    graph.output("rank", rank, np.int32, ["n"])
    return len(graph.to_model("test", {}).SerializeToString())


def test_the_lookup_is_stored_in_two_bytes_a_bucket_and_at_most_the_bitmap():
    pytest.importorskip("onnx")
    few, many, most = map(random_buckets, (1000, 500_000, 3_000_000))
    assert stored_bytes(few) < 2 * len(few) + 5000
    assert stored_bytes(many) < 1.01 * len(many) + 5000
    assert stored_bytes(most) < 2**24 / 8 + 5000
