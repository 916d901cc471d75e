import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.sequences import (
    BucketBatchSampler,
    inference_batches,
    split_rows,
)

LENGTHS = np.random.RandomState(0).randint(1, 500, size=3000)


@given(n_rows=st.integers(1, 300), batch_size=st.integers(1, 40))
def test_batches_partition_the_rows_within_batch_size(n_rows, batch_size):
    buckets = BucketBatchSampler(LENGTHS[:n_rows], batch_size, [1, 2])
    batches = list(buckets)
    assert sorted(np.concatenate(batches)) == list(range(n_rows))
    assert len(batches) == len(buckets) == -(-n_rows // batch_size)
    assert max(map(len, batches)) <= batch_size


def test_batches_have_nearly_equal_size():
    sizes = [len(batch) for batch in BucketBatchSampler(LENGTHS[:33], 32, [0])]
    assert sorted(sizes) == [16, 17]


def test_order_depends_on_the_seed():
    first, again, other = (
        np.concatenate(list(BucketBatchSampler(LENGTHS, 32, seed)))
        for seed in ([0, 1], [0, 1], [0, 2])
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_batches_contain_rows_of_similar_length():
    batches = list(BucketBatchSampler(LENGTHS, 32, [0]))
    padded = sum(LENGTHS[batch].max() * len(batch) for batch in batches)
    assert padded < 1.1 * LENGTHS.sum()


def test_batches_are_in_random_order_of_length():
    longest = [LENGTHS[batch].max() for batch in BucketBatchSampler(LENGTHS, 32, [0])]
    assert np.corrcoef(longest, np.arange(len(longest)))[0, 1] == pytest.approx(
        0, abs=0.3
    )


LONG = np.concatenate([LENGTHS * 20, [0, 70_000, 65_536, 65_537]])


@given(
    indices=st.lists(st.integers(0, len(LONG) - 1), min_size=1, max_size=200),
    batch_size=st.integers(1, 300),
    n_steps=st.integers(0, 100_000),
)
def test_inference_batches_partition_the_rows_within_the_step_limit(
    indices, batch_size, n_steps
):
    lengths = LONG[indices]
    batches = inference_batches(lengths, batch_size, n_steps)
    order = np.concatenate(batches)
    assert sorted(order) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) <= 0).all()
    for rows in batches:
        assert len(rows) <= batch_size or lengths[rows].max() * len(rows) <= n_steps
        assert len(rows) == 1 or lengths[rows].max() * len(rows) <= 65_536


@pytest.mark.parametrize(
    ("n_steps", "expected"),
    [
        (0, {1500: 43, 1000: 48, 200: 48, 20: 48}),
        (2**14, {1500: 43, 1000: 48, 200: 48, 20: 768}),
        (2**16, {1500: 43, 1000: 48, 200: 192, 20: 3072}),
    ],
)
def test_inference_batches_of_shorter_rows_are_larger(n_steps, expected):
    lengths = np.repeat([1500, 1000, 200, 20], 8000)
    batches = inference_batches(lengths, 48, n_steps)
    assert {lengths[rows[0]]: len(rows) for rows in batches[::-1]} == expected


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [(10, [10]), (100, [16] * 6 + [4]), (135, [17] * 7 + [16]), (200, [25] * 8)],
)
def test_inference_batches_divide_few_rows(n_rows, expected):
    batches = inference_batches(np.full(n_rows, 20), 48, 2**14)
    assert [len(rows) for rows in batches] == expected


def test_a_long_row_is_predicted_without_short_ones_and_long_rows_together():
    def sizes(lengths):
        return [len(batch) for batch in inference_batches(np.array(lengths), 42)]

    assert sizes([10_000] + [5] * 9) == [1, 9]
    assert sizes([10_000] * 4) == [4]
    assert sizes([500] + [5] * 9) == [10]


@given(
    lengths=st.lists(st.integers(0, 9), max_size=30),
    n_rows=st.integers(1, 8),
    n_steps=st.integers(1, 20),
)
def test_chunks_hold_all_rows_in_order_within_both_bounds(lengths, n_rows, n_steps):
    chunks = split_rows(np.concatenate([[0], np.cumsum(lengths)]), n_rows, n_steps)
    assert np.concatenate(chunks).tolist() == list(range(len(lengths)))
    for chunk in chunks:
        assert len(chunk) <= n_rows
        assert len(chunk) < 2 or np.take(lengths, chunk).sum() <= n_steps
