import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import LinearModel
from sklearn_bilstm.training._one_vs_rest import _C, _fit_class, fit_one_vs_rest


@pytest.fixture
def random():
    return np.random.RandomState(0)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_regression_equals_scikit_learn(random, share):
    X = sparse.csc_array(random.rand(1000, 40) * (random.rand(1000, 40) < 0.2))
    score = X[:, :5].sum(1) + random.rand(1000)
    inside, weight = score > np.quantile(score, 1 - share), random.uniform(0.5, 2, 1000)
    coefficients, intercept = _fit_class(X, inside, weight)
    reference = LogisticRegression(C=_C, tol=1e-8, max_iter=10_000)
    expected = reference.fit(X.tocsr(), inside, weight).decision_function(X.tocsr())
    error = np.abs(X @ coefficients + intercept - expected).max()
    assert error < 0.05 * np.abs(expected).max()


def test_huge_features_do_not_overflow(random):
    X = sparse.csc_array(random.randn(50, 1) * 1e6)
    inside = X.toarray()[:, 0] > 0
    coefficients, _ = _fit_class(X, inside, np.ones(50))
    assert coefficients[0] > 0


def random_rows(random, n_rows, n_classes):
    """Rows with a third of class-specific tokens, and their classes."""
    y = np.resize(np.arange(n_classes), n_rows)
    own = 50 + 3 * y[:, np.newaxis] + random.randint(3, size=(n_rows, 12))
    X = np.where(random.rand(n_rows, 12) < 0.3, own, random.randint(2, 50, own.shape))
    return ragged_from_ids(X), y


def test_ngrams_absent_from_a_class_and_rarely_expected_are_not_used():
    X = np.eye(4)[np.resize([0, 0, 0, 1, 2, 2], 60)]
    y = np.resize([0, 0, 0, 1, 1, 2], 60)
    X[4, 3] = 1.0  # a column of one row, whose class is 1
    X = sparse.csr_array(X)
    inside = y[:, np.newaxis] == np.arange(3)
    coefficients, _ = fit_one_vs_rest(X, 4, inside, np.ones(60), least_expected=0.6)
    dense = sparse.csr_array(coefficients).toarray()
    assert (dense[:3] != 0).all()  # frequent columns are used by every class
    assert (dense[3] != 0).tolist() == [False, True, False]


def test_number_of_coefficients_depends_on_values_rather_than_classes(random):
    rows, y = random_rows(random, 600, 200)
    linear_model = LinearModel((1, 2), 200).fit(rows, y, np.ones(600), seed=0)
    coefficients = linear_model.ngram_model.regressions.coefficients
    assert sparse.issparse(coefficients)
    n_values = linear_model.ngram_model.vocabulary.counts(rows).nnz
    # a class uses the n-grams of its rows and those expected in 0.3 rows
    assert coefficients.nnz <= (1 + 1 / 0.3) * n_values
    assert coefficients.nnz < 0.1 * np.prod(coefficients.shape)


def test_few_classes_have_dense_coefficients(random):
    rows, y = random_rows(random, 300, 2)
    linear_model = LinearModel((1, 1), 2).fit(rows, y, np.ones(300), seed=0)
    assert isinstance(linear_model.ngram_model.regressions.coefficients, np.ndarray)


def test_many_classes_are_classified_accurately(random):
    rows, y = random_rows(random, 2000, 100)
    train, fresh = rows.take(np.arange(1500)), rows.take(np.arange(1500, 2000))
    linear_model = LinearModel((1, 1), 100).fit(train, y[:1500], np.ones(1500), seed=0)
    assert (linear_model.logits(fresh).argmax(1) == y[1500:]).mean() > 0.9


def test_fit_does_not_change_the_global_random_state(random):
    before = np.random.get_state()[1].copy()
    rows, y = random_rows(random, 100, 10)
    LinearModel((1, 1), 10).fit(rows, y, np.ones(100), seed=0)
    assert np.array_equal(before, np.random.get_state()[1])
