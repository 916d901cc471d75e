"""The target of a regressor: one or several numbers per row."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._input import check_finite
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.training import R2, WeightedRegressionLoss
from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._nesting import is_nested_row, unnested
from sklearn_bilstm.utils._rows import RowsOfNumbers
from sklearn_bilstm.utils._sklearn import check_y
from sklearn_bilstm.utils._state import check_scaler, state_int
from sklearn_bilstm.utils._unlabelled import check_all_labelled, check_complete

__all__ = ["NumberTarget"]

_SHAPES = "of shape (n_samples,) or (n_samples, n_outputs)"
_ADVICE_OF_STEPS = "lists of numbers for each step require output_type='steps'"


class NumberTarget(Target):
    """One or several numbers per row.

    Parameters
    ----------
    n_outputs : int
        Number of outputs.
    is_flat : bool
        Whether y is 1-D.
    scaler : StandardScaler or None, default=None
        Standardisation of the targets, fitted by `fit_scale`.
    """

    linear_kind = "numbers"

    def __init__(
        self, n_outputs: int, is_flat: bool, scaler: StandardScaler | None = None
    ) -> None:
        self.n_outputs = n_outputs
        self.is_flat = is_flat
        self.scaler: Any = scaler

    @staticmethod
    def check(y: Any, estimator: str) -> np.ndarray:
        """Validate numbers, and return them as float64."""
        if y is None:
            raise ValueError(
                f"{estimator} requires y to be passed, but the target y is None."
            )
        y = y.toarray() if sparse.issparse(y) else as_target(y)
        y = unnested(y)
        check_all_labelled(y)
        _check_lengths(y)
        check_complete(y)
        try:
            y = check_y(y, multi_output=True, y_numeric=True, estimator=estimator)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"y must hold numbers, {_SHAPES}; {_ADVICE_OF_STEPS}: {error}"
            ) from error
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y must hold real numbers: got values of type {y.dtype}.")
        y = np.asarray(y, np.float64)
        check_finite(y.reshape(len(y), -1), name="y")
        return y

    @classmethod
    def fit(cls, y: np.ndarray, config: Config) -> Self:
        """Learn the number of outputs."""
        return cls(1 if y.ndim == 1 else y.shape[1], y.ndim == 1)

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return the numbers, of shape (n, n_outputs)."""
        if isinstance(y, RowsOfNumbers):
            raise ValueError(
                f"{name} must hold numbers for each row, as y did in fit: got numbers "
                "for each step."
            )
        target = y.reshape(len(y), -1)
        if target.shape[1] != self.n_outputs:
            raise ValueError(
                f"{name} must have {self.n_outputs} outputs per row, as y had in fit: "
                f"got {target.shape[1]}."
            )
        return target

    def fit_scale(self, rows: SequenceDataset) -> None:
        """Fit the scaler to weighted training rows."""
        self.scaler = StandardScaler().fit(rows.target, sample_weight=rows.weight)

    def scale(self, rows: SequenceDataset) -> SequenceDataset:
        """Return rows with standardised targets, as float32."""
        target = self.scaler.transform(rows.target)
        return replace(rows, target=target.astype(np.float32))

    def constant_outputs(self, target: np.ndarray) -> dict[int, float]:
        """Return the standardised value of each output that is constant in training.

        A network only comes close to it, and its predictions vary.
        """
        constant = np.flatnonzero((target == target[0]).all(0))
        return {int(index): float(target[0, index]) for index in constant}

    def unscale(self, outputs: np.ndarray) -> np.ndarray:
        """Return predictions on the original scale and in the shape of y."""
        y = self.scaler.inverse_transform(outputs)
        return y[:, 0] if self.is_flat else y

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the loss of the parameters `loss` and `quantile`."""
        arguments = {"loss": config.loss, "quantile": config.quantile}
        return WeightedRegressionLoss, arguments

    def scores(self) -> list[Callback]:
        """Return the coefficient of determination."""
        return [R2()]

    def attributes(self) -> dict[str, Any]:
        """Return the number of outputs."""
        return {"n_outputs_": self.n_outputs}

    def auto_params(self) -> dict[str, Any]:
        """Return the detected kind of y."""
        return {"output_type": "rows"}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target."""
        n_outputs = state_int(state["n_outputs"], "n_outputs", least=1)
        check_scaler(state["scaler"], n_outputs)
        if not np.isfinite(state["scaler"].mean_).all():
            raise ValueError("The mean of each output must be finite.")
        is_flat = bool(state["is_flat"])
        if is_flat and n_outputs > 1:
            raise ValueError("Several outputs must have a column each.")
        return cls(n_outputs, is_flat, state["scaler"])


def _check_lengths(y: Any) -> None:
    """Raise an error if the items of a list hold different numbers of values."""
    if not isinstance(y, list | tuple) or not any(map(is_nested_row, y)):
        return
    lengths = [len(row) if is_nested_row(row) else 1 for row in y]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            raise ValueError(
                f"y must hold numbers, {_SHAPES}: row {row} has {length} numbers and "
                f"row 0 has {lengths[0]}. For numbers for each step, pass a list of "
                "arrays, or set output_type='steps'."
            )
