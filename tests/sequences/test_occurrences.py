from sklearn_bilstm.sequences import token_occurrences
from tests.helpers import ragged


def test_known_tokens_of_a_row_are_marked_once():
    rows = ragged([[3, 1, 2, 3], [], [1, 1], [4, 2]])
    assert token_occurrences(rows, 6).toarray().tolist() == [
        [0, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 1, 0],
    ]


def test_the_sequences_stay_unchanged():
    rows = ragged([[3, 2, 3], [2]])
    token_occurrences(rows, 4)
    assert rows.values.tolist() == [3, 2, 3, 2]
    assert rows.offsets.tolist() == [0, 3, 4]
