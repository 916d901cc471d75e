import itertools

import pandas as pd
import pytest

from sklearn_bilstm.metrics import find_spans, span_errors

WORDS = "Anna Ray met Ben in New York".split()  # noqa: SIM905 - reads better


def errors_of(true, found, words=WORDS):
    return [
        (error.error, error.true_text, error.predicted_text)
        for error in span_errors([true.split()], [found.split()], [words])
    ]


@pytest.mark.parametrize(
    ("true", "found", "expected"),
    [
        ("B-P I-P O B-P O B-L I-L", "B-P I-P O B-P O B-L I-L", []),
        ("B-P I-P O O O O O", "O O O O O O O", [("missed", "Anna Ray", None)]),
        ("O O O O O O O", "O O B-P O O O O", [("spurious", None, "met")]),
        (
            "B-P I-P O O O O O",
            "B-P O O O O O O",
            [("wrong border", "Anna Ray", "Anna")],
        ),
        (
            "B-P I-P O O O O O",
            "B-L I-L O O O O O",
            [("wrong kind",) + ("Anna Ray",) * 2],
        ),
        ("B-P I-P O O O O O", "O B-L O O O O O", [("wrong kind", "Anna Ray", "Ray")]),
        (
            "B-P I-P O O O O O",
            "B-P B-P O O O O O",  # the first of two equal overlaps
            [("wrong border", "Anna Ray", "Anna"), ("spurious", None, "Ray")],
        ),
        (
            "O O O O O B-L I-L",
            "B-P O O O O B-P B-L",  # the same kind comes before another one
            [
                ("spurious", None, "Anna"),
                ("wrong border", "New York", "York"),
                ("spurious", None, "New"),
            ],
        ),
    ],
)
def test_errors_of_hand_made_labels(true, found, expected):
    assert errors_of(true, found) == expected


def test_every_wrong_span_occurs_once():
    labels = ["O", "B-x", "I-x", "B-y"]
    rows = list(itertools.product(labels, repeat=3))
    for true, found in itertools.product(rows, repeat=2):
        errors = span_errors([true], [found])
        a, b = set(find_spans(true)), set(find_spans(found))
        assert sorted(e.true for e in errors if e.true) == sorted(a - b)
        assert sorted(e.predicted for e in errors if e.predicted) == sorted(b - a)


def test_contexts_are_parts_of_the_sentence():
    words = [*"abcdefgh", "Anna", *"ijklmnop"]
    labels = [["O"] * 8 + ["B-P"] + ["O"] * 8]
    (error,) = span_errors(labels, [["O"] * 17], [words])
    assert error.context == "d e f g h Anna i j k l m"
    assert error.row == 0
    (without,) = span_errors(labels, [["O"] * 17])
    assert without.context is without.true_text is None


def test_spans_of_texts_have_contexts_too():
    text = f"{'a' * 50} Anna {'b' * 50}"
    (error,) = span_errors([[(51, 55, "P")]], [[]], [text])
    assert error.true_text == "Anna"
    assert error.context == f"{'a' * 39} Anna {'b' * 39}"


def test_errors_become_a_table():
    table = pd.DataFrame(span_errors([["B-x"], ["O"]], [["O"], ["B-x"]]))
    assert table["error"].tolist() == ["missed", "spurious"]
    assert table["row"].tolist() == [0, 1]


def test_x_must_have_a_row_for_each_sentence():
    with pytest.raises(ValueError, match="inconsistent numbers"):
        span_errors([["B-x"]], [["O"]], [])


def test_texts_are_those_of_the_spans_after_tokens_without_a_label():
    (error,) = span_errors([[None, "O", "B-P"]], [["O", "O", "O"]], [["a", "b", "c"]])
    assert error.true == ("P", 2, 3)
    assert error.true_text == "c"


def test_x_may_be_a_column_with_another_index():
    X = pd.Series([["a"], ["b"]], index=[5, 3])
    (error,) = span_errors([["B-x"], ["O"]], [["B-x"], ["B-x"]], X)
    assert error.predicted_text == "b"


def test_texts_without_spans_are_right():
    assert span_errors([[], []], [[], []], ["in Rome", ""]) == []


@pytest.mark.parametrize(
    ("true", "X", "message"),
    [
        (
            [["O"], ["O", "B-x"]],
            [["a"], "in Rome"],
            "list of tokens.*row 1 is the text",
        ),
        ([["O"], ["O", "B-x"]], [["a"], ["in"]], "row 1 has 1 tokens for 2 labels"),
        ([["O"], ["O"]], [["a"], ["in", "Rome"]], "row 1 has 2 tokens for 1 labels"),
        ([[], [(3, 7, "x")]], ["a", ["in", "Rome"]], r"hold texts.*row 1 is \['in"),
        ([[], [(3, 7, "x")]], ["a", "in"], "row 1 has 2 characters.*ends at 7"),
    ],
)
def test_x_must_hold_what_y_refers_to(true, X, message):
    found = [["O" for label in row if isinstance(label, str)] for row in true]
    with pytest.raises(ValueError, match=message):
        span_errors(true, found, X)
