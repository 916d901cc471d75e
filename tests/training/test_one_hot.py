import numpy as np

from sklearn_bilstm.training._one_hot import one_hot


def test_a_row_has_its_value_in_the_column_of_its_class():
    matrix = one_hot(np.array([2, 0]), 3, np.array([0.5, 4.0]))
    assert matrix.toarray().tolist() == [[0, 0, 0.5], [4, 0, 0]]


def test_values_are_ones_by_default():
    assert one_hot(np.array([1, 1]), 2).toarray().tolist() == [[0, 1], [0, 1]]


def test_there_can_be_no_rows():
    assert one_hot(np.zeros(0, int), 2).shape == (0, 2)
