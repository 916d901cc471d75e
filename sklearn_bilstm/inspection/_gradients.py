"""Integrated gradients: how much of an answer comes in with each token."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.inspection._way import N_POINTS, Way
from sklearn_bilstm.sequences import SequenceDataset

__all__ = ["integrated_gradients"]

# Scores may miss what they are to sum to by this share of it, or by this share of their
# own sizes, which is what rounding may come to.
_TOLERANCE, _ROUNDING = 0.01, 1e-5
# Where the output does not rise by what gradients say in as short a stretch, it jumps.
_THINNEST = 2.0**-10


def integrated_gradients(
    estimator: Any, rows: SequenceDataset, output: Output, *, max_points: int
) -> list[Scores]:
    """Score tokens by the gradient along the way from no token to all of them.

    A network that reads a long text may change its mind within a millionth of the way.
    So the way is halved wherever the integral along a stretch is not what the output
    rises by there. A jump is narrowed down to a thousandth of the way, and shared out
    as the gradients are right beside it: the nearer a jump, the more all of them point
    across it.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    rows : SequenceDataset
    output : Output
    max_points : int
        A row at so many points of whose way gradients were taken is left as it is.

    Returns
    -------
    scores : list of Scores
        Those of a row sum to the difference of its output and its baseline.

    Warns
    -----
    ConvergenceWarning
        If they do not.

    References
    ----------
    Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.
    """
    way = Way(estimator, rows, output)
    whole = stretches = _Stretches.whole(way)
    totals = _Totals(way.lengths, max_points)
    while len(stretches.rows):
        parts = way.integrals(stretches.rows, stretches.starts, stretches.ends)
        if stretches is whole:
            totals.allow(whole, parts)
        done = totals.add(stretches, parts)
        stretches = stretches.take(~done).halved(way)
    totals.warn_of_gaps(whole)
    ends = zip(whole.first.tolist(), whole.last.tolist(), strict=True)
    return [
        Scores(tokens, output=last, baseline=first)
        for tokens, (first, last) in zip(totals.tokens, ends, strict=True)
    ]


class _Totals:
    """What stretches add up to, and how far they may be out.

    Parameters
    ----------
    lengths : ndarray of int, shape (n_rows,)
        Number of tokens of each row.
    max_points : int
        As for :func:`integrated_gradients`.
    """

    def __init__(self, lengths: np.ndarray, max_points: int) -> None:
        self.tokens = [np.zeros(length) for length in lengths]
        self.n_points = np.zeros(len(lengths))
        self.max_points = max_points

    def allow(self, whole: "_Stretches", parts: list[np.ndarray]) -> None:
        """Say how far out they may be, after a first look at whole ways."""
        sizes = np.array([np.abs(part).sum() for part in parts])
        self.allowed = np.maximum(_TOLERANCE * np.abs(whole.rises), _ROUNDING * sizes)
        self.left = self.allowed.copy()

    def add(self, stretches: "_Stretches", parts: list[np.ndarray]) -> np.ndarray:
        """Add the stretches that need not be halved, and return which these are."""
        rows = stretches.rows
        sums = np.array([part.sum() for part in parts])
        gaps = np.abs(sums - stretches.rises)
        n_open = np.bincount(rows, minlength=len(self.tokens))
        self.n_points += N_POINTS * n_open
        fits = gaps <= self.left[rows] / n_open[rows]
        is_thin = stretches.ends - stretches.starts <= _THINNEST
        done = fits | is_thin | (self.n_points[rows] >= self.max_points)
        # gradients that point down where the output jumps up know nothing of the jump
        jumps = ~fits & is_thin & (stretches.rises * sums > 0)
        scales = np.divide(stretches.rises, sums, out=np.ones(len(rows)), where=jumps)
        for index in np.flatnonzero(done):
            self.tokens[rows[index]] += scales[index] * parts[index]
        np.subtract.at(self.left, rows[fits], gaps[fits])
        return done

    def warn_of_gaps(self, whole: "_Stretches") -> None:
        """Warn of rows that are farther out."""
        sums = np.array([tokens.sum() for tokens in self.tokens])
        out = np.flatnonzero(np.abs(sums - whole.rises) > self.allowed)
        if len(out):
            warnings.warn(
                f"The scores of {len(out)} of {len(sums)} texts, such as of that at "
                f"{out[0]}, do not sum to the difference that they explain: let "
                "gradients be taken at more points by the 'max_points' parameter.",
                ConvergenceWarning,
                stacklevel=5,  # where a user calls `explain`
            )


@dataclass(frozen=True)
class _Stretches:
    """Stretches of the ways of rows.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
    starts, ends : ndarray of shape (n,)
        From 0 to 1.
    first, last : ndarray of shape (n,)
        The output at the start and at the end.
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def whole(cls, way: Way) -> "_Stretches":
        """Return a stretch for the whole way of each row."""
        rows = np.arange(len(way.lengths))
        starts, ends = np.zeros(len(rows)), np.ones(len(rows))
        values = way.values(rows, starts), way.values(rows, ends)
        return cls(rows, starts, ends, *values)

    @property
    def rises(self) -> np.ndarray:
        """What the output rises by."""
        return self.last - self.first

    def take(self, which: np.ndarray) -> "_Stretches":
        """Return some of the stretches."""
        return _Stretches(*(values[which] for values in vars(self).values()))

    def halved(self, way: Way) -> "_Stretches":
        """Return both halves of each stretch."""
        middles = (self.starts + self.ends) / 2
        values = way.values(self.rows, middles)
        return _Stretches(
            np.concatenate([self.rows, self.rows]),
            np.concatenate([self.starts, middles]),
            np.concatenate([middles, self.ends]),
            np.concatenate([self.first, values]),
            np.concatenate([values, self.last]),
        )
