import numpy as np
import pytest

from sklearn_bilstm.training import split_off_validation


def split(target, fraction=0.2, seed=0):
    random_state = np.random.RandomState(seed)
    return split_off_validation(len(target), np.array(target), fraction, random_state)


def test_every_row_is_in_one_part_and_classes_keep_their_shares():
    target = [0] * 80 + [1] * 20
    train, valid = split(target)
    assert sorted([*train, *valid]) == list(range(100))
    assert np.bincount(np.array(target)[valid]).tolist() == [16, 4]


def test_the_random_state_decides():
    target = [0, 1] * 50
    assert np.array_equal(split(target)[1], split(target)[1])
    assert not np.array_equal(split(target)[1], split(target, seed=1)[1])


@pytest.mark.parametrize("target", [[0] * 9 + [1], [0, 1, 2, 3, 4, 5] * 2])
def test_where_stratifying_is_impossible_it_warns_and_splits(target):
    with pytest.warns(UserWarning, match="not stratified"):
        train, valid = split(target, fraction=0.1)
    assert len(valid) == 1
    assert len(train) == len(target) - 1


def test_one_row_cannot_be_split():
    with pytest.raises(ValueError, match="got 1.*early_stopping=False"):
        split([0])


def test_rows_without_classes_are_split_without_a_warning():
    random_state = np.random.RandomState(0)
    train, valid = split_off_validation(10, None, 0.2, random_state)
    assert sorted([*train, *valid]) == list(range(10))
    assert len(valid) == 2
