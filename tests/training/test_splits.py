import numpy as np
import pytest

from sklearn_bilstm.training import split_off_validation
from sklearn_bilstm.training._splits import contiguous_folds, folds, sampled_rows


def split(target, fraction=0.2, seed=0):
    random_state = np.random.RandomState(seed)
    return split_off_validation(len(target), np.array(target), fraction, random_state)


@pytest.mark.parametrize("seed", range(5))
def test_split_is_a_stratified_partition(seed):
    target = [0] * 80 + [1] * 20
    train, valid = split(target, seed=seed)
    assert sorted([*train, *valid]) == list(range(100))
    assert np.bincount(np.array(target)[valid]).tolist() == [16, 4]


def test_split_depends_on_the_random_state():
    target = [0, 1] * 50
    assert np.array_equal(split(target)[1], split(target)[1])
    assert not np.array_equal(split(target)[1], split(target, seed=1)[1])


@pytest.mark.parametrize("target", [[0] * 9 + [1], [0, 1, 2, 3, 4, 5] * 2])
def test_split_warns_if_stratification_is_impossible(target):
    with pytest.warns(UserWarning, match="not stratified"):
        train, valid = split(target, fraction=0.1)
    assert len(valid) == 1
    assert len(train) == len(target) - 1


def test_split_raises_for_a_single_row():
    with pytest.raises(ValueError, match="got 1.*early_stopping=False"):
        split([0])


def test_split_without_classes_does_not_warn():
    random_state = np.random.RandomState(0)
    train, valid = split_off_validation(10, None, 0.2, random_state)
    assert sorted([*train, *valid]) == list(range(10))
    assert len(valid) == 2


@pytest.mark.parametrize(
    ("n_rows", "n_folds"), [(20, 5), (5, 5), (3, 3), (2, 2), (1, 0), (0, 0)]
)
def test_each_row_is_in_one_of_at_most_five_folds(n_rows, n_folds):
    rows = list(range(n_rows))
    found = list(folds(np.arange(n_rows) % 2, seed=0))
    assert len(found) == n_folds
    assert sorted(row for _, fold in found for row in fold) == (rows if found else [])
    for others, fold in found:
        assert sorted([*others, *fold]) == rows


@pytest.mark.parametrize("seed", range(5))
def test_each_fold_has_the_class_frequencies(seed):
    target = np.array([0] * 15 + [1] * 5)
    for _, fold in folds(target, seed):
        assert np.bincount(target[fold]).tolist() == [3, 1]


def test_folds_of_indicators_are_not_stratified():
    target = np.eye(2, dtype=int)[np.arange(20) % 2]
    assert [len(fold) for _, fold in folds(target, seed=0)] == [4] * 5


@pytest.mark.parametrize("n_rows", [2, 5, 23, 100])
def test_contiguous_folds_are_blocks_that_cover_all_rows_once(n_rows):
    splits = contiguous_folds(np.zeros((n_rows, 2)))
    assert len(splits) == min(5, n_rows)
    for others, fold in splits:
        assert (np.diff(fold) == 1).all()
        assert sorted([*others, *fold]) == list(range(n_rows))
    assert np.concatenate([fold for _, fold in splits]).tolist() == list(range(n_rows))


def test_contiguous_folds_are_blocks_within_each_class():
    target = np.tile([0, 1, 1], 20)
    for _, fold in contiguous_folds(target):
        assert np.bincount(target[fold]).tolist() == [4, 8]
        for label in (0, 1):
            of_class = np.flatnonzero(target == label)
            assert (
                np.diff(np.searchsorted(of_class, fold[target[fold] == label])) == 1
            ).all()


@pytest.mark.parametrize("target", [[], [0], [0, 1, 2]])
def test_contiguous_folds_require_two_rows_of_a_class(target):
    assert contiguous_folds(np.array(target, int)) == []


def test_sampled_rows_are_all_rows_if_there_are_few():
    assert sampled_rows(7, 10, seed=0).tolist() == list(range(7))


def test_sampled_rows_of_alternating_series_are_rows_of_each_series():
    rows = sampled_rows(4000, 1000, seed=0)
    assert len(rows) == 1000
    assert (np.diff(rows) > 0).all()
    assert np.bincount(rows % 4).min() > 200
