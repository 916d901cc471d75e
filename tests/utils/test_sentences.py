from collections import UserList, deque

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sklearn_bilstm.utils._sentences import (
    as_sentences,
    check_label_rows,
    check_lengths,
    check_no_gaps,
    lists_of_token_ids,
)

ROWS = [["a", "b"], [], ["c"]]
IDS = [[4, 2], [], [3]]


def of_objects(rows):
    """Return lists of any lengths as a NumPy array of objects."""
    column = np.empty(len(rows), dtype=object)
    for number, row in enumerate(rows):
        column[number] = row
    return column


CONTAINERS = {
    "lists": list,
    "tuples": lambda rows: tuple(map(tuple, rows)),
    "object array": of_objects,
    "column": pd.Series,
    "column of arrays": lambda rows: pd.Series([np.array(r, object) for r in rows]),
    "arrays": lambda rows: [np.array(row) for row in rows],
    "columns": lambda rows: [pd.Series(row, dtype=object) for row in rows],
    "polars": pl.Series,
    "frame": lambda rows: pd.DataFrame({"tokens": rows}),
    "array of one column": lambda rows: of_objects(rows)[:, None],
}
any_container = pytest.mark.parametrize(
    "container", CONTAINERS.values(), ids=CONTAINERS
)


@any_container
def test_sentences_and_labels_in_any_container_are_read(container):
    assert as_sentences(container(ROWS), if_empty=False) == ROWS
    assert check_label_rows(container(ROWS), name="BiLSTMTagger") == ROWS


@pytest.mark.parametrize("name", ["lists", "tuples", "object array", "column"])
def test_lists_of_ids_become_arrays(name):
    found = lists_of_token_ids(CONTAINERS[name](IDS))
    assert [row.tolist() for row in found] == IDS
    assert all(row.dtype == np.int64 for row in found)


def test_a_2_d_string_array_holds_sentences_of_equal_length():
    X = np.array([["a", "b"], ["c", "d"]])
    assert as_sentences(X, if_empty=False) == X.tolist()


@pytest.mark.parametrize(
    "X",
    [
        IDS,
        np.ones((2, 3)),
        np.ones((2, 3, 1)),
        sparse.csr_array((2, 3)),
        [np.ones((2, 1)), np.ones((3, 1))],
        [[0.5], [0.5, 1.0]],
        pd.DataFrame({"a": [1.0], "b": [2.0]}),
    ],
    ids=str,
)
def test_numeric_input_is_not_read_as_sentences(X):
    assert as_sentences(X, if_empty=True) is None


def test_ids_beyond_64_bits_raise():
    with pytest.raises(ValueError, match=f"64 bits: got {2**70}"):
        lists_of_token_ids([[2, 2**70]])


@pytest.mark.parametrize(
    "X",
    [np.ones((2, 3), int), [[0.5], [1.0]], [np.ones((2, 1), int)], ["a"], 3, [[[1]]]],
    ids=str,
)
def test_other_input_is_not_read_as_lists_of_ids(X):
    assert lists_of_token_ids(X) is None


def test_if_empty_decides_how_empty_rows_are_read():
    assert as_sentences([[], ()], if_empty=True) == [[], []]
    assert as_sentences([[], ()], if_empty=False) is None


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("a b", "list of tokens for each sentence: got 'a b'"),
        (b"a b", "list of tokens for each sentence: got b'a b'"),
        (["a b", "c"], "row 0 is 'a b'. Split it, such as with str.split"),
        (pd.Series(["a b", "c"]), "row 0 is 'a b'. Split it"),
        ([["a"], "b c"], "row 1 is 'b c'. Split it"),
        ([["a"], None], "row 1 is None"),
        ([["a"], {"b"}], "row 1 is {'b'}"),
        ([["a"], ["b", 3]], "strings: row 1 holds 3 at token 1.*astype"),
        ([[np.nan, "a"]], "row 0 holds nan at token 0.*keep_default_na=False"),
        ([[b"a"]], "row 0 holds b'a'"),
        (None, "for each sentence: got None"),
        (3, "for each sentence: got 3"),
        ((row for row in ROWS), "for each sentence: got <generator"),
        (np.array(["a b", "c"]), "row 0 is .*'a b'.*. Split it"),
        ([np.str_("a b")], "row 0 is .*'a b'.*. Split it"),
        ([np.array("a b"), ["c"]], "row 0 is array"),
        ([["a"], ["b" * 50, ["c"]]], r"row 1 holds \['c'\]"),
        ([], "X must hold at least one row"),
    ],
)
def test_invalid_sentences_raise(X, message):
    with pytest.raises(ValueError, match=message):
        as_sentences(X, if_empty=False)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "BiLSTMTagger requires y to be passed"),
        ("OO", "one label per token: got 'OO'"),
        (3, "one label per token: got 3"),
        (["O", "O"], "row 0 is 'O'"),
        (np.array(["O", "O"]), "row 0 is .*'O'"),
        ([np.array("O")], "row 0 is array"),
        ([1, 2], "row 0 is 1"),
        (np.array([1, 2]), "row 0 is np.int64.1.|row 0 is 1"),
        ([["O"], None], "row 1 is None"),
        ([["O"], [None]], "strings or ints: row 1 holds None"),
        ([[0.5]], "strings or ints: row 0 holds 0.5"),
        ([[["O"]]], r"strings or ints: row 0 holds \['O'\]"),
        ([["O"], [1]], "labels of one type"),
        ({"a": ["O"]}, "y must be a list.*with keys .a."),
    ],
)
def test_invalid_label_rows_raise(y, message):
    with pytest.raises(ValueError, match=message):
        check_label_rows(y, name="BiLSTMTagger")


def test_check_lengths_raises_with_the_first_mismatched_row():
    check_lengths([2, 0, 1], ROWS, "y")
    with pytest.raises(ValueError, match="y_val.*row 2 has 1 labels for 3 tokens"):
        check_lengths([2, 0, 3], ROWS, "y_val")


@pytest.mark.parametrize("container", [deque, UserList, tuple, np.array])
def test_any_sequence_of_strings_is_a_sentence(container):
    assert as_sentences([container(["a", "b"])], if_empty=False) == [["a", "b"]]


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="needs NumPy 2")
def test_an_array_of_numpy_string_dtype_is_a_sentence():
    row = np.array(["a", "b"], dtype=np.dtypes.StringDType())
    assert as_sentences([row], if_empty=False) == [["a", "b"]]


def of_arrays(rows):
    return [np.array(row) for row in rows]


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array, of_arrays])
def test_padding_is_allowed_only_after_the_ids_of_a_row(kind):
    check_no_gaps(kind([[4, 2, 0], [0, 0, 0], [3, 1, 2]]))
    with pytest.raises(ValueError, match="row 1 contains 0 before its last id"):
        check_no_gaps(kind([[4, 2, 0], [0, 3, 0]]))
