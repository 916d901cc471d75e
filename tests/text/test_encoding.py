import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.validation import _check_feature_names

from sklearn_bilstm.text._documents import read_documents
from sklearn_bilstm.text._encoding import (
    check_columns,
    dropped_part,
    encode_rows,
    row_analyzer,
    truncated,
)

DOCUMENTS = st.lists(st.lists(st.integers(2, 9), max_size=7), min_size=1, max_size=5)


def kept_part(document, width, truncation):
    """Return the kept part of a document by slices."""
    if len(document) <= width or truncation == "post":
        return document[:width]
    if truncation == "pre":
        return document[-width:]
    n_last = width // 2
    return document[: width - n_last] + document[len(document) - n_last :]


@pytest.mark.parametrize("truncation", ["post", "pre", "middle"])
@given(documents=DOCUMENTS, width=st.integers(1, 6))
def test_long_documents_are_truncated(truncation, documents, width):
    ids = np.array([id_ for document in documents for id_ in document], np.int32)
    lengths = np.array([len(document) for document in documents])
    ids, lengths = truncated(ids, lengths, width, truncation)
    found = [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]
    assert found == [kept_part(document, width, truncation) for document in documents]


@pytest.mark.parametrize("truncation", ["post", "pre", "middle"])
def test_dropped_part_is_what_truncation_removes(truncation):
    document = list(range(9))
    start, end = dropped_part(9, 4, truncation)
    assert document[:start] + document[end:] == kept_part(document, 4, truncation)


def test_rows_of_a_table_have_markers():
    analyze = row_analyzer(str.split, ["<a>", "<b>"])
    rows = [("x y", None), ("y", "x")]
    encoded = encode_rows(rows, analyze, {"analyzer": "word", "tokenizer": None})
    vocabulary = {"<a>": 2, "<b>": 3, "x": 4, "y": 5}
    assert encoded.ids(vocabulary).tolist() == [2, 4, 5, 3, 2, 5, 3, 4]
    assert encoded.lengths.tolist() == [4, 4]
    assert row_analyzer(str.split, []) is str.split


NAMES = ["title", "review"]
FRAME = pd.DataFrame([["a", "b"]], columns=NAMES)
TABLES = [
    FRAME,
    FRAME[NAMES[::-1]],
    FRAME.rename(columns={"title": "name"}),
    FRAME[["title"]],
    FRAME.assign(**{f"column {i}": "c" for i in range(7)}),
    FRAME.set_axis([0, 1], axis=1),
    FRAME.to_numpy(),
    pl.DataFrame(FRAME.to_dict("list")),
    pl.DataFrame({"other": ["a"]}),
]


def outcome(check):
    """Return the message of an error or a warning, if there is one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check()
        except ValueError as error:
            return str(error)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("names", [NAMES, None], ids=["names", "no names"])
@pytest.mark.parametrize("X", TABLES, ids=range(len(TABLES)))
def test_column_names_are_checked_as_by_scikit_learn(X, names):
    class TextVectorizer(SimpleNamespace):
        pass

    fitted = TextVectorizer()
    if names is not None:
        fitted.feature_names_in_ = np.array(names, object)
    documents = read_documents(X, missing="error", any_type=False)
    n_columns = documents.n_columns
    found = outcome(
        lambda: check_columns(
            documents, n_columns=n_columns, is_table=True, names=names
        )
    )
    assert found == outcome(lambda: _check_feature_names(fitted, X, reset=False))


def test_another_number_of_columns_raises():
    documents = read_documents(["a"], missing="error", any_type=False)
    with pytest.raises(ValueError, match="1 columns of text.*expecting 2"):
        check_columns(documents, n_columns=2, is_table=False, names=None)
