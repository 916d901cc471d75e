"""The linear model of numeric sequences, and its combination with the network."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from scipy.optimize import minimize, minimize_scalar

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.training import (
    SequenceNet,
    SeriesModel,
    contiguous_folds,
    exceeds_error,
    sampled_rows,
)
from sklearn_bilstm.utils._state import state_number

__all__ = [
    "FEWEST_HELD_OUT_ROWS",
    "HeldOutRows",
    "OutOfFoldLogits",
    "SeriesModels",
    "latest_rows",
]

# linear_kernels="auto": number of features for at most this many rows, and for more.
# The time is cubic in the number of rows, or of features if these are fewer.
_MANY_ROWS = 2000
_AUTO_FEATURES, _AUTO_FEATURES_OF_MANY_ROWS = 9996, 2016
# Maximum number of rows to which the linear model is fitted, which limits the memory.
_MOST_ROWS = 50_000

# Held-out rows for the weights of both models: a fifth of the rows up to this number.
_N_FOLDS, _MOST_HELD_OUT_ROWS = 5, 200
# Minimum number of held-out rows. Fewer cannot show that the network is helpful.
FEWEST_HELD_OUT_ROWS = 8
# Number of standard errors by which the network must decrease their loss.
_N_ERRORS = 2.0
# Maximum factor of linear logits without the network, with which it is compared.
_LARGEST_FACTOR = 10.0


class HeldOutRows(NamedTuple):
    """Rows that neither the network nor the linear model is fitted to.

    Parameters
    ----------
    rows : SequenceDataset
    linear_logits : ndarray of shape (n, K)
        Logits by linear models fitted without the row.
    """

    rows: SequenceDataset
    linear_logits: np.ndarray


class OutOfFoldLogits(NamedTuple):
    """Logits of training rows, by models fitted without them.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Indices of the rows.
    logits : ndarray of shape (n, K)
    """

    rows: np.ndarray
    logits: np.ndarray


class SeriesModels(AuxiliaryModels):
    """A linear model of numeric sequences, and its weight and that of the network.

    Both models are fitted separately. Their logits are added with weights that are
    fitted to held-out rows (Wolpert, 1992).

    Parameters
    ----------
    linear : SeriesModel or None, default=None
        Linear model of numeric sequences.
    linear_scale : float, default=0.0
        Factor of the logits of the linear model, from 0 to 1.
    network_scale : float, default=1.0
        Factor of the logits of the network, from 0 to 1. It is zero if the network does
        not improve the predictions for held-out rows.
    """

    def __init__(
        self,
        linear: SeriesModel | None = None,
        *,
        linear_scale: float = 0.0,
        network_scale: float = 1.0,
    ) -> None:
        self.linear = linear
        self.linear_scale = linear_scale
        self.network_scale = network_scale
        self._out_of_fold: OutOfFoldLogits | None = None
        self._keeps_scale = False

    @property
    def uses_network(self) -> bool:
        """Whether predictions depend on the network."""
        return self.network_scale > 0

    # -- fitting

    @classmethod
    def unfitted(
        cls, config: Config, target: Any, n_rows: int, previous: Any = None
    ) -> Self:
        """Return the unfitted model that the parameters describe.

        Parameters
        ----------
        config : Config
        target : LabelTarget, IndicatorTarget or NumberTarget
        n_rows : int
            Number of training rows.
        previous : SeriesModels or None, default=None
            With a warm start, models whose scales are kept: the network is likely to
            have been fitted to the rows that would be held out.
        """
        if config.linear_kernels is None or target.linear_kind is None:
            return cls()
        n_features = config.linear_kernels
        if not isinstance(n_features, int):
            is_many = n_rows > _MANY_ROWS
            n_features = _AUTO_FEATURES_OF_MANY_ROWS if is_many else _AUTO_FEATURES
        quantile = {"absolute_error": 0.5, "quantile": config.quantile}.get(config.loss)
        models = cls(
            SeriesModel(n_features, target.n_outputs, target.linear_kind, quantile)
        )
        if previous is not None and previous.linear is not None:
            models.linear_scale = previous.linear_scale
            models.network_scale = previous.network_scale
            models._keeps_scale = True
        return models

    def fit(self, train: SequenceDataset, *, seed: int, n_threads: int | None) -> None:
        """Fit the linear model.

        That of classes is dropped if it does not predict held-out rows better than the
        class frequencies do.
        """
        if self.linear is None:
            return
        sampled = sampled_rows(len(train), _MOST_ROWS, seed)
        rows = train.take(sampled)
        sequences: Any = rows.sequences
        target: Any = rows.target
        logits = self.linear.fit(
            sequences, target, rows.weight, seed, rows.static, n_threads
        )
        if logits is None:
            self.linear, self.linear_scale, self.network_scale = None, 0.0, 1.0
        else:
            self._out_of_fold = OutOfFoldLogits(sampled, logits)

    def hold_out_rows(
        self,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        n_threads: int | None = None,
    ) -> tuple[SequenceDataset, HeldOutRows | None]:
        """Split rows into training rows of the network and those of `fit_scale`.

        The latter are the validation rows if there are any, else training rows that are
        held out. Rows next to each other are in the same part, since they can overlap.
        """
        out_of_fold = self.take_out_of_fold_logits()
        if out_of_fold is None:
            return train, None
        if valid is not None:
            return train, self.of_validation_rows(valid, n_threads)
        target: Any = train.target
        latest = latest_rows(target[out_of_fold.rows])
        if len(latest) < FEWEST_HELD_OUT_ROWS:
            return train, None
        held_out = out_of_fold.rows[latest]
        not_held_out = np.setdiff1d(np.arange(len(train)), held_out)
        return train.take(not_held_out), HeldOutRows(
            train.take(held_out), out_of_fold.logits[latest]
        )

    def take_out_of_fold_logits(self) -> OutOfFoldLogits | None:
        """Return the out-of-fold logits of the linear model, and forget them.

        None if the factors of both models need no rows.
        """
        out_of_fold, self._out_of_fold = self._out_of_fold, None
        return None if self.linear is None or self._keeps_scale else out_of_fold

    def of_validation_rows(
        self, valid: SequenceDataset, n_threads: int | None
    ) -> HeldOutRows:
        """Return validation rows with their linear logits."""
        linear: Any = self.linear
        logits = linear.logits(valid.sequences, valid.static, n_threads)
        return HeldOutRows(valid, logits)

    def fit_scale(self, net: SequenceNet, held_out: HeldOutRows | None) -> None:
        """Fit the factors of both models to rows that they were not fitted to.

        Parameters
        ----------
        net : SequenceNet
        held_out : HeldOutRows or None
        """
        logits = None if held_out is None else net.logits(held_out.rows)
        self.set_scale(logits, held_out, net.criterion_)

    def set_scale(
        self,
        network_logits: Any,
        held_out: HeldOutRows | None,
        criterion: Any,
    ) -> None:
        """Fit the factors, given the network logits of held-out rows.

        The network is not used if this does not decrease the loss by more than two
        standard errors. The loss of the linear model alone is that with the best
        factor. Otherwise, a network would seem to be helpful that is only more
        confident.
        """
        if self._keeps_scale:
            return
        self.linear_scale, self.network_scale = 0.0, 1.0
        if self.linear is None:
            return
        self.linear_scale, self.network_scale = 1.0, 0.0
        if held_out is None:
            return
        rows, weight = held_out.rows, held_out.rows.weight
        target = torch.from_numpy(rows.target)
        stacked_logits = np.stack([held_out.linear_logits, network_logits])

        def losses(factors: np.ndarray) -> np.ndarray:
            logits = torch.from_numpy(np.tensordot(factors, stacked_logits, axes=1))
            return criterion.of_rows(logits, target).numpy()

        def loss(factors: np.ndarray) -> float:
            return weight @ losses(factors)

        if self.linear.kind == "numbers":
            factors, linear_factors = _best_share(loss), np.array([1.0, 0.0])
        else:
            start = np.array([0.5, 0.5])
            factors = minimize(loss, start, bounds=[(0, 1)] * 2).x
            linear_factors = _best_linear_factor(loss)
        if exceeds_error(losses(linear_factors) - losses(factors), weight, _N_ERRORS):
            self.linear_scale, self.network_scale = factors.tolist()

    def warn_of_unused_network(self) -> None:
        """Warn that training the network on a stream has no effect."""
        if not self.uses_network:
            warnings.warn(
                "network_scale_ is 0: predictions are those of the linear model, so "
                "partial_fit does not change them. Call fit with linear_kernels=None "
                "to use the network.",
                UserWarning,
                stacklevel=2,
            )

    # -- logits

    def logits(self, net: SequenceNet, rows: SequenceDataset) -> np.ndarray:
        """Return the logits of rows. A model whose factor is zero is not evaluated."""
        network_logits = net.logits(rows) if self.uses_network else None
        return self.combined_logits(network_logits, rows, net.n_threads)

    def combined_logits(
        self,
        network_logits: Any,
        rows: SequenceDataset,
        n_threads: int | None,
    ) -> np.ndarray:
        """Return the logits of rows, given those of the network if it is used."""
        if self.linear is None:
            return network_logits
        logits = np.zeros((len(rows), self.linear.n_outputs))
        if self.linear_scale:
            sequences: Any = rows.sequences
            linear = self.linear.logits(sequences, rows.static, n_threads)
            logits += self.linear_scale * linear
        if self.network_scale:
            logits += self.network_scale * network_logits
        return logits

    # -- attributes and state

    def check(self, n_channels: int, n_static: int) -> None:
        """Raise a ValueError if the linear model does not match the rows."""
        if self.linear is not None:
            self.linear.check(n_channels, n_static)

    def auto_params(self) -> dict[str, Any]:
        """Return the number of features of the linear model."""
        return {"linear_kernels": self.linear and self.linear.n_features}

    def attributes(self) -> dict[str, Any]:
        """Return the public attributes of an estimator that describe the models."""
        return {
            "linear_model_": self.linear,
            "network_scale_": self.network_scale,
        }

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the models."""
        return {
            "linear": self.linear and self.linear.state(),
            "linear_scale": self.linear_scale,
            "network_scale": self.network_scale,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], target: Any) -> Self:
        """Restore the models of an estimator with a target.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        linear = state["linear"] and SeriesModel.from_state(state["linear"])
        scales = {
            name: state_number(state[name], name, is_positive=False)
            for name in ("linear_scale", "network_scale")
        }
        if linear is not None:
            expected = target.n_outputs, target.linear_kind
            if (linear.n_outputs, linear.kind) != expected:
                raise ValueError("The linear model must have the outputs of y.")
        return cls(linear, **scales)


def latest_rows(target: Any) -> np.ndarray:
    """Return the indices of rows to hold out, except the only one of a class."""
    n_folds = max(_N_FOLDS, -(-len(target) // _MOST_HELD_OUT_ROWS))
    splits = contiguous_folds(target, n_folds)
    if not splits:
        return np.zeros(0, np.intp)
    train, held_out = splits[-1]  # the latest rows, if they are in the order of time
    if target.ndim == 1:
        held_out = held_out[np.isin(target[held_out], target[train])]
    return held_out


def _best_share(loss: Callable[[np.ndarray], float]) -> np.ndarray:
    """Return two factors whose sum is one, with the smallest loss."""
    share = minimize_scalar(
        lambda share: loss(np.array([1 - share, share])),
        bounds=(0, 1),
        method="bounded",
    ).x
    return np.array([1 - share, share])


def _best_linear_factor(loss: Callable[[np.ndarray], float]) -> np.ndarray:
    """Return the factors with the smallest loss if the network has none."""
    factor = minimize_scalar(
        lambda factor: loss(np.array([factor, 0.0])),
        bounds=(0, _LARGEST_FACTOR),
        method="bounded",
    ).x
    return np.array([factor, 0.0])
