import itertools

import pytest

from sklearn_bilstm.metrics import (
    allowed_transitions,
    convert_to_scheme,
    find_scheme,
    find_spans,
)

KINDS = "xy"
SCHEMES = ["BIO", "BIOES", "BILOU", "BMES"]


def labels_of(scheme):
    places = scheme.replace("O", "")
    return ["O", *(f"{place}-{kind}" for place in places for kind in KINDS)]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_allowed_is_what_writing_its_spans_anew_leaves_alone(scheme):
    labels = labels_of(scheme)
    allowed = allowed_transitions(labels, scheme)
    for codes in itertools.product(range(len(labels)), repeat=3):
        row = [labels[code] for code in codes]
        path = [len(labels), *codes, len(labels)]
        found = all(allowed[pair] for pair in itertools.pairwise(path))
        assert found == (convert_to_scheme(row, scheme) == row), row


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("other", SCHEMES)
def test_spans_survive_being_written_anew(scheme, other):
    for row in itertools.product(labels_of(other), repeat=3):
        written = convert_to_scheme(row, scheme)
        assert find_spans(written) == find_spans(row), row
        assert set(written) <= set(labels_of(scheme))


def test_a_span_in_each_scheme():
    labels = ["B-x", "I-x", "E-x", "S-x"]
    assert convert_to_scheme(labels, "BIO") == ["B-x", "I-x", "I-x", "B-x"]
    assert convert_to_scheme(labels, "BILOU") == ["B-x", "I-x", "L-x", "U-x"]
    assert convert_to_scheme(labels, "BMES") == ["B-x", "M-x", "E-x", "S-x"]


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        ([["O", "B-PER", "I-PER"], ["I-LOC"], ["B-LOC"]], "BIO"),
        ([["O", "S-PER"]], "BIOES"),
        ([["I-PER", "I-PER", "B-PER"], ["I-LOC", "O"]], "IOB1"),
        ([["NOUN", "VERB"]], None),
        ([["O", "O"], []], "BIO"),
        ([[], []], None),
        ([[1, 2]], None),
        ([["B", "I", "O"]], "BIO"),
        ([["B", "M", "E"], ["S"]], "BMES"),
        ([["B-PER", "L-PER", "O"]], "BILOU"),
        ([["U-PER", "O"]], "BILOU"),
        ([["B-PER", "L-PER", "S-PER", "B-LOC", "L-LOC"]], "BILOU"),
        ([["B-PER", "I-PER", "B-LOC", "I-LOC", "S-LOC"]], "BIO"),
        ([["B", "E"], ["E", "E"]], None),  # such as buried and exposed
        ([["S", "M", "L"]], None),  # sizes
        ([["S", "M"], ["M", "M"]], None),
        ([["M", "O"]], None),
        ([["B-PER", "o"]], None),
    ],
)
def test_the_scheme_of_hand_made_labels(rows, scheme):
    assert find_scheme(rows) == scheme


def test_kinds_may_be_left_out():
    assert convert_to_scheme(["I", "I", "O", "B"], "BIO") == ["B", "I", "O", "B"]


@pytest.mark.parametrize("scheme", ["IOB1", "bio", None])
def test_only_schemes_that_decide_what_follows_are_written_in(scheme):
    with pytest.raises(ValueError, match=r"scheme must be one of \['BIO'.*Got"):
        convert_to_scheme(["O"], scheme)
    with pytest.raises(ValueError, match=r"scheme must be one of \['BIO'.*Got"):
        allowed_transitions(["O"], scheme)


def test_transitions_are_of_labels_of_spans():
    with pytest.raises(ValueError, match="Got 'NOUN'"):
        allowed_transitions(["B-x", "NOUN"], "BIO")
