from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import NgramLinearModel
from sklearn_bilstm.training._linear_model import _fit_linear
from sklearn_bilstm.training._one_vs_rest import _C
from tests.helpers import ragged


@pytest.fixture(scope="module")
def rows():
    random = np.random.RandomState(0)
    return [
        random.randint(2, 30, size=random.randint(3, 12)).tolist() for _ in range(90)
    ]


def texts(rows):
    return [" ".join(map(str, row)) for row in rows]


def naive_bayes_importance(X, inside, weight):
    """How much naive Bayes would make of each column, by loops."""
    p, q = np.ones(X.shape[1]), np.ones(X.shape[1])
    for row, is_inside, w in zip(X.toarray(), inside, weight, strict=True):
        (p if is_inside else q)[row > 0] += w
    return 0.5 + np.abs(np.log((p / p.sum()) / (q / q.sum())))


def read_columns(X, inside, weight):
    """Which n-grams the regression of a class reads: those that its rows have, and
    those that rows of a weight of 0.3 would have, were they independent of the class.
    """
    share = weight[inside].sum() / weight.sum()
    has = X.toarray() > 0
    return has[inside].any(0) | (share * (weight @ has) >= 0.3)


def reference_logits(rows, target, weight, other):
    """Log odds of each class against the others."""
    tfidf = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True)
    X, X_other = tfidf.fit_transform(texts(rows)), tfidf.transform(texts(other))
    odds = []
    for k in np.unique(target):
        importance = naive_bayes_importance(X, target == k, weight)
        if target.max() > 1:
            importance = importance * read_columns(X, target == k, weight)
        linear = LogisticRegression(C=_C, tol=1e-6, max_iter=10_000)
        linear.fit(X.multiply(importance).tocsr(), target == k, weight)
        odds.append(linear.decision_function(X_other.multiply(importance).tocsr()))
    return np.array(odds).T


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_logistic_regression_on_weighted_tfidf_of_ngrams(rows, n_classes):
    target = np.array([max(row) for row in rows]) % n_classes
    weight = np.random.RandomState(1).uniform(0.5, 2, len(rows))
    path = NgramLinearModel((1, 2), n_classes).fit(ragged(rows), target, weight, seed=0)
    other = [row[::-1] for row in rows]
    logits = path.logits(ragged(other))
    expected = reference_logits(rows, target, weight, other)
    if n_classes == 2:
        np.testing.assert_allclose(
            logits[:, 1] - logits[:, 0], expected[:, 1], atol=0.2
        )
    else:
        expected -= expected.mean(1, keepdims=True)
        np.testing.assert_allclose(logits, expected, atol=0.2)
    np.testing.assert_allclose(logits.sum(1), 0, atol=1e-9)


def test_its_size_is_that_of_logits_of_rows_it_did_not_learn_from():
    random = np.random.RandomState(0)
    X = random.randint(2, 60, size=(1200, 8))
    target = (X < 20).sum(1) + random.randint(0, 3, size=1200) > 3
    learnt, fresh = (ragged_from_ids(part) for part in np.split(X, 2))
    path = NgramLinearModel((1, 2), 2).fit(
        learnt, target[:600] * 1, np.ones(600), seed=0
    )

    def size(rows):
        return np.sqrt(np.mean(path.logits(rows) ** 2))

    np.testing.assert_allclose(path.size_, size(fresh), rtol=0.15)
    assert size(learnt) > 1.5 * path.size_


def noisy(n_labels):
    """Rows, and labels of which one in five is wrong, in two halves."""
    random = np.random.RandomState(0)
    X = random.randint(2, 20, size=(4000, 8))
    truth = np.stack([(X % (2 + k) == 0).sum(1) > 2 for k in range(n_labels)], axis=1)
    target = (truth ^ (random.rand(*truth.shape) < 0.2)).astype(int)
    halves = np.split(X, 2), np.split(target, 2)
    return zip(map(ragged_from_ids, halves[0]), halves[1], strict=True)


@pytest.mark.parametrize("n_labels", [1, 3])
def test_divided_by_the_temperature_fresh_logits_are_as_sure_as_they_are_right(
    n_labels,
):
    (learnt, target), (fresh, fresh_target) = noisy(n_labels)
    if n_labels == 1:
        path = NgramLinearModel((1, 2), 2).fit(
            learnt, target[:, 0], np.ones(2000), seed=0
        )
        odds = np.diff(path.logits(fresh))
    else:
        path = NgramLinearModel((1, 2), n_labels, multilabel=True)
        odds = path.fit(learnt, target, np.ones(2000), seed=0).logits(fresh)

    def loss(temperature):
        return log_loss(fresh_target.ravel(), expit(odds / temperature).ravel())

    best = min(np.geomspace(0.2, 5, 100), key=loss)
    np.testing.assert_allclose(path.temperature_, best, rtol=0.15)
    assert loss(path.temperature_) < loss(1) - 0.02


def test_a_few_rows_that_are_all_right_are_no_reason_to_be_certain():
    def temperature(n_rows):
        rows, target = [[2], [3]] * n_rows, np.arange(2 * n_rows) % 2
        path = NgramLinearModel((1, 1), 2).fit(
            ragged(rows), target, np.ones(2 * n_rows), 0
        )
        return path.temperature_

    assert temperature(5) > temperature(20) > 1 / 3


def test_rows_that_weigh_more_count_more_for_the_temperature():
    (learnt, target), _ = noisy(1)
    target = target[:, 0]
    is_right = target == ((learnt.values % 2 == 0).reshape(-1, 8).sum(1) > 2)
    temperatures = [
        NgramLinearModel((1, 2), 2).fit(learnt, target, weight, seed=0).temperature_
        for weight in (np.ones(2000), np.where(is_right, 1.5, 0.1))
    ]
    assert temperatures[1] < 0.8 * temperatures[0]


def test_an_id_that_was_not_learnt_from_is_unknown(rows):
    path = NgramLinearModel((1, 2), 2).fit(
        ragged(rows), np.arange(90) % 2, np.ones(90), seed=0
    )
    foreign, unknown = ragged([[2, 1000, 3]]), ragged([[2, 1, 3]])
    assert np.array_equal(path.logits(foreign), path.logits(unknown))


@pytest.mark.parametrize(
    ("rows", "target"),
    [([[2], [3]], [0, 0]), ([[], [], []], [0, 1, 1]), ([[2]], [0])],
    ids=["one class", "no tokens", "one row"],
)
def test_where_there_is_nothing_to_learn_it_says_nothing(rows, target):
    path = NgramLinearModel((1, 2), 2)
    path.fit(ragged(rows), np.array(target), np.ones(len(rows)), seed=0)
    assert path.size_ == 0
    assert (path.logits(ragged([[2, 3], []])) == 0).all()


@pytest.mark.parametrize("n_rows", [600, 1500])
def test_what_is_not_true_of_fresh_rows_is_left_out(n_rows):
    random = np.random.RandomState(0)
    X, rows = random.randint(4, 30, size=(n_rows, 12)), np.arange(n_rows)
    target = random.randint(2, size=n_rows)  # whether 2 comes before 3, farther on
    X[rows, random.randint(5, size=n_rows)] = 3 - target
    X[rows, random.randint(7, 12, size=n_rows)] = 2 + target
    learnt = ragged_from_ids(X)
    path = NgramLinearModel((1, 2), 2).fit(learnt, target, np.ones(n_rows), seed=0)
    assert path.size_ == 0
    assert (path.logits(learnt) == 0).all()


def test_a_class_without_a_row_is_no_likelier_than_another(rows):
    target = np.array([max(row) for row in rows]) % 2 * 2  # none of class 1
    path = NgramLinearModel((1, 2), 3).fit(
        ragged(rows), target, np.ones(len(rows)), seed=0
    )
    logits = path.logits(ragged(rows))
    assert (logits[:, 1] == logits.min(1)).all()


def labels_of(rows):
    """Three labels that depend on tokens, and may come together."""
    return np.array([[2 in row, max(row) > 25, min(row) < 5] for row in rows]) * 1


def test_each_label_has_the_logit_of_a_class_against_all_else(rows):
    target, weight = labels_of(rows), np.random.RandomState(1).uniform(0.5, 2, 90)
    path = NgramLinearModel((1, 2), 3, multilabel=True)
    path.fit(ragged(rows), target, weight, seed=0)
    other = ragged([row[::-1] for row in rows])
    for k in range(3):
        alone = NgramLinearModel((1, 2), 2).fit(
            ragged(rows), target[:, k], weight, seed=0
        )
        expected = np.diff(alone.logits(other))[:, 0]
        # a label reads fewer n-grams than two classes do, and hardly any matters less
        np.testing.assert_allclose(path.logits(other)[:, k], expected, atol=0.2)


def test_a_label_that_all_rows_have_or_none_has_gets_its_odds(rows):
    target = labels_of(rows)
    target[:, 0], target[:, 2] = 1, 0
    path = NgramLinearModel((1, 2), 3, multilabel=True)
    logits = path.fit(ragged(rows), target, np.ones(90), seed=0).logits(ragged(rows))
    np.testing.assert_allclose(
        logits[:, 0], np.log(91)
    )  # one row more, and one against
    np.testing.assert_allclose(logits[:, 2], -np.log(91))


def test_numbers_beside_the_rows_are_read_too():
    random = np.random.RandomState(0)
    rows = [random.randint(2, 9, size=4).tolist() for _ in range(200)]
    static = random.randn(200, 2)
    target = (static[:, 1] > 0).astype(int)
    path = NgramLinearModel((1, 1), 2).fit(
        ragged(rows[:100]), target[:100], np.ones(100), 0, static=static[:100]
    )
    logits = path.logits(ragged(rows[100:]), static[100:])
    assert (logits.argmax(1) == target[100:]).mean() > 0.9


def test_it_is_printed_with_the_number_of_ngrams():
    path = NgramLinearModel((1, 2), n_classes=2)
    assert repr(path) == "NgramLinearModel(0)"
    path.fit(ragged([[2, 3], [3, 4]]), np.array([0, 1]), np.ones(2), seed=0)
    assert repr(path) == "NgramLinearModel(5)"  # 2, 3, 4, 2 3, 3 4


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_static", [0, 2])
def test_contributions_of_ngrams_are_what_a_row_has_above_an_empty_one(
    rows, n_classes, n_static
):
    target = np.array([max(row) for row in rows]) % n_classes
    static = np.random.RandomState(0).normal(size=(len(rows), n_static))
    static = static if n_static else None
    path = NgramLinearModel((1, 2), n_classes)
    path.fit(ragged(rows), target, np.ones(len(rows)), seed=0, static=static)
    of_steps = path.contributions(ragged(rows), static).sum(1)
    of_rows = np.add.reduceat(of_steps, ragged(rows).offsets[:-1])
    without = path.logits(ragged([[]] * len(rows)), static)
    np.testing.assert_allclose(
        of_rows, path.logits(ragged(rows), static) - without, atol=1e-9
    )


def test_a_class_without_a_row_gets_the_contributions_of_the_least_likely(rows):
    target = np.array([max(row) % 3 for row in rows])
    path = NgramLinearModel((1, 2), 4).fit(
        ragged(rows), target, np.ones(len(rows)), seed=0
    )
    least = path.logits(ragged(rows[:1]))[0, :3].argmin()
    contributions = path.contributions(ragged(rows[:1]))
    np.testing.assert_array_equal(contributions[..., 3], contributions[..., least])


def test_contributions_to_labels_sum_to_their_logits(rows):
    target = np.array([[max(row) % 2, 1] for row in rows])
    path = NgramLinearModel((1, 2), 2, multilabel=True)
    path.fit(ragged(rows), target, np.ones(len(rows)), seed=0)
    total = path.contributions(ragged(rows[:1])).sum((0, 1))
    logits, without = path.logits(ragged([rows[0], []]))
    np.testing.assert_allclose(total, logits - without, atol=1e-9)


@pytest.fixture(scope="module")
def many(rows):
    """A path of so many classes that most coefficients are zero, and a dense copy."""
    path = NgramLinearModel((1, 2), 30)
    path.fit(ragged(rows), np.arange(90) % 30, np.ones(90), seed=0)
    # so few rows of a class show nothing of others, but the regressions are the same
    X = path._features(path.vocabulary.counts(ragged(rows)), None)
    path.regressions = _fit_linear(X, np.arange(90) % 30, np.ones(90), lambda: None)
    dense = copy(path)
    coefficients = path.regressions.coefficients.toarray()
    dense.regressions = replace(path.regressions, coefficients=coefficients)
    return path, dense


def test_sparse_coefficients_give_the_logits_of_dense_ones(rows, many):
    sparse, dense = many
    for some in (ragged(rows), ragged([[5, 6]]), ragged([[]])):
        np.testing.assert_allclose(sparse.logits(some), dense.logits(some), atol=1e-12)


def test_sparse_coefficients_give_the_contributions_of_dense_ones(rows, many):
    sparse, dense = (path.contributions(ragged(rows[:5])) for path in many)
    np.testing.assert_allclose(sparse, dense, atol=1e-12)


def test_nothing_contributes_to_an_empty_row(rows):
    target = np.array([max(row) % 2 for row in rows])
    path = NgramLinearModel((1, 2), 2).fit(
        ragged(rows), target, np.ones(len(rows)), seed=0
    )
    assert path.contributions(ragged([[]])).shape == (0, 2, 2)


def test_equal_ngrams_of_a_row_contribute_equally(rows):
    target = np.array([max(row) % 2 for row in rows])
    path = NgramLinearModel((1, 2), 2).fit(
        ragged(rows), target, np.ones(len(rows)), seed=0
    )
    of_steps = path.contributions(ragged([[5, 6, 5, 6]]))
    np.testing.assert_allclose(of_steps[0, 0], of_steps[2, 0])
    np.testing.assert_allclose(of_steps[1], of_steps[3])
    assert of_steps[0, 1].tolist() == [0, 0]  # no pair ends at the first token
