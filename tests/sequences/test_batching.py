import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.sequences import LengthBuckets, batches_to_read

LENGTHS = np.random.RandomState(0).randint(1, 500, size=3000)


@given(
    n_rows=st.integers(1, 300),
    batch_size=st.integers(1, 40),
    seed=st.one_of(st.none(), st.just([1, 2])),
)
def test_every_row_comes_once_in_batches_no_larger_than_asked(n_rows, batch_size, seed):
    batches = list(LengthBuckets(LENGTHS[:n_rows], batch_size, seed))
    assert sorted(np.concatenate(batches)) == list(range(n_rows))
    assert len(LengthBuckets(LENGTHS[:n_rows], batch_size, seed)) == len(batches)
    assert max(map(len, batches)) <= batch_size


LONG = np.concatenate([LENGTHS * 20, [0, 70_000, 65_536, 65_537]])


@given(
    places=st.lists(st.integers(0, len(LONG) - 1), min_size=1, max_size=200),
    batch_size=st.integers(1, 300),
)
def test_without_a_seed_only_a_row_alone_has_very_many_steps(places, batch_size):
    lengths = LONG[places]
    buckets = LengthBuckets(lengths, batch_size)
    batches = list(buckets)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert len(buckets) == len(batches)
    for rows in batches:
        assert 1 <= len(rows) <= batch_size
        assert len(rows) == 1 or lengths[rows].max() * len(rows) <= 65_536


def test_a_batch_of_no_more_steps_stays_whole():
    (rows,) = LengthBuckets(np.full(64, 1024), 64)
    assert len(rows) == 64
    sizes = [len(batch) for batch in LengthBuckets(np.full(64, 1025), 64)]
    assert sizes == [32, 32]


@given(
    lengths=st.lists(st.integers(0, 70_000), min_size=1, max_size=9),
    batch_size=st.integers(1, 4),
)
def test_with_a_seed_the_number_of_rows_alone_counts(lengths, batch_size):
    batches = list(LengthBuckets(np.array(lengths), batch_size, [0]))
    assert len(batches) == -(-len(lengths) // batch_size)


def test_there_are_no_very_small_batches():
    sizes = [len(batch) for batch in LengthBuckets(LENGTHS[:33], 32, [0])]
    assert sorted(sizes) == [16, 17]


def test_a_seed_gives_one_order_and_another_seed_another():
    first, again, other = (
        np.concatenate(list(LengthBuckets(LENGTHS, 32, seed)))
        for seed in ([0, 1], [0, 1], [0, 2])
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_a_seed_the_longest_come_first():
    read = np.concatenate(list(LengthBuckets(LENGTHS, 32)))
    assert (np.diff(LENGTHS[read]) <= 0).all()


def test_random_batches_hold_rows_of_like_length():
    batches = list(LengthBuckets(LENGTHS, 32, [0]))
    padded = sum(LENGTHS[batch].max() * len(batch) for batch in batches)
    assert padded < 1.1 * LENGTHS.sum()


def test_batches_of_all_lengths_are_mixed():
    longest = [LENGTHS[batch].max() for batch in LengthBuckets(LENGTHS, 32, [0])]
    assert np.corrcoef(longest, np.arange(len(longest)))[0, 1] == pytest.approx(
        0, abs=0.3
    )


@given(
    places=st.lists(st.integers(0, len(LONG) - 1), min_size=1, max_size=200),
    n_steps=st.integers(1, 100_000),
    n_cores=st.integers(1, 8),
)
def test_every_row_is_read_once_and_only_one_alone_has_very_many_steps(
    places, n_steps, n_cores
):
    lengths = LONG[places]
    batches = batches_to_read(lengths, n_steps, n_cores)
    read = np.concatenate(batches)
    assert sorted(read) == list(range(len(lengths)))
    assert (np.diff(lengths[read]) <= 0).all()
    for rows in batches:
        assert len(rows) == 1 or lengths[rows].max() * len(rows) <= 65_536


def test_more_rows_are_read_at_a_time_the_shorter_they_are():
    lengths = np.repeat([1000, 400, 200, 20], 4000)
    sizes = {lengths[b[0]]: len(b) for b in batches_to_read(lengths, 2**14)[::-1]}
    assert sizes == {1000: 48, 400: 48, 200: 48, 20: 768}
    more = {lengths[b[0]]: len(b) for b in batches_to_read(lengths, 2**16)[::-1]}
    assert more == {1000: 48, 400: 96, 200: 192, 20: 3072}


@pytest.mark.parametrize("n_cores", [1, 2, 8])
def test_all_cores_have_something_to_read(n_cores):
    batches = batches_to_read(np.full(200, 20), 2**14, n_cores)
    assert len(batches) >= n_cores
