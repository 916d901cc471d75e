import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sklearn_bilstm.utils._nesting import as_column, unnested

ROWS = [np.array([1.0, 2.0]), np.array([3.0])]


def objects(rows):
    """Return rows as a 1-D array of objects."""
    return np.fromiter(rows, dtype=object, count=len(rows))


COLUMNS = [objects(ROWS), pd.Series(ROWS), pd.Series([row.tolist() for row in ROWS])]
TABLES = [objects(ROWS)[:, np.newaxis], pd.DataFrame({"y": ROWS})]


@pytest.mark.parametrize("y", [*COLUMNS, *TABLES])
def test_a_column_of_arrays_becomes_a_list_of_them(y):
    rows = unnested(y)
    assert isinstance(rows, list)
    assert [list(row) for row in rows] == [[1, 2], [3]]


@pytest.mark.parametrize("y", TABLES)
def test_a_single_column_of_objects_becomes_one_dimensional(y):
    column = as_column(y)
    assert column.shape == (2,)
    assert [row.tolist() for row in column] == [[1, 2], [3]]


@pytest.mark.parametrize(
    "y",
    [
        np.arange(3.0),
        np.zeros((3, 1)),
        np.zeros((3, 2)),
        objects(["a", "b"]),
        objects([1.0, None]),
        pd.Series(["a", None]),
        pd.DataFrame({"a": [1.0]}),
        pl.Series([1.0, 2.0]),
        sparse.csr_array(np.eye(2)),
        [[1, 2], [3]],
        "text",
        None,
    ],
)
def test_other_containers_are_unchanged(y):
    assert unnested(y) is y
    assert isinstance(y, list) or as_column(y) is y


def test_a_single_column_of_labels_keeps_its_shape():
    assert unnested(objects(["a", "b"])[:, np.newaxis]).shape == (2, 1)
