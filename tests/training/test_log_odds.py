from math import log

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import ClassLogOdds
from tests.helpers import ragged


@pytest.fixture(scope="module")
def rows():
    random = np.random.RandomState(0)
    return [random.randint(2, 9, size=random.randint(1, 8)).tolist() for _ in range(60)]


def brute_force(rows, target, weight, n_classes, row, lengths):
    """ClassLogOdds for the steps of a row, by loops over all rows."""
    shares = [sum(weight[target == k]) / sum(weight) for k in range(n_classes)]
    log_odds = []
    for end in range(1, len(row) + 1):
        channels = []
        for length in range(lengths[0], lengths[1] + 1):
            ngram = row[end - length : end] if end >= length else None
            having = [
                ngram is not None
                and any(
                    other[start : start + length] == ngram
                    for start in range(len(other) - length + 1)
                )
                for other in rows
            ]
            seen = [sum(weight[having & (target == k)]) for k in range(n_classes)]
            ratios = [
                log((seen[k] + 1) / (shares[k] * sum(seen) + 1))
                for k in range(n_classes)
            ]
            channels += [ratios[1] - ratios[0]] if n_classes == 2 else ratios
        log_odds.append(channels)
    return log_odds


def fitted(lengths, rows, target, weight=None, n_classes=2, **params):
    weight = np.ones(len(target)) if weight is None else weight
    return ClassLogOdds(lengths, n_classes, **params).fit(
        rows, np.asarray(target), weight
    )


@pytest.mark.parametrize("lengths", [(1, 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_how_much_likelier_a_class_is_where_an_ngram_is(rows, n_classes, lengths):
    target = np.array([max(row) for row in rows]) % n_classes
    weight = np.random.RandomState(1).uniform(0.5, 2, len(rows))
    log_odds = fitted(lengths, ragged(rows), target, weight, n_classes)
    other = [3, 2, 2, 8, 7]
    found = log_odds.transform(ragged([[2], other])).take(np.array([1])).values
    expected = brute_force(rows, target, weight, n_classes, other, lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert found.shape == (5, log_odds.n_channels)


def test_what_is_in_one_row_alone_tells_that_row_nothing():
    X = np.arange(2, 42).reshape(40, 1)
    target = np.arange(40) % 2
    log_odds = fitted((1, 1), ragged_from_ids(X), target)
    assert not log_odds.transform_training_rows(ragged_from_ids(X)).values.any()
    told = log_odds.transform(ragged_from_ids(X)).values[:, 0]
    assert np.array_equal(told > 0, target == 1)


def test_most_rows_learnt_from_have_what_one_other_row_says():
    # each token below 402 is in two rows, which another token tells apart
    X = np.column_stack([np.repeat(np.arange(2, 402), 2), np.arange(402, 1202)])
    sequences = ragged_from_ids(X)
    log_odds = fitted((1, 1), sequences, np.repeat(np.arange(400) % 2, 2))
    told = log_odds.transform_training_rows(sequences).values.reshape(800, 2)
    assert (told[:, 0] != 0).mean() > 0.7
    assert not told[:, 1].any()


@pytest.mark.parametrize("n_copies", [1, 3])
def test_rows_learnt_from_cannot_be_told_by_what_their_own_labels_say(n_copies):
    random = np.random.RandomState(0)
    X = np.tile(random.randint(2, 400, size=(600, 6)), (n_copies, 1))
    target = np.tile(np.arange(600) % 2, n_copies)
    sequences = ragged_from_ids(X)
    log_odds = fitted((1, 1), sequences, target)

    def accuracy(told):
        sums = told.values.reshape(len(X), 6).sum(1, keepdims=True)
        return LogisticRegression().fit(sums, target).score(sums, target)

    # labels are drawn without regard to X
    assert accuracy(log_odds.transform(sequences)) > 0.8
    assert accuracy(log_odds.transform_training_rows(sequences)) < 0.6


def test_an_ngram_in_every_row_says_nothing_even_of_a_class_that_is_not_there():
    rows = ragged_from_ids(np.full((50, 1), 2))
    for target in (np.arange(50) % 2, np.arange(50) % 25 // 24):
        log_odds = fitted((1, 1), rows, target, n_classes=3)
        assert np.abs(log_odds.transform(rows).values).max() < 1e-3
        assert np.abs(log_odds.transform_training_rows(rows).values).max() < 1e-3


@pytest.mark.parametrize(
    ("n_classes", "n_channels"), [(1, 2), (2, 2), (3, 6), (100, 200)]
)
def test_every_class_has_a_channel_but_two_share_one(n_classes, n_channels):
    rows = ragged([[2, 3], [], [4]])
    log_odds = fitted((1, 2), rows, [0, 0, 0], n_classes=n_classes)
    assert log_odds.n_channels == n_channels
    assert log_odds.transform_training_rows(rows).values.shape == (3, n_channels)


def test_an_id_that_was_not_learnt_from_is_unknown():
    log_odds = fitted((1, 2), ragged([[1, 2], [2, 3], [1, 3]]), [0, 1, 0])
    unknown, new = (log_odds.transform(ragged([[x, 2]])).values for x in (1, 1000))
    assert unknown.any()
    assert np.array_equal(unknown, new)


@pytest.mark.parametrize("rows", [[[], [], []], []], ids=["no tokens", "no rows"])
def test_where_there_is_nothing_to_learn_it_says_nothing(rows):
    log_odds = fitted((1, 2), ragged(rows), np.zeros(len(rows), int))
    assert log_odds.transform_training_rows(ragged(rows)).values.shape == (0, 2)
    assert not log_odds.transform(ragged([[2, 3]])).values.any()


@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_each_label_has_the_log_odds_of_a_class_against_all_else(rows, n_labels):
    random = np.random.RandomState(0)
    target = random.randint(0, 2, size=(len(rows), n_labels))
    weight = random.uniform(0.5, 2, len(rows))
    rows = ragged(rows)
    several = fitted((1, 2), rows, target, weight, n_labels, multilabel=True)
    assert several.n_channels == 2 * n_labels
    for k in range(n_labels):
        alone = fitted((1, 2), rows, target[:, k], weight)
        for of_rows in (ClassLogOdds.transform, ClassLogOdds.transform_training_rows):
            found = of_rows(several, rows).values[:, k::n_labels]
            expected = of_rows(alone, rows).values
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-3)


def test_a_label_that_all_rows_have_or_none_has_says_nothing(rows):
    varies = np.array([max(row) for row in rows]) % 2
    target = np.stack([np.ones_like(varies), varies, np.zeros_like(varies)], axis=1)
    log_odds = fitted((1, 1), ragged(rows), target, n_classes=3, multilabel=True)
    for told in (log_odds.transform, log_odds.transform_training_rows):
        assert told(ragged(rows)).values.any(0).tolist() == [False, True, False]


def test_it_is_printed_with_the_number_of_ngrams():
    log_odds = ClassLogOdds((1, 2), n_classes=2)
    assert repr(log_odds) == "ClassLogOdds(0 n-grams)"
    log_odds.fit(ragged([[2, 3], [3, 4]]), np.array([0, 1]), np.ones(2))
    assert repr(log_odds) == "ClassLogOdds(5 n-grams)"  # 2, 3, 4, 2 3, 3 4
