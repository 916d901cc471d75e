"""Integration path from zero vectors to the tokens and static features of a text."""

import operator
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import shared_among_tokens
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset, pad
from sklearn_bilstm.utils._optional import import_optional

__all__ = ["N_POINTS", "IntegrationPath"]

# Points per segment at which gradients are evaluated.
N_POINTS = 16
# Maximum number of time steps per batch.
_STEPS_AT_ONCE = 2**14
# Number of values of a point that change along the path.
_N_CHANGING = 4


class _Point(NamedTuple):
    """A point on the paths of several rows.

    The first four values change along the path.

    Parameters
    ----------
    vectors : tensor of shape (B, T, E)
    ngrams : tensor of shape (B, T, n_lengths, K)
        Contribution of the n-grams that end at each step to the logits of the linear
        model.
    static : tensor of shape (B, S)
        Static features.
    static_logits : tensor of shape (B, S, K)
        Contribution of each static feature to the logits of the linear model.
    mask : bool tensor of shape (B, T)
    other_logits : tensor of shape (B, K)
        Remaining part of the logits of the linear model.
    columns : tensor of shape (B,)
        Index of the explained output.
    """

    vectors: Tensor
    ngrams: Tensor
    static: Tensor
    static_logits: Tensor
    mask: Tensor
    other_logits: Tensor
    columns: Tensor

    @property
    def changing(self) -> tuple[Tensor, ...]:
        """The values that change along the path."""
        return tuple(self[:_N_CHANGING])

    @property
    def constant(self) -> tuple[Tensor, ...]:
        """The values that are constant along the path."""
        return tuple(self[_N_CHANGING:])

    def at(self, positions: np.ndarray) -> "_Point":
        """Return the points at the given fractions of the paths that end here."""
        share = torch.from_numpy(positions).to(self.vectors)  # (B,)
        scaled = [x * share.view(-1, *[1] * (x.ndim - 1)) for x in self.changing]
        return _Point(*scaled, *self.constant)


class IntegrationPath:
    """Straight integration paths from 0 to 1, one per row of token ids.

    At 0, the token vectors, their class log-odds features, the contributions of n-grams
    to the linear model and the standardised static features are zero; at 1, they have
    their actual values. The length of the sequence is constant along the path.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    rows : SequenceDataset
    output : Output
        The explained output of each row.
    """

    def __init__(self, estimator: Any, rows: SequenceDataset, output: Output) -> None:
        captum = import_optional(
            "captum.attr", purpose="method='integrated_gradients'", extra="explain"
        )
        self._gradients = captum.IntegratedGradients(self._value)
        # a copy whose weights require no gradients; `to` makes them contiguous for
        # cuDNN
        self._module = deepcopy(estimator.module_).eval().requires_grad_(False)
        self._device = next(self._module.parameters()).device
        self._module.to(self._device)
        self._log_odds = getattr(estimator, "log_odds_", None)
        self._linear_model = getattr(estimator, "linear_model_", None)
        self._combine_logits: Callable = (
            operator.add
            if self._linear_model is None
            else estimator.model_.auxiliary_models.combine
        )
        self._output = output
        self._dataset = estimator.model_.with_features(rows)
        sequences, static = self._dataset.sequences, self._dataset.static
        self._static = np.zeros((len(sequences), 0)) if static is None else static
        self._ngrams, self._static_logits, self._other_logits = self._linear_part()

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each row."""
        return self._dataset.sequences.lengths

    @property
    def n_static(self) -> int:
        """Number of static features."""
        return self._static.shape[1]

    @torch.no_grad()
    def values(self, rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Return the outputs at the given fractions of the paths of some rows."""
        values = np.zeros(len(rows))
        for batch in self._batches(rows, n_points=1):
            point = self._ends(rows[batch]).at(positions[batch])
            values[batch] = self._value(*point).cpu().numpy()
        return values

    def integrals(
        self, rows: np.ndarray, starts: np.ndarray, ends: np.ndarray
    ) -> list[np.ndarray]:
        """Integrate gradients over a segment of the path of each given row.

        Returns
        -------
        scores : list of ndarray of shape (n_tokens + S,)
            Contributions of the tokens of each row within the segment, followed by
            those of its static features.
        """
        scores = [np.zeros(0)] * len(rows)
        for batch in self._batches(rows, N_POINTS):
            end = self._ends(rows[batch])
            attributions = self._gradients.attribute(
                end.at(ends[batch]).changing,
                end.at(starts[batch]).changing,
                additional_forward_args=end.constant,
                n_steps=N_POINTS,
            )
            attributions = [x.detach().cpu().double() for x in attributions]
            token_scores = self._token_scores(*attributions[:2])
            static_scores = (attributions[2] + attributions[3].sum(2)).numpy()  # (B, S)
            for index, token, static in zip(
                batch, token_scores, static_scores, strict=True
            ):
                length = self.lengths[rows[index]]
                scores[index] = np.concatenate([token[:length], static])
        return scores

    def _value(
        self,
        vectors: Tensor,
        ngrams: Tensor,
        static: Tensor,
        static_logits: Tensor,
        mask: Tensor,
        other_logits: Tensor,
        columns: Tensor,
    ) -> Tensor:
        """Return the output at a point, of shape (B,)."""
        logits = self._module.logits_of_vectors(vectors, mask, static)  # (B, K)
        linear = other_logits + ngrams.sum((1, 2)) + static_logits.sum(1)  # (B, K)
        logits = self._combine_logits(logits, linear)  # (B, K)
        return self._output(logits, columns)  # (B,)

    def _batches(self, rows: np.ndarray, n_points: int) -> Iterator[np.ndarray]:
        """Yield indices into `rows` of rows of similar length, the longest first."""
        lengths = self.lengths[rows]
        order = np.argsort(-lengths, kind="stable")
        while len(order):
            n_rows = _STEPS_AT_ONCE // (n_points * max(1, lengths[order[0]]))
            batch, order = np.split(order, [max(1, n_rows)])
            yield batch

    def _ends(self, rows: np.ndarray) -> _Point:
        """Return the end points of the paths of some rows."""
        inputs = {
            **self._dataset[rows][0],
            "ngrams": pad(self._ngrams, rows)[0],
            "static": torch.from_numpy(self._static[rows]).float(),
            "static_logits": torch.from_numpy(self._static_logits[rows]),
            "other_logits": torch.from_numpy(self._other_logits[rows]),
            "columns": torch.from_numpy(self._output.columns[rows]),
        }
        inputs = {name: x.to(self._device) for name, x in inputs.items()}
        steps, log_odds = inputs.pop("steps"), inputs.pop("log_odds", None)
        layer = self._module.input_layer
        vectors = layer(steps, inputs["mask"], None, log_odds)  # (B, T, E)
        return _Point(vectors, **inputs)

    def _linear_part(self) -> tuple[RaggedArray, np.ndarray, np.ndarray]:
        """Return the logits of n-grams and static features, and the remaining part."""
        sequences, static = self._dataset.sequences, self._dataset.static
        n_outputs = self._module.head.output_size
        static_logits = np.zeros((*self._static.shape, n_outputs))
        if self._linear_model is None:
            ngrams = np.zeros((len(sequences.values), 1, n_outputs))
            logits = np.zeros((len(sequences), n_outputs))
        else:
            ngrams = self._linear_model.contributions(sequences, static)
            if static is not None:
                static_logits = self._linear_model.static_contributions(
                    sequences, static
                )
            logits = self._linear_model.logits(sequences, static) - static_logits.sum(1)
            np.subtract.at(logits, sequences.row_of_steps, ngrams.sum(1))
        ragged = RaggedArray(ngrams.astype(np.float32), sequences.offsets)
        return ragged, static_logits.astype(np.float32), logits.astype(np.float32)

    def _token_scores(self, vector_scores: Tensor, ngram_scores: Tensor) -> np.ndarray:
        """Add the scores of tokens and of their share of n-grams, to shape (B, T)."""
        n_shared = self._module.input_layer.n_shared
        tokens = vector_scores[..., :n_shared].sum(2).numpy()
        if self._log_odds is not None:
            shortest, longest = self._log_odds.lengths
            channels = vector_scores[..., n_shared:]
            channels = channels.unflatten(2, (longest - shortest + 1, -1))
            tokens += shared_among_tokens(channels.sum(3).numpy(), shortest)
        if self._linear_model is not None:
            tokens += shared_among_tokens(ngram_scores.sum(3).numpy(), shortest=1)
        return tokens
