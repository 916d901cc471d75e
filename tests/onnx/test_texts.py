import copy
import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.onnx._texts import TextReader
from sklearn_bilstm.onnx._vectorizer import describe_vectorizer
from sklearn_bilstm.text import TextBatches

TEXTS = ["The plot, it wasn't dull!", "Été café 很好 :)", "", None, "the the \ud800 x"]
PARAMS = st.fixed_dictionaries(
    {
        "analyzer": st.sampled_from(["word", "char"]),
        "lowercase": st.booleans(),
        "strip_accents": st.sampled_from([None, "ascii", "unicode"]),
        "token_pattern": st.sampled_from([None, r"\w+", r"(\w)\w*"]),
        "stop_words": st.sampled_from([None, "english", ["the", "it"]]),
        "max_length": st.sampled_from([None, 2, 3, 50]),
        "truncation": st.sampled_from(["post", "pre", "middle"]),
    }
)


def reader_of(vectorizer):
    """Return a reader of the description of a vectorizer, by way of JSON."""
    return TextReader(**json.loads(json.dumps(describe_vectorizer(vectorizer))))


def dense(sequences, width):
    """Return sequences as a matrix of the given width."""
    X = np.zeros((len(sequences), width), np.int32)
    X[np.arange(width) < sequences.lengths[:, np.newaxis]] = sequences.values
    return X


def check(reader, vectorizer, X):
    """Compare ids with those of the vectorizer."""
    expected = vectorizer.transform(X).toarray()
    assert np.array_equal(dense(reader.read(X), expected.shape[1]), expected)


@given(
    params=PARAMS,
    texts=st.lists(st.text() | st.sampled_from([*TEXTS, np.nan]), min_size=1),
)
@pytest.mark.filterwarnings("ignore:Your stop_words may be inconsistent")
def test_ids_equal_those_of_the_vectorizer(params, texts):
    vectorizer = TextVectorizer(**params).fit(TEXTS)
    check(reader_of(vectorizer), vectorizer, texts)


COLUMNS = {"title": ["the plot", None], "review": ["it is dull", "x the plot"]}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_tables_of_several_columns_are_read(make):
    table = make(COLUMNS)
    vectorizer = TextVectorizer().fit(table)
    reader = reader_of(vectorizer)
    check(reader, vectorizer, table)
    with pytest.raises(ValueError, match="feature names should match"):
        reader.read(table[["review", "title"]])
    with pytest.raises(ValueError, match="1 columns of text"):
        reader.read(COLUMNS["review"])


@pytest.mark.parametrize("make", [pd.Series, pl.Series, np.array, tuple, iter])
def test_columns_of_any_library_are_read(make):
    texts = TEXTS[:3]
    vectorizer = TextVectorizer().fit(texts)
    expected = vectorizer.transform(texts).toarray()
    found = reader_of(vectorizer).read(make(texts))
    assert np.array_equal(dense(found, expected.shape[1]), expected)


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_copies_read_equal_ids(clone):
    vectorizer = TextVectorizer(token_pattern=r"\w\w", stop_words=["th"]).fit(TEXTS)
    reader = reader_of(vectorizer)
    reader.read(TEXTS)
    check(clone(reader), vectorizer, TEXTS)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], r"at least one row or document: got shape \(0, 1024\)"),
        ("a text", "Put a single document into a list"),
        (["a", 3], "X must hold strings: row 1 holds 3 of type int"),
        ([b"a"], r"document.decode\('utf-8'\)"),
        (TextBatches([["a"]]), "X must not be TextBatches"),
    ],
    ids=["empty", "text", "number", "bytes", "batches"],
)
def test_invalid_input_raises_as_by_the_vectorizer(X, message):
    vectorizer = TextVectorizer().fit(["a text"])
    with pytest.raises(ValueError, match=message):
        reader_of(vectorizer).read(X)
    if X != []:
        with pytest.raises(ValueError, match=message):
            vectorizer.transform(X)


def test_missing_documents_can_be_errors():
    reader = reader_of(TextVectorizer(missing="error").fit(["a text"]))
    with pytest.raises(ValueError, match="missing document: row 1"):
        reader.read(["a", None])
