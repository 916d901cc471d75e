"""Ridge regression on several blocks of features, with cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.linear_model import Ridge

from sklearn_bilstm.training._splits import sampled_rows

__all__ = ["BlockRidge"]

# Regularisation strengths, for features whose squares sum to one per row on average.
_ALPHAS = 10.0 ** np.arange(-5, 2)
# Maximum number of rows with which the strength and the blocks are chosen. The time is
# cubic in it.
_ROWS_TO_CHOOSE = 1000
# Deviation of a constant feature, in units in the last place, that is a rounding error.
_ROUNDING = 10

Splits = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class _Standardised:
    """Standardised features of a block, divided by the root of their number."""

    values: np.ndarray
    mean: np.ndarray
    factors: np.ndarray

    @classmethod
    def of(cls, block: np.ndarray) -> "_Standardised":
        mean = block.mean(0, dtype=float)
        deviation = block.std(0, dtype=float)
        # a constant feature is not divided by its rounding error
        largest: Any = np.abs(block).max(0)
        rounding = _ROUNDING * np.finfo(block.dtype).eps * largest
        varies = deviation > rounding
        n_varying = max(1, int(np.count_nonzero(varies)))
        factors = np.zeros(len(mean))
        factors[varies] = 1 / (deviation[varies] * np.sqrt(n_varying))
        return cls((block - mean) * factors, mean, factors)


class BlockRidge:
    """Ridge regression that uses some of several blocks of features.

    The regularisation strength, and which blocks are used, are those with the smallest
    squared error in held-out rows.

    Parameters
    ----------
    choices : sequence of tuple of int
        Possible sets of blocks, by their indices.

    Attributes
    ----------
    blocks : tuple of int
        Indices of the blocks that are used.
    alpha : float
        Regularisation strength.
    coefficients : list of ndarray of shape (p, K)
        Coefficients of the features of each of these blocks.
    intercepts : ndarray of shape (K,)
    """

    def __init__(self, choices: Sequence[tuple[int, ...]]) -> None:
        self.choices = choices
        self.blocks, self.alpha = choices[0], 1.0
        self.coefficients: list[np.ndarray] = []
        self.intercepts = np.zeros(0)

    def fit(
        self,
        features: Sequence[np.ndarray],
        target: np.ndarray,
        weight: np.ndarray,
        splits: Splits,
        seed: int,
    ) -> np.ndarray:
        """Fit the regression, and return the predictions for held-out rows.

        Parameters
        ----------
        features : sequence of ndarray of shape (n, p)
            Features of each block.
        target : ndarray of shape (n, K)
        weight : ndarray of shape (n,)
            Positive sample weights, whose mean is one.
        splits : sequence of tuple of ndarray
            Training and held-out rows of each fold. Each row is held out once.
        seed : int
            Controls the choice of rows for cross-validation if there are many.

        Returns
        -------
        predictions : ndarray of shape (n, K)
            Predictions by models fitted without the row.
        """
        blocks = [_Standardised.of(block) for block in features]
        values = [block.values for block in blocks]
        self.blocks, self.alpha = self._choose(values, target, weight, splits, seed)
        chosen = [blocks[index] for index in self.blocks]
        X = chosen[0].values
        if len(chosen) > 1:
            X = np.hstack([block.values for block in chosen])
        predictions, n_outputs = np.zeros(target.shape), target.shape[1]
        for train, held_out in splits:
            model = self._fitted(X[train], target[train], weight[train])
            predictions[held_out] = model.predict(X[held_out]).reshape(-1, n_outputs)
        model = self._fitted(X, target, weight)
        coefficients = model.coef_.reshape(n_outputs, -1).T
        self.intercepts = np.broadcast_to(model.intercept_, n_outputs).copy()
        ends = np.cumsum([len(block.mean) for block in chosen])[:-1]
        self.coefficients = []
        for block, part in zip(chosen, np.split(coefficients, ends), strict=True):
            unscaled = part * block.factors[:, np.newaxis]
            self.intercepts -= block.mean @ unscaled
            self.coefficients.append(unscaled)
        return predictions

    def _fitted(self, X: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Ridge:
        """Fit a regression, which overwrites X."""
        ridge = Ridge(self.alpha, solver="cholesky", copy_X=False)
        return ridge.fit(X, target, weight)

    def _choose(
        self,
        features: list[np.ndarray],
        target: np.ndarray,
        weight: np.ndarray,
        splits: Splits,
        seed: int,
    ) -> tuple[tuple[int, ...], float]:
        """Return the blocks and the strength with the smallest error."""
        rows = sampled_rows(len(target), _ROWS_TO_CHOOSE, seed)
        index = np.full(len(target), -1)
        index[rows] = np.arange(len(rows))
        folds = [tuple(index[p][index[p] >= 0] for p in split) for split in splits]
        folds = [split for split in folds if min(map(len, split))]
        sampled = [block[rows] for block in features]
        kernels = [block @ block.T for block in sampled]
        errors = {}
        for blocks in self.choices:
            kernel = sum(kernels[index] for index in blocks)
            for alpha in _ALPHAS:
                errors[blocks, float(alpha)] = sum(
                    _error(kernel, target[rows], weight[rows], train, held_out, alpha)
                    for train, held_out in folds
                )
        return min(errors, key=lambda choice: errors[choice])


def _error(
    kernel: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    alpha: float,
) -> float:
    """Return the squared error in held-out rows of a ridge regression.

    The kernel contains the inner products of all rows, which are centred here.
    """
    shares = weight[train] / weight[train].sum()
    to_mean = kernel[:, train] @ shares  # inner products with the mean training row
    mean_product = shares @ to_mean[train]
    roots = np.sqrt(weight[train])[:, np.newaxis]
    mean = shares @ target[train]

    def centred(rows: np.ndarray) -> np.ndarray:
        products = kernel[np.ix_(rows, train)]
        return products - to_mean[rows, np.newaxis] - to_mean[train] + mean_product

    matrix = roots * centred(train) * roots.T
    matrix[np.diag_indices(len(train))] += alpha
    dual = roots * linalg.solve(
        matrix, roots * (target[train] - mean), assume_a="pos", check_finite=False
    )
    errors = centred(held_out) @ dual + mean - target[held_out]
    return float(weight[held_out] @ np.square(errors).sum(1))
