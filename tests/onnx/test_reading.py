from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_bilstm.onnx._description import Description
from sklearn_bilstm.onnx._reading import ServedRows
from sklearn_bilstm.sequences import (
    N_TOKEN_FEATURES,
    RaggedArray,
    TokenTexts,
    token_features,
)
from sklearn_bilstm.utils._ids import BOUNDARY

LABELS = {"dtype": "<U1", "labels": ["a", "b"]}


def description(input_type="tokens", n_columns=None, n_static=0, n_channels=None):
    return Description(input_type, n_columns, n_static, n_channels, None, True, None)


def tagger(**params):
    """Return the description of a tagger of ids, unless parameters differ."""
    return replace(description(), classes=LABELS, of_steps=True, **params)


def inputs_of(X, **params):
    rows = ServedRows.of(X, description(**params))
    return rows.inputs(np.arange(len(rows.sequences)))


@pytest.mark.parametrize(
    "kind", [np.array, list, sparse.csr_array, sparse.csr_matrix, pd.DataFrame]
)
def test_ids_in_any_matrix_are_read_without_gaps(kind):
    found = inputs_of(kind(np.array([[4, 0, 3], [0, 0, 0]])))
    assert found.keys() == {"ids"}
    assert found["ids"].tolist() == [[4, 3], [0, 0]]
    assert found["ids"].dtype == np.int64


def test_static_columns_are_separated_from_ids():
    X = np.array([[4, 3, 0, 0.5, -2], [5, 0, 0, 1, 7]])
    for matrix in (X, X.tolist(), sparse.csr_array(X)):
        found = inputs_of(matrix, n_static=2)
        assert found["ids"].tolist() == [[4, 3], [5, 0]]
        assert found["static"].tolist() == [[0.5, -2], [1, 7]]


def test_a_numeric_table_is_read_as_univariate_series():
    X = np.array([[0.5, 1], [2, np.nan]])
    for matrix in (X, [[0.5, 1], [2]]):
        found = inputs_of(matrix, input_type="numeric", n_channels=1)
        assert found["values"].tolist() == [[[0.5], [1]], [[2], [0]]]
        assert found["lengths"].tolist() == [2, 1]
        assert found["lengths"].dtype == np.int64


def test_multivariate_series_may_be_an_array_or_a_list():
    X = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    for series in (X, list(X)):
        found = inputs_of(series, input_type="numeric", n_channels=2)
        assert np.array_equal(found["values"], X)
        assert found["values"].dtype == np.float64


def test_a_boundary_before_static_columns_is_no_id():
    for matrix in (np.asarray, sparse.csr_array):
        X = matrix([[4, 0, BOUNDARY, 0.5], [3, 2, BOUNDARY, 1]])
        found = inputs_of(X, n_static=1)
        assert found["ids"].tolist() == [[4, 0], [3, 2]]
        assert found["static"].tolist() == [[0.5], [1]]


def test_static_columns_are_separated_from_series():
    found = inputs_of([[1, 2, 7]], input_type="numeric", n_channels=1, n_static=1)
    assert found["values"].tolist() == [[[1], [2]]]
    assert found["static"].tolist() == [[7]]


@pytest.mark.parametrize(
    ("X", "params", "message"),
    [
        (["a text"], {}, "serve text, export the Pipeline"),
        ([1, 2], {}, r"shape \(2,\)"),
        (np.zeros((0, 3)), {}, r"shape \(0, 3\)"),
        ([], {"input_type": "numeric"}, r"shape \(0,\)"),
        (3, {}, r"shape \(\)"),
        ([[1, 2]], {"n_columns": 3}, "X must have 3 columns.* got 2"),
        ([[-1]], {}, "Negative values"),
        ([[1.5]], {}, "Fractions"),
        ([[2, 3, np.nan]], {"n_static": 1}, "NaN in row 0.* last 1 columns"),
        ([[1.0]], {"input_type": "numeric", "n_channels": 2}, "2 channels.* got 1"),
        ([[[1, np.inf]]], {"input_type": "numeric", "n_channels": 2}, "infinity in ro"),
        (["a text"], {"input_type": "numeric"}, "rows of numbers.* row 0 is .*<U6"),
        ([[1], [[1], [2, 3]]], {"input_type": "numeric"}, "rows of numbers.* row 1"),
        ([[1], None], {"input_type": "numeric"}, "rows of numbers.* row 1"),
        ([[object()]], {"input_type": "numeric"}, "rows of numbers.* row 0"),
        (sparse.eye_array(2), {"input_type": "numeric"}, "X must be dense"),
        (np.ones((1, 1, 1, 1)), {"input_type": "numeric"}, r"shape \(1, 1, 1, 1\)"),
        (np.ones((2, 3, 4)), {"n_static": 1}, r"shape \(2, 3, 4\)"),
        ([[1, 2], [3]], {"n_static": 1}, "rows of token ids .* object"),
    ],
)
def test_invalid_x_raises(X, params, message):
    with pytest.raises(ValueError, match=message):
        ServedRows.of(X, description(**params))


def test_a_mapping_raises_with_a_suggestion():
    with pytest.raises(ValueError, match=r"such as X\['ids'\]"):
        inputs_of({"ids": [[4, 3]]})


def test_lists_of_ids_may_differ_in_length():
    assert inputs_of([[4, 3], [5]])["ids"].tolist() == [[4, 3], [5, 0]]


def test_trailing_none_is_padding_of_a_series():
    found = inputs_of([[0.5, 1], [2, None]], input_type="numeric", n_channels=1)
    assert found["lengths"].tolist() == [2, 1]


@pytest.mark.parametrize("X", [np.ones((2, 3, 4)), [np.ones((2, 3)), np.ones((4, 3))]])
def test_ids_of_a_tagger_have_no_channels(X):
    with pytest.raises(ValueError, match="X must contain rows of token ids"):
        ServedRows.of(X, tagger())


def test_masked_steps_are_padding():
    X = np.ma.masked_equal([[0.5, 1], [2, 0]], 0)
    for series in (X, list(X)):
        found = inputs_of(series, input_type="numeric", n_channels=1)
        assert found["lengths"].tolist() == [2, 1]


def test_sentences_are_padded_to_the_longest_row_and_token():
    words = {"vocabulary": ["met", "anna"], "characters": ["a", "n", "m"]}
    rows = ServedRows.of([["Anna", "met"], [], ["nn"]], tagger(words=words))
    found = rows.inputs(np.arange(3))
    assert found["ids"].tolist() == [[3, 2], [0, 0], [1, 0]]
    assert found["characters"].dtype == np.int64
    assert found["characters"].tolist() == [
        [[1, 3, 3, 2], [4, 1, 1, 0]],
        [[0] * 4, [0] * 4],
        [[3, 3, 0, 0], [0] * 4],
    ]
    alone = rows.inputs(np.array([1]))
    assert alone["ids"].tolist() == [[0]]
    assert alone["characters"].tolist() == [[[0]]]


def test_sentences_without_character_features_have_ids_only():
    words = {"vocabulary": ["met"], "characters": None}
    rows = ServedRows.of([["Met"]], tagger(words=words))
    assert rows.inputs(np.arange(1)).keys() == {"ids"}


def test_features_of_tokens_have_the_bits_of_their_hashes():
    words = {"vocabulary": ["met"], "characters": None}
    about = tagger(words=words, n_token_features=N_TOKEN_FEATURES)
    sentences = [["Anna", "met"], [], ["", "Met", "x" * 99]]
    found = ServedRows.of(sentences, about).inputs(np.array([2, 1, 0]))
    texts = ["Anna", "met", "", "Met", "x" * 99]
    codes = RaggedArray(np.arange(5), np.array([0, 2, 2, 5]))
    expected = token_features(TokenTexts(codes, texts))
    assert found["features"].dtype == np.int64
    assert found["features"].shape == (3, 3, N_TOKEN_FEATURES)
    hashes = found["features"].view(np.uint64)
    assert hashes[0].tolist() == expected[2:].tolist()
    assert hashes[2, :2].tolist() == expected[:2].tolist()
    assert not hashes[1].any()
    assert not hashes[2, 2].any()


@pytest.mark.parametrize("kind", [list, np.array, sparse.csr_array])
def test_ids_of_a_tagger_are_read_without_gaps(kind):
    rows = ServedRows.of(kind([[4, 3, 0], [5, 0, 0]]), tagger())
    assert rows.inputs(np.arange(2))["ids"].tolist() == [[4, 3], [5, 0]]
    with pytest.raises(ValueError, match="row 1 contains 0 before its last id"):
        ServedRows.of(kind([[4, 3, 0], [0, 5, 0]]), tagger())


def test_lists_of_ids_of_a_tagger_may_differ_in_length():
    rows = ServedRows.of([[4, 3], [], [5]], tagger())
    assert rows.sequences.lengths.tolist() == [2, 0, 1]


def test_a_matrix_of_a_tagger_has_the_columns_of_fit():
    with pytest.raises(ValueError, match="X must have 3 columns"):
        ServedRows.of(np.array([[4, 3]]), tagger(n_columns=3))


def test_whole_floats_are_ids_of_a_tagger():
    for X in (
        [[4.0, 3.0], [5.0]],
        [[4.0, 3.0], [5.0, 0.0]],
        np.array([[4.0, 3], [5, 0]]),
    ):
        rows = ServedRows.of(X, tagger())
        assert rows.inputs(np.arange(2))["ids"].tolist() == [[4, 3], [5, 0]]
