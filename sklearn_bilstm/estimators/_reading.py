"""From what users call X to rows that a network reads."""

from dataclasses import replace

import numpy as np
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data

from sklearn_bilstm.estimators._input import (
    as_series,
    check_finite,
    check_matrix,
    infer_input_type,
    refuse_text,
    warn_of_integers,
)
from sklearn_bilstm.estimators._static import check_boundary, check_names
from sklearn_bilstm.sequences import (
    MAX_ID,
    SequenceDataset,
    ragged_from_ids,
    ragged_from_numbers,
    ragged_from_series,
)
from sklearn_bilstm.utils._containers import as_rows, channel_names, ragged_ids
from sklearn_bilstm.utils._token_ids import TokenIds, grown_fingerprint, have_same_ids

__all__ = ["ReadingMixin"]


class ReadingMixin:
    """Steps of reading X, one a method."""

    # a number as many standard deviations from the mean is as good as any farther away,
    # and its products do not overflow
    _farthest = 1e12

    # of the vocabulary of the token ids in `fit`, None if it is unknown
    _fingerprint = None
    # columns of the frames in `fit`, None if X was not a list of frames
    _channel_names = None

    def _read(self, X):
        """Validate an X to predict on; any id that is not known is unknown."""
        return self._scaled(self._read_unscaled(X))

    def _read_unscaled(self, X, *, max_id=None):
        return self._rows(X, self.input_type_, reset=False, max_id=max_id)

    def _read_beside(self, X, name, *, max_id=None):
        """Validate rows that `fit` gets beside its X."""
        try:
            return self._read_unscaled(X, max_id=max_id)
        except ValueError as error:
            raise ValueError(
                f"{name} is invalid. It must have the format of X; in a Pipeline, "
                f"transform_input=[{name!r}] with metadata routing transforms {name} "
                f"like X. {error}"
            ) from error

    def _read_to_fit(self, X, *, reset):
        """Validate an X to learn from, and with `reset` remember what it looks like."""
        if not reset and self.input_type not in ("auto", self.input_type_):
            raise ValueError(
                f"The 'input_type' parameter must stay {self.input_type_!r}, as it was "
                f"fitted, or 'auto'. Got {self.input_type!r} instead."
            )
        input_type = self.input_type if reset else self.input_type_
        rows = self._rows(X, input_type, reset=reset, max_id=MAX_ID)
        self._fingerprint = grown_fingerprint(self._fingerprint, _fingerprint_of(X))
        return rows

    def _rows(self, X, input_type, *, reset, max_id):
        plain = as_rows(X, input_type=input_type)
        refuse_text(plain, estimator=self)
        if reset:
            self._n_static = self.n_static_features
        self._check_vocabulary(X, reset)
        self._check_channel_names(X, reset)
        series = as_series(plain, input_type)
        if series is not None:
            return SequenceDataset(self._sequences_of_series(series, input_type, reset))
        lists = ragged_ids(plain, input_type=input_type, of_one_length=not reset)
        if lists is not None:
            return self._rows_of_lists(lists, input_type, reset, max_id)
        checked = check_matrix(plain, input_type=input_type, estimator=self)
        has_names = hasattr(X, "columns") and X.shape == checked.shape
        named = X if has_names else checked
        validate_data(self, named, reset=reset, skip_check_array=True)
        checked, static = self._split_off_static(checked)
        if reset:
            self.input_type_ = infer_input_type(
                checked, input_type, self.n_static_features
            )
            vars(self).pop("n_channels_", None)
            self._check_boundary(X, checked, static)
            may_be_numbers = not (sparse.issparse(checked) or self._n_static)
            if may_be_numbers and (input_type, self.input_type_) == ("auto", "tokens"):
                warn_of_integers(self)
        if self.input_type_ == "tokens":
            check_finite(checked)
            sequences = self._ids(checked, max_id)
        else:
            sequences = self._of_known_channels(ragged_from_numbers(checked), reset)
        return SequenceDataset(sequences, static=static)

    def _check_vocabulary(self, X, reset):
        """Refuse ids of another vocabulary than in `fit`, if both are known."""
        if reset:
            self._fingerprint = _fingerprint_of(X)
        if not have_same_ids(_fingerprint_of(X), self._fingerprint):
            raise ValueError(
                "X must hold token ids of the vocabulary that "
                f"{type(self).__name__} was fitted on: got those of another one. If "
                "the second fit of a pipeline failed after its TextVectorizer was "
                "fitted, fit the whole pipeline again. With warm_start and "
                "partial_fit, keep the vocabulary: use TextVectorizer.partial_fit, or "
                "give it a 'vocabulary'."
            )

    def _check_channel_names(self, X, reset):
        """Raise an error if X is a list of frames with other columns than in fit."""
        names = channel_names(X)
        if reset:
            self._channel_names = names
        known = self._channel_names
        if names is not None and known is not None and names != known:
            raise ValueError(
                f"X must hold series with the columns {known}, in this order, as in "
                f"fit: got {names}."
            )

    def _rows_of_lists(self, ids, input_type, reset, max_id):
        """Read lists of token ids, which have no columns."""
        if self._n_static:
            raise ValueError(
                "The 'n_static_features' parameter needs a 2-D X, whose last columns "
                "they are: got rows of unequal length."
            )
        if reset:
            self.input_type_ = "tokens"
            for attribute in ("n_features_in_", "feature_names_in_", "n_channels_"):
                vars(self).pop(attribute, None)
            if input_type == "auto":
                warn_of_integers(self)
        return SequenceDataset(self._ids(ids, max_id))

    def _ids(self, X, max_id):
        try:
            return ragged_from_ids(X, max_id=max_id)
        except ValueError as error:
            if not self._n_static:
                raise
            raise ValueError(
                f"{error} With n_static_features={self._n_static} only so many of the "
                "last columns of X are numbers, and all before them are token ids."
            ) from error

    def _sequences_of_series(self, series, input_type, reset):
        name = type(self).__name__
        if input_type == "tokens":
            raise ValueError(
                f"X must be 2-D for {name} to read token ids: got series of numbers. "
                "Fit with input_type='numeric' or 'auto' to read those."
            )
        if self._n_static:
            raise ValueError(
                "The 'n_static_features' parameter needs a 2-D X, whose last columns "
                "they are: got series, which have no columns beside them."
            )
        if reset:
            self.input_type_ = "numeric"
            for attribute in ("n_features_in_", "feature_names_in_"):
                vars(self).pop(attribute, None)
        if isinstance(series, np.ndarray):
            return self._of_known_channels(ragged_from_numbers(series), reset)
        return self._of_known_channels(ragged_from_series(series), reset)

    def _of_known_channels(self, sequences, reset):
        n_channels = sequences.values.shape[1]
        if reset:
            self.n_channels_ = n_channels
        if n_channels != self.n_channels_:
            raise ValueError(
                f"X must have {self.n_channels_} channels, as the X had that "
                f"{type(self).__name__} was fitted to: got {n_channels}. Series come "
                "in shape (n_samples, n_timesteps, n_channels), or as a list, even of "
                "one."
            )
        return sequences

    def _split_off_static(self, X):
        """Return the sequences in a matrix, and the numbers beside them or None."""
        n_static, n_columns = self._n_static, X.shape[1]
        if not n_static:
            return X, None
        if n_static >= n_columns:
            raise ValueError(
                "The 'n_static_features' parameter must leave a column of X to the "
                f"sequences: X has {n_columns} columns. Got {n_static!r} instead."
            )
        static = X[:, n_columns - n_static :]
        if sparse.issparse(static):
            static = static.toarray()
        try:
            check_finite(static)
        except ValueError as error:
            raise ValueError(
                f"{error} It is one of the last {n_static} columns, which are "
                "static features: fill gaps with sklearn.impute.SimpleImputer."
            ) from error
        return X[:, : n_columns - n_static], static

    def _check_boundary(self, X, ids, static):
        names = getattr(self, "feature_names_in_", None)
        if static is None:
            if names is not None and self.input_type == "auto":
                check_names(names, 0)
        elif self.input_type_ == "tokens":
            check_boundary(X, ids, static, names)

    def _learn_scale(self, rows):
        """Learn what to standardise numbers with, from the rows learnt from alone."""
        self._scaler = self._static_scaler = None
        if self.input_type_ == "numeric":
            if not len(rows.sequences.values):
                raise ValueError(
                    f"{type(self).__name__} needs a step to learn from: all series of "
                    "X are empty, or NaN throughout."
                )
            self._scaler = StandardScaler().fit(rows.sequences.values)
        if rows.static is not None:
            self._static_scaler = StandardScaler().fit(rows.static)

    def _scaled(self, rows):
        """Return rows with standardised numbers, and tokens as they are."""
        if self._scaler is not None:
            values = self._standardised(self._scaler, rows.sequences.values)
            rows = replace(rows, sequences=replace(rows.sequences, values=values))
        if self._static_scaler is not None:
            static = self._standardised(self._static_scaler, rows.static)
            rows = replace(rows, static=static)
        return rows

    def _standardised(self, scaler, values):
        if not len(values):  # a scaler refuses them
            return values.astype(np.float32)
        # in double precision, or small changes of a large number are lost
        standardised = scaler.transform(values.astype(np.float64))
        return standardised.clip(-self._farthest, self._farthest).astype(np.float32)


def _fingerprint_of(X):
    return X.fingerprint if isinstance(X, TokenIds) else None
