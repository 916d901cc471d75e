import itertools

import pytest

from sklearn_bilstm.metrics import (
    allowed_transitions,
    find_scheme,
    find_spans,
    in_scheme,
)

KINDS = "xy"
BIO = ["O", *(f"{place}-{kind}" for place in "BI" for kind in KINDS)]
BIOES = ["O", *(f"{place}-{kind}" for place in "BIES" for kind in KINDS)]


@pytest.mark.parametrize(("scheme", "labels"), [("BIO", BIO), ("BIOES", BIOES)])
def test_what_is_allowed_is_what_writing_its_spans_anew_leaves_alone(scheme, labels):
    allowed = allowed_transitions(labels, scheme)
    for codes in itertools.product(range(len(labels)), repeat=3):
        row = [labels[code] for code in codes]
        path = [len(labels), *codes, len(labels)]
        found = all(allowed[pair] for pair in itertools.pairwise(path))
        assert found == (in_scheme(row, scheme) == row), row


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_spans_survive_being_written_anew(scheme):
    for row in itertools.product(BIOES, repeat=3):
        assert find_spans(in_scheme(row, scheme)) == find_spans(row), row


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        ([["O", "B-PER", "I-PER"], ["I-LOC"], ["B-LOC"]], "BIO"),
        ([["O", "S-PER"]], "BIOES"),
        ([["I-PER", "I-PER", "B-PER"], ["I-LOC", "O"]], "IOB1"),
        ([["NOUN", "VERB"]], None),
        ([["O", "O"], []], None),
        ([[1, 2]], None),
        ([["B", "I", "O"]], "BIO"),
    ],
)
def test_the_scheme_of_hand_made_labels(rows, scheme):
    assert find_scheme(rows) == scheme


def test_kinds_may_be_left_out():
    assert in_scheme(["I", "I", "O", "B"], "BIO") == ["B", "I", "O", "B"]
