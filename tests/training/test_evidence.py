from math import log

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import Evidence
from tests.helpers import ragged


@pytest.fixture(scope="module")
def rows():
    random = np.random.RandomState(0)
    return [random.randint(2, 9, size=random.randint(1, 8)).tolist() for _ in range(60)]


def everything(told):
    """The evidence of all rows, one after the other."""
    return told.take(np.arange(len(told.table_of_rows))).values


def brute_force(rows, target, weight, n_classes, row, lengths):
    """Evidence for the steps of a row, by loops over all rows."""
    totals = [1 + sum(weight[target == k]) for k in range(n_classes)]
    prior = [total / sum(totals) for total in totals]
    evidence = []
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
                log((seen[k] + n_classes * prior[k]) / (sum(seen) + n_classes))
                - log(prior[k])
                for k in range(n_classes)
            ]
            channels += [ratios[1] - ratios[0]] if n_classes == 2 else ratios
        evidence.append(channels)
    return evidence


@pytest.mark.parametrize("lengths", [(1, 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_how_much_likelier_a_class_is_where_an_ngram_is(rows, n_classes, lengths):
    target = np.array([max(row) for row in rows]) % n_classes
    weight = np.random.RandomState(1).uniform(0.5, 2, len(rows))
    evidence = Evidence(lengths, n_classes)
    evidence.fit_transform(ragged(rows), target, weight, seed=0)
    other = [3, 2, 2, 8, 7]
    found = evidence.transform(ragged([[2], other])).take(np.array([1]))
    expected = brute_force(rows, target, weight, n_classes, other, lengths)
    np.testing.assert_allclose(found.values, expected, rtol=1e-5, atol=1e-6)
    assert found.values.shape == (5, evidence.n_channels)


def test_what_is_in_one_row_alone_tells_that_row_nothing():
    X = np.arange(2, 42).reshape(40, 1)
    evidence = Evidence((1, 1), 2)
    rows = ragged_from_ids(X), np.arange(40) % 2, np.ones(40)
    assert not everything(evidence.fit_transform(*rows, seed=0)).any()
    told = everything(evidence.transform(rows[0]))[:, 0]
    assert np.array_equal(told > 0, rows[1] == 1)


def test_rows_learnt_from_cannot_be_told_by_what_their_own_labels_say():
    random = np.random.RandomState(0)
    X, target = random.randint(2, 400, size=(600, 6)), np.arange(600) % 2
    evidence = Evidence((1, 1), 2)
    sequences = ragged_from_ids(X)
    out_of_fold = evidence.fit_transform(sequences, target, np.ones(600), seed=0)
    in_sample = evidence.transform(sequences)

    def accuracy(told):
        sums = everything(told).reshape(600, 6).sum(1, keepdims=True)
        return LogisticRegression().fit(sums, target).score(sums, target)

    # labels are drawn without regard to X
    assert accuracy(in_sample) > 0.8
    assert accuracy(out_of_fold) < 0.6


@pytest.mark.parametrize(
    ("n_classes", "n_channels"), [(1, 2), (2, 2), (3, 6), (100, 200)]
)
def test_every_class_has_a_channel_but_two_share_one(n_classes, n_channels):
    evidence = Evidence((1, 2), n_classes)
    assert evidence.n_channels == n_channels
    target = np.zeros(3, int)
    told = evidence.fit_transform(ragged([[2, 3], [], [4]]), target, np.ones(3), seed=0)
    assert everything(told).shape == (3, n_channels)


def test_an_id_that_was_not_learnt_from_is_unknown():
    evidence = Evidence((1, 2), 2)
    rows = ragged([[1, 2], [2, 3], [1, 3]])
    evidence.fit_transform(rows, np.array([0, 1, 0]), np.ones(3), seed=0)
    unknown, new = (everything(evidence.transform(ragged([[x, 2]]))) for x in (1, 1000))
    assert unknown.any()
    assert np.array_equal(unknown, new)


def test_rows_without_a_token_have_no_evidence():
    evidence = Evidence((1, 2), 2)
    rows = ragged([[], [], []])
    told = evidence.fit_transform(rows, np.array([0, 1, 0]), np.ones(3), seed=0)
    assert everything(told).shape == (0, 2)
    assert not everything(evidence.transform(ragged([[2, 3]]))).any()


def test_a_single_row_is_told_nothing():
    told = Evidence((1, 2), 2).fit_transform(
        ragged([[2, 3]]), np.array([1]), np.ones(1), seed=0
    )
    assert not everything(told).any()
