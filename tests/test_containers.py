"""The table of containers in the user guide is correct."""

import re
from collections import namedtuple
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.text import TextBatches
from sklearn_bilstm.utils._stored_ids import write_stored_ids
from tests.helpers import small_classifier, small_regressor, small_tagger

PAGE = Path(__file__).parents[1] / "docs" / "containers.md"
TEXTS = ["good film", "bad", "so so", "x"]
WORDS = [["a", "b", "c"], ["d", "e"], ["f"], ["a", "d"]]
IDS = [[5, 6, 7], [8, 9], [4], [5, 3]]
MATRIX = np.array([[5, 6, 7], [8, 9, 0], [4, 0, 0], [5, 3, 0]])
PADDED = np.where(MATRIX == 0, np.nan, MATRIX)
FLOATS = [np.array(row, float) for row in IDS]
LABELS = [["u", "v", "u"], ["v", "u"], ["u"], ["v", "v"]]
KEYS = {"text": TEXTS, "ids": IDS, "tokens": WORDS}
MASKED = np.ma.masked_equal(MATRIX, 0)
MASKED_TEXTS = np.ma.masked_array([*TEXTS, "y"], [False] * 4 + [True])[:4]

pytestmark = pytest.mark.filterwarnings(
    "ignore:X holds integers", "ignore:The PyTorch API of nested tensors"
)


def of_objects(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def stored(rows):
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return write_stored_ids(
            Path(folder, "ids"), [sparse.csr_array(MATRIX)], MATRIX.shape[1]
        )


def structured(rows):
    return np.array([(0,)] * len(rows), dtype=[("rows", int)])


def tensors(rows):
    return [torch.tensor(row) for row in rows]


def chunked(rows):
    return pa.chunked_array([rows[:1], rows[1:]])


def dask_frame(rows):
    dask = pytest.importorskip("dask.dataframe")
    return dask.from_pandas(pd.DataFrame({"rows": range(len(rows))}), npartitions=2)


def dataset(rows):
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_dict({key_of(rows): rows})


def key_of(rows):
    return next(key for key, value in KEYS.items() if value is rows)


def docs(rows):
    blank = pytest.importorskip("spacy").blank("en")
    return [blank(text) for text in TEXTS]


def xarray_of(rows):
    of_text = rows is TEXTS
    return pytest.importorskip("xarray").DataArray(rows if of_text else PADDED)


def matrix_or(other):
    """Return a function that converts texts, or the matrix of ids for other rows."""
    return lambda rows: other(rows) if rows is TEXTS else other(MATRIX)


def nested(rows):
    return pd.DataFrame({"rows": [pd.Series(row) for row in FLOATS]})


def packed(rows):
    return torch.nn.utils.rnn.pack_sequence(tensors(IDS), enforce_sorted=False)


Fields = namedtuple("Fields", ["rows", "other"])
CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "string": lambda rows: "a b",
    "generator": iter,
    "dict": lambda rows: {"rows": rows},
    "list of dicts": lambda rows: [{key_of(rows): row} for row in rows],
    "named tuple": lambda rows: Fields(rows, rows),
    "set": lambda rows: {tuple(row) for row in rows},
    "NumPy array of objects": of_objects,
    "NumPy array of integers": lambda rows: MATRIX,
    "NumPy array of floats": lambda rows: PADDED,
    "NumPy array of three dimensions": lambda rows: PADDED[..., None],
    "NumPy masked array": lambda rows: MASKED_TEXTS if rows is TEXTS else MASKED,
    "NumPy structured array": structured,
    "list of NumPy arrays of integers": lambda rows: [np.array(row) for row in IDS],
    "list of NumPy arrays of floats": lambda rows: FLOATS,
    "list of masked arrays": lambda rows: list(MASKED),
    "SciPy sparse array": lambda rows: sparse.csr_array(MATRIX),
    "StoredTokenIds": stored,
    "TextBatches": lambda rows: TextBatches([rows]),
    "pandas Series": pd.Series,
    "pandas DataFrame": lambda rows: pd.DataFrame({"rows": rows}),
    "pandas DataFrame of nullable types": matrix_or(
        lambda rows: pd.DataFrame(rows).convert_dtypes().replace(0, pd.NA)
    ),
    "pandas DataFrame of Arrow types": matrix_or(
        lambda rows: pd.DataFrame(rows).convert_dtypes(dtype_backend="pyarrow")
    ),
    "pandas DataFrame of Series, as sktime nests them": nested,
    "polars Series": pl.Series,
    "polars DataFrame": lambda rows: pl.DataFrame({"rows": rows}),
    "polars LazyFrame": lambda rows: pl.DataFrame({"rows": rows}).lazy(),
    "pyarrow Array": pa.array,
    "pyarrow ChunkedArray": chunked,
    "pyarrow Table": lambda rows: pa.table({"rows": rows}),
    "pyarrow RecordBatch": lambda rows: pa.record_batch({"rows": rows}),
    "torch tensor": lambda rows: torch.tensor(MATRIX),
    "list of torch tensors": lambda rows: tensors(IDS),
    "list of torch tensors of floats": lambda rows: tensors(FLOATS),
    "torch PackedSequence": packed,
    "dask DataFrame": dask_frame,
    "dask Series": lambda rows: dask_frame(rows)["rows"],
    "Hugging Face Dataset": dataset,
    "Hugging Face Column": lambda rows: dataset(rows)[key_of(rows)],
    "slice of a Hugging Face Dataset": lambda rows: dataset(rows)[:4],
    "list of spaCy Docs": docs,
    "xarray DataArray": xarray_of,
}
TABLE = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
][1:]


def column(number):
    pairs = [(row[0].strip("| "), row[number].strip(" |")) for row in TABLE]
    return pytest.mark.parametrize(("name", "expected"), pairs)


def check(call, X, expected):
    """Compare the result or error of a call with the cell of the table."""
    if expected.startswith('"'):
        with pytest.raises(ValueError, match=re.escape(expected.strip('"'))):
            call(X)
    else:
        assert np.array_equal(call(X), found_for_plain(call, expected))


@cache
def found_for_plain(call, kind):
    return call(PLAIN[call, kind])


def transformed(X):
    return TextVectorizer().fit_transform(X).toarray()


def predictions(model, X, y):
    fitted = model.fit(X, y)
    return fitted.predict_proba(X) if hasattr(fitted, "classes_") else fitted.predict(X)


def classified(X):
    return predictions(small_classifier(max_epochs=1), X, [0, 1, 0, 1])


def regressed(X):
    return predictions(small_regressor(max_epochs=1), X, [0.5, 1, 2, 1])


def tagged(X):
    return np.concatenate(predictions(small_tagger(max_epochs=1), X, LABELS))


PLAIN = {
    (transformed, "documents"): TEXTS,
    (tagged, "tokens"): WORDS,
    (tagged, "token ids"): IDS,
    (tagged, "numbers"): FLOATS,
    **{
        (predicted, kind): X
        for predicted in (classified, regressed)
        for kind, X in [("token ids", sparse.csr_array(MATRIX)), ("numbers", PADDED)]
    },
}


def test_table_lists_all_containers():
    assert [row[0].strip("| ") for row in TABLE] == list(CONTAINERS)


@column(1)
def test_vectorizer_input_matches_the_table(name, expected):
    check(transformed, CONTAINERS[name](TEXTS), expected)


@pytest.mark.parametrize("predicted", [classified, regressed])
@column(2)
def test_classifier_and_regressor_input_matches_the_table(name, expected, predicted):
    check(predicted, CONTAINERS[name](IDS), expected)


@column(3)
def test_tagger_input_matches_the_table(name, expected):
    check(tagged, CONTAINERS[name](WORDS), expected)
