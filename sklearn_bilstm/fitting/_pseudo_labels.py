"""Training rows with pseudo-labels."""

from dataclasses import replace
from typing import Any, Self

import numpy as np

from sklearn_bilstm.fitting._labels import scaled_to_mean_one
from sklearn_bilstm.fitting._ngrams import NgramModels, sample_of_many
from sklearn_bilstm.fitting._row_labels import LabelTarget
from sklearn_bilstm.sequences import SequenceDataset, Sequences
from sklearn_bilstm.training import PseudoLabels, TokenVectors, TrainingRows

__all__ = ["PseudoLabelledRows"]

# Maximum number of unlabelled rows that are used. More would mainly take time.
_MOST_ROWS = 20_000
# Maximum number of logits, one per unlabelled row and class, which limits the memory.
_MOST_LOGITS = 4_000_000


class PseudoLabelledRows:
    """Unlabelled rows with pseudo-labels, if they are likely to be helpful.

    Parameters
    ----------
    train : SequenceDataset
        Labelled training rows.
    sequences : Sequences
        Sequences of these rows, followed by those of unlabelled rows.
    target : Target
        Rows are used if they have one label, and no static features.
    vectors : TokenVectors or None
        Token vectors, if they are not random.
    seed : int
        Controls the choice of rows if there are many, and the split into folds.
    """

    def __init__(
        self,
        train: SequenceDataset,
        sequences: Sequences,
        target: Any,
        vectors: TokenVectors | None,
        seed: int,
    ) -> None:
        self._train = train
        self._unlabelled = sequences.take(np.arange(len(train), len(sequences)))
        self._target = target
        self._vectors = vectors
        self._seed = seed
        self._labels: PseudoLabels | None = None

    def fit(self) -> Self:
        """Fit pseudo-labels, unless there are no rows that can have any."""
        train, target = self._train, self._target
        n_rows = len(self._unlabelled)
        if not n_rows or not isinstance(target, LabelTarget):
            return self
        if train.static is not None:
            return self
        n_most = min(_MOST_ROWS, _MOST_LOGITS // len(target.classes))
        if n_rows > n_most:
            random_state = np.random.RandomState(self._seed)
            indices = random_state.choice(n_rows, n_most, replace=False)
            self._unlabelled = self._unlabelled.take(indices)
        train = sample_of_many(train, self._seed)
        labels: Any = train.target
        n_classes = len(target.classes)
        rows = TrainingRows(
            train.sequences,
            labels,
            train.weight,
            self._unlabelled,
            n_classes=n_classes,
            vectors=self._vectors,
            seed=self._seed,
        )
        self._labels = PseudoLabels(n_classes).fit(rows)
        return self

    def fit_ngrams(self, ngrams: NgramModels, *, verbose: bool) -> SequenceDataset:
        """Fit n-gram models to these rows, and return them for the network.

        Labelled rows come first. The network needs weights with a mean of one, whereas
        the regularisation of the linear model depends on their sum.
        """
        labels, train = self._labels, self._train
        if labels is None or not labels.is_used:
            ngrams.fit(train, seed=self._seed, verbose=verbose, vectors=self._vectors)
            return train
        rows = replace(
            train,
            sequences=train.sequences.joined(self._unlabelled),
            target=np.concatenate([train.target, labels.target]),
            weight=np.concatenate([train.weight, labels.weight]),
        )
        ngrams.fit(
            rows,
            seed=self._seed,
            verbose=verbose,
            vectors=self._vectors,
            pseudo_labels=labels.target_of_folds,
        )
        return replace(rows, weight=scaled_to_mean_one(rows.weight))

    def description(self) -> dict[str, Any]:
        """Return an entry of `auto_params_`, empty without unlabelled rows."""
        labels = self._labels
        if labels is None:
            return {}
        description = {
            "used": labels.is_used,
            "accuracy": round(labels.accuracy, 3),
            "linear_accuracy": round(labels.linear_accuracy, 3),
        }
        return {"pseudo_labels": description}
