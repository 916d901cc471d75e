import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.sequences import padded
from tests.helpers import ragged


@given(lengths=st.lists(st.integers(0, 90), min_size=1, max_size=5))
def test_padded_rows_contain_their_sequence_and_zeros(lengths):
    sequences = ragged([range(2, 2 + n) for n in lengths])
    steps, mask = padded(sequences, np.arange(len(lengths)))
    assert mask.sum(1).tolist() == lengths
    assert steps[mask].tolist() == sequences.values.tolist()
    assert (steps[~mask] == 0).all()
    assert (np.diff(mask.astype(int), axis=1) <= 0).all()  # real steps come first


def test_width_is_the_longest_row_of_the_batch():
    steps, _ = padded(ragged([range(3), range(500), range(2)]), np.array([2, 0]))
    assert steps.shape == (2, 3)
    assert steps.dtype == np.int64


def test_long_batches_have_few_distinct_widths():
    rows = [ragged([range(n)]) for n in range(100, 200)]
    widths = {padded(row, np.array([0]))[0].shape[1] for row in rows}
    assert len(widths) < 20


def test_a_batch_of_empty_rows_has_one_step_of_padding():
    steps, mask = padded(ragged([[], []]), np.array([0, 1]))
    assert steps.tolist() == [[0], [0]]
    assert not mask.any()
