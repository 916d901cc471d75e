"""TableVectorizer: convert tables with text to token ids and numeric features."""

import warnings
from collections.abc import Sequence
from itertools import chain
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.text._column_values import (
    check_columns,
    columns_of_table,
    tags_of_frames,
)
from sklearn_bilstm.text._locating import LocatedDocument
from sklearn_bilstm.text._static_encoder import StaticEncoder
from sklearn_bilstm.text._static_values import read_in_fit
from sklearn_bilstm.text._vectorizer import TextVectorizer
from sklearn_bilstm.utils._agreement import current_group
from sklearn_bilstm.utils._containers import describe, unwrap_container
from sklearn_bilstm.utils._documentation import PAGE_OF_ESTIMATOR
from sklearn_bilstm.utils._ids import BOUNDARY
from sklearn_bilstm.utils._sklearn import (
    HasMethods,
    Interval,
    check_feature_names,
    fit_context,
    get_output_config,
    safe_indexing,
)
from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = ["TableVectorizer"]


class TableVectorizer(TransformerMixin, BaseEstimator):
    """Convert tables with text to token ids and numeric features.

    The text columns become the token ids of a :class:`TextVectorizer`, and all other
    columns become numeric features of the row. A column with a constant negative number
    separates them, so that :class:`BiLSTMClassifier` and :class:`BiLSTMRegressor` find
    the features without `n_static_features`, whatever their number is in a fold.

    Parameters
    ----------
    text_vectorizer : TextVectorizer, default=None
        Vectorizer of the text columns. None means `TextVectorizer()`.

    static_transformer : transformer, default=None
        Transformer of a frame with all other columns, such as a
        :class:`~sklearn.compose.ColumnTransformer`. Strings that are dates are passed
        as strings. None means `StaticEncoder(max_categories=max_categories)`.

    text_columns : "auto", str or list of str, default="auto"
        Names of the text columns. With "auto", these are the columns of strings with
        more than `max_categories` different values, or with a different value in most
        rows, unless they are of a categorical dtype, or all strings are dates in the
        format ISO 8601 or blank. A warning names those with numbers rather than
        letters in most rows, such as "12.50".

    max_categories : int, default=30
        Maximum number of features of a column of categories. Less frequent categories
        share one feature.

    Attributes
    ----------
    text_columns_ : list of str
        Names of the text columns.

    static_columns_ : list of str
        Names of the other columns.

    text_vectorizer_ : TextVectorizer
        The fitted vectorizer.

    static_transformer_ : transformer or None
        The fitted transformer. None if all columns hold text.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during `fit`.

    See Also
    --------
    TextVectorizer : Convert documents, or text columns alone, to token ids.
    sklearn_bilstm.text.StaticEncoder : Convert columns to numeric features.

    Notes
    -----
    Columns are found by name: their order can differ from `fit`, and further columns
    are ignored.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TableVectorizer
    >>> frame = pd.DataFrame(
    ...     {"review": [f"{word} film" for word in "abcdefgh"], "age": range(8)}
    ... )
    >>> vectorizer = TableVectorizer().fit(frame)
    >>> vectorizer.text_columns_, vectorizer.static_columns_
    (['review'], ['age'])
    >>> model = make_pipeline(vectorizer, BiLSTMClassifier(max_epochs=1))
    >>> model = model.fit(frame, [0, 1] * 4)
    >>> model[-1].auto_params_["n_static_features"]
    1
    """

    text_columns_: list[str]
    static_columns_: list[str]
    text_vectorizer_: TextVectorizer

    _doc_link_module = "sklearn_bilstm"
    _doc_link_template = PAGE_OF_ESTIMATOR

    _parameter_constraints: dict = {
        "text_vectorizer": [TextVectorizer, None],
        "static_transformer": [HasMethods(["fit", "transform"]), None],
        "text_columns": [str, list, tuple],
        "max_categories": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        text_vectorizer=None,
        static_transformer=None,
        text_columns="auto",
        max_categories=30,
    ):
        self.text_vectorizer = text_vectorizer
        self.static_transformer = static_transformer
        self.text_columns = text_columns
        self.max_categories = max_categories

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Learn the columns of text, the vocabulary and the other features.

        Parameters
        ----------
        X : frame of shape (n_rows, n_columns)
            A frame of pandas, polars or pyarrow.
        y : array-like of shape (n_rows,), default=None
            Passed to `static_transformer`.

        Returns
        -------
        self : TableVectorizer
            Fitted vectorizer.

        Raises
        ------
        ValueError
            If X is not a frame, has no text column, or holds values of unsupported
            types.
        """
        self._learn(X, y)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None):
        """Fit to a table and return its token ids and numeric features.

        Parameters
        ----------
        X : frame of shape (n_rows, n_columns)
            As in :meth:`fit`.
        y : array-like of shape (n_rows,), default=None
            Passed to `static_transformer`.

        Returns
        -------
        matrix : csr_array or ndarray of shape (n_rows, n_columns_out)
            As in :meth:`transform`.
        """
        self._check_output()
        ids, features = self._learn(X, y)
        return ids if features is None else _concatenated(ids, features)

    def _learn(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Fit both transformers, and return what they return."""
        X = unwrap_container(X)
        names, columns = columns_of_table(X)
        texts = self._find_text_columns(names, columns)
        static = [name for name in names if name not in texts]
        if static and current_group() is not None:
            raise ValueError(
                "TableVectorizer cannot be fitted in a torch.distributed group, since "
                "its processes would find different categories: fit it before the "
                "group is initialised, or keep only the text columns."
            )
        vectorizer = self.text_vectorizer
        vectorizer = TextVectorizer() if vectorizer is None else clone(vectorizer)
        ids = vectorizer.fit_transform(_with_columns(X, names, texts))
        transformer, features = None, None
        if static:
            transformer = self._new_static_transformer()
            features = _fit_transformed(transformer, _with_columns(X, names, static), y)
            features = _as_matrix(features, ids.shape[0])
        check_feature_names(self, X, reset=True)
        self.n_features_in_ = len(names)
        self.text_columns_, self.static_columns_ = texts, static
        self.text_vectorizer_, self.static_transformer_ = vectorizer, transformer
        return ids, features

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None):
        """Update the vocabulary with the texts of more rows.

        The first call is the same as `fit`. Later ones do not change the columns of the
        result: means and categories are those of the first call, which should therefore
        contain all common categories.

        Parameters
        ----------
        X : frame of shape (n_rows, n_columns)
            As in :meth:`fit`.
        y : array-like of shape (n_rows,), default=None
            Passed to `static_transformer` by the first call.

        Returns
        -------
        self : TableVectorizer
            Fitted vectorizer.
        """
        if not hasattr(self, "text_vectorizer_"):
            return self.fit(X, y)
        (texts,) = self._select_columns(X, self.text_columns_)
        self.text_vectorizer_.partial_fit(texts)
        return self

    def transform(self, X):
        """Return the token ids and the numeric features of rows.

        Parameters
        ----------
        X : frame of shape (n_rows, n_columns)
            The columns seen in `fit`.

        Returns
        -------
        matrix : csr_array or ndarray of shape (n_rows, n_columns_out)
            The token ids, the boundary, and the numeric features. Without numeric
            features, the token ids alone. Dense if `sparse_output` of the
            `text_vectorizer` is False.

        Raises
        ------
        ValueError
            If a column is missing, or holds values of another kind than in `fit`.
        """
        check_is_fitted(self)
        self._check_output()
        wanted = self.text_columns_, self.static_columns_
        texts, static = self._select_columns(X, *wanted)
        ids = self.text_vectorizer_.transform(texts)
        if self.static_transformer_ is None:
            return ids
        features = self.static_transformer_.transform(static)
        return _concatenated(ids, _as_matrix(features, ids.shape[0]))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of str objects, shape (n_columns_out,)
            "token_0", "token_1", ..., "boundary" and the names of the features.
        """
        check_is_fitted(self)
        names = self.text_vectorizer_.get_feature_names_out()
        if self.static_transformer_ is None:
            return names
        static = self.static_transformer_.get_feature_names_out()
        return np.array([*names, "boundary", *static], dtype=object)

    def locate(self, X: Any) -> list[LocatedDocument]:
        """Locate tokens in the texts of rows.

        Parameters
        ----------
        X : frame of shape (n_rows, n_columns)
            The columns seen in `fit`.

        Returns
        -------
        documents : list of LocatedDocument
            As from :meth:`TextVectorizer.locate`.
        """
        check_is_fitted(self)
        (texts,) = self._select_columns(X, self.text_columns_)
        return self.text_vectorizer_.locate(texts)

    def _find_text_columns(self, names: list[str], columns: list) -> list[str]:
        given = self.text_columns
        if isinstance(given, str) and given == "auto":
            pairs = zip(names, columns, strict=True)
            texts = [name for name, column in pairs if self._is_text(column, name)]
            if not texts:
                raise ValueError(
                    "X must have at least one column of text: no column of strings "
                    "that are not dates has more than "
                    f"max_categories={self.max_categories} different values, or a "
                    "different one in most rows. Name the text columns in "
                    "'text_columns'."
                )
            return texts
        texts = [given] if isinstance(given, str) else list(given)
        if not texts or not all(name in names for name in texts):
            raise ValueError(
                "The 'text_columns' parameter must be 'auto', or name columns of X, "
                f"which are {names}. Got {given!r} instead."
            )
        return list(dict.fromkeys(texts))

    def _is_text(self, column: Any, name: str) -> bool:
        kind, values = read_in_fit(column, name)
        if kind != "text":
            return False
        strings = [value for value in values if value is not None]
        is_text = len(set(strings)) > min(self.max_categories, len(strings) / 2)
        numbers = [text for text in strings if _has_digits_only(text)]
        if is_text and len(numbers) > len(strings) / 2:
            warnings.warn(
                f"The column {name!r} of X is read as text, although most strings have "
                f"no letters, such as {numbers[0]!r:.40}. Convert numbers with "
                "pd.to_numeric, dates with pd.to_datetime, and codes with "
                "astype('category'). To read it as text without this warning, name the "
                "columns in 'text_columns'.",
                stacklevel=2,
            )
        return is_text

    def _new_static_transformer(self) -> Any:
        if self.static_transformer is None:
            return StaticEncoder(max_categories=self.max_categories)
        return clone(self.static_transformer)

    def _select_columns(self, X: Any, *wanted: list[str]) -> list[Any]:
        """Return frames with some columns of X, by name."""
        X = unwrap_container(X)
        names, _ = columns_of_table(X)
        check_columns(names, chain(*wanted), type(self).__name__)
        return [_with_columns(X, names, columns) for columns in wanted]

    def _check_output(self) -> None:
        vectorizer = self.text_vectorizer
        is_sparse = vectorizer is None or vectorizer.sparse_output
        container = get_output_config("transform", self)["dense"]
        if is_sparse and container != "default":
            raise ValueError(
                f"TableVectorizer returns a sparse array, which {container} output "
                "does not support: set sparse_output=False of its text_vectorizer, or "
                "set_output to 'default'."
            )

    def __sklearn_tags__(self) -> Tags:
        return tags_of_frames(super().__sklearn_tags__())


def _has_digits_only(text: str) -> bool:
    """Return whether a text has digits, but no letters."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))


def _with_columns(X: Any, names: list[str], wanted: Sequence[str]) -> Any:
    indices = [names.index(name) for name in wanted]
    if hasattr(X, "column_names"):  # pyarrow
        return X.select(indices)
    return safe_indexing(X, indices, axis=1)


def _concatenated(ids: Any, features: Any) -> Any:
    """Return token ids and features with the boundary between them."""
    if not sparse.issparse(ids):
        dense = features.toarray() if sparse.issparse(features) else features
        column = np.full((len(dense), 1), BOUNDARY)
        return np.hstack([np.asarray(ids), column, dense])
    column = sparse.csr_array(np.full((ids.shape[0], 1), BOUNDARY))
    joined = sparse.hstack([ids, column, sparse.csr_array(features)], format="csr")
    matrix = TokenIds((joined.data, joined.indices, joined.indptr), joined.shape)
    matrix.fingerprint = ids.fingerprint
    return matrix


def _fit_transformed(transformer: Any, X: Any, y: Any) -> Any:
    if hasattr(transformer, "fit_transform"):
        return transformer.fit_transform(X, y)
    return transformer.fit(X, y).transform(X)  # a FrozenEstimator, for instance


def _as_matrix(features: Any, n_rows: int) -> Any:
    """Check what `static_transformer` returns."""
    array = features if sparse.issparse(features) else np.asarray(features)
    if array.ndim != 2 or array.shape[0] != n_rows or array.dtype.kind not in "biufO":
        raise ValueError(
            "The 'static_transformer' parameter must return a row of numbers for each "
            f"row of X: got {describe(features)} for {n_rows} rows."
        )
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The 'static_transformer' parameter must return numbers: got values of "
            f"type {array.dtype} ({error})."
        ) from error
