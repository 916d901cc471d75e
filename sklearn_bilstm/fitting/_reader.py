"""Readers, which convert the X that users pass to rows of a network."""

import warnings
from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._input import (
    as_series,
    check_finite,
    check_matrix,
    check_stored,
    holds_text,
    infer_input_type,
    refuse_panel,
    refuse_text,
    warn_of_integers,
    warn_of_swapped_axes,
)
from sklearn_bilstm.fitting._static import (
    check_layout,
    count_static,
    split_off_static,
)
from sklearn_bilstm.sequences import (
    MAX_ID,
    RaggedArray,
    RaggedRows,
    SequenceDataset,
    TokenCharacters,
    TokenTexts,
    ragged_from_ids,
    ragged_from_numbers,
    ragged_from_series,
)
from sklearn_bilstm.text import WordReader, WordVectors, refuse_batches
from sklearn_bilstm.utils._containers import (
    as_rows,
    channel_names,
    lists_of_ids,
    unwrap_container,
)
from sklearn_bilstm.utils._fingerprints import grown_fingerprint, have_same_ids
from sklearn_bilstm.utils._sentences import (
    as_sentences,
    check_no_gaps,
    lists_of_token_ids,
)
from sklearn_bilstm.utils._state import check_scaler, state_array, state_int
from sklearn_bilstm.utils._stored_ids import StoredTokenIds
from sklearn_bilstm.utils._token_ids import TokenIds, csr_of_rows

__all__ = ["SentenceReader", "SequenceReader"]


class SequenceReader:
    """Reads token ids or numeric sequences, with static features.

    Parameters
    ----------
    estimator : str
        Name of the estimator, for error messages.

    Attributes
    ----------
    input_type : {"tokens", "numeric"}
        Type of X in `fit`.
    n_static : int
        Number of static features.
    columns : dict
        `n_features_in_` and `feature_names_in_` of the X in `fit`, if it had columns.
    n_channels : int or None
        Number of channels of numeric sequences.
    channel_names : list of str or None
        Names of the channels, if X was a list of frames.
    fingerprint : ndarray of uint16, shape (n_tokens,), or None
        Fingerprint of the vocabulary of the token ids, None if it is unknown.
    scaler, static_scaler : StandardScaler or None
        Standardisation of the numbers of the steps, and of static features.
    words : WordReader or None
        Vocabularies of words and characters, if X held sentences.
    """

    # Standardised numbers are clipped to this range, so that products cannot overflow.
    largest_number = 1e12

    def __init__(self, estimator: str) -> None:
        self.estimator = estimator
        self.input_type = "tokens"
        self.n_static = 0
        self.columns: dict[str, Any] = {}
        self.n_channels: int | None = None
        self.channel_names: list[str] | None = None
        self.fingerprint: np.ndarray | None = None
        self.scaler: Any = None
        self.static_scaler: Any = None
        self.words: WordReader | None = None

    # -- reading

    def fit(self, X: Any, config: Config) -> SequenceDataset:
        """Learn the format of X, and return its rows.

        Numbers are not yet standardised, since the statistics are those of the training
        rows.
        """
        n_static = config.n_static_features
        self.n_static = 0 if isinstance(n_static, str) else n_static
        rows = self._read_rows(X, config.input_type, fitting=config)
        self._update_fingerprint(X)
        return rows

    def extend(self, X: Any, config: Config) -> tuple[Self, SequenceDataset]:
        """Return a reader that also knows the vocabulary of X, and the rows of X.

        Raises
        ------
        ValueError
            If X does not have the format of the X in `fit`, or if `input_type` has
            changed.
        """
        if config.input_type not in ("auto", self.input_type):
            raise ValueError(
                f"The 'input_type' parameter must stay {self.input_type!r}, as in the "
                f"first fit, or be 'auto'. Got {config.input_type!r} instead."
            )
        extended = copy(self)
        rows = extended._read_rows(X, self.input_type, max_id=MAX_ID)
        extended._update_fingerprint(X)
        return extended, rows

    def read(self, X: Any, *, max_id: int | None = None) -> SequenceDataset:
        """Return the rows of an X in the format of `fit`; unknown ids are allowed.

        Parameters
        ----------
        X : object
        max_id : int, default=None
            Maximum id. None means that larger ids are clipped.
        """
        return self._read_rows(X, self.input_type, max_id=max_id)

    def read_extra(
        self, X: Any, name: str, *, max_id: int | None = None
    ) -> SequenceDataset:
        """Return the rows of a further argument of `fit`, such as `X_val`."""
        try:
            return self.read(X, max_id=max_id)
        except ValueError as error:
            raise ValueError(
                f"{name} is invalid. It must have the format of X; in a Pipeline, "
                f"transform_input=[{name!r}] with metadata routing transforms {name} "
                f"like X. {error}"
            ) from error

    def _read_rows(
        self,
        X: Any,
        input_type: str,
        *,
        fitting: Config | None = None,
        max_id: int | None = None,
    ) -> SequenceDataset:
        """Return the rows of X.

        With `fitting`, the parameters in a call of `fit`, the format of X is learnt.
        Without, X must have the known format.
        """
        if fitting is not None:
            max_id = MAX_ID
        refuse_batches(X)
        if isinstance(X, StoredTokenIds):
            return self._read_stored(X, input_type, fitting, max_id)
        rows = as_rows(X, input_type=input_type)
        refuse_text(rows, estimator=self.estimator)
        self._check_vocabulary(X, fitting)
        self._check_channel_names(X, fitting)
        series = as_series(rows, input_type)
        if series is not None:
            return SequenceDataset(self._read_series(series, input_type, fitting))
        lists = lists_of_ids(rows, input_type=input_type, of_one_length=not fitting)
        if lists is not None:
            ids = csr_of_rows(lists)
            return self._read_lists(ids, input_type, fitting, max_id)
        if fitting is None and self.n_channels is not None and not self.columns:
            refuse_panel(X)
        checked = check_matrix(rows, input_type=input_type, estimator=self.estimator)
        has_names = hasattr(X, "columns") and X.shape == checked.shape
        self._check_columns(X if has_names else checked, fitting)
        return self._read_matrix(X, checked, input_type, fitting, max_id)

    def _read_stored(
        self,
        X: StoredTokenIds,
        input_type: str,
        fitting: Config | None,
        max_id: int | None,
    ) -> SequenceDataset:
        """Return the rows of a file, which stay there."""
        check_stored(X, input_type, max_id, n_static=self.n_static)
        self._check_vocabulary(X, fitting)
        self._check_columns(X, fitting)
        if fitting is not None:
            self.input_type = "tokens"
        rows = RaggedRows((RaggedArray(X.ids, X.offsets),), X.rows)
        return SequenceDataset(rows)

    def _read_matrix(
        self,
        X: Any,
        checked: Any,
        input_type: str,
        fitting: Config | None,
        max_id: int | None,
    ) -> SequenceDataset:
        names = self.columns.get("feature_names_in_")
        if fitting is not None:
            given = fitting.n_static_features
            self.n_static = count_static(checked, given, names, input_type)
        matrix, static = split_off_static(checked, self.n_static)
        if fitting is not None:
            self.input_type = infer_input_type(matrix, input_type, self.n_static)
            if self.input_type == "tokens":
                check_layout(X, matrix, static)
            may_be_numbers = not (sparse.issparse(matrix) or self.n_static)
            if may_be_numbers and (input_type, self.input_type) == ("auto", "tokens"):
                warn_of_integers(self.estimator)
        if self.input_type == "tokens":
            check_finite(matrix)
            sequences = self._ragged_ids(matrix, max_id)
        else:
            sequences = self._with_channels(ragged_from_numbers(matrix), fitting)
        return SequenceDataset(sequences, static=static)

    def _read_lists(
        self, ids: Any, input_type: str, fitting: Config | None, max_id: int | None
    ) -> SequenceDataset:
        if self.n_static:
            raise ValueError(
                "The 'n_static_features' parameter requires a 2-D X, whose last "
                "columns are the static features: got rows of unequal length."
            )
        if fitting is not None:
            self.input_type = "tokens"
            if input_type == "auto":
                warn_of_integers(self.estimator)
        return SequenceDataset(self._ragged_ids(ids, max_id))

    def _ragged_ids(self, X: Any, max_id: int | None) -> RaggedArray:
        try:
            return ragged_from_ids(X, max_id=max_id)
        except ValueError as error:
            if not self.n_static:
                raise
            raise ValueError(
                f"{error} With n_static_features={self.n_static}, only the last "
                f"{self.n_static} columns of X are numbers; all columns before them "
                "are token ids."
            ) from error

    def _read_series(
        self, series: Any, input_type: str, fitting: Config | None
    ) -> RaggedArray:
        if input_type == "tokens":
            raise ValueError(
                f"X must be 2-D, since {self.estimator} expects token ids: got numeric "
                "series. To fit numeric series, set input_type='numeric' or 'auto'."
            )
        if self.n_static:
            raise ValueError(
                "The 'n_static_features' parameter requires a 2-D X, whose last "
                "columns are the static features: got numeric series, which have no "
                "columns."
            )
        if fitting is not None:
            self.input_type = "numeric"
        if isinstance(series, np.ndarray):
            if fitting is not None:
                warn_of_swapped_axes(series)
            return self._with_channels(ragged_from_numbers(series), fitting)
        return self._with_channels(ragged_from_series(series), fitting)

    # -- checks against the X in fit

    def _check_columns(self, X: Any, fitting: Config | None) -> None:
        """Check the number and names of columns as scikit-learn does."""
        # an estimator of the same name, so that scikit-learn's messages contain it
        proxy = _class_named(self.estimator)()
        if fitting is None:
            vars(proxy).update(self.columns)
        validate_data(proxy, X, reset=fitting is not None, skip_check_array=True)
        if fitting is not None:
            self.columns = vars(proxy)

    def _check_vocabulary(self, X: Any, fitting: Config | None) -> None:
        """Raise an error for ids of another vocabulary, if both are known."""
        if fitting is not None:
            self.fingerprint = _fingerprint_of(X)
        elif not have_same_ids(_fingerprint_of(X), self.fingerprint):
            raise ValueError(
                "X must hold token ids of the vocabulary that "
                f"{self.estimator} was fitted on: got those of another one. If "
                "the second fit of a pipeline failed after its TextVectorizer was "
                "fitted, fit the whole pipeline again. With warm_start and "
                "partial_fit, keep the vocabulary: use TextVectorizer.partial_fit, or "
                "its 'vocabulary' parameter."
            )

    def _update_fingerprint(self, X: Any) -> None:
        self.fingerprint = grown_fingerprint(self.fingerprint, _fingerprint_of(X))

    def _check_channel_names(self, X: Any, fitting: Config | None) -> None:
        """Raise an error if X is a list of frames with other columns than in fit."""
        names = channel_names(X)
        if fitting is not None:
            self.channel_names = names
        expected = self.channel_names
        if names is not None and expected is not None and names != expected:
            raise ValueError(
                f"X must hold series with the columns {expected}, in this order, as in "
                f"fit: got {names}."
            )

    def _with_channels(
        self, sequences: RaggedArray, fitting: Config | None
    ) -> RaggedArray:
        n_channels = sequences.values.shape[1]
        if fitting is not None:
            self.n_channels = n_channels
        if n_channels != self.n_channels:
            raise ValueError(
                f"X must have {self.n_channels} channels, like the X that "
                f"{self.estimator} was fitted on: got {n_channels}. Pass series in "
                "shape (n_samples, n_timesteps, n_channels), or as a list, even for a "
                "single one."
            )
        return sequences

    # -- standardisation

    def fit_scalers(self, rows: SequenceDataset, *, is_stream: bool = False) -> None:
        """Learn the standardisation of numbers from training rows.

        Static features that are constant in all training rows become zero in all rows,
        since no weights of the network are fitted to other values. The rows of a
        stream are only the first ones.
        """
        self.scaler = self.static_scaler = None
        if self.input_type == "numeric":
            if not len(rows.sequences.values):
                raise ValueError(
                    f"{self.estimator} requires at least one step: all series of X are "
                    "empty or NaN."
                )
            self.scaler = StandardScaler().fit(rows.sequences.values)
        if rows.static is not None:
            self.static_scaler = StandardScaler().fit(rows.static)
            if not is_stream:
                is_constant = np.ptp(rows.static, axis=0) == 0
                self.static_scaler.scale_[is_constant] = np.inf

    def scale(self, rows: SequenceDataset) -> SequenceDataset:
        """Return rows with standardised numbers. Tokens are unchanged."""
        if self.scaler is not None:
            values = self._standardised(self.scaler, rows.sequences.values)
            sequences = RaggedArray(values, rows.sequences.offsets)
            rows = replace(rows, sequences=sequences)
        if self.static_scaler is not None:
            static = self._standardised(self.static_scaler, rows.static)
            rows = replace(rows, static=static)
        return rows

    def _standardised(self, scaler: StandardScaler, values: Any) -> np.ndarray:
        if not len(values):  # StandardScaler refuses them
            return values.astype(np.float32)
        # in double precision, to keep small differences of large numbers
        standardised = scaler.transform(values.astype(np.float64))
        bound = self.largest_number
        return standardised.clip(-bound, bound).astype(np.float32)

    # -- attributes and state

    def attributes(self) -> dict[str, Any]:
        """Return the public attributes of an estimator that describe its X."""
        attributes = {"input_type_": self.input_type, **self.columns}
        if self.n_channels is not None:
            attributes["n_channels_"] = self.n_channels
        return attributes

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the reader."""
        return {name: getattr(self, name) for name in _STATE}

    @classmethod
    def from_state(cls, state: dict[str, Any], estimator: str) -> Self:
        """Restore a reader.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        reader = cls(estimator)
        vars(reader).update({name: state[name] for name in _STATE})
        reader._check_state()
        return reader

    def _check_state(self) -> None:
        if self.input_type not in {"tokens", "numeric"}:
            raise ValueError("The network must read tokens or numbers.")
        if not self.columns.keys() <= {"n_features_in_", "feature_names_in_"}:
            raise ValueError("There are unknown properties of columns.")
        self._check_columns_of_state()
        self._check_scalers_of_state()
        if self.fingerprint is not None:
            state_array(self.fingerprint, "fingerprint", kinds="u", shape=(None,))
            if self.fingerprint.dtype != np.uint16:
                raise ValueError("A fingerprint must hold a uint16 for each token.")
        if not isinstance(self.words, WordReader | None):
            raise TypeError(f"words must be a WordReader: got {self.words!r:.80}.")

    def _check_scalers_of_state(self) -> None:
        state_int(self.n_static, "n_static")
        if self.static_scaler is not None or self.n_static:
            check_scaler(self.static_scaler, self.n_static)
        if self.input_type == "numeric":
            check_scaler(self.scaler, state_int(self.n_channels, "n_channels", least=1))
        elif self.scaler is not None or self.n_channels is not None:
            raise ValueError("Only numbers have channels and a scale.")

    def _check_columns_of_state(self) -> None:
        n_columns = self.columns.get("n_features_in_", self.n_static + 1)
        state_int(n_columns, "n_features_in_", least=self.n_static + 1)
        names = self.columns.get("feature_names_in_")
        if names is not None:
            state_array(names, "feature_names_in_", kinds="O", shape=(n_columns,))
            if not all(isinstance(name, str) for name in names):
                raise ValueError("feature_names_in_ must hold strings.")
        names = self.channel_names
        if names is not None and not (
            isinstance(names, list) and len(names) == self.n_channels
        ):
            raise ValueError("channel_names must hold a name for each channel.")

    def example(self) -> SequenceDataset:
        """Return a standardised row of one step, to try out a restored model."""
        if self.input_type == "tokens":
            return self.scale(self.read(self._example_of_tokens()))
        values = np.zeros((1, len(self.scaler.mean_)))
        static = np.zeros((1, self.n_static)) if self.n_static else None
        sequences = RaggedArray(values, np.array([0, 1]))
        return self.scale(SequenceDataset(sequences, static=static))

    def _example_of_tokens(self) -> Any:
        n_columns = self.columns.get("n_features_in_", 1)
        return sparse.csr_array(([1], [0], [0, 1]), (1, n_columns))


_STATE = (
    *("input_type", "n_static", "columns", "n_channels", "channel_names"),
    *("fingerprint", "scaler", "static_scaler", "words"),
)


class SentenceReader(SequenceReader):
    """Reads lists of tokens, lists of token ids, and the input of a SequenceReader."""

    def _read_rows(
        self,
        X: Any,
        input_type: str,
        *,
        fitting: Config | None = None,
        max_id: int | None = None,
    ) -> SequenceDataset:
        refuse_batches(X)
        if isinstance(X, StoredTokenIds):
            if self.words is not None:
                raise ValueError(
                    f"X must hold lists of tokens, as in the fit of {self.estimator}: "
                    "got token ids in a file."
                )
            return super()._read_rows(X, input_type, fitting=fitting, max_id=max_id)
        X = unwrap_container(X)
        sentences = self._sentences(X, input_type, fitting)
        if fitting is not None and sentences is not None:
            self.words = _fitted_words(sentences, fitting)
        if sentences is not None:
            return self._read_sentences(sentences)
        lists = None if input_type == "numeric" else lists_of_token_ids(X)
        if lists is None:
            return super()._read_rows(X, input_type, fitting=fitting, max_id=max_id)
        ids = csr_of_rows(lists)
        return SequenceDataset(self._ragged_ids(ids, MAX_ID if fitting else max_id))

    def _sentences(
        self, X: Any, input_type: str, fitting: Config | None
    ) -> list[list[str]] | None:
        """Return X as sentences, or None if it holds ids or numbers."""
        knows_words = self.words is not None
        sentences = as_sentences(X, if_empty=knows_words)
        if sentences is not None:
            if not knows_words:
                _refuse_words(input_type, fitting)
        elif holds_text(X):
            raise ValueError(
                "X must hold a list of tokens for each sentence: got an object of type "
                f"{type(X).__name__} with text that is not in such lists, or with "
                "several columns. Convert it to lists, such as "
                "[list(row) for row in X]."
            )
        elif knows_words:
            raise ValueError(
                f"X must hold lists of tokens, as in the fit of {self.estimator}. "
                "Got ids, numbers, or rows that are not lists of strings."
            )
        return sentences

    def _ragged_ids(self, X: Any, max_id: int | None) -> RaggedArray:
        """Return ids without dropping padding between them, since each has a label."""
        check_no_gaps(X)
        return super()._ragged_ids(X, max_id)

    def _read_sentences(self, sentences: list[list[str]]) -> SequenceDataset:
        encoded = self.words.read(sentences)  # type: ignore[union-attr]
        offsets = np.concatenate([[0], np.cumsum(encoded.lengths)])
        codes = RaggedArray(encoded.codes, offsets)
        return SequenceDataset(
            RaggedArray(encoded.ids, offsets),
            characters=TokenCharacters(codes, encoded.spellings),
            texts=TokenTexts(codes, encoded.tokens),
        )

    def _example_of_tokens(self) -> Any:
        return [[1]] if self.words is None else [["a"]]


def _fitted_words(sentences: list[list[str]], config: Config) -> WordReader:
    """Build the vocabularies of words and characters."""
    embedding = config.embedding
    if not (embedding is None or isinstance(embedding, str | WordVectors)):
        raise ValueError(
            "The 'embedding' parameter must be 'svd', None or WordVectors if X "
            "holds lists of tokens, since an array does not contain words. Got an "
            f"object of type {type(embedding).__name__}."
        )
    words = WordReader(config.lowercase, config.min_df, config.max_features)
    if not isinstance(embedding, WordVectors):
        return words.fit(sentences)
    words.fit(sentences, included=embedding)  # type: ignore[arg-type]
    if len(embedding) and not any(word in embedding for word in words.vocabulary_):
        warnings.warn(
            "None of the vectors in 'embedding' is used: lowercase=True looks tokens "
            "up in lowercase, but all its words contain capitals. Set lowercase=False.",
            UserWarning,
            stacklevel=2,
        )
    return words


def _refuse_words(input_type: str, fitting: Config | None) -> None:
    """Raise an error for lists of tokens if X must hold something else."""
    if fitting is not None and input_type != "numeric":
        return
    expected = "numbers" if input_type == "numeric" else "token ids"
    reason = "as with input_type='numeric'" if fitting else "as X did in fit"
    raise ValueError(f"X must hold {expected}, {reason}. Got lists of tokens instead.")


@lru_cache
def _class_named(name: str) -> type:
    return type(name, (BaseEstimator,), {})


def _fingerprint_of(X: Any) -> np.ndarray | None:
    return X.fingerprint if isinstance(X, TokenIds | StoredTokenIds) else None
