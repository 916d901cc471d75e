import subprocess
import sys

import numpy as np
import pytest

from sklearn_bilstm.onnx._bucket_lookup import ranks
from sklearn_bilstm.onnx._graph import Graph


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


@pytest.mark.parametrize("n_fitted", [1, 2, 255, 256, 257, 1000])
@pytest.mark.parametrize("n_bits", [10, 24, 28])
@pytest.mark.parametrize("is_last", [False, True])
def test_buckets_can_share_one_block_at_either_end(run, n_fitted, n_bits, is_last):
    fitted = np.arange(n_fitted) + (2**n_bits - n_fitted) * is_last
    buckets = np.unique([0, fitted[0] - 1, *fitted, fitted[-1] + 1, 2**n_bits - 1])
    buckets = buckets[(buckets >= 0) & (buckets < 2**n_bits)]
    found = looked_up(run, fitted, n_bits, buckets)
    rank_of = {bucket: rank for rank, bucket in enumerate(fitted)}
    assert found.tolist() == [rank_of.get(bucket, -1) for bucket in buckets]


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_right_in_blocks_of_very_different_sizes(run, seed):
    random = np.random.RandomState(seed)
    share_of = random.choice([0, 0.01, 0.3, 1], size=2 ** random.randint(1, 8))
    shares = np.repeat(share_of, 2**14 // len(share_of))
    fitted = np.flatnonzero(random.rand(2**14) < shares)
    buckets = random.permutation(2**14)
    found = looked_up(run, fitted, 14, buckets)
    assert found.tolist() == expected_ranks(fitted, 14, buckets)


def stored_model(fitted, n_bits=24):
    graph = Graph()
    x = graph.input("buckets", np.int32, ["n"])
    rank, is_fitted = ranks(graph, fitted, n_bits, x)
    found = graph.op("Where", is_fitted, rank, np.int32(-1))
    graph.output("rank", found, np.int32, ["n"])
    return graph.to_model("test", {}).SerializeToString()


def stored_bytes(fitted):
    return len(stored_model(fitted))


@pytest.mark.parametrize("n_fitted", [0, 1, 300, 1000, 20_000, 60_000])
def test_few_buckets_are_stored_in_at_most_two_and_a_half_bytes_each(n_fitted):
    pytest.importorskip("onnx")
    fitted = random_buckets(n_fitted)
    assert stored_bytes(fitted) < 2.5 * len(fitted) + 4000


@pytest.mark.parametrize("n_fitted", [70_000, 300_000, 1_000_000, 3_000_000])
def test_many_buckets_are_stored_in_a_byte_and_a_table_of_blocks(n_fitted):
    pytest.importorskip("onnx")
    fitted = random_buckets(n_fitted)
    assert stored_bytes(fitted) < 1.5 * len(fitted) + 2**16 + 4000


MEASURED = """
import onnxruntime
model = open({path!r}, "rb").read()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
before = peak()
onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of memory differs")
def test_a_session_takes_little_more_memory_than_the_lookup(tmp_path):
    pytest.importorskip("onnxruntime")
    path = tmp_path / "lookup.onnx"
    path.write_bytes(stored_model(random_buckets(500_000)))
    code = MEASURED.format(path=str(path))
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert int(found) < 25_000  # in kilobytes; a bitmap takes 50,000 or more
