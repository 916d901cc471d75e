import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle

from sklearn_bilstm.utils._stored_ids import open_stored_ids, write_stored_ids
from sklearn_bilstm.utils._token_ids import TokenIds


def matrix(n_rows=12, seed=0):
    random = np.random.RandomState(seed)
    lengths = random.randint(0, 6, n_rows)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    columns = np.arange(ends[-1]) - np.repeat(ends[:-1], lengths)
    ids = random.randint(2, 99, ends[-1]).astype(np.int32)
    X = TokenIds((ids, columns, ends), (n_rows, 6))
    X.fingerprint = np.arange(97, dtype=np.uint16)
    return X


@pytest.fixture
def X():
    return matrix()


@pytest.fixture
def stored(X, tmp_path):
    return write_stored_ids(tmp_path / "ids", [X[:5], X[5:5], X[5:]], X.shape[1])


def equal(stored, X):
    return np.array_equal(stored.tocsr().toarray(), X.toarray())


def test_rows_are_those_written(stored, X):
    assert stored.shape == X.shape
    assert equal(stored, X)
    assert stored.largest_id == X.data.max()
    assert stored.lengths.tolist() == np.diff(X.indptr).tolist()
    for found, row in zip(stored, X.toarray(), strict=True):
        assert found.tolist() == row[row > 0].tolist()


@pytest.mark.parametrize(
    "key",
    [
        slice(2, 9),
        slice(None, None, -2),
        [3, 3, 1],
        np.array([0, -1]),
        np.arange(12) % 2 == 0,
        [],
        (slice(1, 4), ...),
        ([2, 5], slice(None)),
    ],
    ids=str,
)
def test_rows_are_selected_as_by_scipy(stored, X, key):
    rows = key[0] if isinstance(key, tuple) else key
    rows = np.asarray(rows, np.intp) if isinstance(rows, list) else rows
    assert equal(stored[key], X[rows])
    assert equal(stored[1:][:9][[2, 0]], X[[3, 1]])


def test_selected_rows_share_the_memory(stored):
    assert stored[[1, 2]].ids is stored.ids
    assert isinstance(stored.ids.base, np.memmap)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((slice(None), 0), "only be indexed by rows"),
        (np.zeros((2, 2), int), "a slice or a 1-D array"),
        (12, "out of range"),
        ([12], "out of bounds"),
    ],
)
def test_other_keys_are_refused(stored, key, message):
    with pytest.raises(IndexError, match=message):
        stored[key]


def test_utilities_of_scikit_learn_select_rows(stored, X):
    rows = np.arange(12)
    train, test, rows_of_train, rows_of_test = train_test_split(stored, rows)
    assert equal(train, X[rows_of_train])
    assert equal(test, X[rows_of_test])
    assert equal(*shuffle(stored, X, random_state=0))


def test_a_pickle_contains_the_path(stored, X, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(open_stored_ids("ids")[[4, 2]])
    assert len(data) < 1000
    monkeypatch.chdir("/")
    assert equal(pickle.loads(data), X[[4, 2]])


def test_a_pickle_of_a_replaced_file_is_refused(stored):
    data = pickle.dumps(stored)
    write_stored_ids(stored.path, [matrix(seed=1)], 6)
    with pytest.raises(ValueError, match="replaced by another one"):
        pickle.loads(data)


def test_an_open_file_keeps_its_rows_when_it_is_replaced(stored, X):
    write_stored_ids(stored.path, [matrix(seed=1)], 6)
    assert equal(stored, X)


def test_any_changed_bit_is_detected(stored):
    data = bytearray(Path(stored.path).read_bytes())
    end_of_ids = 128 + 4 * len(stored.ids)
    is_padding = range(end_of_ids, -(-end_of_ids // 8) * 8)
    for place in set(range(len(data))) - set(is_padding):
        damaged = data.copy()
        damaged[place] ^= 1 << place % 8
        Path(stored.path).write_bytes(damaged)
        with pytest.raises(ValueError, match="is damaged|does not contain|version"):
            open_stored_ids(stored.path)


@pytest.mark.parametrize("n_bytes", [0, 4, 100, 130, -1])
def test_an_incomplete_file_is_refused(stored, n_bytes):
    data = Path(stored.path).read_bytes()
    Path(stored.path).write_bytes(data[:n_bytes])
    with pytest.raises(ValueError, match="is damaged|does not contain token ids"):
        open_stored_ids(stored.path)


def test_rows_without_ids_and_without_a_fingerprint_are_stored(tmp_path):
    X = TokenIds((3, 4), dtype=np.int32)
    stored = write_stored_ids(tmp_path / "ids", [X], 4)
    assert equal(open_stored_ids(stored.path), X)
    assert stored.fingerprint is None
