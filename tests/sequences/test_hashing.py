import numpy as np

from sklearn_bilstm.sequences import SPREAD_FACTOR, SPREAD_SHIFT, spread


def test_hashes_equal_those_of_integers_of_any_size():
    numbers = [0, 1, 2, 2**32, 2**63, 2**64 - 1]
    products = [n * int(SPREAD_FACTOR) % 2**64 for n in numbers]
    expected = [p ^ (p >> int(SPREAD_SHIFT)) for p in products]
    assert spread(np.array(numbers, np.uint64)).tolist() == expected


def test_different_numbers_have_different_hashes():
    numbers = np.arange(10**5, dtype=np.uint64)
    assert len(np.unique(spread(numbers))) == len(numbers)
