import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.naive_bayes import MultinomialNB

from sklearn_bilstm.training._naive_bayes import NaiveBayesEM


@pytest.fixture
def rows():
    """Counts and classes of labelled rows, their weights, and unlabelled rows."""
    random = np.random.RandomState(0)
    target = np.arange(12) % 3
    topics = random.dirichlet(np.full(9, 0.5), size=3)

    def counts(classes):
        return np.array([random.multinomial(8, topics[c]) for c in classes], float)

    return (
        counts(target),
        target,
        random.uniform(0.5, 2, 12),
        counts(random.randint(0, 3, 30)),
    )


def fitted(counts, target, weight, unlabelled, **params):
    arrays = sparse.csr_array(counts), target, weight, sparse.csr_array(unlabelled)
    return NaiveBayesEM(3, **params).fit(*arrays)


def logits_by_loops(counts, target, weight, unlabelled, fresh, n_iterations=200):
    """EM with a loop for each sum, and many iterations."""
    share = {c: sum(weight[target == c]) + 0.1 for c in range(3)}

    def log_joint(row, of_tokens):
        return [
            np.log(share[c] / sum(share.values()))
            + sum(
                n * np.log(of_tokens[c][token] / sum(of_tokens[c]))
                for token, n in enumerate(row)
            )
            for c in range(3)
        ]

    posteriors = np.zeros((len(unlabelled), 3))
    for _ in range(n_iterations):
        of_tokens = [[0.1] * counts.shape[1] for _ in range(3)]
        for row, c, w in zip(counts, target, weight, strict=True):
            for token, n in enumerate(row):
                of_tokens[c][token] += w * n
        for row, posterior in zip(unlabelled, posteriors, strict=True):
            for token, n in enumerate(row):
                for c in range(3):
                    of_tokens[c][token] += 0.1 * posterior[c] * n
        posteriors = softmax([log_joint(row, of_tokens) for row in unlabelled], axis=1)
    return np.array([log_joint(row, of_tokens) for row in fresh])


def test_logits_equal_em_by_loops(rows):
    fresh = rows[-1][::-1]
    found = fitted(*rows).logits(sparse.csr_array(fresh))
    expected = logits_by_loops(*rows, fresh, n_iterations=30)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_without_unlabelled_rows_likelihoods_equal_those_of_multinomial_nb(rows):
    counts, target, weight, unlabelled = rows
    model = fitted(counts, target, weight, unlabelled[:0])
    expected = MultinomialNB(alpha=0.1).fit(counts, target, sample_weight=weight)
    np.testing.assert_allclose(model.log_likelihood.T, expected.feature_log_prob_)


def test_logits_do_not_depend_on_the_order_of_rows(rows):
    counts, target, weight, unlabelled = rows
    backwards = fitted(counts[::-1], target[::-1], weight[::-1], unlabelled[::-1])
    X = sparse.csr_array(unlabelled)
    np.testing.assert_allclose(backwards.logits(X), fitted(*rows).logits(X), rtol=1e-9)


def test_duplicate_rows_equal_rows_of_double_weight(rows):
    counts, target, weight, unlabelled = rows
    twice = fitted(
        np.repeat(counts, 2, axis=0),
        np.repeat(target, 2),
        np.repeat(weight, 2),
        np.repeat(unlabelled, 2, axis=0),
        unlabelled_weight=0.1,
    )
    double = fitted(counts, target, 2 * weight, unlabelled, unlabelled_weight=0.2)
    X = sparse.csr_array(unlabelled)
    np.testing.assert_allclose(twice.logits(X), double.logits(X), rtol=1e-9)


def test_unlabelled_rows_relate_tokens_that_never_share_a_labelled_row():
    labelled, target = np.eye(4)[[0, 1]], np.array([0, 1])
    unlabelled = np.array([[1, 0, 1, 0], [0, 1, 0, 1]] * 5)  # 0 with 2, and 1 with 3
    X = sparse.csr_array(np.eye(4)[[2, 3]])
    alone, both = (
        softmax(fitted(labelled, target, np.ones(2), more).logits(X)[:, :2], axis=1)
        for more in (unlabelled[:0], unlabelled)
    )
    np.testing.assert_allclose(alone, 0.5)
    assert np.diag(both).min() > 0.8


def test_class_without_rows_has_finite_logits(rows):
    counts, target, weight, unlabelled = rows
    model = fitted(counts, target % 2, weight, unlabelled)
    assert np.isfinite(model.logits(sparse.csr_array(counts))).all()
