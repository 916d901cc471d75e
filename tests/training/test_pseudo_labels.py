from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from sklearn_bilstm.training import PseudoLabels, TrainingRows
from sklearn_bilstm.training._pseudo_labels import _is_better
from tests.helpers import ragged


def topical(n_rows, seed, n_tokens=400, length=12):
    """Rows of tokens of their class. Few labelled rows share a token."""
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


def training_rows(X, target, X_unlabelled, weight=None, seed=0, n_classes=2):
    """Rows without token vectors."""
    weight = np.ones(len(X)) if weight is None else weight
    labelled = ragged(X.tolist()), target, weight
    return TrainingRows(*labelled, ragged(X_unlabelled.tolist()), n_classes, None, seed)


@cache
def fitted(make, second_weight=1.0, seed=0):
    rows, target = make(60, 0)
    unlabelled, truth = make(1000, 1)
    weight = np.where(target, second_weight, 1.0)
    labels = PseudoLabels(2)
    return labels.fit(training_rows(rows, target, unlabelled, weight, seed)), truth


def test_pseudo_labels_are_used_if_cooccurrences_reveal_the_class():
    labels, truth = fitted(topical)
    assert labels.is_used
    assert labels.accuracy > labels.linear_accuracy + 0.1
    assert (labels.target == truth).mean() > 0.9
    assert (labels.target_of_folds == truth).mean() > 0.9
    assert len(labels.target_of_folds) == 5


def test_share_of_naive_bayes_is_small_if_only_bigrams_reveal_the_class():
    labels, truth = fitted(in_order)
    assert labels.share_of_naive_bayes < 0.2
    assert labels.linear_accuracy > 0.9
    assert not labels.is_used or (labels.target == truth).mean() > 0.9


@pytest.mark.parametrize("n_rows", [20, 60])
def test_pseudo_labels_of_noise_are_hardly_ever_used(n_rows):
    n_used = 0
    for seed in range(10):
        random = np.random.RandomState(seed)
        target = random.permutation(np.arange(n_rows) % 2)
        rows, unlabelled = (random.randint(2, 300, (n, 10)) for n in (n_rows, 100))
        labels = PseudoLabels(2).fit(training_rows(rows, target, unlabelled, seed=seed))
        n_used += labels.is_used
        assert not labels.is_used or labels.accuracy >= labels.linear_accuracy
    assert n_used <= 1


class TestIsBetter:
    """Decisions about calibrated logits that are drawn with their classes."""

    @staticmethod
    def drawn(n_rows=300, intercept=0.0, slope=2.0):
        random = np.random.RandomState(0)
        logits = intercept + slope * random.normal(size=n_rows)
        target = (logits + random.logistic(size=n_rows) > 0).astype(int)
        return np.column_stack([-logits / 2, logits / 2]), np.eye(2)[target]

    @pytest.mark.parametrize("n_rows", [100, 300])
    def test_informative_logits_are_better_than_wrong_ones(self, n_rows):
        logits, truth = self.drawn(n_rows)
        assert _is_better(logits, -logits, truth, np.ones(n_rows))

    def test_confidence_of_the_linear_model_is_not_held_against_it(self):
        logits, truth = self.drawn()
        assert not _is_better(logits, 30 * logits, truth, np.ones(300))

    @pytest.mark.parametrize("n_rows", [100, 300])
    def test_class_frequencies_must_be_outperformed(self, n_rows):
        logits, truth = self.drawn(n_rows, intercept=2.0, slope=0.0)
        # without an intercept, noise is worse than the class frequencies
        noise = np.random.RandomState(1).normal(size=(n_rows, 2))
        assert not _is_better(logits, noise, truth, np.ones(n_rows))

    def test_accuracy_must_not_be_lower(self):
        truth = np.eye(2)[np.arange(300) % 2]
        # certain of 40 % of the rows, and slightly wrong about the others
        logits = np.where(np.arange(300)[:, None] < 120, 9 * truth, -0.01 * truth)
        # right about 70 % of the rows
        linear = np.where(np.arange(300)[:, None] % 10 < 7, truth, 1 - truth)
        assert not _is_better(logits, linear, truth, np.ones(300))


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
    heavy, _ = fitted(topical, second_weight=2.0)
    of_second = heavy.target == 1
    assert heavy.weight[of_second].mean() > 1.5 * heavy.weight[~of_second].mean()


def test_pseudo_labels_are_not_used_for_a_single_class():
    X = np.array([[2, 3], [4, 5]])
    labels = PseudoLabels(1).fit(training_rows(X, np.zeros(2, int), X, n_classes=1))
    assert not labels.is_used
    assert len(labels.target) == len(labels.weight) == 0


def test_empty_rows_get_the_most_frequent_class():
    rows, target = topical(60, 0)
    target[0] = target[1] = target[2] = 1
    unlabelled, _ = topical(1000, 1)
    labels = PseudoLabels(2)
    given = training_rows(rows, target, unlabelled)
    more = ragged([*unlabelled.tolist(), [], [1, 1]])  # 1 is the unknown token
    labels.fit(replace(given, unlabelled=more))
    assert labels.is_used
    assert labels.target[-2:].tolist() == [target.mean() > 0.5] * 2


def test_a_class_without_labelled_rows_gets_no_pseudo_labels():
    rows, target = topical(60, 0)
    unlabelled, _ = topical(1000, 1)
    labels = PseudoLabels(3).fit(training_rows(rows, target, unlabelled, n_classes=3))
    assert labels.is_used
    assert set(labels.target) == set(labels.target_of_folds.ravel()) == {0, 1}


@pytest.mark.parametrize("n_rows", [3, 4, 20])
def test_a_class_may_have_a_single_row(n_rows):
    random = np.random.RandomState(0)
    rows = random.randint(20, 40, (n_rows, 8))
    rows[0] -= 18
    target = (np.arange(n_rows) == 0).astype(int)
    unlabelled = random.randint(2, 40, (60, 8))
    labels = PseudoLabels(2).fit(training_rows(rows, target, unlabelled))
    assert len(labels.target) in (0, 60)


def test_tokens_of_single_rows_tell_nothing():
    rows = 2 + np.arange(12).reshape(6, 2)
    labels = PseudoLabels(2).fit(training_rows(rows, np.arange(6) % 2, rows + 12))
    assert not labels.is_used


def test_few_heavy_rows_do_not_suffice():
    rows, target = topical(60, 0)
    unlabelled, _ = topical(300, 1)
    weight = np.where(np.arange(60) < 5, 1e9, 1.0)
    labels = PseudoLabels(2).fit(training_rows(rows, target, unlabelled, weight))
    assert not labels.is_used
