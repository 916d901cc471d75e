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
    """ClassLogOdds of the steps of a row, by brute force."""
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
def test_log_odds_equal_brute_force(rows, n_classes, lengths):
    target = np.array([max(row) for row in rows]) % n_classes
    weight = np.random.RandomState(1).uniform(0.5, 2, len(rows))
    log_odds = fitted(lengths, ragged(rows), target, weight, n_classes)
    other = [3, 2, 2, 8, 7]
    found = log_odds.transform(ragged([[2], other])).take(np.array([1])).values
    expected = brute_force(rows, target, weight, n_classes, other, lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert found.shape == (5, log_odds.n_channels)


def test_training_rows_have_zero_log_odds_for_unique_tokens():
    X = np.arange(2, 42).reshape(40, 1)
    target = np.arange(40) % 2
    log_odds = fitted((1, 1), ragged_from_ids(X), target)
    assert not log_odds.transform_training_rows(ragged_from_ids(X)).values.any()
    log_odds_values = log_odds.transform(ragged_from_ids(X)).values[:, 0]
    assert np.array_equal(log_odds_values > 0, target == 1)


def test_training_rows_have_cross_fitted_log_odds():
    # each token below 402 occurs in two rows, every other token in one
    X = np.column_stack([np.repeat(np.arange(2, 402), 2), np.arange(402, 1202)])
    sequences = ragged_from_ids(X)
    log_odds = fitted((1, 1), sequences, np.repeat(np.arange(400) % 2, 2))
    values = log_odds.transform_training_rows(sequences).values.reshape(800, 2)
    assert (values[:, 0] != 0).mean() > 0.7
    assert not values[:, 1].any()


@pytest.mark.parametrize("n_copies", [1, 3])
def test_training_row_log_odds_do_not_leak_labels(n_copies):
    random = np.random.RandomState(0)
    X = np.tile(random.randint(2, 400, size=(600, 6)), (n_copies, 1))
    target = np.tile(np.arange(600) % 2, n_copies)
    sequences = ragged_from_ids(X)
    log_odds = fitted((1, 1), sequences, target)

    def accuracy(features):
        sums = features.values.reshape(len(X), 6).sum(1, keepdims=True)
        return LogisticRegression().fit(sums, target).score(sums, target)

    # labels are independent of X
    assert accuracy(log_odds.transform(sequences)) > 0.8
    assert accuracy(log_odds.transform_training_rows(sequences)) < 0.6


def test_an_ngram_in_every_row_has_log_odds_near_zero():
    rows = ragged_from_ids(np.full((50, 1), 2))
    for target in (np.arange(50) % 2, np.arange(50) % 25 // 24):
        log_odds = fitted((1, 1), rows, target, n_classes=3)
        assert np.abs(log_odds.transform(rows).values).max() < 1e-3
        assert np.abs(log_odds.transform_training_rows(rows).values).max() < 1e-3


@pytest.mark.parametrize(
    ("n_classes", "n_channels"), [(1, 2), (2, 2), (3, 6), (100, 200)]
)
def test_number_of_channels_is_one_for_two_classes_else_one_per_class(
    n_classes, n_channels
):
    rows = ragged([[2, 3], [], [4]])
    log_odds = fitted((1, 2), rows, [0, 0, 0], n_classes=n_classes)
    assert log_odds.n_channels == n_channels
    assert log_odds.transform_training_rows(rows).values.shape == (3, n_channels)


def test_an_id_unseen_in_fit_is_unknown():
    log_odds = fitted((1, 2), ragged([[1, 2], [2, 3], [1, 3]]), [0, 1, 0])
    unknown, new = (log_odds.transform(ragged([[x, 2]])).values for x in (1, 1000))
    assert unknown.any()
    assert np.array_equal(unknown, new)


@pytest.mark.parametrize("rows", [[[], [], []], []], ids=["no tokens", "no rows"])
def test_log_odds_are_zero_without_tokens(rows):
    log_odds = fitted((1, 2), ragged(rows), np.zeros(len(rows), int))
    assert log_odds.transform_training_rows(ragged(rows)).values.shape == (0, 2)
    assert not log_odds.transform(ragged([[2, 3]])).values.any()


@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_multilabel_log_odds_equal_binary_log_odds_of_each_label(rows, n_labels):
    random = np.random.RandomState(0)
    target = random.randint(0, 2, size=(len(rows), n_labels))
    weight = random.uniform(0.5, 2, len(rows))
    rows = ragged(rows)
    multilabel = fitted((1, 2), rows, target, weight, n_labels, multilabel=True)
    assert multilabel.n_channels == 2 * n_labels
    for k in range(n_labels):
        binary = fitted((1, 2), rows, target[:, k], weight)
        for transform in (ClassLogOdds.transform, ClassLogOdds.transform_training_rows):
            found = transform(multilabel, rows).values[:, k::n_labels]
            expected = transform(binary, rows).values
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-3)


def test_constant_labels_have_zero_log_odds(rows):
    varies = np.array([max(row) for row in rows]) % 2
    target = np.stack([np.ones_like(varies), varies, np.zeros_like(varies)], axis=1)
    log_odds = fitted((1, 1), ragged(rows), target, n_classes=3, multilabel=True)
    for transform in (log_odds.transform, log_odds.transform_training_rows):
        assert transform(ragged(rows)).values.any(0).tolist() == [False, True, False]


def test_repr_shows_the_number_of_ngrams():
    log_odds = ClassLogOdds((1, 2), n_classes=2)
    assert repr(log_odds) == "ClassLogOdds(0 n-grams)"
    log_odds.fit(ragged([[2, 3], [3, 4]]), np.array([0, 1]), np.ones(2))
    assert repr(log_odds) == "ClassLogOdds(5 n-grams)"  # 2, 3, 4, 2 3, 3 4


def test_log_odds_of_tasks_are_those_of_each_task_next_to_each_other(rows):
    random = np.random.RandomState(2)
    target = np.column_stack([random.randint(0, 2, 60), random.randint(-1, 3, 60)])
    weight = random.uniform(0.5, 2, (60, 2)) * (target >= 0)
    sequences = ragged(rows)
    several = ClassLogOdds((1, 2), (2, 3)).fit(sequences, target, weight)
    of_tasks = []
    for task, n_classes in enumerate((2, 3)):
        single = ClassLogOdds((1, 2), n_classes)
        codes = target[:, task].clip(min=0)
        single.fit(sequences, codes, weight[:, task], several.vocabulary)
        of_tasks.append(single.tables)
    np.testing.assert_array_equal(several.tables, np.concatenate(of_tasks, axis=2))
    assert several.transform(sequences).values.shape == (len(sequences.values), 2 * 4)


def test_log_odds_of_tasks_round_trip(rows):
    target = np.column_stack([np.arange(60) % 2, np.arange(60) % 3])
    several = ClassLogOdds((1, 1), (2, 3)).fit(ragged(rows), target, np.ones((60, 2)))
    restored = ClassLogOdds.from_state(several.state())
    assert restored.n_classes == (2, 3)
    assert np.array_equal(restored.tables, several.tables)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_log_odds_of_some_ngrams_are_those_of_all_rows(rows, n_classes, step):
    target = np.array([max(row) for row in rows]) % n_classes
    log_odds = fitted((1, 2), ragged(rows), target, n_classes=n_classes)
    columns = np.arange(step - 1, log_odds.vocabulary.n_columns, step)
    part = log_odds.of_ngrams(log_odds.vocabulary.take(columns), columns)
    kept = np.isin(log_odds.vocabulary.at_steps(ragged(rows)), columns).T
    expected = log_odds.transform(ragged(rows)).values
    expected = np.where(kept.repeat(expected.shape[1] // 2, 1), expected, 0)
    for transform in (part.transform, part.transform_training_rows):
        np.testing.assert_array_equal(transform(ragged(rows)).values, expected)
    again = ClassLogOdds.from_state(part.state())
    np.testing.assert_array_equal(again.transform(ragged(rows)).values, expected)


def test_another_number_of_tables_is_refused(rows):
    log_odds = fitted((1, 2), ragged(rows), np.array([max(row) % 2 for row in rows]))
    for tables in (log_odds.tables[:2], log_odds.tables[:0]):
        with pytest.raises(ValueError, match="table for each fold, or a single one"):
            ClassLogOdds.from_state({**log_odds.state(), "tables": tables})
