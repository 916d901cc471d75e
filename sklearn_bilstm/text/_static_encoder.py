"""StaticEncoder: convert the columns of a table to numeric features."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.text._column_values import (
    TypedColumn,
    categories_of,
    check_columns,
    columns_of_table,
    tags_of_frames,
)
from sklearn_bilstm.text._static_values import (
    PARTS_OF_DATES,
    numeric_features,
    read_as,
    read_in_fit,
)
from sklearn_bilstm.utils._documentation import DOCUMENTATION
from sklearn_bilstm.utils._plain import plain_value
from sklearn_bilstm.utils._sklearn import Interval, check_feature_names, fit_context

__all__ = ["StaticEncoder", "static_encoder_parts"]

# Kinds of columns with numeric features, which are imputed.
_NUMERIC = "number", "date", "missing"


class StaticEncoder(TransformerMixin, BaseEstimator):
    """Convert the columns of a table to numeric features.

    - Numbers, booleans and durations (in days) are one feature.
    - Dates are four features, in UTC: the days since 1970, the month (1 to 12), the
      weekday (0 for Monday) and the hour. Strings are dates if all strings of a column
      are in the format ISO 8601 with hyphens, such as "2024-01-31" or
      "2024-01-31 12:30", or blank, which are missing.
    - Other strings and categories are one-hot encoded. Missing values are a category;
      categories that `fit` has not seen are encoded as the infrequent ones, or as
      zeros if there are none.

    Missing numbers and dates are replaced by the mean, and a feature marks them if the
    column has missing values in `fit`. The features of a column without values in `fit`
    are constant: later values are ignored. The number of features is fixed in `fit`.

    Parameters
    ----------
    max_categories : int, default=30
        Maximum number of features of a column of categories. Less frequent categories
        share one feature.

    Attributes
    ----------
    column_kinds_ : dict
        Kind of each column: "number", "date", "category", or "missing" if it has no
        values in `fit`.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during `fit`.

    See Also
    --------
    TableVectorizer : Convert tables with text to token ids and numeric features.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_bilstm.text import StaticEncoder
    >>> frame = pd.DataFrame({"age": [30, None], "kind": ["a", "b"]})
    >>> encoder = StaticEncoder().fit(frame)
    >>> encoder.get_feature_names_out().tolist()
    ['age', 'age_missing', 'kind_a', 'kind_b']
    >>> encoder.transform(frame)
    array([[30.,  0.,  1.,  0.],
           [30.,  1.,  0.,  1.]])
    """

    column_kinds_: dict[str, str]

    _doc_link_module = "sklearn_bilstm"
    _doc_link_template = DOCUMENTATION + "api/sklearn_bilstm.text.{estimator_name}.html"

    _parameter_constraints: dict = {
        "max_categories": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, *, max_categories=30):
        self.max_categories = max_categories

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the kinds of the columns, means and categories.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            A frame of pandas, polars or pyarrow.
        y : None
            Ignored.

        Returns
        -------
        self : StaticEncoder
            Fitted encoder.

        Raises
        ------
        ValueError
            If a column holds values of several types, of another type, or infinity.
        """
        names, values = columns_of_table(X)
        columns = {
            name: read_in_fit(column, name)
            for name, column in zip(names, values, strict=True)
        }
        self.column_kinds_ = {
            name: "category" if column.kind == "text" else column.kind
            for name, column in columns.items()
        }
        check_feature_names(self, X, reset=True)
        self.n_features_in_ = len(names)
        numbers, first = self._numbers(columns)
        self._imputer = SimpleImputer(keep_empty_features=True)
        self._indicator = MissingIndicator(error_on_new=False)
        if numbers.shape[1]:
            self._imputer.fit(numbers)
            self._indicator.fit(first)
        self._encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            max_categories=plain_value(self.max_categories),
            sparse_output=False,
        )
        categories = self._categories(columns)
        if categories.shape[1]:
            self._encoder.fit(categories)
        return self

    def transform(self, X):
        """Return the features of rows.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            The columns seen in `fit`. Columns of a frame are found by name. Strings in
            a column of dates must be in the format ISO 8601 with hyphens, such as
            "2024-01-31" or "2024-01-31T12:30:00Z", or blank; times without an offset
            are in UTC.

        Returns
        -------
        features : ndarray of float64, shape (n_rows, n_features)
            The numbers and dates in the order of columns, then the features that mark
            missing values, then the categories.

        Raises
        ------
        ValueError
            If a column is missing, or holds values of another kind than in `fit`.
        """
        check_is_fitted(self)
        return self._features(self._read(X))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of str objects, shape (n_features,)
            Names such as "age", "age_missing", "date_month" and "department_tops".
        """
        check_is_fitted(self)
        numbers = self._of_kinds(*_NUMERIC)
        names = [
            f"{name}_{part}" if part else name
            for name in numbers
            for part in (PARTS_OF_DATES if self._is_date(name) else ("",))
        ]
        if numbers:
            names += [f"{numbers[i]}_missing" for i in self._indicator.features_]
        if categories := self._of_kinds("category"):
            names += self._encoder.get_feature_names_out(categories).tolist()
        return np.array(names, dtype=object)

    def _features(self, columns: dict[str, TypedColumn]) -> np.ndarray:
        """Return the features of columns."""
        numbers, first = self._numbers(columns)
        parts = []
        if numbers.shape[1]:
            parts += [
                self._imputer.transform(numbers),
                self._indicator.transform(first),
            ]
        categories = self._categories(columns)
        if categories.shape[1]:
            parts.append(self._encoder.transform(categories))
        return np.hstack(parts).astype(np.float64)

    def _of_kinds(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.column_kinds_.items() if kind in kinds]

    def _is_date(self, name: str) -> bool:
        return self.column_kinds_[name] == "date"

    def _read(self, X: Any) -> dict[str, TypedColumn]:
        """Return the columns seen in `fit`."""
        names, columns = columns_of_table(X)
        columns_by_name = dict(zip(names, columns, strict=True))
        check_columns(columns_by_name, self.column_kinds_, type(self).__name__)
        return {
            name: read_as(columns_by_name[name], name, kind)
            for name, kind in self.column_kinds_.items()
        }

    def _numbers(
        self, columns: dict[str, TypedColumn]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of numbers and dates, and the first one of each column.

        They contain NaN.
        """
        n_rows = _n_rows(columns)
        parts, first = [np.empty((n_rows, 0))], [np.empty((n_rows, 0))]
        for name in self._of_kinds(*_NUMERIC):
            features = numeric_features(columns[name], name, self.column_kinds_[name])
            parts.append(features)
            first.append(features[:, :1])
        return np.hstack(parts), np.hstack(first)

    def _categories(self, columns: dict[str, TypedColumn]) -> np.ndarray:
        """Return the categories as strings."""
        names = self._of_kinds("category")
        categories = np.empty((_n_rows(columns), len(names)), object)
        for index, name in enumerate(names):
            categories[:, index] = categories_of(columns[name].values)
        return categories

    def __sklearn_tags__(self) -> Tags:
        return tags_of_frames(super().__sklearn_tags__())


def _n_rows(columns: dict[str, TypedColumn]) -> int:
    return len(next(iter(columns.values())).values)


def static_encoder_parts(
    encoder: StaticEncoder,
) -> tuple[SimpleImputer | None, list[int], OneHotEncoder | None]:
    """Return the fitted parts of a fitted encoder.

    Returns
    -------
    imputer : SimpleImputer or None
        Imputer of the features of numbers and dates. None if there are none.
    marked : list of int
        Indices, within these features, of the first feature of each column whose
        missing values a further feature marks.
    encoder : OneHotEncoder or None
        Encoder of the categories. None if there are none.
    """
    numbers = encoder._of_kinds(*_NUMERIC)
    widths = [len(PARTS_OF_DATES) if encoder._is_date(n) else 1 for n in numbers]
    starts = np.cumsum([0, *widths])
    indicator_columns = starts[encoder._indicator.features_].tolist() if numbers else []
    has_categories = bool(encoder._of_kinds("category"))
    return (
        encoder._imputer if numbers else None,
        indicator_columns,
        encoder._encoder if has_categories else None,
    )
