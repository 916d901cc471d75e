import numpy as np
import pytest

from sklearn_bilstm.training import PseudoLabels
from tests.helpers import ragged


def topical(n_rows, seed, n_tokens=400, length=12):
    """Rows of tokens of their class, of which few labelled rows share any."""
    random = np.random.RandomState(seed)
    target = random.randint(0, 2, n_rows)
    rows = 2 + random.randint(0, n_tokens, (n_rows, length)) * 2 + target[:, None]
    noise = random.rand(n_rows, length) < 0.4
    rows[noise] = random.randint(2, 2 + 2 * n_tokens, noise.sum())
    return rows, target


def in_order(n_rows, seed):
    """Rows of the same tokens, whose class depends on the order of two of them."""
    random = np.random.RandomState(seed)
    target = random.randint(0, 2, n_rows)
    rows = [[2, 3, *rest] for rest in random.randint(4, 40, (n_rows, 6)).tolist()]
    for row, is_swapped in zip(rows, target, strict=True):
        row[:2] = row[1::-1] if is_swapped else row[:2]
    return np.array(rows), target


def fitted(make, weight=None, seed=0):
    rows, target = make(60, 0)
    unlabelled, truth = make(1500, 1)
    weight = np.ones(60) if weight is None else weight[target]
    labels = PseudoLabels(2)
    arrays = ragged(rows.tolist()), target, weight, ragged(unlabelled.tolist())
    return labels.fit(*arrays, seed), truth


def test_pseudo_labels_are_used_if_cooccurrences_reveal_the_class():
    labels, truth = fitted(topical)
    assert labels.is_used
    assert labels.accuracy > labels.linear_accuracy + 0.1
    assert (labels.target == truth).mean() > 0.9
    assert (labels.target_of_folds == truth).mean() > 0.9
    assert len(labels.target_of_folds) == 5


def test_pseudo_labels_are_not_used_if_a_linear_model_of_bigrams_is_better():
    labels, _ = fitted(in_order)
    assert not labels.is_used
    assert labels.accuracy < 0.7 < labels.linear_accuracy


@pytest.mark.parametrize("seed", range(3))
def test_pseudo_labels_are_not_used_if_labels_are_random(seed):
    def random_labels(n_rows, of_rows):
        rows, _ = topical(n_rows, of_rows)
        return rows, np.random.RandomState(9 + of_rows + seed).randint(0, 2, n_rows)

    labels, _ = fitted(random_labels)
    assert not labels.is_used


def test_accuracy_is_that_of_new_rows():
    labels, truth = fitted(topical)
    np.testing.assert_allclose(
        labels.accuracy, (labels.target == truth).mean(), atol=0.1
    )


def test_weights_are_probabilities_times_the_weight_of_the_class():
    plain, truth = fitted(topical)
    assert 0.15 <= plain.weight.min() < plain.weight.max() <= 0.3
    is_right = plain.target == truth
    np.testing.assert_allclose(plain.weight.mean() / 0.3, is_right.mean(), atol=0.1)
    heavy, _ = fitted(topical, weight=np.array([1.0, 2.0]))
    of_second = heavy.target == 1
    assert heavy.weight[of_second].mean() > 1.5 * heavy.weight[~of_second].mean()


def test_pseudo_labels_are_not_used_for_a_single_class():
    rows = ragged([[2, 3], [4]])
    labels = PseudoLabels(1).fit(rows, np.zeros(2, int), np.ones(2), rows, seed=0)
    assert not labels.is_used


def test_empty_rows_get_the_most_frequent_class():
    rows, target = topical(60, 0)
    target[0] = target[1] = target[2] = 1
    unlabelled, _ = topical(1500, 1)
    labels = PseudoLabels(2)
    more = ragged([*unlabelled.tolist(), [], [1, 1]])  # 1 is the unknown token
    labels.fit(ragged(rows.tolist()), target, np.ones(60), more, seed=0)
    assert labels.is_used
    assert labels.target[-2:].tolist() == [target.mean() > 0.5] * 2
