import pytest

from sklearn_bilstm.metrics import span_f1_score, span_precision_recall_fscore_support
from sklearn_bilstm.metrics._span_rows import read_span_rows

TRUE = [[(0, 4, "PER"), (9, 12, "LOC")], [], [(0, 3, "PER")]]
FOUND = [[{"start": 0, "end": 4, "label": "PER"}], [(1, 2, "LOC")], [(0, 2, "PER")]]


def test_spans_of_characters_are_scored_as_those_of_tokens():
    # one of three found spans is right, and one of three true ones is found
    assert span_f1_score(TRUE, FOUND) == pytest.approx(1 / 3)
    _, recall, _, support = span_precision_recall_fscore_support(
        TRUE, FOUND, zero_division=0.0
    )
    assert recall.tolist() == [0.0, 0.5]
    assert support.tolist() == [1, 2]


def test_tokens_without_a_label_are_ignored_in_both():
    true = [["B-X", None, "I-X", "O"], ["O", -100]]
    found = [["B-X", "O", "I-X", "O"], ["O", "B-X"]]
    ((first, predicted), (second, other)) = read_span_rows(true, found)
    assert first == predicted == [("X", 0, 3)]  # places among all tokens
    assert second == other == []


def test_invalid_spans_name_their_argument():
    with pytest.raises(ValueError, match="y_pred must hold spans.*row 0"):
        read_span_rows([[(0, 1, "A")]], [[(1, 0, "A")]])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        read_span_rows([[(0, 1, "A")]], [])
