"""Logistic regression of each of many classes against all others."""

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

__all__ = ["fit_one_vs_rest"]

_C = 30.0
# Importance of an n-gram that is equally frequent inside and outside a class.
_LEAST_IMPORTANCE = 0.5
# An n-gram without an occurrence in a class is used if it would occur in at least this
# number of its rows, were it independent of the class.
_LEAST_EXPECTED = 0.3
# A sparse array takes more memory per nonzero coefficient than a dense one.
_LARGEST_DENSITY = 0.5
_TOLERANCE = 1e-4
_MAX_ITERATIONS = 1000
# The exponential function of larger numbers may overflow.
_LARGEST_EXPONENT = 500.0


def fit_one_vs_rest(
    X: sparse.csr_array,
    n_ngrams: int,
    inside: np.ndarray | sparse.csc_array,
    weight: np.ndarray,
    *,
    least_expected: float = _LEAST_EXPECTED,
    after_each: Callable[[], None] = lambda: None,
) -> tuple[np.ndarray | sparse.csr_array, np.ndarray]:
    """Fit a regression for each class.

    The columns of n-grams are multiplied by their naive Bayes log-count ratios (Wang
    and Manning, 2012). The regression of a class uses the n-grams that occur in its
    rows, and those that would be expected to occur in some of them by chance. The
    number of coefficients therefore grows with the number of values in `X`, not with
    the product of the numbers of classes and n-grams.

    Parameters
    ----------
    X : csr_array of shape (n, n_columns)
        TF-IDF weights of n-grams, followed by static features.
    n_ngrams : int
        Number of columns of n-grams.
    inside : array or csc_array of shape (n, K)
        One if a row belongs to a class, else zero. Each class has rows inside and
        outside.
    weight : ndarray of shape (n,)
        Positive sample weights.
    least_expected : float, default=0.3
        Minimum number of rows of a class that are expected to contain an n-gram by
        chance, for n-grams that occur in none of them. 0 uses all n-grams.
    after_each : callable
        Called after each regression.

    Returns
    -------
    coefficients : csr_array or ndarray of shape (n_columns, K)
        Sparse if most of them are zero.
    intercepts : ndarray of shape (K,)
    """
    inside = sparse.csc_array(inside, dtype=float)
    ngrams_of_rows = X if n_ngrams == X.shape[1] else X[:, :n_ngrams]  # not copied
    frequencies = _Frequencies(ngrams_of_rows, inside, weight)
    static = np.arange(n_ngrams, X.shape[1])
    by_column = X.tocsc()
    intercepts = np.zeros(inside.shape[1])
    columns, values = [], []
    for k in range(len(intercepts)):
        ngrams, importance = frequencies.of_class(k, least_expected)
        indices = np.concatenate([ngrams, static])
        scale = np.concatenate([importance, np.ones(len(static))])
        is_in_class = inside[:, [k]].toarray().ravel() > 0
        is_last = k == len(intercepts) - 1
        features = _scaled_columns(by_column, indices, scale, in_place=is_last)
        coefficients, intercepts[k] = _fit_class(features, is_in_class, weight)
        columns.append(indices)
        values.append(coefficients * scale)
        after_each()
    ends = np.cumsum([0, *map(len, columns)])
    parts = np.concatenate(values), np.concatenate(columns), ends
    shape = X.shape[1], len(intercepts)
    return _compact(sparse.csc_array(parts, shape).tocsr()), intercepts


class _Frequencies:
    """Weighted document frequencies of n-grams.

    Parameters
    ----------
    ngrams : csr_array of shape (n, n_ngrams)
    inside : csc_array of shape (n, K)
    weight : ndarray of shape (n,)
    """

    def __init__(
        self, ngrams: sparse.csr_array, inside: sparse.csc_array, weight: np.ndarray
    ) -> None:
        ones = np.ones(ngrams.nnz)
        occurs = sparse.csr_array((ones, ngrams.indices, ngrams.indptr), ngrams.shape)
        weighted = inside.copy()
        weighted.data *= weight[inside.indices]
        self._by_class = sparse.csc_array(occurs.T @ weighted)  # (n_ngrams, K)
        self._totals = weight @ occurs
        self._shares = weight @ inside / weight.sum()

    def of_class(self, k: int, least_expected: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the n-grams that a regression uses, and their importance.

        The importance is 0.5 plus the absolute logarithm of the ratio of the
        frequencies inside and outside the class.
        """
        part = slice(*self._by_class.indptr[k : k + 2])
        inside = np.zeros(len(self._totals))
        inside[self._by_class.indices[part]] = self._by_class.data[part]
        n_expected = self._totals * self._shares[k]
        ngrams = np.flatnonzero((inside > 0) | (n_expected >= least_expected))
        # smoothed as if one more row contained each n-gram
        outside = self._totals - inside
        p = (inside[ngrams] + 1) / (inside.sum() + len(inside))
        q = (outside[ngrams] + 1) / (outside.sum() + len(outside))
        return ngrams, _LEAST_IMPORTANCE + np.abs(np.log(p / q))


def _scaled_columns(
    X: sparse.csc_array, columns: np.ndarray, scale: np.ndarray, *, in_place: bool
) -> sparse.csc_array:
    """Return scaled columns, in place if possible: all of them need much memory."""
    is_whole = len(columns) == X.shape[1]  # they are distinct and in order
    features = X if in_place and is_whole else X[:, columns]
    features.data *= np.repeat(scale, np.diff(features.indptr))
    return features


def _fit_class(
    X: sparse.csc_array, inside: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return coefficients and intercept of a logistic regression with L2 penalty.

    The solution is that of scikit-learn's LogisticRegression, which takes several times
    as long for a small problem. The loss is divided by the geometric mean of the total
    weights inside and outside, rather than their sum, so that the regression of a small
    class does not stop too early. The tolerance of liblinear depends on the smaller
    side, too.
    """
    n_inside, n_outside = weight @ inside, weight @ ~inside
    # the weight of all rows, if both sides have equal weight
    n_rows = 2 * np.sqrt(n_inside * n_outside)
    weight, penalty = weight / n_rows, 1 / (_C * n_rows)
    sign = np.where(inside, -1.0, 1.0)
    by_column = X.T

    def loss_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients, intercept = parameters[:-1], parameters[-1]
        odds = X @ coefficients
        odds += intercept
        odds *= sign  # log-odds of the wrong class
        np.exp(np.minimum(odds, _LARGEST_EXPONENT, out=odds), out=odds)
        loss = weight @ np.log1p(odds) + penalty / 2 * (coefficients @ coefficients)
        slope = weight * sign * odds / (1 + odds)
        gradient = np.empty_like(parameters)
        gradient[:-1] = by_column @ slope + penalty * coefficients
        gradient[-1] = slope.sum()
        return loss, gradient

    start = np.zeros(X.shape[1] + 1)
    start[-1] = np.log(n_inside / n_outside)
    options = {
        "gtol": _TOLERANCE,
        "ftol": 64 * np.finfo(float).eps,
        "maxiter": _MAX_ITERATIONS,
        "maxls": 50,
    }
    solution = minimize(
        loss_and_gradient, start, jac=True, method="L-BFGS-B", options=options
    ).x
    return solution[:-1], float(solution[-1])


def _compact(coefficients: sparse.csr_array) -> np.ndarray | sparse.csr_array:
    """Return coefficients as a dense array, unless most of them are zero."""
    density = coefficients.nnz / max(1, np.prod(coefficients.shape))
    return coefficients if density < _LARGEST_DENSITY else coefficients.toarray()
