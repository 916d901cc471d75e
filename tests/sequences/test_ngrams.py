from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.sequences import RaggedArray, hashed_ngrams

ROWS = st.lists(st.lists(st.integers(1, 9), max_size=8), min_size=1, max_size=5)


def ragged(rows):
    values = np.array([token for row in rows for token in row], dtype=np.int32)
    return RaggedArray(values, np.cumsum([0, *map(len, rows)]))


@given(rows=ROWS, lengths=st.sampled_from([(1, 1), (1, 2), (2, 3), (3, 3)]))
def test_each_ngram_of_a_row_has_a_bucket_and_equal_ones_have_the_same(rows, lengths):
    expected = [
        (i, tuple(row[start : start + length]))
        for i, row in enumerate(rows)
        for length in range(lengths[0], lengths[1] + 1)
        for start in range(len(row) - length + 1)
    ]
    found_rows, buckets = hashed_ngrams(ragged(rows), lengths, 31)
    assert Counter(found_rows.tolist()) == Counter(i for i, _ in expected)
    # the same rows share the same n-grams, whatever numbers these have
    found = Counter(zip(found_rows.tolist(), buckets.tolist(), strict=True))
    assert sorted(found.values()) == sorted(Counter(expected).values())
    assert len(set(buckets.tolist())) == len({ngram for _, ngram in expected})


def test_the_order_of_tokens_matters_and_their_place_does_not():
    _, (ab, ba, also_ab) = hashed_ngrams(ragged([[2, 3], [3, 2], [2, 3]]), (2, 2), 30)
    assert ab == also_ab != ba


@pytest.mark.parametrize("n_bits", [1, 10, 22])
def test_buckets_are_filled_evenly(n_bits):
    tokens = np.arange(2, 60_000)
    _, buckets = hashed_ngrams(ragged([tokens.tolist()]), (1, 2), n_bits)
    assert buckets.min() >= 0
    assert buckets.max() < 2**n_bits
    n_balls, n_bins = len(buckets), 2**n_bits
    n_hit = len(np.unique(buckets))
    expected = n_bins * (1 - np.exp(-n_balls / n_bins))
    assert abs(n_hit - expected) <= 0.01 * expected
