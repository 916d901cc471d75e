import numpy as np

from sklearn_bilstm.sequences import RaggedArray, TokenCharacters, pad

CODES = RaggedArray(np.array([1, 0, 2, 1]), np.array([0, 1, 1, 4]))
CHARACTERS = TokenCharacters(CODES, np.array([[5, 6], [7, 0], [8, 9]], np.int32))


def test_values_are_the_characters_of_each_token():
    assert CHARACTERS.values.tolist() == [[7, 0], [5, 6], [8, 9], [7, 0]]
    assert CHARACTERS.lengths.tolist() == [1, 0, 3]


def test_padding_equals_padding_of_the_expanded_values():
    expanded = RaggedArray(CHARACTERS.values, CODES.offsets)
    for rows in (np.array([2, 0]), np.array([1])):
        for found, expected in zip(
            pad(CHARACTERS, rows), pad(expanded, rows), strict=True
        ):
            assert found.tolist() == expected.tolist()


def test_take_keeps_the_order_of_rows_and_shares_the_table():
    taken = CHARACTERS.take(np.array([2, 0]))
    assert taken.values.tolist() == [[5, 6], [8, 9], [7, 0], [7, 0]]
    assert taken.characters is CHARACTERS.characters
