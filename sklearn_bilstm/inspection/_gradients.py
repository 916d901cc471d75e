"""Integrated gradients: how much of an answer comes in with each token."""

import operator
import warnings
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores, shared_among_tokens
from sklearn_bilstm.sequences import LengthBuckets, RaggedArray, SequenceDataset, pad
from sklearn_bilstm.utils._optional import import_optional

__all__ = ["integrated_gradients"]

# Points of the integral to begin with. Where scores do not add up, it is twice as many.
_FEWEST_POINTS = 32
# Scores add up if they miss by this share of what they are to sum to, or by this share
# of their own sizes, which is what rounding may come to.
_TOLERANCE, _ROUNDING = 0.01, 1e-4
_N_ROWS = 8
# Steps of sequences that are in the network at once.
_STEPS_AT_ONCE = 2**14


def integrated_gradients(
    estimator: Any, rows: SequenceDataset, output: Output, *, max_points: int
) -> list[Scores]:
    """Score tokens by the gradient along the way from no token to all of them.

    The way is a straight line. At its beginning the vectors of all tokens, the
    evidence beside them and what n-grams add to the linear path are zero, while the
    sequence is as long and the numbers beside it are there. What comes in with an
    n-gram is shared equally among its tokens.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    rows : SequenceDataset
    output : Output
    max_points : int
        Most points at which gradients are taken.

    Returns
    -------
    scores : list of Scores
        Those of a row sum to the difference of its output and its baseline.

    Warns
    -----
    ConvergenceWarning
        If with `max_points` they do not.

    References
    ----------
    Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.
    """
    way = _Way(estimator, output)
    dataset = estimator._as_dataset(rows)
    ngrams, beside = _linear_part(estimator, rows)
    found: dict[int, Scores] = {}
    for batch in LengthBuckets(rows.sequences.lengths, _N_ROWS):
        inputs, _ = dataset[batch]
        end = way.end(
            inputs,
            ngrams=pad(ngrams, batch)[0],
            beside=torch.from_numpy(beside[batch]),
            columns=torch.from_numpy(output.columns[batch]),
        )
        found.update(zip(batch.tolist(), way.scores(end, max_points), strict=True))
    _warn_of_gaps(found)
    return [found[row] for row in range(len(rows))]


def _linear_part(
    estimator: Any, rows: SequenceDataset
) -> tuple[RaggedArray, np.ndarray]:
    """Return what n-grams add to logits at each step, and what is left of a row's."""
    sequences = rows.sequences
    path = getattr(estimator, "wide_path_", None)
    if path is None:
        n_outputs = estimator.module_.head.output_size
        ngrams = np.zeros((len(sequences.values), 1, n_outputs), np.float32)
        logits = np.zeros((len(sequences), n_outputs), np.float32)
    else:
        ngrams = path.contributions(sequences, rows.static).astype(np.float32)
        logits = path.logits(sequences, rows.static).astype(np.float32)
        np.subtract.at(logits, sequences.row_of_steps, ngrams.sum(1))
    return RaggedArray(ngrams, sequences.offsets), logits


class _Point(NamedTuple):
    """A point of the way for the rows of a batch.

    Parameters
    ----------
    vectors : tensor of shape (B, T, E)
    ngrams : tensor of shape (B, T, n_lengths, K)
        What the n-grams that end at each step add to the logits of the linear path.
    mask : bool tensor of shape (B, T)
    beside : tensor of shape (B, K)
        What is left of the logits of the linear path.
    columns : tensor of shape (B,)
        Which logit is explained.
    static : tensor of shape (B, S) or None
        Numbers beside the sequences.
    """

    vectors: Tensor
    ngrams: Tensor
    mask: Tensor
    beside: Tensor
    columns: Tensor
    static: Tensor | None

    def take(self, rows: Tensor) -> "_Point":
        """Return the point for some of the rows."""
        return _Point(*(None if x is None else x[rows] for x in self))  # type: ignore[arg-type]  # only static is None

    @property
    def begin(self) -> "_Point":
        """Where the way begins that ends here."""
        zeros = {
            "vectors": torch.zeros_like(self.vectors),
            "ngrams": torch.zeros_like(self.ngrams),
        }
        return self._replace(**zeros)


class _Way:
    """The way from no token to all of them, and what is explained along it."""

    def __init__(self, estimator: Any, output: Output) -> None:
        captum = import_optional(
            "captum.attr", purpose="method='integrated_gradients'", extra="explain"
        )
        self._method = captum.IntegratedGradients(self._value)
        # a copy whose weights want no gradients
        self._module = deepcopy(estimator.module_).eval().requires_grad_(False)
        self._output = output
        self._evidence = getattr(estimator, "evidence_", None)
        self._path = getattr(estimator, "wide_path_", None)
        self._fuse = operator.add if self._path is None else estimator._fused

    def end(self, inputs: dict[str, Tensor], **more: Tensor) -> _Point:
        """Return where the way ends, from what the network reads of a batch."""
        device = next(self._module.parameters()).device
        inputs = {name: x.to(device) for name, x in {**inputs, **more}.items()}
        steps, evidence = inputs.pop("steps"), inputs.pop("evidence", None)
        layer = self._module.input_layer
        vectors = layer(steps, inputs["mask"], None, evidence)  # (B, T, E)
        return _Point(vectors, static=inputs.pop("static", None), **inputs)

    def scores(self, end: _Point, max_points: int) -> list[Scores]:
        """Return the scores of the rows of a batch."""
        with torch.no_grad():
            values = self._value(*end).double().cpu().numpy()
            baselines = self._value(*end.begin).double().cpu().numpy()
        tokens = self._integral(end, values - baselines, _FEWEST_POINTS, max_points)
        lengths = end.mask.sum(1).tolist()
        return [
            Scores(of_row[:length], value, baseline)
            for of_row, length, value, baseline in zip(
                tokens, lengths, values.tolist(), baselines.tolist(), strict=True
            )
        ]

    def _value(
        self,
        vectors: Tensor,
        ngrams: Tensor,
        mask: Tensor,
        beside: Tensor,
        columns: Tensor,
        static: Tensor | None,
    ) -> Tensor:
        logits = self._module.logits_of_vectors(vectors, mask, static)  # (B, K)
        logits = self._fuse(logits, beside + ngrams.sum((1, 2)))  # (B, K)
        return self._output(logits, columns)  # (B,)

    def _integral(
        self, end: _Point, differences: np.ndarray, n_points: int, max_points: int
    ) -> np.ndarray:
        """Return scores of shape (B, T), of more points for rows that need them."""
        n_rows, n_steps = end.mask.shape
        of_vectors, of_ngrams = self._method.attribute(
            tuple(end[:2]),
            additional_forward_args=tuple(end[2:]),
            n_steps=min(n_points, max_points),
            internal_batch_size=max(n_rows, _STEPS_AT_ONCE // n_steps),
        )
        tokens = self._of_tokens(of_vectors, of_ngrams)
        open_rows = np.flatnonzero(_gaps(tokens, differences) > 0)
        if len(open_rows) and n_points < max_points:
            rest = end.take(torch.from_numpy(open_rows).to(end.mask.device))
            tokens[open_rows] = self._integral(
                rest, differences[open_rows], 2 * n_points, max_points
            )
        return tokens

    def _of_tokens(self, of_vectors: Tensor, of_ngrams: Tensor) -> np.ndarray:
        """Sum what is of a token, and share what is of an n-gram."""
        n_shared = self._module.input_layer.n_shared
        of_vectors = of_vectors.detach().double().cpu()
        tokens = of_vectors[..., :n_shared].sum(2).numpy()  # (B, T)
        if self._evidence is not None:
            shortest, longest = self._evidence.lengths
            channels = of_vectors[..., n_shared:]
            channels = channels.unflatten(2, (longest - shortest + 1, -1))
            tokens += shared_among_tokens(channels.sum(3).numpy(), shortest)
        if self._path is not None:
            of_ngrams = of_ngrams.detach().double().cpu().sum(3)
            tokens += shared_among_tokens(of_ngrams.numpy(), self._path.ngrams[0])
        return tokens


def _gaps(tokens: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Return by how much the scores of each row, (B, T), miss what is allowed."""
    gaps = np.abs(tokens.sum(1) - differences)
    sizes = _ROUNDING * np.abs(tokens).sum(1)
    return gaps - np.maximum(_TOLERANCE * np.abs(differences), sizes)


def _warn_of_gaps(found: dict[int, Scores]) -> None:
    for row, scores in sorted(found.items()):
        difference = scores.output - (scores.baseline or 0.0)
        gap = _gaps(scores.tokens[np.newaxis], np.array([difference]))
        if gap[0] > 0:
            warnings.warn(
                f"The scores of text {row} sum to {scores.tokens.sum():.4g} and not to "
                f"{difference:.4g}, the difference that they explain: let gradients be "
                "taken at more points by the 'max_points' parameter.",
                ConvergenceWarning,
                stacklevel=2,
            )
