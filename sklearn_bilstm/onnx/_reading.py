"""Conversion of user input to inputs of a graph."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sklearn_bilstm.onnx._description import Description
from sklearn_bilstm.onnx._sentences import sentences_of
from sklearn_bilstm.sequences import (
    RaggedArray,
    TokenCharacters,
    TokenTexts,
    padded,
    ragged_from_ids,
    ragged_from_numbers,
    ragged_from_series,
    token_features,
)
from sklearn_bilstm.utils._boundary import without_boundary
from sklearn_bilstm.utils._containers import as_rows, lists_of_ids
from sklearn_bilstm.utils._fingerprints import have_same_ids
from sklearn_bilstm.utils._finite import find_non_finite
from sklearn_bilstm.utils._sentences import check_no_gaps, lists_of_token_ids
from sklearn_bilstm.utils._sparse import is_sparse

__all__ = ["ServedRows"]


@dataclass(frozen=True)
class ServedRows:
    """Input rows of a graph.

    Parameters
    ----------
    sequences : RaggedArray
        Token ids or numbers.
    static : ndarray of float64, shape (n_rows, n_static), or None
        Static features of each sequence.
    characters : TokenCharacters or None, default=None
        Characters of each token.
    texts : TokenTexts or None, default=None
        Texts of the tokens, if the model reads their hashed features.
    """

    sequences: RaggedArray
    static: np.ndarray | None
    characters: TokenCharacters | None = None
    texts: TokenTexts | None = None

    @classmethod
    def of(cls, X: Any, description: Description) -> Self:
        """Read sentences, a matrix of ids or numbers, or numeric sequences.

        Raises
        ------
        ValueError
            If X does not have the format that the model was fitted to.
        """
        expected = description.vocabulary_fingerprint
        fingerprint = getattr(X, "fingerprint", None) if is_sparse(X) else None
        if not have_same_ids(fingerprint, expected):
            raise ValueError(
                "X must contain token ids of the vocabulary that the model was fitted "
                "on: got ids of another vocabulary. Use the TextVectorizer of the "
                "model."
            )
        if description.is_tagger:
            words = description.known_words
            sentences = sentences_of(X, words)
            if sentences is not None and words is not None:
                sequences, characters, texts = words.read(sentences)
                has_features = description.n_token_features is not None
                return cls(sequences, None, characters, texts if has_features else None)
            if description.input_type == "tokens":
                return cls(_ids_of_steps(X, description), None)
        X = as_rows(X, input_type=description.input_type)
        is_list = isinstance(X, list | tuple) and not description.n_static
        if description.input_type == "numeric" and is_list and len(X):
            rows = [_series(row, number) for number, row in enumerate(X)]
            sequences = ragged_from_series(rows)
            return cls(_checked_channels(sequences, description), None)
        lists = lists_of_ids(X, input_type=description.input_type)
        if lists is not None and not description.n_static:
            return cls(ragged_from_ids(lists, max_id=None), None)
        X = _checked_columns(_checked(X, description), description)
        X, static = _without_static(X, description.n_static)
        if description.input_type == "tokens":
            return cls(ragged_from_ids(X, max_id=None), static)
        sequences = ragged_from_numbers(X)
        return cls(_checked_channels(sequences, description), static)

    def inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the inputs of a graph for some of the rows, as a padded batch."""
        steps, _ = padded(self.sequences, rows)
        if steps.ndim == 2:
            inputs = {"ids": steps}
        else:
            lengths = self.sequences.lengths[rows].astype(np.int64)
            inputs = {"values": steps.astype(np.float64), "lengths": lengths}
        if self.static is not None:
            inputs["static"] = self.static[rows]
        if self.characters is not None:
            characters, _ = padded(self.characters, rows)
            longest = characters.any((0, 1)).sum()  # all of them are padded at the end
            inputs["characters"] = characters[:, :, : max(1, longest)]
        if self.texts is not None:
            inputs["features"] = _padded_features(self.texts.take(rows))
        return inputs


def _padded_features(texts: TokenTexts) -> np.ndarray:
    """Return the features of a batch, int64 with the bits of the hashes."""
    features = token_features(texts).view(np.int64)
    rows = np.arange(len(texts.codes))
    features, _ = padded(RaggedArray(features, texts.codes.offsets), rows)
    return features


def _ids_of_steps(X: Any, description: Description) -> RaggedArray:
    """Read lists or a matrix of token ids, without padding between them."""
    ids: Any = lists_of_token_ids(X)
    if ids is None:
        rows = as_rows(X, input_type="tokens")
        ids = lists_of_ids(rows, input_type="tokens", of_one_length=True)
        if ids is None:
            ids = _checked_columns(_checked(rows, description), description)
    check_no_gaps(ids)
    return ragged_from_ids(ids, max_id=None)


def _checked(X: Any, description: Description) -> Any:
    """Return a matrix of numbers, or an array of sequences of equal length."""
    is_numeric = description.input_type == "numeric"
    if is_sparse(X) and not is_numeric:
        X = X.tocsr()
    elif is_sparse(X):
        raise ValueError(
            "X must be dense, since the model was fitted to numbers: got a sparse "
            "matrix, which holds token ids."
        )
    else:
        X = _as_array(X)
    if X.ndim and not X.shape[0]:
        raise ValueError(
            f"X must contain at least one row or document: got shape {X.shape}."
        )
    max_ndim = 3 if is_numeric and not description.n_static else 2
    if X.dtype.kind not in "biuf" or not 2 <= X.ndim <= max_ndim:
        raise ValueError(
            "X must contain rows of token ids or numbers, as in fit: got an array of "
            f"dtype {X.dtype} and shape {X.shape}. To serve text, export the Pipeline "
            "with its TextVectorizer."
        )
    return X


def _series(row: Any, number: int) -> np.ndarray:
    """Return a row of numbers, or of channels, as an array."""
    values = _as_array(row)
    if values.dtype == object:  # such as None for a missing number
        with suppress(TypeError, ValueError):
            values = values.astype(np.float64)
    if values.dtype.kind not in "biufc" or values.ndim not in (1, 2):
        raise ValueError(
            "X must contain rows of numbers, as in fit: row "
            f"{number} is an array of dtype {values.dtype} and shape {values.shape}."
        )
    return values


def _as_array(X: Any) -> np.ndarray:
    """Return an array, of objects if lists differ in length."""
    try:
        return np.asarray(X)
    except ValueError:
        return np.fromiter(X, dtype=object, count=len(X))


def _checked_columns(X: Any, description: Description) -> Any:
    """Return the matrix if it has the number of columns seen in `fit`."""
    n_columns = description.n_columns
    if X.ndim == 2 and n_columns is not None and X.shape[1] != n_columns:
        raise ValueError(
            f"X must have {n_columns} columns, as in fit: got {X.shape[1]}."
        )
    return X


def _without_static(X: Any, n_static: int) -> tuple[Any, np.ndarray | None]:
    """Separate the sequences from the static features in the last columns."""
    if not n_static:
        return X, None
    static = X[:, X.shape[1] - n_static :]
    static = static.toarray() if is_sparse(static) else static
    static = static.astype(np.float64)
    non_finite = find_non_finite(static)
    if non_finite is not None:
        index, value = non_finite
        raise ValueError(
            f"X contains {value} in row {index // n_static}: its last {n_static} "
            "columns are static features, which must be finite numbers."
        )
    return without_boundary(X[:, : X.shape[1] - n_static]), static


def _checked_channels(sequences: RaggedArray, description: Description) -> RaggedArray:
    n_channels = sequences.values.shape[1]
    if n_channels != description.n_channels:
        raise ValueError(
            f"X must have {description.n_channels} channels, as in fit: got "
            f"{n_channels}."
        )
    return sequences
