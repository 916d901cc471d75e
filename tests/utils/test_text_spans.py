import pytest

from sklearn_bilstm.utils._text_spans import (
    check_spans_of_texts,
    has_text_spans,
    read_text_spans,
)


@pytest.mark.parametrize(
    "row",
    [
        [(5, 8, "LOC"), (0, 4, "PER")],
        [
            {"start": 0, "end": 4, "label": "PER"},
            {"start": 5, "end": 8, "label": "LOC", "text": "abc", "score": 0.5},
        ],
        {"entities": [(0, 4, "PER"), (5, 8, "LOC")]},
        [{"start": 0, "end": 4, "entity_group": "PER", "word": "x"}, (5, 8, "LOC")],
    ],
)
def test_spans_of_other_libraries_are_read_in_order(row):
    assert read_text_spans(row, 0) == [(0, 4, "PER"), (5, 8, "LOC")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (None, "y must hold a list of spans.* row 3 is None"),
        ("PER", "row 3 is 'PER'"),
        ([(0, 4)], r"row 3 contains \(0, 4\)"),
        ([{"start": 0, "end": 4}], "row 3 contains {'start': 0"),
        ([(4, 4, "PER")], "0 <= start < end: row 3"),
        ([(-1, 4, "PER")], "0 <= start < end: row 3"),
        ([(0.0, 4.0, "PER")], "0 <= start < end: row 3"),
        ([(0, 4, "")], "non-empty string: row 3"),
        ([(0, 4, 7)], "non-empty string: row 3"),
        (["B-PER"], "row 3 contains 'B-PER'"),
    ],
)
def test_invalid_spans_raise(row, message):
    with pytest.raises(ValueError, match=message):
        read_text_spans(row, 3)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([(0, 9, "A")], r"row 1 contains \(0, 9, 'A'\), but its text has 8 char"),
        ([(0, 4, "A"), (3, 5, "B")], r"do not overlap: row 1 .*of 'Anna '"),
        ([(0, 4, "A"), (0, 4, "B")], "do not overlap: row 1"),
    ],
)
def test_spans_must_be_apart_and_within_their_text(row, message):
    spans = [[], read_text_spans(row, 1)]
    with pytest.raises(ValueError, match=message):
        check_spans_of_texts(spans, ["", "Anna Ray"])


def test_adjacent_spans_do_not_overlap():
    check_spans_of_texts([read_text_spans([(0, 2, "A"), (2, 4, "B")], 0)], ["Anna"])


def test_labels_are_not_spans():
    assert not has_text_spans([[], ["O"], [(0, 1, "A")]])
    assert not has_text_spans([])
    assert has_text_spans([[], [(0, 1, "A")]])
    assert has_text_spans([[], [{"start": 0}]])
