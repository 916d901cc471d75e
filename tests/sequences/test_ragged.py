import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import ragged, rows_of


@given(
    rows=st.lists(st.lists(st.integers(2, 9), max_size=4), min_size=1, max_size=6),
    data=st.data(),
)
def test_take_indexes_rows(rows, data):
    index = st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=8)
    picked = data.draw(index)
    taken = ragged(rows).take(np.array(picked))
    assert rows_of(taken) == [rows[i] for i in picked]


def test_len_and_lengths_count_rows_and_steps():
    sequences = ragged([[5], [], [6, 7]])
    assert len(sequences) == 3
    assert sequences.lengths.tolist() == [1, 0, 2]


def test_joined_concatenates_rows():
    first, second = [[5], [], [6, 7]], [[], [8]]
    assert rows_of(ragged(first).joined(ragged(second))) == first + second
