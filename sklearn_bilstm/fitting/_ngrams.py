"""The n-gram models of a classifier, and their combination with the network."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.sequences import LONGEST_NGRAM, SequenceDataset
from sklearn_bilstm.training import (
    ClassLogOdds,
    LinearModel,
    SequenceNet,
    TokenVectors,
    sampled_rows,
)
from sklearn_bilstm.utils._state import state_number

__all__ = ["NgramModels", "logits_of_sample", "sample_of_many"]

# Maximum numbers of labelled rows and of their tokens to which the models are fitted.
# They take about 4 GB for a million rows of 15 tokens. More rows add little but rare
# n-grams.
_MOST_ROWS, _MOST_STEPS = 1_000_000, 2**27

# Number of training rows from which the size of the network's logits is estimated.
_ROWS_FOR_SCALE = 2000

# Maximum factor of the network's logits, for a network that has learnt little.
_LARGEST_SCALE = 2.0

# linear_ngram_range="auto" includes trigrams from this many training rows per class on.
# With fewer rows, they are as often harmful as helpful.
_TRIGRAM_ROWS_A_CLASS = 1000

# Maximum number of log-odds channels. More would be far wider than the token vectors.
_MOST_CHANNELS = 200


class NgramModels(AuxiliaryModels):
    """Class log-odds features for the network, and a linear model next to it.

    Numeric input, regressors and taggers have neither.

    Parameters
    ----------
    log_odds : ClassLogOdds or None, default=None
        Class log-odds of n-grams, appended to the token vectors.
    linear : LinearModel or None, default=None
        Linear model whose logits are averaged with those of the network.
    shares_vocabulary : bool, default=False
        Whether both have the same n-gram vocabulary, which then is one object.
    log_odds_are_pretrained : bool, default=False
        Whether the log-odds are those of a pretrained classifier, which are kept.
    network_scale : float, default=1.0
        Factor of the logits of the network before they are averaged.
    """

    def __init__(
        self,
        log_odds: ClassLogOdds | None = None,
        linear: LinearModel | None = None,
        *,
        shares_vocabulary: bool = False,
        log_odds_are_pretrained: bool = False,
        network_scale: float = 1.0,
    ) -> None:
        self.log_odds = log_odds
        self.linear = linear
        self.shares_vocabulary = shares_vocabulary
        self.log_odds_are_pretrained = log_odds_are_pretrained
        self.network_scale = network_scale

    # -- fitting

    @classmethod
    def unfitted(
        cls,
        config: Config,
        target: Any,
        n_rows: int,
        pretrained: ClassLogOdds | None = None,
    ) -> Self:
        """Return the unfitted models that the parameters describe.

        Parameters
        ----------
        config : Config
        target : LabelTarget or IndicatorTarget
        n_rows : int
            Number of training rows.
        pretrained : ClassLogOdds or None, default=None
            Log-odds of a pretrained classifier, which are kept.

        Raises
        ------
        ValueError
            If an n-gram range is invalid.
        """
        return cls(
            cls.unfitted_log_odds(config, target, pretrained),
            _unfitted_linear(config, target, n_rows),
            log_odds_are_pretrained=pretrained is not None,
        )

    @staticmethod
    def unfitted_log_odds(
        config: Config, target: Any, pretrained: ClassLogOdds | None = None
    ) -> ClassLogOdds | None:
        """Return unfitted log-odds, or those of a pretrained classifier."""
        if config.log_odds_ngram_range is None:
            return None
        if pretrained is not None:
            return pretrained
        lengths = _checked_range(config, "log_odds_ngram_range")
        log_odds = ClassLogOdds(lengths, target.n_classes, multilabel=target.multilabel)
        return log_odds if log_odds.n_channels <= _MOST_CHANNELS else None

    def fit(
        self,
        train: SequenceDataset,
        *,
        seed: int,
        verbose: bool,
        vectors: TokenVectors | None = None,
        pseudo_labels: np.ndarray | None = None,
    ) -> None:
        """Fit the linear model, then the log-odds unless they are pretrained.

        A linear model that does not predict held-out rows better than the class
        frequencies do is dropped. `vectors` are those of tokens, if they are not
        random, and `pseudo_labels` those of the last rows in each fold. If there are
        very many labelled rows, the models are fitted to a random sample.
        """
        n_pseudo = 0 if pseudo_labels is None else pseudo_labels.shape[1]
        train = sample_of_many(train, seed, n_kept=n_pseudo)
        if self.linear is not None:
            target: Any = train.target
            rows = train.sequences, target, train.weight, seed, train.static
            self.linear.fit(
                *rows, vectors=vectors, verbose=verbose, pseudo_labels=pseudo_labels
            )
            if not self.linear.size_:
                self.linear = None
        self.fit_log_odds(train)

    def fit_log_odds(self, train: SequenceDataset) -> None:
        """Fit the log-odds, with the vocabulary of a linear model of the same range."""
        if self.log_odds is None or self.log_odds_are_pretrained:
            return
        linear, vocabulary = self.linear, None
        if linear is not None and linear.ngrams == self.log_odds.lengths:
            vocabulary = linear.ngram_model.vocabulary
        self.shares_vocabulary = vocabulary is not None
        target: Any = train.target
        self.log_odds.fit(train.sequences, target, train.weight, vocabulary)

    def fit_scale(self, net: SequenceNet, train: SequenceDataset) -> None:
        """Scale the logits of the network to the RMS of the linear logits.

        Linear logits are those of held-out rows, and network logits those of training
        rows. An overfitted network has large training logits, so it gets a small scale.
        """
        self.network_scale = 1.0
        if self.linear is not None:
            self.set_scale(logits_of_sample(net, train))

    def set_scale(self, logits: np.ndarray) -> None:
        """Scale the logits of the network, given those of training rows."""
        self.network_scale = 1.0
        if self.linear is None:
            return
        self.network_scale = _LARGEST_SCALE
        if not self.linear.multilabel:
            logits = logits - logits.mean(1, keepdims=True)
        size = np.sqrt(np.square(logits).mean())
        if size > 0:
            self.network_scale = min(self.linear.size_ / float(size), _LARGEST_SCALE)

    # -- features and logits

    def with_training_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return training rows with their cross-fitted log-odds."""
        if self.log_odds is None:
            return rows
        features = self.log_odds.transform_training_rows(rows.sequences)
        return replace(rows, log_odds=features)

    def with_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return new rows with their log-odds."""
        if self.log_odds is None:
            return rows
        return replace(rows, log_odds=self.log_odds.transform(rows.sequences))

    def combine(self, network_logits: Any, linear_logits: Any) -> Any:
        """Return the mean of both logits, divided by the temperature."""
        mean = (self.network_scale * network_logits + linear_logits) / 2
        return mean / self.linear.temperature_

    def logits(self, net: SequenceNet, rows: SequenceDataset) -> np.ndarray:
        """Return the logits of rows, including those of the linear model if any."""
        return self.combined_logits(net.logits(rows), rows)

    def combined_logits(
        self,
        network_logits: np.ndarray,
        rows: SequenceDataset,
        n_threads: int | None = None,
        columns: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the logits of rows, given those of the network.

        Parameters
        ----------
        network_logits : ndarray of shape (n, K)
        rows : SequenceDataset
        n_threads : int or None, default=None
            Ignored.
        columns : ndarray of int, shape (n_lengths, n_steps), default=None
            Result of `at_steps` of the vocabulary of the linear model for these rows.
        """
        if self.linear is None:
            return network_logits
        if self.shares_vocabulary:
            features: Any = rows.log_odds
            columns = features.columns.values.T
        linear_logits = self.linear.logits(rows.sequences, rows.static, columns)
        return self.combine(network_logits, linear_logits)

    # -- attributes and state

    def auto_params(self) -> dict[str, Any]:
        """Return the range of n-grams of the linear model."""
        return {"linear_ngram_range": self.linear and self.linear.ngrams}

    def attributes(self) -> dict[str, Any]:
        """Return the public attributes of a classifier that describe the models."""
        return {
            "linear_model_": self.linear,
            "network_scale_": self.network_scale,
        }

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the models."""
        log_odds, linear = self.log_odds, self.linear
        return {
            "log_odds": log_odds and log_odds.state(),
            "linear": linear and linear.state(),
            "shares_vocabulary": self.shares_vocabulary,
            "log_odds_are_pretrained": self.log_odds_are_pretrained,
            "network_scale": self.network_scale,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], n_classes: int) -> Self:
        """Restore the models.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        log_odds, linear = state["log_odds"], state["linear"]
        models = cls(
            log_odds and ClassLogOdds.from_state(log_odds),
            linear and LinearModel.from_state(linear),
            shares_vocabulary=bool(state["shares_vocabulary"]),
            # older files do not contain it
            log_odds_are_pretrained=bool(state.get("log_odds_are_pretrained", False)),
            network_scale=state_number(
                state["network_scale"], "network_scale", is_positive=False
            ),
        )
        if models.linear is not None and models.linear.n_classes != n_classes:
            raise ValueError("The linear model must have the classes of the estimator.")
        if models.shares_vocabulary:
            if models.log_odds is None or models.linear is None:
                raise ValueError("A vocabulary must be shared by two models.")
            models.log_odds.vocabulary = models.linear.ngram_model.vocabulary
        return models


def sample_of_many(
    train: SequenceDataset, seed: int, *, n_kept: int = 0
) -> SequenceDataset:
    """Return the rows to which n-gram models are fitted, a sample if they are many.

    Parameters
    ----------
    train : SequenceDataset
    seed : int
    n_kept : int, default=0
        Number of the last rows, which are kept.
    """
    n_rows = len(train) - n_kept
    n_steps = int(train.sequences.offsets[n_rows])
    most_rows = min(_MOST_ROWS, n_rows * _MOST_STEPS // max(n_steps, _MOST_STEPS))
    if n_rows <= most_rows:
        return train
    rows = sampled_rows(n_rows, max(most_rows, 1), seed)
    return train.take(np.concatenate([rows, np.arange(n_rows, len(train))]))


def logits_of_sample(net: SequenceNet, train: SequenceDataset) -> np.ndarray:
    """Return the network logits of random training rows."""
    random_state = np.random.RandomState(net.seed)
    n_rows = min(len(train), _ROWS_FOR_SCALE)
    rows = random_state.choice(len(train), n_rows, replace=False)
    return net.logits(train.take(rows))


def _unfitted_linear(config: Config, target: Any, n_rows: int) -> LinearModel | None:
    if config.linear_ngram_range is None:
        return None
    n_classes = len(target.classes)
    if config.linear_ngram_range == "auto":
        enough = n_rows >= _TRIGRAM_ROWS_A_CLASS * n_classes
        ngrams = (1, 3) if enough else (1, 2)
    else:
        ngrams = _checked_range(config, "linear_ngram_range")
    return LinearModel(ngrams, n_classes, multilabel=target.multilabel)


def _checked_range(config: Config, name: str) -> tuple[int, int]:
    """Return an n-gram range as a tuple of ints."""
    lengths: Sequence[int] = getattr(config, name)
    whole = all(
        isinstance(length, Integral) and not isinstance(length, bool)
        for length in lengths
    )
    longest = LONGEST_NGRAM
    if len(lengths) != 2 or not whole or not 1 <= lengths[0] <= lengths[1] <= longest:
        alternatives = "None, 'auto'" if name == "linear_ngram_range" else "None"
        raise ValueError(
            f"The {name!r} parameter of {config.estimator} must be {alternatives} or "
            "a tuple (shortest, longest) of ints with 1 <= shortest <= longest <= "
            f"{longest}. Got {lengths!r} instead."
        )
    return int(lengths[0]), int(lengths[1])
