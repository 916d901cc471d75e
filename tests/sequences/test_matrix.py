import numpy as np
import pytest
from scipy import sparse

from sklearn_bilstm.sequences import MAX_ID, ragged_from_ids
from tests.helpers import rows_of

X = np.array([[5, 3, 0], [0, 0, 0], [2, 2, 9]])
ROWS = [[5, 3], [], [2, 2, 9]]


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, np.float64])
@pytest.mark.parametrize(
    "container", [np.array, list, sparse.csr_array, sparse.csr_matrix]
)
def test_rows_are_read_from_any_container_and_dtype(container, dtype):
    sequences = ragged_from_ids(container(X.astype(dtype)))
    assert rows_of(sequences) == ROWS
    assert sequences.values.dtype == np.int32


def test_zeros_are_padding_at_any_position():
    assert rows_of(ragged_from_ids(np.array([[0, 5, 0, 3]]))) == [[5, 3]]


def test_explicit_zeros_and_unsorted_indices_are_handled():
    data, columns, starts = [3, 0, 5, 7], [1, 2, 0, 0], [0, 3, 4]
    stored = sparse.csr_array((data, columns, starts), shape=(2, 3))
    before = stored.copy()
    assert rows_of(ragged_from_ids(stored)) == [[5, 3], [7]]
    assert stored.indices.tolist() == before.indices.tolist()  # X is not changed


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (-2, "Negative values.*non-negative, but row 2 contains -2"),
        (1.5, "Fractions.*whole numbers, but row 2 contains 1.5"),
        (
            2_000_000_000,
            "Large values.*at most 1,000,000, but row 2 contains 2000000000",
        ),
    ],
)
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
def test_an_invalid_id_raises_with_its_row_and_a_suggestion(container, bad, message):
    X_bad = X.astype(float)
    X_bad[2, 1] = bad
    with pytest.raises(ValueError, match=f"{message}.*input_type='numeric'"):
        ragged_from_ids(container(X_bad))


def test_max_id_none_keeps_large_ids():
    sequences = ragged_from_ids(np.array([[2, 2**40]]), max_id=None)
    assert sequences.values[0] == 2
    assert sequences.values[1] > MAX_ID


def test_word_counts_raise_as_token_ids():
    counts = np.random.RandomState(0).uniform(size=(50, 400)) < 0.05
    with pytest.raises(ValueError, match="sparse with gaps.*CountVectorizer"):
        ragged_from_ids(sparse.csr_array(counts.astype(int)))


def test_lists_of_arrays_may_differ_in_length_and_be_empty():
    rows = [np.array([5, 0, 3]), np.array([]), np.array([2])]
    assert rows_of(ragged_from_ids(rows, max_id=None)) == [[5, 3], [], [2]]
    assert rows_of(ragged_from_ids(rows[1:2])) == [[]]
    with pytest.raises(ValueError, match=r"Negative.*row 2 contains -1"):
        ragged_from_ids([*rows[:2], np.array([-1])])
