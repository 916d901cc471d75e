import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.utils._joining import joined_rows
from sklearn_bilstm.utils._stored_ids import write_stored_ids

SERIES = pd.Series([0, 1])
TEXTS = ["good film", "bad film", "dull plot"]


def test_lists_and_arrays_are_joined_in_order():
    assert joined_rows([["a"], ["b", "c"]], "X") == ["a", "b", "c"]
    joined = joined_rows([np.zeros((1, 2)), np.ones((2, 2))], "X")
    assert joined.tolist() == [[0, 0], [1, 1], [1, 1]]


def test_sparse_rows_are_joined():
    X = sparse.random_array((5, 4), density=0.5, rng=0).tocsr()
    joined = joined_rows([X[:2], X[2:]], "X")
    assert np.array_equal(joined.toarray(), X.toarray())


def test_token_ids_keep_their_fingerprint():
    X = TextVectorizer().fit_transform(TEXTS)
    joined = joined_rows([X[:1], X[1:]], "X")
    assert np.array_equal(joined.toarray(), X.toarray())
    assert np.array_equal(joined.fingerprint, X.fingerprint)


def test_token_ids_in_files_are_joined_in_memory(tmp_path):
    X = TextVectorizer().fit_transform(TEXTS)
    stored = write_stored_ids(tmp_path / "ids", [X], X.shape[1])
    for parts in ([stored[:1], stored[1:]], [stored[:1], X[1:]]):
        joined = joined_rows(parts, "X")
        assert np.array_equal(joined.toarray(), X.toarray())
        assert np.array_equal(joined.fingerprint, X.fingerprint)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_and_frames_are_joined(library):
    frame = pytest.importorskip(library).DataFrame({"text": TEXTS})
    for whole in (frame, frame["text"]):
        joined = joined_rows([whole[:1], whole[1:]], "X")
        assert type(joined) is type(whole)
        assert np.array_equal(np.asarray(joined), np.asarray(whole))


def test_rows_of_frames_are_numbered_anew():
    part = pd.Series(["a", "b"])
    assert joined_rows([part, part], "y").index.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("nothing", [None, [], np.zeros((0, 2))])
def test_parts_without_rows_are_left_out(nothing):
    X = sparse.csr_array(np.eye(2))
    assert joined_rows([nothing, X], "X") is X


def test_only_missing_parts_are_none():
    assert joined_rows([None, None], "X_val") is None


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([np.zeros((1, 2)), np.zeros((1, 3))], r"y must have the same col.*\(1, 3\)"),
        ([["a"], np.array(["b"])], "y must be a list, .*same type.*list, ndarray"),
        ([np.array([0]), np.array(["0"])], "same type.*got ndarray of <U1, nd"),
        ([SERIES.to_frame(), SERIES], "same type.*pandas.DataFrame, pandas.Series"),
        ([range(2), range(2)], "y must be a list, an array.*got range"),
    ],
)
def test_parts_that_do_not_match_raise(parts, message):
    with pytest.raises(ValueError, match=message):
        joined_rows(parts, "y")


def test_columns_of_polars_with_other_types_raise():
    polars = pytest.importorskip("polars")
    with pytest.raises(ValueError, match="y must have the same columns in all"):
        joined_rows([polars.Series([0]), polars.Series(["0"])], "y")
