import numpy as np

from sklearn_bilstm.sequences import RaggedArray, TokenCharacters, pad

CODES = RaggedArray(np.array([1, 0, 2, 1]), np.array([0, 1, 1, 4]))
SPELLING = TokenCharacters(CODES, np.array([[5, 6], [7, 0], [8, 9]], np.int32))


def test_steps_have_the_characters_of_their_tokens():
    assert SPELLING.values.tolist() == [[7, 0], [5, 6], [8, 9], [7, 0]]
    assert SPELLING.lengths.tolist() == [1, 0, 3]


def test_it_is_padded_as_what_it_stands_for():
    written_out = RaggedArray(SPELLING.values, CODES.offsets)
    for rows in (np.array([2, 0]), np.array([1])):
        for found, expected in zip(
            pad(SPELLING, rows), pad(written_out, rows), strict=True
        ):
            assert found.tolist() == expected.tolist()


def test_rows_are_taken_in_their_order_and_share_the_table():
    taken = SPELLING.take(np.array([2, 0]))
    assert taken.values.tolist() == [[5, 6], [8, 9], [7, 0], [7, 0]]
    assert taken.characters is SPELLING.characters
