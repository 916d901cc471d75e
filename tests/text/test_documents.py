import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from sklearn_bilstm.text._documents import read_documents

TEXTS = ["good film", "bad", ""]
COLUMNS = {"title": TEXTS, "review": ["x", "y", "z"]}


def read(X, missing="empty", any_type=False):
    return read_documents(X, missing=missing, any_type=any_type)


@pytest.mark.parametrize(
    "X",
    [
        TEXTS,
        tuple(TEXTS),
        (text for text in TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        pd.Series(TEXTS, index=[7, 7, 8]),
        pd.Series(TEXTS, dtype="string"),
        pd.Series(TEXTS, dtype="category"),
        pl.Series(TEXTS),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
    ],
    ids=lambda X: f"{type(X).__module__}.{type(X).__name__}",
)
def test_text_columns_of_any_container_are_read(X):
    documents = read(X)
    assert documents.rows == TEXTS
    assert not documents.is_table
    assert documents.markers == []


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_of_any_library_are_read_by_rows(frame):
    documents = read(frame(COLUMNS))
    assert documents.rows == [("good film", "x"), ("bad", "y"), ("", "z")]
    assert documents.markers == ["<title>", "<review>"]
    assert documents.n_columns == 2


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_single_column_frame_has_no_markers(frame):
    documents = read(frame({"title": TEXTS}))
    assert documents.rows == TEXTS
    assert documents.is_table
    assert documents.markers == []


def test_a_2d_array_has_numbered_columns():
    documents = read(np.array([["a", "b"], ["c", "d"]], dtype=object))
    assert documents.rows == [("a", "b"), ("c", "d")]
    assert documents.markers == ["<column0>", "<column1>"]


@pytest.mark.parametrize(
    "missing", [None, float("nan"), np.nan, np.float32("nan"), pd.NA, pd.NaT]
)
def test_a_missing_document_is_empty_or_raises_with_its_row(missing):
    X = ["a", "b", missing, missing]
    assert read(X).rows == ["a", "b", None, None]
    with pytest.raises(ValueError, match=r"missing document: row 2 .*missing='empty'"):
        read(X, missing="error")


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"t": ["a", None]}),
        pl.DataFrame({"t": ["a", None]}),
        pa.table({"t": ["a", None]}),
    ],
    ids=["pandas", "polars", "pyarrow"],
)
def test_a_missing_cell_raises_with_its_column(X):
    assert read(X).rows == ["a", None]
    with pytest.raises(ValueError, match="row 1 of column 't'"):
        read(X, missing="error")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", "iterable of documents.*'one text' of type str.*into a list"),
        (b"bytes", "iterable of documents.*type bytes"),
        (3, "iterable of documents.*3 of type int"),
        (None, "iterable of documents.*NoneType"),
        (np.array("a"), "iterable of documents.*type ndarray"),
        (np.full((2, 2, 2), "a"), "iterable of documents.*type ndarray"),
        (sparse.csr_array((2, 2)), "iterable of documents.*csr_array"),
        (["a", b"b"], r"row 1 holds b'b' of type bytes. Decode it"),
        (["a", 3], "row 1 holds 3 of type int. Select the columns that hold text"),
        ([["good", "film"]], "row 0 holds .* of type list.*callable analyzer"),
        (
            pd.DataFrame({"n": [1.5, 2.5]}),
            "row 0 of column 'n' holds 1.5 of type float",
        ),
        (pd.DataFrame(index=[0, 1]), "got none"),
    ],
    ids=lambda x: str(x)[:20],
)
def test_invalid_documents_raise(X, message):
    with pytest.raises(ValueError, match=message):
        read(X)


def test_any_type_allows_lists_of_tokens():
    assert read([["good", "film"], None], any_type=True).rows == [
        ["good", "film"],
        None,
    ]
