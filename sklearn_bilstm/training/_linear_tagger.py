"""Linear model of the labels of tokens, whose emissions a network adds to its own."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from sklearn_bilstm.nn import CRF, IndependentLabels
from sklearn_bilstm.sequences import (
    BucketBatchSampler,
    RaggedArray,
    SequenceDataset,
    TokenTexts,
    split_rows,
    token_features,
)
from sklearn_bilstm.training._splits import sampled_rows
from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._missing import IGNORED_LABEL
from sklearn_bilstm.utils._state import state_array
from sklearn_bilstm.utils._threads import Workers, single_threaded

__all__ = ["LinearTagger"]

# Minimum number of occurrences of a feature. Weights of those that occur once fit the
# labels of single tokens: with 300 sentences of WNUT17, F1 is 9 instead of 18.
_MIN_COUNT = 2
# AdaGrad: learning rate, which decreases linearly to zero, and initial sum of squares.
_LR, _FIRST_SQUARE = 0.5, 1e-2
# Factor of the squared norm of the weights in the loss, which is a sum over sentences.
_L2 = 0.03
# Number of passes for this many sentences altogether, within bounds.
_SENTENCES, _FEWEST_EPOCHS, _MOST_EPOCHS = 15_000, 2, 15
# Batches are smaller for few sentences, so that there are about 40 in each pass.
_BATCHES, _SMALLEST_BATCH, _LARGEST_BATCH = 40, 8, 32
# Number of folds of cross-fitted emissions.
_FOLDS = 2
# Maximum number of tokens to fit to. Their features take 0.3 GB in each thread.
_MOST_TOKENS = 2**21
# Number of tokens whose features are computed at a time in prediction.
_TOKENS_AT_ONCE = 2**16


class LinearTagger:
    """Linear model of labels on hashed features of tokens.

    It is fitted as a linear-chain conditional random field (Lafferty et al., 2001), by
    AdaGrad (Duchi et al., 2011), to the penalised log-likelihood of the labels. The
    penalty is applied to the features of each batch, in proportion to their
    occurrences.

    Parameters
    ----------
    n_labels : int
        Number of labels, K.

    Attributes
    ----------
    features : ndarray of uint64, shape (n_features,)
        Sorted hashes of the features with a weight.
    weight : tensor of shape (n_features + 1, K)
        Weights of the features, after a row of zeros for other features.
    """

    def __init__(self, n_labels: int) -> None:
        self.n_labels = n_labels
        self.features = np.zeros(0, np.uint64)
        self.weight = torch.zeros(1, n_labels)

    # -- fitting

    def fit(
        self,
        rows: SequenceDataset,
        decoder: CRF | IndependentLabels,
        seed: int,
        is_stopped: Callable[[], bool] | None = None,
    ) -> Self:
        """Fit the weights, to a sample of very many rows.

        Parameters
        ----------
        rows : SequenceDataset
            With `texts`, and weights whose mean is one.
        decoder : CRF or IndependentLabels
            Decoder of the labels with initial weights, which is not changed.
        seed : int
            Controls the order of the rows.
        is_stopped : callable or None, default=None
            Called before each batch. The fit ends early if it returns True.
        """
        rows = _sample(rows.take(_complete(rows)), seed)
        if not len(rows):
            self.features = np.zeros(0, np.uint64)
            self.weight = torch.zeros(1, self.n_labels)
            return self
        weight_rows, counts = self._select_features(rows)
        self.weight = torch.zeros(len(counts), self.n_labels)
        optimizer = _AdaGrad(self.weight, deepcopy(decoder), counts)
        batches = [*_batches(rows, seed)]
        for number, batch in enumerate(batches):
            if is_stopped is not None and is_stopped():
                break
            rate = _LR * (1 - number / len(batches))
            indices = weight_rows.take(batch).values  # (n_steps, n_features)
            optimizer.step(indices, rows.take(batch), rate, len(batches))
        return self

    def fit_transform(
        self,
        rows: SequenceDataset,
        decoder: CRF | IndependentLabels,
        seed: int,
        n_threads: int | None = None,
    ) -> RaggedArray:
        """Fit the weights, and return cross-fitted emissions of the rows.

        The emissions of a row are those of a model that is fitted to the other folds.
        The models are fitted in parallel threads.
        """
        offsets = rows.sequences.offsets
        steps = RaggedArray(np.arange(offsets[-1]), offsets)
        emissions = np.zeros((offsets[-1], self.n_labels), np.float32)
        order = np.random.default_rng([seed, _FOLDS]).permutation(len(rows))
        folds = np.array_split(order, _FOLDS)

        models = [type(self)(self.n_labels) for _ in folds]
        workers = Workers(n_threads)

        def fit(model: LinearTagger, indices: np.ndarray) -> None:
            model.fit(rows.take(indices), decoder, seed, workers.is_stopped)

        all_models = [self, *models]
        train = [np.arange(len(rows)), *(np.setdiff1d(order, fold) for fold in folds)]
        call_within(workers, lambda: workers.map(fit, all_models, train))
        for model, fold in zip(models, folds, strict=True):
            texts: Any = rows.take(fold).texts
            emissions[steps.take(fold).values] = model.emissions(texts).values
        return RaggedArray(emissions, offsets)

    def _select_features(self, rows: SequenceDataset) -> tuple[RaggedArray, np.ndarray]:
        """Select frequent features.

        Returns
        -------
        weight_rows : RaggedArray of int32, shape (n_steps, N_TOKEN_FEATURES)
            Row of each feature of each token in `weight`.
        counts : ndarray of shape (n_features + 1,)
            Number of occurrences of each feature, and 1 for the row of zeros.
        """
        texts: Any = rows.texts
        hashes = token_features(texts)
        features, counts = np.unique(hashes, return_counts=True)
        is_frequent = (counts >= _MIN_COUNT) & (features > 0)
        self.features = features[is_frequent]
        weight_rows = RaggedArray(self._weight_rows(hashes), texts.codes.offsets)
        return weight_rows, np.concatenate([[1], counts[is_frequent]])

    def _weight_rows(self, hashes: np.ndarray) -> np.ndarray:
        """Return the row of each feature in `weight`, zero for unknown ones."""
        if not len(self.features):
            return np.zeros(hashes.shape, np.int32)
        indices = np.searchsorted(self.features, hashes)
        indices[indices == len(self.features)] = 0
        is_known = self.features[indices] == hashes
        return np.where(is_known, indices + 1, 0).astype(np.int32)

    # -- prediction

    @single_threaded()
    def emissions(self, texts: TokenTexts) -> RaggedArray:
        """Return the emissions of tokens, float32 of shape (n_steps, K)."""
        offsets = texts.codes.offsets
        parts = [
            self._emissions(self._weight_rows(token_features(texts.take(rows)))).numpy()
            for rows in split_rows(offsets, len(offsets), _TOKENS_AT_ONCE)
        ]
        return RaggedArray(np.concatenate(parts), offsets)

    def _emissions(self, weight_rows: np.ndarray) -> Tensor:
        with torch.no_grad():
            return embedding_bag(torch.from_numpy(weight_rows), self.weight, mode="sum")

    # -- compression

    def of_features(self, indices: np.ndarray) -> Self:
        """Return a model with the features at sorted indices."""
        model = type(self)(self.n_labels)
        model.features = self.features[indices]
        weight = self.weight[1:][torch.from_numpy(indices)]
        model.weight = torch.cat([self.weight[:1], weight])
        return model

    def mapped(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        """Return a model with a function applied to the matrix of weights."""
        model = type(self)(self.n_labels)
        model.features = self.features
        weight = torch.from_numpy(function(self.weight[1:].numpy()))
        model.weight = torch.cat([self.weight[:1], weight])
        return model

    # -- state

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the model."""
        return {"features": self.features, "weight": self.weight[1:].numpy()}

    @classmethod
    def from_state(cls, state: dict[str, Any], n_labels: int) -> Self:
        """Restore a model.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        features = state_array(state["features"], "features", kinds="u", shape=(None,))
        if features.dtype != np.uint64 or (features[1:] <= features[:-1]).any():
            raise ValueError("The hashes of features must be sorted.")
        shape = len(features), n_labels
        weight = state_array(state["weight"], "weight", kinds="f", shape=shape)
        model = cls(n_labels)
        model.features = features
        stored_weight = torch.from_numpy(weight.astype(np.float32))
        model.weight = torch.cat([model.weight, stored_weight])
        return model


class _AdaGrad:
    """Optimizer of the weights of a :class:`LinearTagger`.

    Only the weights of the features of a batch are changed.

    Parameters
    ----------
    weight : tensor of shape (n_features + 1, K)
        Weights of the features, which are changed in place.
    decoder : CRF or IndependentLabels
        Decoder of the labels, which is changed in place.
    counts : ndarray of shape (n_features + 1,)
        Number of occurrences of each feature in all rows.
    """

    def __init__(
        self, weight: Tensor, decoder: CRF | IndependentLabels, counts: np.ndarray
    ) -> None:
        self.weight = weight
        self.decoder = decoder
        self.penalties = torch.from_numpy((2 * _L2 / counts).astype(np.float32))
        self.transitions = list(decoder.parameters())
        # reused by each call of `_distinct`
        self._is_used = np.zeros(len(weight), bool)
        self._index = np.zeros(len(weight), np.int64)
        self.squares, *self.transition_squares = (
            torch.full_like(x, _FIRST_SQUARE, requires_grad=False)
            for x in (weight, *self.transitions)
        )

    def step(
        self,
        weight_rows: np.ndarray,
        rows: SequenceDataset,
        rate: float,
        n_batches: int,
    ) -> None:
        """Update the weights by the gradient of a batch.

        Parameters
        ----------
        weight_rows : ndarray of shape (n_steps, n_features_of_token)
            Row of each feature of each token in the weights.
        rows : SequenceDataset
            The rows of the batch.
        rate : float
            Learning rate.
        n_batches : int
            Number of batches of the training, over which the penalty is distributed.
        """
        distinct, inverse = self._distinct(weight_rows)
        used, bags = torch.from_numpy(distinct), torch.from_numpy(inverse)
        weight = self.weight[used].requires_grad_()  # (n_used, K)
        emissions = embedding_bag(bags, weight, mode="sum")  # (n_steps, K)
        loss = -_log_likelihood(emissions, self.decoder, rows)
        gradient, *transition_gradients = torch.autograd.grad(
            loss, [weight, *self.transitions]
        )
        with torch.no_grad():
            n_times = torch.bincount(bags.flatten(), minlength=len(used))  # (n_used,)
            gradient += (n_times * self.penalties[used])[:, None] * weight
            squares = self.squares[used] + gradient.square()  # (n_used, K)
            self.squares[used] = squares
            self.weight[used] = weight - rate * gradient / squares.sqrt()
            self.weight[0] = 0.0
            for transitions, gradient, squares in zip(
                self.transitions,
                transition_gradients,
                self.transition_squares,
                strict=True,
            ):
                gradient = gradient + 2 * _L2 / n_batches * transitions
                squares += gradient.square()
                transitions.sub_(rate * gradient / squares.sqrt())

    def _distinct(self, weight_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return distinct rows and their inverse indices, as `numpy.unique` does."""
        self._is_used[weight_rows] = True  # takes less time than sorting
        distinct = np.flatnonzero(self._is_used)
        self._is_used[distinct] = False
        self._index[distinct] = np.arange(len(distinct))
        return distinct, self._index[weight_rows]


def _log_likelihood(
    emissions: Tensor, decoder: CRF | IndependentLabels, rows: SequenceDataset
) -> Tensor:
    """Return the weighted log-likelihood of the labels of rows.

    Parameters
    ----------
    emissions : tensor of shape (n_steps, K)
        Emissions of all steps.
    decoder : CRF or IndependentLabels
    rows : SequenceDataset
    """
    labels = rows[np.arange(len(rows))][1]["target"]  # (B, T)
    mask = labels >= 0  # (B, T)
    padded = emissions.new_zeros(*labels.shape, emissions.shape[1])  # (B, T, K)
    padded = padded.masked_scatter(mask[..., None], emissions)  # (B, T, K)
    log_likelihoods = decoder(padded, labels.clamp(min=0), mask)  # (B,)
    return log_likelihoods @ torch.from_numpy(rows.weight).to(log_likelihoods)


def _batches(rows: SequenceDataset, seed: int) -> Iterator[np.ndarray]:
    """Yield the rows of all batches of the training."""
    n_rows = len(rows)
    if not n_rows:
        return
    size = int(np.clip(n_rows // _BATCHES, _SMALLEST_BATCH, _LARGEST_BATCH))
    n_epochs = int(np.clip(_SENTENCES // n_rows, _FEWEST_EPOCHS, _MOST_EPOCHS))
    for epoch in range(n_epochs):
        yield from BucketBatchSampler(rows.sequences.lengths, size, [seed, epoch])


def _complete(rows: SequenceDataset) -> np.ndarray:
    """Return the rows with tokens, and with a label for each of them."""
    target: Any = rows.target
    missing = target.row_of_steps[target.values == IGNORED_LABEL]
    n_missing = np.bincount(missing, minlength=len(rows))
    return np.flatnonzero((rows.sequences.lengths > 0) & (n_missing == 0))


def _sample(rows: SequenceDataset, seed: int) -> SequenceDataset:
    """Return rows with at most the maximum number of tokens, if they are not long."""
    n_tokens = int(rows.sequences.lengths.sum())
    if n_tokens <= _MOST_TOKENS:
        return rows
    n_rows = max(1, len(rows) * _MOST_TOKENS // n_tokens)
    return rows.take(sampled_rows(len(rows), n_rows, seed))
